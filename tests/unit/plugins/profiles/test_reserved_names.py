"""Calls, windows and functions that are called like reports' own rows have rows of their own."""

import json

import numpy as np
import pytest
from gpu_trace import gpu
from ideal import MS, T0, rows, write

from microjoule.cli import main

CALL_NS = [T0 + 500 * MS + n * 150 * MS for n in range(20)]


@pytest.fixture
def trace(tmp_path):
    """A GPU of 100 W for four seconds, with a window called "(outside)" for one of them."""
    marks = [(T0 + 1000 * MS, "@begin", 0, "(outside)"), (T0 + 2000 * MS, "@end", 0, "")]
    return write(tmp_path / "t.arrows", rows([gpu(0, 100.0)], marks))


def attributed(capsys, *arguments):
    assert main(["attribute", *map(str, arguments), "--channel", "gpu-0/energy", "--json", "-"]) == 0
    plain = json.loads(capsys.readouterr().out)
    return {table["kind"]: [(row["names"][0], row["time_s"]) for row in table["rows"]] for table in
            plain["tables"]}  # fmt: skip


def test_calls_named_idle_and_windows_named_outside(capsys, tmp_path, trace):
    events = [
        {"ph": "X", "name": "(idle)", "ts": t / 1000, "dur": 50_000.0, "pid": 1, "tid": 1} for t in CALL_NS
    ]
    (tmp_path / "c.json").write_text(json.dumps({"traceEvents": events}))
    found = attributed(capsys, trace, tmp_path / "c.json")
    of_calls, of_windows = dict(found["call"]), dict(found["window"])
    assert set(of_calls) == {'"(idle)"', "(idle)"}
    assert of_calls['"(idle)"'] == pytest.approx(20 * 0.05, rel=0.1)
    assert set(of_windows) == {'"(outside)"', "(outside)"}
    assert of_windows['"(outside)"'] == pytest.approx(1.0, rel=0.05)


def test_a_program_named_idle(capsys, tmp_path, trace):
    """Its samples, without a stack, lie right below all that was measured, where reports have idle time."""
    seconds = np.arange(T0 + 500 * MS, T0 + 2500 * MS, 10 * MS) / 1e9
    lines = [f"(idle) 12/12   {t:.9f}:     cpu-clock: \n\n" for t in seconds]
    (tmp_path / "p.script").write_text("".join(lines))
    found = attributed(capsys, trace, tmp_path / "p.script")
    names = [name for name, _ in found["function"]]
    assert names.count('"(idle)"') == 1
    assert names.count("(idle)") <= 1
    assert dict(found["function"])['"(idle)"'] == pytest.approx(2.0, rel=0.05)
