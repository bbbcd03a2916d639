"""On machines that users have met `uj run` finds the power that is there, as uncertain as it is."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from machines.users import SUPPLIES, USERS, running

LATE = 0.1  # of the power: the counters are raised by a thread of a busy machine


def uj(*words):
    return subprocess.run(
        [sys.executable, "-m", "microjoule", *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("of", USERS, ids=lambda of: of.name)
def test_the_power_of_a_users_machine_is_found(tmp_path, of):
    with running(of, tmp_path / "root") as root:
        ran = uj("run", "-v", "--root", root, "--json", tmp_path / "run.json", "--", "sleep", "0.8")
        probed = uj("probe", "--root", root)
    assert (ran.returncode, probed.returncode) == (0, 0), ran.stderr + probed.stderr
    (window,) = json.loads((tmp_path / "run.json").read_text())["windows"]
    rows = {row["channel"]: row for row in window["channels"]} | {"": window["total"]}
    for name, watts in ({"": of.total_w} | of.channels_w).items():
        row, truth_j = rows[name], watts * window["duration_s"]
        assert row["status"] == "ok"
        assert row["provenance"] == "measured"
        assert row["energy_j"] == pytest.approx(truth_j, rel=LATE), name
        low, high = row["guaranteed_j"]
        assert low <= truth_j * (1 + LATE), name
        assert high is None or high >= truth_j * (1 - LATE), name
    assert window["total"]["U_j"] >= of.least_share * window["total"]["energy_j"]
    said = " ".join(f"{ran.stderr} {probed.stdout}".split())
    assert [words for words in of.says if words not in said] == []
    assert [words for words in of.says_not if words in said] == []


def test_measured_power_that_no_total_has_is_named_beside_an_estimate(tmp_path):
    """The total is the estimated CPU time: a reader must not take it for all that there is."""
    with running(SUPPLIES, tmp_path / "root") as root:
        ran = uj("run", "--root", root, "--json", tmp_path / "run.json", "--", "sleep", "0.5")
    (window,) = json.loads((tmp_path / "run.json").read_text())["windows"]
    assert window["total"]["provenance"] == "estimated"
    rows = {row["channel"]: row for row in window["channels"]}
    for name, watts in SUPPLIES.channels_w.items():
        assert rows[name]["energy_j"] == pytest.approx(watts * window["duration_s"], rel=LATE)
    said = " ".join(ran.stderr.split())
    assert f"in no total because it is not known what contains it: {', '.join(SUPPLIES.channels_w)}." in said


BATTERY = "sys/class/power_supply/BAT0/"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "estimated, not measured: CPU time of the command"),
        (("--source", "battery"), "no energy figure for"),
    ],
)
def test_a_batterys_power_is_in_no_total_and_the_report_says_whose_it_is(tmp_path, words, sentence):
    """The two reports had a reason that is true of other sensors, and no reason at all."""
    files = {"type": "Battery", "status": "Discharging", "power_now": 7_200_000}
    laptop = replace(SUPPLIES, files={BATTERY + name: text for name, text in files.items()})
    with running(laptop, tmp_path / "root") as root:
        ran = uj("run", "--root", root, *words, "--json", tmp_path / "run.json", "--", "sleep", "0.5")
    assert ran.returncode == 0, ran.stderr
    (window,) = json.loads((tmp_path / "run.json").read_text())["windows"]
    (row,) = (each for each in window["channels"] if each["channel"] == "battery-0/power")
    assert row["energy_j"] == pytest.approx(7.2 * window["duration_s"], rel=LATE)
    said = " ".join(ran.stderr.split())
    assert sentence in said
    assert "read: nothing" not in said
    assert (
        "in no total because the machine may be plugged in meanwhile: battery-0/power. `-v` shows its" in said
    )
    assert "the whole machine's while it runs on its battery alone" in said
    assert "not known what contains it" not in said
