import argparse
import json
import re
import subprocess
import sys
import threading
from dataclasses import replace
from fractions import Fraction

import pytest
from machines import AMD_MIRRORED_DIES, CLIENT, EMPTY_VM, LOCKED_DOWN, MACHINES, TWO_SOCKET_SERVER, write
from machines.build import SCALE
from standin import compiler, machine

from microjoule import text_width
from microjoule.cli import probe
from microjoule.measuring.watched import watched
from microjoule.sources import SOURCES, Machine, choose, survey


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal on which each table has all of its columns."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(autouse=True)
def counting(tmp_path):
    """Whatever powercap zones a test writes, their counters move."""
    ended = threading.Event()

    def count():
        while not ended.wait(0.001):
            for path in tmp_path.glob("sys/class/powercap/intel-rapl:*/energy_uj"):
                path.write_text(f"{int(path.read_text() or 0) + 40_000:015d}\n")

    thread = threading.Thread(target=count)

    def stop():
        ended.set()
        thread.join()  # a round that it has begun would move counters that are said to stand still

    thread.start()
    yield stop
    stop()


def run(*words):
    parser = argparse.ArgumentParser()
    probe.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["probe", *map(str, words)])
    return arguments.run(arguments)


def test_a_machine_with_counters_exits_0_and_names_each_channel(tmp_path, capsys):
    assert run("--root", write(CLIENT, tmp_path)) == 0
    text = capsys.readouterr().out
    for word in (
        "package-0/core",
        "psys",
        "2^-32 J",
        "2^-14 J (inferred)",
        "262144 J",
        "1 ms",
        "cpu_time/command",
    ):
        assert word in text
    assert "at 500 W" in text  # time to wrap at what such parts draw


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_line_fits_80_columns_and_every_command_is_whole(machine, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    run("--root", write(machine, tmp_path))
    text = capsys.readouterr().out
    assert all(line.count("`") % 2 == 0 for line in text.splitlines())
    assert all(
        len(re.sub("`[^`]*`", "", line)) <= 80 or str(tmp_path) in line for line in text.splitlines()
    ), text
    assert "channel" not in text or "readable" in text


def test_gauges_of_long_names_fit_80_columns_and_keep_their_names(tmp_path, capsys, monkeypatch):
    """A power supply's took 90 columns, and a Jetson's 81: a terminal of 80 broke each row in two."""
    monkeypatch.setenv("COLUMNS", "80")
    hwmon = tmp_path / "sys/class/hwmon/hwmon0"
    hwmon.mkdir(parents=True)
    for name, text in {
        "name": "corsairpsu-of-a-long-name", "power1_label": "power total", "power1_input": "212000000",
    }.items():  # fmt: skip
        (hwmon / name).write_text(f"{text}\n")
    run("--root", tmp_path)
    text = capsys.readouterr().out
    (row,) = [line for line in text.splitlines() if line.endswith("yes") and "power_total" in line]
    assert "corsairpsu-of-a-long-name-0/power_total" in row
    assert max(len(line) for line in text.splitlines() if str(tmp_path) not in line) <= 80


def test_a_gauge_of_which_only_the_slowest_update_is_known_has_that(tmp_path, capsys, monkeypatch):
    """It said "unknown" of AMD GPUs, whose firmware takes up to 100 ms; and nothing is known of a PSU."""
    monkeypatch.setenv("COLUMNS", "80")
    for number, (driver, watts) in enumerate((("amdgpu", 31), ("corsairpsu", 212))):
        hwmon = tmp_path / f"sys/class/hwmon/hwmon{number}"
        hwmon.mkdir(parents=True)
        for name, text in {"name": driver, "power1_label": "PPT", "power1_input": f"{watts}000000"}.items():
            (hwmon / name).write_text(f"{text}\n")
    run("--root", tmp_path)
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.endswith("yes")}
    assert re.search(r"unknown +up to 100 ms +yes$", rows["amdgpu-0/power"])
    assert re.search(r"unknown +unknown +yes$", rows["corsairpsu-0/ppt"])


