import json
import math
import os
import random
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from fractions import Fraction

import pytest
from scripted import DRAM_W, MS, PACKAGE_W, channel, machine, steady

import microjoule as uj
from microjoule.channel import Kind, Scale, Timing
from microjoule.errors import BadRequest, OnlyEstimated, TooCoarse, TooLong
from microjoule.recording.meter import Meter
from microjoule.sources.script import Entry, script_text, write_machine

UJ = [sys.executable, "-m", "microjoule"]
ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
TOTAL_W = PACKAGE_W + DRAM_W


def profile(*words):
    return subprocess.run(
        [*UJ, "profile", *map(str, words)], capture_output=True, text=True, timeout=120, env=ENVIRONMENT
    )


@pytest.fixture
def root(tmp_path):
    return machine(tmp_path / "root")


@pytest.fixture
def meter(root):
    return Meter(sources=("script",), root=root)


def holds(figure, truth):
    """Within the figure's interval, half as wide again: one test must not fail once in twenty runs."""
    return abs(figure["value"] - truth) <= 1.5 * figure["U"] + 1e-9


@pytest.mark.parametrize("words", [(), ("--mode", "edge"), ("--mode", "edge", "-r", "1")])
def test_a_counter_that_stands_still_is_called_that(tmp_path, words):
    """No read failed, and it was said that the readings are failed; of memory, that it used 0 J."""
    root, still = machine(tmp_path / "root"), script_text([Entry(raw=7)])
    (root / "dram.txt").write_text(still)
    asked = ("--source", "script", "--root", root, "--max-time", "4s", *words, "sum(range(99))")
    one = " ".join(profile(*asked).stdout.split())
    assert "measured: package-0 " in f"{one} "
    assert "package-0 + package-0/dram" not in one, "no total has it"
    assert "package-0/dram never moved: it is stuck, and its 0 J is no measurement" in one
    (root / "package.txt").write_text(still)
    done = profile(*asked)
    assert done.returncode == 3
    assert "None of package-0, package-0/dram changed while this ran" in done.stderr
    assert "--channel" in done.stderr


@pytest.mark.parametrize("mode", ["batch", "slope", "dither", "edge"])
def test_a_statement_of_known_power_in_every_mode(root, mode):
    done = profile(
        "--source", "script", "--root", root, "--mode", mode, "--max-time", "4s", "--json", "-",
        "-s", "import time", "time.sleep(0.002)",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["schema"], found["mode"], found["provenance"]) == ("microjoule.measure/1", mode, "measured")
    assert holds(found["power"], TOTAL_W)
    assert holds(found["idle"], TOTAL_W)
    assert found["active"]["value"] == pytest.approx(0, abs=0.2 * found["energy"]["value"])
    assert found["energy"]["value"] == pytest.approx(TOTAL_W * found["time"]["value"], rel=0.2)
    assert found["channels"] == ["package-0", "package-0/dram"]
    assert {row["name"] for row in found["energy"]["budget"]} >= {"edges"}
    assert found["achieved"] < 1


def test_one_channel_and_a_table_for_people(root):
    done = profile(
        "--source", "script", "--root", root, "--channel", "package-0", "-r", "4", "-n", "20000", "pass"
    )
    assert done.returncode == 0, done.stderr
    assert "total of package-0\n" in done.stdout
    assert "batch: 4 windows of 20000 calls" in done.stdout
    figure = r"(at most )?\S+ [mµn]?J( ± \S+ [mµn]?J)?"  # a limit where the windows are short
    assert max(map(len, done.stdout.splitlines())) <= 79
    last = " ".join(done.stdout.rpartition("\n\n")[2].split())
    assert re.match(rf".* uses {figure} a call \(.*W\); measured: package-0\b", last), last
    for word in ("energy", "active", "time", "power", "budget", "plan"):
        assert f"  {word} " in done.stdout


