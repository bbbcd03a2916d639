"""What a GPU's driver does wrong while it is recorded: the figure holds, or says why there is none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

import pytest
from standin import compiler, machine

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")

GPU = "device GPU-a\nwave constant 200000 200000 1000000000 0\n"
NO_COUNTER = "answer 83 0 3 0 3\nanswer 191 0 3 0 3\nrefuse energy 3\n"
WATTS = 200.0


def recorded(root, script, command="sleep 1", options=()):
    """The rows of the window by channel, its length in seconds, what was printed, and the exit status."""
    machine(root, GPU + script)
    words = [
        "run",
        "-v",
        "--root",
        root,
        "--source",
        "nvml",
        "--json",
        root / "run.json",
        *options,
        "--",
        "sh",
        "-c",
        command,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "microjoule", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
    )
    plain = json.loads((root / "run.json").read_text()) if (root / "run.json").exists() else {"windows": []}
    (window,) = plain["windows"] or [{"channels": [], "duration_s": 0.0}]
    rows = {row["channel"]: row for row in window["channels"]}
    return rows, window["duration_s"], " ".join(done.stderr.split()), done.returncode


def holds(row, truth_j):
    low, high = row["guaranteed_j"]
    return (
        row["status"] == "ok"
        and low <= truth_j <= (high or truth_j)
        and abs(row["energy_j"] - truth_j) <= row["U_j"]
    )


@pytest.mark.parametrize("stamps", ["huge", "none", "call"])
@pytest.mark.parametrize("script", ["", NO_COUNTER])
def test_stamps_that_mean_nothing_are_not_used(tmp_path, stamps, script):
    """``huge`` lies 292,000 years ahead."""
    rows, duration_s, _, status = recorded(tmp_path, f"{script}stamps {stamps}")
    figure = rows["gpu-0/energy" if not script else "gpu-0/power"]
    assert status == 0
    assert holds(figure, WATTS * duration_s)


def test_a_gpu_that_is_lost_and_comes_back_is_counted_over_the_gap(tmp_path):
    rows, duration_s, text, _ = recorded(
        tmp_path, "lost away", "sleep 0.6; touch away; sleep 0.4; rm away; sleep 0.6"
    )
    assert holds(rows["gpu-0/energy"], WATTS * duration_s)
    assert "gpu-0/energy" in text
    assert "reads failed" in text


LATE = "away 83 3 silent\naway 191 3 silent\nrefuse energy 3\n"


@pytest.mark.parametrize("options", [(), ("--by", "none")])
def test_a_field_that_appears_and_disappears_is_named_with_its_time(tmp_path, options):
    """Its channel is not in the trace, which was opened before: the report says so and what to do."""
    (tmp_path / "silent").touch()
    command = "sleep 0.6; rm silent; sleep 2.5; touch silent; sleep 2.5"
    rows, duration_s, text, status = recorded(tmp_path, LATE, command, options)
    assert status == 0
    assert "gpu-0/energy" not in rows
    assert holds(rows["gpu-0/power"], WATTS * duration_s), "what is recorded has its figure"
    said = re.search(
        r"gpu-0/energy began to answer too late \(record again\), "
        r"([\d.]+) to ([\d.]+) s after the first reading: readings are lost\.",
        text,
    )
    assert said, text
    assert 0.4 < float(said[1]) < float(said[2]) < duration_s
    assert text.count("began to answer") == 1


@pytest.mark.parametrize("options", [(), ("--by", "none")])
def test_a_gpu_of_which_no_figure_ever_answers_is_named(tmp_path, options):
    """Its memory's temperature is read; energy and power are not, and no table of none is shown."""
    script = f"{NO_COUNTER}answer 186 0 3 0 3\nanswer 185 0 3 0 3\nrefuse power 3\n"
    _, _, text, _ = recorded(tmp_path, script, options=options)
    assert "NVIDIA GPU not measured: gpu-0" in text
    assert "± 95 %" not in text
    assert "guaranteed" not in text


