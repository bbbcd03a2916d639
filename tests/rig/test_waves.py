"""The rig's table of coverage: every configuration is in it and holds, and its judge finds what is wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ideal import MS, T0, US, Ideal, rows, square, write
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parents[2]
RIG, TABLE = ROOT / "benchmarks" / "rig", ROOT / "benchmarks" / "results" / "rig_icount.md"
pytestmark = pytest.mark.skipif(not RIG.exists(), reason="no benchmarks beside these tests")
NAMED = {
    "10 % missed": "miss 0.1",
    "30 % missed": "miss 0.3",
    "jitter 300 µs": "jitter_us 300",
    "updates of 2 ms": "grid_us 1953.1",
    "updates of 8 ms": "grid_us 7993",
    "ripple 290 Hz": "sine=30,290,0",
    "ripple 970 Hz": "sine=30,970,0",
    "ripple 1100 Hz": "sine=20,1100,0",
    "wraps every 200 ms": "const=5120",  # 2^32 counts of 2^-22 J
    "ESU 22": "esu 22",
    "two sockets": "dom 1 pkg",
    "EPYC": "-m EPYC",
}
PARTS = {"pkg": "package-{}", "pp0": "package-{}/core", "pp1": "package-{}/uncore", "dram": "package-{}/dram"}


def said(code: str, *words: object) -> list[Any]:
    """What a program prints that imports the benchmark, whose modules have names that tests have too."""
    paths = os.pathsep.join(map(str, (RIG, ROOT / "tests")))
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys, waves\n{code}", *map(str, words)],
        env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def configurations() -> dict[str, str]:
    """By name what a guest is given: the waveform, and its processor."""
    each = "[name, wave.text() + ' '.join(wave.cpu)]"
    return dict(said(f"for name, wave in waves.WAVES.items():\n  print(json.dumps({each}))"))


@pytest.fixture(scope="module")
def kept() -> dict[str, list[str]]:
    """The cells of each row by its name."""
    lines = [line.split("|")[1:-1] for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    return {name.strip(): [cell.strip() for cell in cells] for name, *cells in lines[1:]}


@pytest.mark.parametrize("name", NAMED)
def test_the_guests_run_what_counters_may_do(configurations, name):
    assert re.search(rf"{re.escape(NAMED[name])}\b", configurations[name])


def counters(text: str) -> set[str]:
    """The channels of a waveform's counters; ``*`` is the only package there is."""
    found = re.findall(r"^dom (\S) (\w+)", text, re.MULTILINE)
    return {PARTS.get(part, part).format(0 if of == "*" else of) for of, part in found}


def test_the_kept_table_has_every_configuration_source_and_counter_and_all_hold(configurations, kept):
    ways = re.findall(r'^    "(.+)": \[', (RIG / "in_guest_waves.py").read_text(), re.MULTILINE)
    assert len(ways) == 5
    for name, text in configurations.items():
        for way in ways:
            for channel in counters(text):
                assert f"{name}, {channel}, {way}, 0.1 s" in kept
    for name, (n, share, *_, verdict) in kept.items():
        covered = round(int(n) * float(share.rstrip("%")) / 100)
        assert binomtest(covered, int(n)).proportion_ci(0.999).high >= 0.93, name
        assert verdict in ("", "wide"), name


JUDGED = """
from pathlib import Path
from types import SimpleNamespace
from ideal import square

wave = square(40.0, 70.0, 0.188)
for of in (1.0, 1.05):
    domain = SimpleNamespace(energy=lambda t: of * float(wave.energy(t)))
    truth = SimpleNamespace(load=lambda path: {(0, "pkg"): domain})
    found = list(waves.rows("a square", Path(sys.argv[1]), truth))
    print(json.dumps([[row.n, row.covered, row.outside, row.verdict] for row in found]))
"""


def test_a_recording_holds_its_own_truth_and_none_that_is_5_percent_off(tmp_path):
    one = Ideal(square(40.0, 70.0, 0.188), poll_ns=500 * US, n=6000, jitter=0.02)
    write(tmp_path / "a.arrows", rows([one]))
    pairs = [[0, T0, 0], [0, T0 + 1000 * MS, 1000 * MS]]
    left = {"a way": {"file": "a.arrows", "code": 0, "said": "", "pairs": pairs}}
    (tmp_path / "ways.json").write_text(json.dumps(left))
    right, wrong = said(JUDGED, tmp_path)
    assert [(n, outside, verdict) for n, _, outside, verdict in right] == [(2000, 0, "")] * 2
    assert all(covered > 1860 for _, covered, *_ in right)
    assert [(n, covered, outside, verdict) for n, covered, outside, verdict in wrong] == [
        (2000, 0, 2000, "OUTSIDE")
    ] * 2


VERDICTS = {(2000, 1, 1.0): "OUTSIDE", (1810, 0, 1.0): "FAILS", (1835, 0, 3.1): "wide", (1835, 0, 2.9): ""}


def test_a_row_fails_below_93_percent_and_is_wide_above_three_times_the_error():
    """By the 99.9 % binomial interval: of 1,835 in 2,000 it reaches 93 %, of 1,810 it does not."""
    every = [("a row", 2000, covered, 0.01, width, 2.0, out, 0) for covered, out, width in VERDICTS]
    judged = said(
        "for one in json.loads(sys.argv[1]):\n  print(json.dumps(waves.Row(*one).verdict))", json.dumps(every)
    )
    assert judged == list(VERDICTS.values())