def test_code_that_can_run_only_once_runs_once(root, tmp_path):
    mark = tmp_path / "mark"
    done = profile(
        "--source", "script", "--root", root, "--mode", "edge", "-r", "1", "--json", "-",
        "-s", "import time", f"open({str(mark)!r}, 'x').close()", "time.sleep(0.01)",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["windows"] == 1
    assert holds(found["power"], TOTAL_W)
    low, high = found["energy"]["guaranteed"]
    assert low <= TOTAL_W * found["time"]["value"] <= high


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--rel", "0", "pass"], 2, "Ask for 0.01"),
        (["--rel", "101%", "pass"], 2, "not a share of an energy"),
        (["--mode", "x", "pass"], 2, "The modes are"),
        (["--max-time", "200ms", "-s", "import time", "time.sleep(0.3)"], 2, "Allow --max-time"),
        (["--channel", "gpu-7", "pass"], 3, "There are: 'package-0', 'package-0/dram'"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(root, words, code, sentence):
    done = profile("--source", "script", "--root", root, *words)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("uj: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_statement_that_fails_shows_its_own_error(root):
    done = profile("--source", "script", "--root", root, "1/0")
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1].startswith("ZeroDivisionError")


def test_a_statement_that_does_not_parse_is_one_line(root):
    done = profile("--source", "script", "--root", root, "x = (")
    assert (done.returncode, done.stderr) == (1, "uj profile: '(' was never closed: x = (\n")


def test_only_a_model_is_refused():
    done = profile("--source", "cpu_time", "--channel", "cpu_time/system", "pass")
    assert done.returncode == 3
    assert "uj compare" in done.stderr
    with pytest.raises(OnlyEstimated):
        uj.measure(lambda: None, meter=Meter(sources=("cpu_time",), channel="cpu_time/system"))


def test_a_counter_in_steps_of_a_joule_is_refused_for_little(tmp_path):
    psys = channel("psys", "psys.txt")
    psys = replace(psys, scale=replace(psys.scale, unit=Fraction(1)))
    write_machine(tmp_path, [psys])
    (tmp_path / "psys.txt").write_text(steady(0, 3))
    with pytest.raises(TooCoarse, match=r"steps of 1 J.*channel="):
        uj.measure(lambda: None, max_time_s=2, meter=Meter(sources=("script",), root=tmp_path))


def test_a_gauge_that_looks_a_quarter_of_the_time_is_shown_all_phases(tmp_path):
    """A steady 100 W that such a sensor shows with some noise of its own: windows in strata of its period."""
    gauge = replace(
        channel(
            "gpu-0/power", "gpu.txt", timing=Timing(update_ns=4 * MS, update_max_ns=8 * MS, window_ns=MS)
        ),
        kind=Kind.GAUGE,
        scale=Scale(quantity="W", unit=Fraction(1, 1000), unit_source="interface"),
    )
    write_machine(tmp_path, [gauge])
    chance = random.Random(5)  # for a minute: what comes round again would come round to windows alike
    noise = [Entry(raw=100_000 + round(chance.gauss(0, 300)), t_ns=4 * MS * i) for i in range(15_000)]
    (tmp_path / "gpu.txt").write_text(script_text(noise))
    meter = Meter(sources=("script",), root=tmp_path)
    found = uj.measure(lambda: time.sleep(0.001), rel=0.05, max_time_s=20, repeat=8, number=20, meter=meter)
    assert found.plan.is_stratified
    assert len({int(offset / 0.0005) for offset in found.plan.offsets_s}) == 8  # one in each eighth of 4 ms
    # u of eight windows scatters, and one interval is missed now and then: both are held to the noise.
    assert found.power.value == pytest.approx(100.0, abs=6 * 0.3 / math.sqrt(8))
    assert 0 < found.power.u < 0.3
    assert {c.name for c in found.power.components} >= {"repeatability"}
    assert not {"edges", "aliasing"} & {c.name for c in found.power.components}


def test_a_function_s_error_comes_after_the_counters_are_closed(meter):
    calls = []

    def fails():
        calls.append(0)
        if len(calls) == 5:
            raise KeyError("mine")
        time.sleep(0.001)

    with pytest.raises(KeyError, match="mine"):
        uj.measure(fails, max_time_s=3, meter=meter)
    assert not [thread for thread in threading.enumerate() if thread.name == "uj-drain"]


def test_the_library_refuses_as_the_command_does(meter):
    with pytest.raises(BadRequest):
        uj.measure(lambda: None, rel=2)
    with pytest.raises(TooLong):
        uj.measure(lambda: time.sleep(0.05), max_time_s=0.04, meter=meter)
    found = uj.measure(lambda: time.sleep(0.002), rel=0.05, max_time_s=3, meter=meter)
    assert found.power.value == pytest.approx(TOTAL_W, rel=0.1)
    assert "a call" in str(found)
    names = {component.name for component in found.active.components}
    assert "baseline" in names
