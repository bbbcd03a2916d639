import json
import os
import re
import subprocess
import sys

import pytest
from scripted import DRAM_W, PACKAGE_W, machine

import microjoule as uj
from microjoule.measuring.compare import Turns
from microjoule.recording.meter import Meter
from microjoule.sources.script import Entry, script_text

UJ = [sys.executable, "-m", "microjoule"]
ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def command(*words):
    return subprocess.run(
        [*UJ, *map(str, words)], capture_output=True, text=True, timeout=120, env=ENVIRONMENT
    )


@pytest.fixture
def root(tmp_path):
    return machine(tmp_path / "root")


def holds(figure, truth):
    """Within the figure's interval, half as wide again: one test must not fail once in twenty runs."""
    return abs(figure["value"] - truth) <= 1.5 * figure["U"] + 1e-9


def test_two_commands_of_one_power_and_times_of_two_to_one(root, tmp_path):
    out, table = tmp_path / "c.json", tmp_path / "c.md"
    sampling = ["--source", "script", "--root", root]
    done = command(
        "compare", *sampling, "-r", "8", "-w", "1", "--json", out, "--markdown", table,
        "-n", "short", "-n", "long", "sleep 0.1", "sleep 0.2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["schema"] == "microjoule.compare/1"
    short, long = found["sides"]
    assert (short["name"], short["n"], long["n"]) == ("short", 8, 8)
    (ratio,) = found["ratios"]
    # The machine's power is constant, so that energies are to each other as times are, however late it was.
    assert holds(ratio["energy"], long["time"]["value"] / short["time"]["value"])
    assert ratio["energy"]["value"] == pytest.approx(2.0, rel=0.25)
    assert ratio["differs"]
    by_how_much = r"long uses [\d.]+ (%|) ?± [\d.]+ (%|) ?(times the energy of|more energy than) short"
    assert re.fullmatch(by_how_much, ratio["verdict"])
    assert done.stdout.splitlines()[-1] == ratio["verdict"]
    for side in (short, long):
        assert holds(side["power"], PACKAGE_W + DRAM_W)
        low, high = side["energy"]["guaranteed"]
        assert low <= (PACKAGE_W + DRAM_W) * side["time"]["value"] <= high
        lie = side["scatter"]
        assert lie["n"] == 8
        assert lie["median"] == pytest.approx(side["energy"]["value"], rel=0.25)
        assert lie["interval"] is None  # of eight runs
        assert f"median of {side['name']}: " in done.stdout
    assert ratio["interval"] is None
    assert found["channels"] == ["package-0", "package-0/dram"]
    assert ratio["verdict"] in done.stdout
    assert table.read_text().startswith("| thing | energy |")
    assert "| short |" in table.read_text()


def test_a_counter_that_stands_still_is_in_no_total(root):
    """The JSON named it among what the energies add up, and nothing said that its memory was not measured."""
    (root / "dram.txt").write_text(script_text([Entry(raw=7)]))
    sampling = ["--source", "script", "--root", root]
    done = command("compare", *sampling, "-r", "4", "--json", "-", "sleep 0.1", "sleep 0.2")
    found = json.loads(done.stdout)
    assert found["channels"] == ["package-0"]
    assert any("package-0/dram never moved" in note for note in found["notes"])
    assert holds(found["sides"][0]["power"], PACKAGE_W)


def test_five_runs_are_five_or_the_comparison_says_why(root):
    """Case: -r 5 ran six without a word."""
    words = (
        "compare",
        "--source",
        "script",
        "--root",
        root,
        "-w",
        "0",
        "-r",
        "5",
        "sleep 0.01",
        "sleep 0.02",
    )
    turns = " ".join(command(*words).stdout.split())
    assert (
        "6 runs of each, not 5: a block of order abba runs each twice; order random runs exactly 5" in turns
    )
    at_random = command(*words, "--order", "random", "--json", "-")
    found = json.loads(at_random.stdout)
    assert [side["n"] for side in found["sides"]] == [5, 5]
    assert not any("runs of each" in note for note in found["notes"])


def test_one_and_the_same_command_shows_no_difference_or_says_how_small(root):
    done = command(
        "compare", "--source", "script", "--root", root, "-r", "6", "--order", "random",
        "sleep 0.05", "sleep 0.05", "--json", "-",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (ratio,) = json.loads(done.stdout)["ratios"]
    assert ratio["differs"] == (abs(ratio["energy"]["value"] - 1) > ratio["energy"]["U"])


def test_from_twenty_blocks_on_the_ratio_has_an_interval_by_the_bootstrap_too(root):
    done = command(
        "compare",
        "--source",
        "script",
        "--root",
        root,
        "-r",
        "40",
        "--json",
        "-",
        "sleep 0.005",
        "sleep 0.005",
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    low, high = found["ratios"][0]["interval"]
    assert low < found["ratios"][0]["energy"]["value"] < high
    assert all(side["scatter"]["interval"] for side in found["sides"])


def test_without_a_counter_every_line_is_estimated_and_it_says_what_it_compares():
    done = command(
        "compare", "--source", "cpu_time", "-r", "2", "true", "true", "--channel", "cpu_time/system"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.rstrip().endswith("estimated") for line in lines[1:3]] == [True, True]
    assert "compare CPU time, through one power model" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["true"], 2, "Give two or more"),
        (["true", "exit 3"], 1, "ended with exit code 3"),
        (["true", "no-such-command-here"], 1, "exit code 127"),
        (["--order", "x", "true", "true"], 2, "The orders are abba, random"),
        (["-n", "one", "true", "true"], 2, "Give one --name for each"),
        (["--channel", "gpu-7", "true", "true"], 3, "There are: 'package-0', 'package-0/dram'"),
        (["--max-time", "100ms", "sleep 0.3", "true"], 2, "Allow --max-time"),
        (["a.arrows", "true"], 2, "Traces and commands"),
        (["a.arrows", "b.arrows"], 1, "a.arrows"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(root, words, code, sentence):
    done = command("compare", "--source", "script", "--root", root, *words)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("uj: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_functions_and_traces(root, tmp_path):
    import time

    meter = Meter(sources=("script",), root=root)
    turns = Turns(runs=4)
    found = uj.compare(
        [lambda: time.sleep(0.02), lambda: time.sleep(0.04)], names=["a", "b"], turns=turns, meter=meter
    )
    ratio = found.ratios[0]
    truth = found.sides[1].time.value / found.sides[0].time.value
    assert abs(ratio.energy.value - truth) <= 1.5 * ratio.energy.U
    paths = [tmp_path / "a.arrows", tmp_path / "b.arrows"]
    for path, duration_s in zip(paths, (0.03, 0.06), strict=True):
        with uj.record(path, uj.Meter(sources=["script"], root=root)):
            for _ in range(4):
                with uj.window("step"):
                    time.sleep(duration_s)
    traces = uj.compare(paths, window="step")
    assert [side.n for side in traces.sides] == [4, 4]
    assert traces.ratios[0].energy.value == pytest.approx(2.0, rel=0.5)
    assert traces.order == "as recorded"
    done = command("compare", *paths, "--window", "step")
    assert done.returncode == 0, done.stderr
    assert "were not recorded in turns" in done.stdout


def test_an_error_of_a_function_is_its_own_and_the_counters_are_closed(root):
    meter = Meter(sources=("script",), root=root)
    calls = []

    def fails():
        calls.append(0)
        if len(calls) > 3:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        uj.compare([fails, fails], turns=Turns(runs=4), meter=meter)
    assert uj.compare([lambda: None, lambda: None], turns=Turns(runs=2), meter=meter).blocks == 1


def test_different_code_widens_the_ratio_and_same_code_does_not(tmp_path):
    """On a counter that errs by 8 % with the code, a tenth more is nothing to see between two programs."""
    from dataclasses import replace

    from scripted import channel, steady

    from microjoule.channel import SensorError
    from microjoule.sources.script import write_machine

    row = channel("package-0", "package.txt")
    sensor = SensorError(gain=0.06, code=0.08, form="normal")
    write_machine(tmp_path, [replace(row, trust=replace(row.trust, sensor=sensor))])
    (tmp_path / "package.txt").write_text(steady(PACKAGE_W, 7))
    words = ("compare", "--source", "script", "--root", tmp_path, "-r", "2", "-w", "0", "--json", "-")
    apart, same = (
        json.loads(command(*words, *more, "sleep 0.1", "sleep 0.11").stdout)
        for more in ((), ("--same-code",))
    )
    budgets = [each["ratios"][0]["energy"]["budget"] for each in (apart, same)]
    of_code = [max((row["u"] for row in budget if row["name"] == "code"), default=0.0) for budget in budgets]
    assert of_code[0] == pytest.approx(0.08 * 2**0.5, rel=0.3)
    assert of_code[1] < 0.01
    assert apart["ratios"][0]["energy"]["u"] > 0.1
    assert any("--same-code" in note for note in apart["notes"])
    assert not any("--same-code" in note for note in same["notes"])


def test_traces_of_two_governors_are_refused_unless_any_state_allows_it(tmp_path):
    from scripted import machine as scripted_machine
    from state_tree import tree

    for name, governor in (("a", "performance"), ("b", "powersave")):
        root = scripted_machine(tree(tmp_path / name, scaling_governor=governor, hostname="same"))
        (root / "proc/sys/kernel/hostname").write_text("same\n")
        meter = uj.Meter(sources=["script"], root=root)
        with uj.record(tmp_path / f"{name}.arrows", meter), uj.window("step"):
            pass
    paths = [tmp_path / "a.arrows", tmp_path / "b.arrows"]
    done = command("compare", *paths)
    assert done.returncode == 1
    assert "CPU frequency governor: performance in" in done.stderr
    assert "--any-state" in done.stderr
    done = command("compare", *paths, "--any-state")
    assert done.returncode == 0, done.stderr
    assert "CPU frequency governor: performance in" in done.stdout
    done = command("report", *paths)
    assert "CPU frequency governor" in " ".join(done.stdout.split())