def test_the_gauges_of_a_gpu_keep_all_columns_where_nobody_says_how_wide_a_terminal_is():
    names = ("power", "power_average", "sm_clock", "clock_reasons")
    rows = [(f"gpu-0/{name}", "1 MHz (interface)", "1000 ms", "unknown", "yes") for name in names]
    assert "resolution" in probe._aligned(probe.GAUGE_HEADINGS, rows, text_width.USUAL)[0]


def test_a_virtual_machine_exits_3_and_says_so_in_words(tmp_path, capsys):
    assert run("--root", write(EMPTY_VM, tmp_path)) == 3
    text = capsys.readouterr().out
    assert "No energy can be measured on this machine" in text
    assert "virtual machine" in text
    assert "estimated: cpu_time/system" in text


def test_a_folder_with_nothing_exits_3(tmp_path, capsys):
    assert run("--root", tmp_path) == 3
    assert "Nothing can be measured" in capsys.readouterr().out


def test_closed_channels_are_listed_with_who_may_read_them_and_the_remedy(tmp_path, capsys):
    assert run("--root", write(LOCKED_DOWN, tmp_path)) == 0  # powercap is open here
    text = capsys.readouterr().out
    assert "no: perf_event_paranoid" in text
    assert "sudo sysctl kernel.perf_event_paranoid=0" in text
    assert "rapl_perf: read by perf_event_paranoid ≤ 0, CAP_PERFMON or CAP_SYS_ADMIN" in text


def test_what_is_left_out_is_said(tmp_path, capsys):
    assert run("--root", write(AMD_MIRRORED_DIES, tmp_path)) == 0
    assert "left out: AMD's zone intel-rapl:0:0 (core) counts one core" in capsys.readouterr().out


