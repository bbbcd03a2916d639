"""What recording and reporting must not import: pandas, and pyarrow's functions for whole tables.

pyarrow imports pandas by itself, wherever it is installed, to recognise pandas' types. A package of that name
that leaves a file behind stands for it, so that the tests hold where pandas is installed and where it is not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scripted import machine

from microjoule import arrays

RUN = 'code = main(["run", *counters, "--", "true"])'
KEPT = 'code = main(["run", *counters, "-o", "kept.arrows", "--", "true"])'
REPORT = KEPT + '; code += main(["report", "kept.arrows"])'
RECORD = """
import microjoule as uj
meter = uj.Meter(sources=["script"], root=counters[1])
with uj.record("recorded.arrows", meter) as recorder, uj.window("step"):
    pass
code = 0
"""
THIN = RECORD.replace('"recorded.arrows"', "None") + "assert recorder.trace.energy('step').total.is_ok\n"
PROGRAMS = {"uj run": RUN, "uj run -o": KEPT, "uj report": REPORT, "uj.record": RECORD, "thinned": THIN}
FRAME = """
import sys
from microjoule.cli import main
counters = ["--root", sys.argv[1], "--source", "script"]
{program}
print(code, "pyarrow.compute" in sys.modules, file=open("said.txt", "w"))
"""


def run(tmp_path: Path, program: str) -> tuple[str, bool]:
    """What the program says, and whether anything asked for pandas."""
    stand_in = tmp_path / "pandas"
    stand_in.mkdir()
    stand_in.joinpath("__init__.py").write_text('open("asked", "w").close()\nraise ImportError("not here")\n')
    counters = tmp_path / "machine"
    counters.mkdir()
    command = [sys.executable, "-c", FRAME.format(program=program), str(machine(counters))]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run(command, check=True, cwd=tmp_path, env=environment, capture_output=True)
    return (tmp_path / "said.txt").read_text().strip(), (tmp_path / "asked").exists()


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_neither_recording_nor_reporting_imports_pandas_or_compute(tmp_path: Path, program: str) -> None:
    """Both cost more than the recorder does, and would be paid inside the measured program."""
    assert run(tmp_path, program) == ("0 False", False)


def test_the_command_line_is_parsed_without_numpy_and_arrow() -> None:
    """`uj run` blocks signals before numpy starts threads, and a build writes the manual without it."""
    program = """if True:
        import sys
        sys.modules.update(numpy=None, pyarrow=None)
        from microjoule.cli import COMMANDS, parser
        assert len(parser().format_help()) > len(COMMANDS)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_stand_in_notices_what_pyarrow_asks_for(tmp_path: Path) -> None:
    """The test above can fail."""
    asks = "import pyarrow, pyarrow.compute; pyarrow.array([1]); code = 0"
    assert run(tmp_path, asks) == ("0 True", True)


@pytest.mark.parametrize("dtype", ["int64", "uint64", "uint32", "uint16", "float64"])
@pytest.mark.parametrize("missing", [None, [False, True, False, False, True]])
def test_numbers_go_to_arrow_and_back(dtype: str, missing: list[bool] | None) -> None:
    """As pyarrow's own conversions do it, slices and chunks included."""
    values = np.array([1, 2, 3, 4, 250], dtype)
    mask = None if missing is None else np.array(missing)
    made = arrays.array(values, mask)
    assert made.equals(pa.array(values, mask=mask))
    made.validate(full=True)
    for column in (made, made.slice(1, 3), pa.chunked_array([made.slice(2), made, made.slice(5)])):
        expected = [7 if value is None else value for value in column.to_pylist()]
        assert arrays.numbers(column, 7).tolist() == expected
        assert arrays.is_valid(column).tolist() == [value is not None for value in column.to_pylist()]


@pytest.mark.parametrize("of", [pa.utf8(), pa.large_utf8()])
def test_texts_go_to_arrow_and_back(of: pa.DataType) -> None:
    """Empty, missing and non-ASCII ones."""
    words = ["", None, "é", "epoch\t{}", None, "日本"]
    assert arrays.text(words).equals(pa.array(words, pa.utf8()))
    column = pa.chunked_array([pa.array(words, of), pa.nulls(3, of), pa.array(words, of).slice(2)])
    rows = np.array([0, 1, 2, 5, 7, 9, 12], np.int64)
    assert arrays.texts(column, rows) == [column[row].as_py() for row in rows.tolist()]


def test_filtered_batches_are_those_of_pyarrow() -> None:
    """Numbers, words and text, with nulls, of a slice."""
    words = pa.array(["a", "b", "a", "c"]).dictionary_encode()
    words = pa.DictionaryArray.from_arrays(words.indices.cast(pa.uint16()), words.dictionary)
    columns = {
        "n": pa.array([1, None, 3, 4], pa.uint64()),
        "of": words,
        "label": pa.array([None, "x", "", "y"]),
    }
    batch = pa.RecordBatch.from_pydict(columns).slice(1)
    keep = np.array([True, False, True])
    kept = arrays.filtered(batch, keep)
    kept.validate(full=True)
    assert kept.to_pylist() == batch.filter(pa.array(keep)).to_pylist()


FIRST_BLOCKED = """
import signal
block = signal.pthread_sigmask
def noted(how, mask):
    if {"numpy", "pyarrow"} & sys.modules.keys() and signal.pthread_sigmask is noted:
        sys.exit("loaded before")
    signal.pthread_sigmask = block
    return block(how, mask)
signal.pthread_sigmask = noted
"""


def test_uj_run_blocks_signals_before_numpy_starts_threads(tmp_path: Path) -> None:
    """A thread that does not block them takes the command's end, and nobody hears of it: the run hung."""
    assert run(tmp_path, FIRST_BLOCKED + RUN)[0].startswith("0 ")