def test_a_window_that_outlives_a_field_has_the_energy_of_the_gauge_beside_it(tmp_path):
    rows, duration_s, text, _ = recorded(tmp_path, LATE, "sleep 1; touch silent; sleep 1")
    counter, truth_j = rows["gpu-0/energy"], WATTS * duration_s
    assert counter["energy_j"] == pytest.approx(truth_j, rel=0.1)
    assert counter["guaranteed_j"][0] <= truth_j <= counter["guaranteed_j"][1]
    assert "gpu-0/energy" in text
    assert "reads failed" in text
    assert "not supported (NVML_ERROR_NOT_SUPPORTED)" in text
    assert "does not have it" not in text, "it answered before"


def test_a_counter_that_stands_still_under_a_power_is_not_believed(tmp_path):
    """0 J, guaranteed to 1 mJ, while the GPU's own gauge shows 200 W."""
    rows, _, text, _ = recorded(tmp_path, "energy 1000000000000000 5000000")
    assert rows["gpu-0/energy"]["energy_j"] is None
    assert rows["gpu-0/energy"]["status"] == "failed"
    assert "gpu-0/energy never moved" in text


def test_a_load_in_step_with_a_part_time_gauge_is_shown_by_the_mean_beside_it(tmp_path):
    """Half of each 100 ms at 330 W: the last quarter shows 60 W all the time, and a mean of a second 195."""
    load = "wave square 60000 330000 100000000 0"
    rows, duration_s, text, _ = recorded(tmp_path, f"{NO_COUNTER}{load}", "sleep 4")
    assert rows["gpu-0/power"]["energy_j"] == pytest.approx(60 * duration_s, rel=0.02)
    low, high = rows["gpu-0/power"]["guaranteed_j"]
    assert low <= 195 * duration_s <= high
    assert re.search(
        r"gpu-0/power_average shows 19[4-6] W on average and gpu-0/power 60 W, further apart than both "
        r"uncertainties: gpu-0/power measures only a part of the time, or a unit is wrong. ",
        text,
    ), text


def test_gauges_that_agree_are_not_said_to_be_apart(tmp_path):
    rows, duration_s, text, _ = recorded(tmp_path, NO_COUNTER, "sleep 4")
    assert holds(rows["gpu-0/power"], WATTS * duration_s)
    assert "further apart" not in text


def test_a_gpu_that_is_reset_keeps_an_upper_bound_from_its_power_limit(tmp_path):
    """What was used between the readings around the reset is not known, and bounded."""
    at_ns = time.monotonic_ns() + 6_000_000_000  # a loaded machine records by then
    until_s = at_ns / 1e9 + 1
    wait = f"{sys.executable} -c 'import time; time.sleep(max(0, {until_s} - time.monotonic()))'"
    rows, duration_s, text, _ = recorded(tmp_path, f"energy 20000000 900000000\nreset {at_ns}", wait)
    figure, truth_j = rows["gpu-0/energy"], WATTS * duration_s
    assert (figure["status"], figure["energy_j"]) == ("reset", None)
    low, high = figure["guaranteed_j"]
    assert low <= truth_j <= high <= truth_j + 2000, "a reading or two at twice the limit of 700 W"
    assert re.search(
        r"gpu-0/energy started again once, [\d.]+ s after the first reading: its device", text
    ), text


@pytest.mark.parametrize(
    ("script", "sentence", "remedy"),
    [
        ("init 18", "the driver's kernel module and its library are of different versions", "Reboot"),
        ("init 9", "the NVIDIA driver is not loaded", "modprobe nvidia"),
        ("init 3", "NVML does not support this GPU", "nvidia-smi -q"),
    ],
)
def test_a_driver_that_does_not_start_is_said_with_its_remedy(tmp_path, script, sentence, remedy):
    rows, _, text, status = recorded(tmp_path, script)
    assert (rows, status) == ({}, 125)
    assert sentence in text
    assert remedy in text