def test_hundreds_of_cores_do_not_hide_the_rest(tmp_path, capsys):
    """They are counted, and recorded where they are named."""
    write(AMD_MIRRORED_DIES, tmp_path)
    folder = tmp_path / "sys/bus/event_source/devices/power_core"
    (folder / "events").mkdir(parents=True)
    event = "events/energy-core"
    texts = {"type": "25", "cpumask": "0-191", event: "event=0x01", f"{event}.scale": SCALE}
    for name, text in texts.items():
        (folder / name).write_text(f"{text}\n")
    assert run("--root", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("/core-" in line for line in lines) == probe.ROWS_MAX
    assert f"  … and {192 - probe.ROWS_MAX} more: --json lists them" in lines
    assert any(
        "Recorded on request (`--source rapl_cores`): a read of the PMU power_core" in x for x in lines
    )
    assert lines[0].startswith("AMD EPYC 7542, 4 CPUs in 2 packages, ")


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_json_has_the_same_facts(tmp_path, capsys, machine):
    code = run("--json", "--root", write(machine, tmp_path))
    plain = json.loads(capsys.readouterr().out)
    assert plain["schema"] == "microjoule.probe/1"
    assert plain["measured"] is (code == 0)
    assert [source["source"] for source in plain["sources"]] == [source.NAME for source in SOURCES]
    for source in plain["sources"]:
        for channel in source["channels"]:
            assert (channel["range"] is None) == (channel["kind"] == "gauge")
            assert channel["range"] is None or channel["range"] > 0
            assert channel["readable"] or channel["obstacle"]["cause"]


def test_the_range_is_all_counts_and_not_powercaps_maximum(tmp_path, capsys):
    run("--json", "--root", write(TWO_SOCKET_SERVER, tmp_path))
    plain = json.loads(capsys.readouterr().out)
    ranges = {
        channel["id"]: channel["range"]
        for source in plain["sources"]
        if source["source"] == "powercap"
        for channel in source["channels"]
    }
    assert ranges["package-0"] == 262_144
    assert ranges["package-0/dram"] == 2**32 * 2**-16


def test_a_gauge_has_a_resolution_and_a_window_and_no_range(tmp_path, capsys):
    place = tmp_path / "sys/class/hwmon/hwmon0"
    place.mkdir(parents=True)
    for name, text in {
        "name": "power_meter", "power1_average": 90_000_000, "power1_average_interval": 50,
        "power1_oem_info": "Grace Power Socket 0",
    }.items():  # fmt: skip
        (place / name).write_text(f"{text}\n")
    run("--root", tmp_path)
    text = capsys.readouterr().out
    (line,) = [line for line in text.splitlines() if "grace-0/power" in line and "interface" in line]
    assert line.split() == ["grace-0/power", "1", "µW", "(interface)", "50", "ms", "50", "ms", "yes"]
    assert "gauge" in text
    section = text[text.index("hwmon: read by") : text.index("\n\n", text.index("hwmon: read by"))]
    assert "wraps" not in section
    run("--json", "--root", tmp_path)
    found = json.loads(capsys.readouterr().out)["sources"]
    (channel,) = [c for s in found if s["source"] == "hwmon" for c in s["channels"]]
    assert (channel["range"], channel["wrap_s"]) == (None, None)
    assert channel["timing"]["window_ns"] == 50_000_000


def test_counters_that_stand_still_are_not_measured(tmp_path, capsys, counting):
    counting()  # no more
    assert run("--root", write(replace(TWO_SOCKET_SERVER, pmu=None, registers={}), tmp_path)) == 3
    text = capsys.readouterr().out
    assert "package-0 did not move in 1.5 s: it is stuck" in text
    assert "package-1/dram did not move" in text
    assert "Measured here" not in text
    run("--json", "--root", tmp_path)
    plain = json.loads(capsys.readouterr().out)
    assert plain["measured"] is False
    assert plain["watched"]["unmoved"] == ["package-0", "package-0/dram", "package-1", "package-1/dram"]


def test_a_counter_that_does_not_open_leaves_the_others_watched(tmp_path, counting):
    counting()  # no more
    machine_ = Machine(write(replace(TWO_SOCKET_SERVER, pmu=None, registers={}), tmp_path))
    surveys = survey(machine_)
    first, *others = choose(surveys, ["powercap"])
    gone = replace(first, access=replace(first.access, path=str(tmp_path / "gone")))
    unmoved = watched(machine_, surveys, [gone, *others]).unmoved
    assert {first.id} | set(unmoved) >= {"package-0", "package-1"}
    assert first.id not in unmoved


@pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")
@pytest.mark.parametrize(("update_ns", "unmoved"), [(10**18, ["gpu-0/energy"]), (10**8, []), (10**7, [])])
def test_a_gpus_counter_that_stands_still_while_its_gauge_shows_power_is_not_measured(
    tmp_path, update_ns, unmoved
):
    """Reports leave it out, with a sentence; the probe called it measured. The gauge is, in its place."""
    machine(tmp_path, f"device GPU-a\nwave constant 60000 60000 1000000000 0\nenergy {update_ns} 5000000")
    command = [sys.executable, "-m", "microjoule", "probe", "--json", "--root", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # of NVML each has one library
    assert json.loads(done.stdout)["watched"]["unmoved"] == unmoved
    said = subprocess.run([*command[:-3], *command[-2:]], capture_output=True, text=True, check=True).stdout
    assert ("gpu-0/energy did not move in 1.5 s" in said) == bool(unmoved)
    listed = said[said.index("Measured here") :]
    assert ("gpu-0/energy (nvml)" in listed) == (not unmoved)
    assert "gpu-0/power (nvml)" in listed


@pytest.mark.parametrize(
    ("unit", "quantity", "written"),
    [
        (Fraction(1, 10**6), "W", "1 µW"),
        (Fraction(9936, 10**5), "W", "99.36 mW"),
        (Fraction(1, 10**9), "s", "1 ns"),
        (Fraction(10**6), "Hz", "1 MHz"),
        (Fraction(1), "J", "1 J"),
        (Fraction(1, 1000), "J", "1 mJ"),
        (Fraction(1, 2**14), "J", "2^-14 J"),
        (Fraction(1), "1", "1"),
    ],
)
def test_steps_have_si_prefixes(unit, quantity, written):
    """They were written as 1e-06 W, and what counts nothing as 1 1."""
    assert probe._exact(unit, quantity) == written
