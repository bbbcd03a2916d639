"""``uj probe --calibrate --against``: from a recording with a meter to the lines of later reports."""

import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from live_load import LoadedMachine
from power_meters import Played, served
from scripted import channel

import microjoule as uj
from microjoule.cli import main
from microjoule.cli.probe_against import as_text
from microjoule.sources.script import Entry, script_text, write_machine

GAIN, OFFSET_W = 1.3, 25.0
STEP_S, STEPS = 0.3, 60
LEVELS_W = (20, 70)


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A machine of two levels of power at random, and its power by the time since it began."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    root = tmp_path / "root"
    root.mkdir()
    chosen = random.Random(7).choices(LEVELS_W, k=STEPS)
    write_machine(root, [channel("package-0", "package.txt")])
    entries, mj = [], 0
    for ms in range(round(STEP_S * STEPS * 1000)):
        mj += chosen[int(ms / 1000 / STEP_S)]
        entries.append(Entry(t_ns=ms * 1_000_000, raw=mj))
    (root / "package.txt").write_text(script_text(entries))
    for name, text in {"hostname": "lab", "osrelease": "6.1"}.items():
        path = root / "proc/sys/kernel" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def watts(since_s):
        return chosen[min(max(int(since_s / STEP_S), 0), STEPS - 1)]

    return root, watts


def recorded(path, root, meter_w, for_s=9.0, update_s=0.02, **more):
    origin_s = [time.monotonic() + 1e6]
    with served(Played(watts=lambda t: meter_w(t - origin_s[0]), update_s=update_s)) as address:
        against = f"shelly://{address}?every=50ms&accuracy=0.5%25"
        with uj.record(
            path, meter=uj.Meter(rate=500, sources=["script"], root=root, against=against, **more)
        ):
            origin_s[0] = time.monotonic()  # a little after the script's: it is a part of the meter's lag
            time.sleep(for_s)


def test_a_calibration_is_kept_and_later_reports_say_what_the_counters_cover(host, tmp_path, capsys):
    root, watts = host
    trace = tmp_path / "wall.arrows"
    recorded(trace, root, lambda s: OFFSET_W + GAIN * watts(s))
    assert main(["probe", "--root", str(root), "--calibrate", "--against", str(trace)]) == 0
    said = capsys.readouterr().out
    assert all(len(line) <= 80 for line in said.splitlines()[:-1]), said
    for name in ("gain", "offset", "lag"):  # a figure and its ± end at one digit
        value, half = re.search(rf" {name} +([-\d.]+)[ Ws]* ± ([\d.]+)", said).groups()
        assert len(value.partition(".")[2]) == len(half.partition(".")[2]), said
    (kept,) = (tmp_path / "data/microjoule/reference").glob("*.json")
    (one,) = json.loads(kept.read_text())["found"]
    assert abs(one["gain"] - GAIN) <= one["U_gain"] < 0.1
    assert abs(one["offset_w"] - OFFSET_W) <= one["U_offset_w"] < 5
    later = tmp_path / "later.arrows"
    command = ["run", "--root", str(root), "--source", "script", "-o", str(later), "--", "sleep", "1"]
    ran = subprocess.run(
        [sys.executable, "-m", "microjoule", *command], capture_output=True, text=True, check=True
    )
    assert "counters cover" in ran.stdout + ran.stderr
    counted_j = uj.load(later).energy("run")["package-0"].value
    from microjoule.joules.summary import summary

    found = summary(uj.load(later))["whole"]["meter"]
    seconds = uj.load(later).windows[0].duration_ns / 1e9
    true_j = OFFSET_W * seconds + GAIN * counted_j
    assert abs(found["energy_j"] - true_j) <= found["U_j"] < 0.1 * true_j


def test_a_plug_that_is_read_eight_times_an_update_has_one_reading_for_each(host, tmp_path):
    """With each reading the line is drawn through values of which seven in eight are old."""
    root, watts = host
    trace = tmp_path / "held.arrows"
    recorded(trace, root, lambda s: OFFSET_W + GAIN * watts(s), for_s=15.0, update_s=0.4)
    from microjoule.joules.reference.beside_meter import against

    found = against(uj.load(trace))
    assert found.n <= 15 / 0.4
    assert abs(found.gain.value - GAIN) <= found.gain.U
    assert abs(found.offset_w.value - OFFSET_W) <= found.offset_w.U


