"""``uj.probe``, ``uj.now`` and ``uj.__version__``."""

from __future__ import annotations

import time
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from machines import EMPTY_VM, LOCKED_DOWN, TWO_SOCKET_SERVER, write
from scripted import machine

import microjoule as uj
from microjoule.measuring.fitted import fit
from microjoule.recording.meter import readable


def test_a_probe_lists_what_a_recording_reads_and_what_is_in_the_way(tmp_path: Path) -> None:
    found = uj.probe(uj.Meter(root=write(TWO_SOCKET_SERVER, tmp_path)))
    assert {"package-0", "package-1"} <= {channel.id for channel in found.measured}
    assert {*found.measured, *found.estimated} == {*found.channels}
    assert repr(found).startswith("Probe(measured: package-0")
    assert str(found).startswith("measured: package-0")
    assert found.to_json()["measured"] is True


def test_a_probe_says_what_to_do_about_a_closed_counter(tmp_path: Path) -> None:
    found = uj.probe(uj.Meter(root=str(write(LOCKED_DOWN, tmp_path))))
    assert any("kernel.perf_event_paranoid=0" in obstacle.remedy for obstacle in found.obstacles)
    assert "kernel.perf_event_paranoid=0" in str(found)


def test_a_probe_of_a_virtual_machine_measures_nothing_and_raises_nothing(tmp_path: Path) -> None:
    found = uj.probe(uj.Meter(root=write(EMPTY_VM, tmp_path)))
    assert (found.measured, bool(found.estimated)) == ((), True)
    assert repr(found).startswith("Probe(measured: nothing; estimated: cpu_time/system")
    assert uj.probe(uj.Meter(root=tmp_path, sources=["powercap"])).channels == ()


def test_a_probe_takes_the_sources_of_its_meter(tmp_path: Path) -> None:
    found = uj.probe(uj.Meter(root=machine(tmp_path), sources=["script"]))
    assert [channel.id for channel in found.channels] == ["package-0", "package-0/dram"]


def test_a_meter_reads_the_channels_that_it_names(tmp_path: Path) -> None:
    root = machine(tmp_path)
    for asked, names in (("package-0", ["package-0"]), (["package-0/dram", "package-0"], None), ([], None)):
        meter = uj.Meter(root=root, sources=["script"], channel=asked)
        read = [channel.id for channel in readable(meter).channels]
        assert read == (names or ["package-0", "package-0/dram"])
        fitted = [channel.id for channel in fit(meter).channels]
        assert fitted == read  # the memory is beside the package: of both no joule twice
    with pytest.raises(uj.errors.SourceUnavailable, match=r"'package-0/ram'.*Nearest: 'package-0/dram'"):
        readable(uj.Meter(root=root, channel=["package-0", "package-0/ram"]))


def test_now_is_the_clock_of_windows_and_readings(tmp_path: Path) -> None:
    """Instants that were noted with it make a window of a recording."""
    with uj.record(meter=uj.Meter(root=machine(tmp_path), sources=["script"])) as rec:
        t0 = uj.now()
        with rec.window("marked"):
            time.sleep(0.02)
        t1 = uj.now()
    (marked,) = rec.trace.windows
    assert t0 <= marked.t0_ns <= marked.t1_ns <= t1
    noted, inner = rec.trace.energy(uj.Window("noted", t0, t1)), rec.trace.energy(marked)
    assert noted.total.value == pytest.approx(inner.total.value, rel=0.2)


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert uj.__version__ == version("microjoule") == project.get("version", uj.__version__)
