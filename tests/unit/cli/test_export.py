"""``uj export``: files for other tools."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ideal import MS, T0, Ideal, rows, square, write
from trace_events import checked, counters

from microjoule.cli import main
from microjoule.joules.energy_trace import load

MARKS = [(T0 + 20 * MS, "@begin", 1, "step"), (T0 + 60 * MS, "@end", 1, "")]


@pytest.fixture
def trace(tmp_path):
    return write(tmp_path / "t.arrows", rows([Ideal(square(20, 100, 0.02), n=200)], MARKS))


def test_a_trace_for_perfetto_is_written_plain_or_packed_and_the_same(capsys, tmp_path, trace):
    plain, packed = tmp_path / "t.json", tmp_path / "t.json.gz"
    assert main(["export", str(trace), "--perfetto", str(plain)]) == 0
    assert main(["export", str(trace), "--perfetto", str(packed)]) == 0
    assert capsys.readouterr() == ("", "")
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    events = checked(plain.read_text())
    assert len(counters(events)["package-0"]) > 190
    assert [event["name"] for event in events["X"] if event["cat"] == "window"] == ["step"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.arrows", "t.json", "t.json.gz"]


def test_data_tools_get_parquet_wide_and_csv_files_and_nothing_is_left_beside_them(tmp_path, trace):
    files = [tmp_path / name for name in ("all.parquet", "ticks.parquet", "all.csv.gz")]
    options = [
        word for pair in zip(("--parquet", "--wide", "--csv"), map(str, files), strict=True) for word in pair
    ]
    assert main(["export", str(trace), *options]) == 0
    assert load(files[0]).energy("step")["package-0"] == load(trace).energy("step")["package-0"]
    assert pq.read_table(files[1]).column_names == ["t_ns", "package-0"]
    assert len(gzip.decompress(files[2].read_bytes()).splitlines()) == load(trace).table.num_rows + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["t.arrows", *(f.name for f in files)])


@pytest.mark.parametrize(
    "name", ["../up", "/tmp/absolute", "a/b", "..", "CON", "=1+1", "new\nline", "x" * 300]
)
def test_no_name_inside_a_trace_becomes_the_name_of_a_file(tmp_path, name):
    """Windows and channels are named by programs: only the files that were asked for are made."""
    folder = tmp_path / "inner"
    folder.mkdir()
    marks = [(T0 + 20 * MS, "@begin", 1, name), (T0 + 60 * MS, "@end", 1, "")]
    channel = name.replace("\n", " ").lstrip("./=")[:60] or "dots"
    path = write(folder / "t.arrows", rows([Ideal(square(20, 100, 0.02), n=200, id=f"../{channel}")], marks))
    asked = {"--perfetto": "p.json", "--parquet": "a.parquet", "--wide": "w.parquet", "--csv": "c.csv"}
    words = [word for option, file in asked.items() for word in (option, str(folder / file))]
    assert main(["export", str(path), *words]) == 0
    html = ["--html", str(folder / "r.html"), "--json", str(folder / "r.json")]
    assert main(["report", str(path), *html]) == 0
    made = {"t.arrows", "r.html", "r.json", *asked.values()}
    assert {each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*")} == {
        "inner",
        *(f"inner/{each}" for each in made),
    }


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ([], 2, "No output format is given"),
        (["--perfetto", "t.arrows"], 2, "is an input"),
        (["--perfetto", "no/such.json"], 1, "Cannot write"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(
    capsys, tmp_path, trace, monkeypatch, arguments, code, sentence
):
    monkeypatch.chdir(tmp_path)
    before = trace.read_bytes()
    assert main(["export", "t.arrows", *arguments]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert sentence in err
    assert trace.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["t.arrows"]


def test_standard_output_takes_one_format_under_each_of_its_names(capfdbinary, tmp_path, trace):
    plain = tmp_path / "a.csv"
    assert main(["export", str(trace), "--csv", str(plain)]) == 0
    for name in ("-", "/dev/stdout", "/dev/fd/1"):
        assert main(["export", str(trace), "--csv", name]) == 0
        out, err = capfdbinary.readouterr()
        assert (out, err) == (plain.read_bytes(), b"")
    assert main(["export", str(trace), "--parquet", "-"]) == 0
    packed = tmp_path / "a.parquet"
    packed.write_bytes(capfdbinary.readouterr().out)
    assert load(packed).energy("step")["package-0"] == load(trace).energy("step")["package-0"]


def test_what_standard_output_was_appended_to_is_kept(tmp_path, trace):
    """/dev/stdout then leads to a regular file, which a whole new file would take the place of."""
    log = tmp_path / "log"
    log.write_text("before\n")
    line = [sys.executable, "-c", "from microjoule.cli import main; raise SystemExit(main())", "export"]
    with log.open("ab") as sink:
        subprocess.run([*line, str(trace), "--csv", "/dev/stdout"], stdout=sink, check=True)
    assert log.read_text().startswith('before\n"t_ns"')


def test_a_named_pipe_and_a_device_are_written_and_stay(tmp_path, trace):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    assert main(["export", str(trace), "--csv", str(pipe), "--perfetto", "/dev/null"]) == 0
    with reading:
        assert reading.communicate()[0].startswith(b'"t_ns"')
    assert pipe.is_fifo()
    assert Path("/dev/null").is_char_device()


def test_two_formats_are_not_mixed_on_standard_output(capsys, trace):
    assert main(["export", str(trace), "--csv", "-", "--perfetto", "/dev/stdout"]) == 2
    assert "--csv and --perfetto would be mixed" in capsys.readouterr().err


def test_a_reader_of_the_pipe_that_goes_away_ends_it_in_silence(trace):
    script = f'"{sys.executable}" -c "from microjoule.cli import main; raise SystemExit(main())" '
    script += f'export "{trace}" --perfetto - | head -c 10'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert (len(done.stdout), done.stderr) == (10, "")