def test_a_meter_around_one_device_corrects_it(host, tmp_path, capsys):
    root, watts = host
    trace = tmp_path / "card.arrows"
    recorded(trace, root, lambda s: 0.9 * watts(s))
    words = ["probe", "--root", str(root), "--calibrate", "--against", str(trace), "--of", "package-0"]
    assert main(words) == 0
    capsys.readouterr()
    from microjoule.cli import probe_against

    references = probe_against.stored(root, None)
    meter = uj.Meter(rate=500, sources=["script"], root=root, reference=references)
    with uj.record(meter=meter) as recorder:
        time.sleep(1)
    trace = recorder.trace
    known = trace.channels["package-0"]
    assert abs(float(known.scale.unit) / 0.9e-3 - 1) < 0.05
    assert "measured against" in known.trust.sensor.source
    again = tmp_path / "again.arrows"
    recorded(again, root, lambda s: 0.9 * watts(s), reference=references)
    assert main([*words[:5], str(again), *words[6:]]) == 0
    (one,) = probe_against.stored(root, None).found
    assert abs(one.gain - 0.9) < 0.05  # of what the sensor says, and not of what was corrected by 0.9


def test_a_meter_of_another_machine_and_one_of_a_part_are_refused(host, tmp_path, capsys):
    root, watts = host
    other = random.Random(3)
    levels = [other.choice((30, 90)) for _ in range(200)]
    trace = tmp_path / "other.arrows"
    recorded(trace, root, lambda s: levels[min(max(int(s / 0.23), 0), 199)], for_s=6.0)
    words = ["probe", "--root", str(root), "--calibrate", "--against"]
    assert main([*words, str(trace)]) == 2
    assert "does not follow the counters" in capsys.readouterr().err
    recorded(trace, root, lambda s: 0.4 * watts(s), for_s=6.0)
    assert main([*words, str(trace)]) == 2
    assert "less than the" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_options_that_mean_nothing_alone_are_refused(capsys):
    assert main(["probe", "--against", "shelly://plug"]) == 2
    assert main(["probe", "--calibrate", "--of", "gpu-0"]) == 2
    assert "Name the meter" in capsys.readouterr().err


def test_what_was_found_fits_80_columns_with_a_lag_of_many_digits():
    one = SimpleNamespace(
        of="", meter="shelly://127.0.0.1:42251", readings=159, temperature_c=None, gain=1.3, U_gain=0.008,
        offset_w=25.0, U_offset_w=0.15, lag_s=0.07878, U_lag_s=0.00092, window_s=0.2, residual_w=0.11,
        mean_w=52.5, U_mean_w=0.1, meter_accuracy=0.005,
    )  # fmt: skip
    lines = as_text(one)
    assert any("0.07878 s ± 0.00092 s" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_the_random_load_is_a_maximal_sequence():
    from itertools import islice

    from microjoule.learning.random_load import bits

    cycle = list(islice(bits(), 511))
    assert cycle == list(islice(bits(), 511, 1022))
    assert sum(cycle) == 256  # of 511: as balanced as it can be
    words = {tuple(cycle[(i + k) % 511] for k in range(9)) for i in range(511)}
    assert len(words) == 511


HAS_CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children").exists()
ON_ONE_CPU = """import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.skipif(not HAS_CHILDREN, reason="the kernel does not list a process's children")
def test_a_load_is_run_and_the_counters_are_held_against_a_plug_while_it_is(tmp_path):
    """All of the command: the load, the counter that follows it, a plug on the loopback, what is kept."""
    machine = LoadedMachine(tmp_path / "root")
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "COLUMNS": "80"}
    played = Played(watts=lambda t: OFFSET_W + GAIN * machine.watts(t), window_s=0.2, update_s=0.1)
    machine.start()
    with served(played) as address:
        words = ["probe", "--root", str(machine.root), "--calibrate", "--for", "16s"]
        words += ["--against", f"shelly://{address}?every=100ms&accuracy=0.5%25"]
        command = [sys.executable, "-c", ON_ONE_CPU, sys.executable, "-m", "microjoule", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        ran = subprocess.Popen(command, env=environment, **pipes)
        machine.follow(ran.pid)
        out, err = ran.communicate(timeout=120)
    machine.stop()
    assert ran.returncode == 0, err
    assert machine.changes >= 3
    (kept,) = (tmp_path / "data/microjoule/reference").glob("*.json")
    (one,) = json.loads(kept.read_text())["found"]
    assert abs(one["gain"] - GAIN) <= 1.5 * one["U_gain"]
    assert one["U_gain"] < 0.2
    assert abs(one["offset_w"] - OFFSET_W) <= 1.5 * one["U_offset_w"]
    assert "The counters cover" in out
    assert all(len(line) <= 80 for line in out.splitlines()[:-1]), out
