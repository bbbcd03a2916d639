"""``uj bench`` against llama.cpp: what a real server streams, counts and batches is understood."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from microjoule.cli import main

NEEDED = ("httpx", "xllamacpp", "gguf")
missing = [name for name in NEEDED if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}: pip install them")
SERVER = Path(__file__).parents[2] / "tiny_llama.py"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    words = [sys.executable, str(SERVER), str(tmp_path_factory.mktemp("llama"))]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    lines = iter(process.stdout.readline, "")
    yield next(line.split()[1] for line in lines if line.startswith("port "))
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_its_tokens_are_those_that_it_counts(url, tmp_path, capsys):
    log, document = tmp_path / "log.jsonl", tmp_path / "b.json"
    words = (
        "-c",
        "4",
        "--duration",
        "6s",
        "--idle",
        "1s",
        "--prompt-words",
        "10-60",
        "--output-tokens",
        "12",
    )
    more = ("--ignore-eos", "--source", "cpu_time", "--rate", "100", "--log", log, "--json", document)
    code = main(["bench", url, *words, *map(str, more)])
    out, err = capsys.readouterr()
    plain = json.loads(document.read_text())
    (level,) = plain["levels"]
    assert level["requests"]["failed"] == 0, level["notes"]
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(rows) == level["requests"]["answered"] > 4
    # Pieces of its stream are fewer than tokens: bytes that make no character yet are held back.
    assert all(row["gen_ai.usage.output_tokens"] == 12 for row in rows)
    assert all(row["gen_ai.usage.input_tokens"] > 10 for row in rows)
    assert all(row["start_ns"] <= row["prefill_ns"] <= row["first_token_ns"] <= row["end_ns"] for row in rows)
    starts, ends = [row["start_ns"] for row in rows], [row["end_ns"] for row in rows]
    under_way = [sum(s <= t < e for s, e in zip(starts, ends, strict=True)) for t in starts]
    assert max(under_way) > 1
    figures = level["figures"]  # a loaded machine may leave too few requests for a steady state
    assert code == (0 if figures else 1), err
    assert bool(figures) == (level["why_no_figures"] is None)
    assert ("ESTIMATED" in " ".join(out.split())) == bool(figures)
    assert all(figure["U"] is not None for figure in figures.values())
