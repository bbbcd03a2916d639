"""``uj.record`` without a file, ``uj.energy``, and the meter that both are given."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from scripted import DRAM_W, PACKAGE_W, machine

import microjoule as uj
from microjoule.errors import (
    BadRate,
    BadWindow,
    MicrojouleError,
    NoValue,
    SourceUnavailable,
    TraceError,
    UnknownSource,
)
from microjoule.measuring.compare import Turns

TOTAL_W = PACKAGE_W + DRAM_W


@pytest.fixture
def meter(tmp_path: Path) -> uj.Meter:
    """A scripted machine of known power."""
    return uj.Meter(sources=["script"], root=machine(tmp_path))


def files_without_a_name() -> set[str]:
    """What this process has open that is in no folder any more."""
    found = set()
    for each in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(each)
        except OSError:  # the listing itself was one of them
            continue
        if target.endswith("(deleted)"):
            found.add(target)
    return found


def test_a_recording_without_a_path_answers_and_leaves_nothing(
    tmp_path: Path, meter: uj.Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two windows of a name are summed; the file has no name, and is let go once it was read."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    before = files_without_a_name()
    with uj.record(meter=meter) as rec:
        for _ in range(2):
            with rec.window("step"):
                time.sleep(0.05)
        with uj.window("other"):
            pass
        assert not any((tmp_path / "scratch").iterdir())
        assert len(files_without_a_name() - before) == 1
        with pytest.raises(MicrojouleError, match="has not ended"):
            rec.energy  # noqa: B018
    total = rec.trace.energy("step").total
    seconds = sum(window.duration_ns for window in rec.trace.named("step")) / 1e9
    assert total.low <= TOTAL_W * seconds <= total.high
    assert rec.energy.total.channels == ("package-0", "package-0/dram")
    assert [window.name for window in rec.trace.windows] == ["step", "step", "other"]
    assert repr(rec.trace).startswith("Trace(in memory, 2 channels, 3 windows: ")
    with pytest.raises(BadWindow, match="Nearest: 'step'"):
        rec.trace.energy("stop")
    assert files_without_a_name() <= before  # garbage of other tests may let theirs go


def test_a_recorder_that_nobody_asks_lets_its_file_go(meter: uj.Meter) -> None:
    before = files_without_a_name()
    rec = uj.record(meter=meter)
    with rec:
        pass
    assert len(files_without_a_name() - before) == 1
    del rec
    gc.collect()
    assert files_without_a_name() <= before  # garbage of other tests may let theirs go


def test_a_recording_with_a_path_answers_too(tmp_path: Path, meter: uj.Meter) -> None:
    with uj.record(tmp_path / "t.arrows", meter) as rec, rec.window("step"):
        time.sleep(0.02)
    assert rec.trace.energy("step")["package-0"] == uj.load(tmp_path / "t.arrows").energy("step")["package-0"]
    assert isinstance(rec.trace, uj.Trace)


def test_no_folder_for_temporary_files_is_a_sentence(
    tmp_path: Path, meter: uj.Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "is not there"))
    with pytest.raises(TraceError, match="TMPDIR"):
        uj.record(meter=meter)


def test_a_block_is_measured_in_two_lines(meter: uj.Meter) -> None:
    """Total, channels, time and power; and before its end nothing."""
    before = files_without_a_name()
    with uj.energy(meter) as e:
        assert repr(e) == "EnergyBlock(the block has not ended)"
        with pytest.raises(NoValue, match="has not ended"):
            e.total  # noqa: B018
        time.sleep(0.1)
    seconds = float(e.time)
    assert seconds > 0.1
    assert e.total.low <= TOTAL_W * seconds <= e.total.high
    assert float(e["package-0"]) == pytest.approx(PACKAGE_W * seconds, rel=0.05)
    assert float(e.power) == pytest.approx(TOTAL_W, rel=0.05)
    assert list(e) == list(e.energies) == ["package-0", "package-0/dram"]
    assert str(e).startswith("the block used ")
    assert str(e).endswith("; measured: package + DRAM (sensor accuracy unknown)")
    assert repr(e) == f"EnergyBlock({e.energies!r})"
    assert repr(e.energies) == (
        f"Energies(total {e.total}; package-0 {e['package-0']}; package-0/dram {e['package-0/dram']})"
    )
    assert len(repr(e).splitlines()) == 1
    assert "<table" in e._repr_html_()
    assert files_without_a_name() <= before  # garbage of other tests may let theirs go
    with pytest.raises(MicrojouleError, match="measured only once"), e:
        pass


def test_the_failure_of_a_block_goes_up_and_its_energy_is_there(meter: uj.Meter) -> None:
    with pytest.raises(ZeroDivisionError), uj.energy(meter) as e:
        1 / 0  # noqa: B018
    assert e.total.is_ok


def test_windows_in_a_block_go_to_the_recording_around_it(meter: uj.Meter) -> None:
    """A function that measures itself does not take windows away from ``uj run``."""
    with uj.record(meter=meter) as rec:
        with uj.window("outer"), uj.energy(meter) as e, uj.window("inner"):
            time.sleep(0.01)
        with uj.window("after"):
            pass
    assert [window.name for window in rec.trace.windows] == ["outer", "inner", "after"]
    assert e.total.is_ok


def test_nothing_to_measure_is_said_before_the_block_runs(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="powercap"):
        uj.energy(uj.Meter(sources=["powercap"], root=tmp_path))


@pytest.mark.parametrize("root", [str, Path])
def test_a_meter_is_one_description_for_all(tmp_path: Path, root: type) -> None:
    """The same object, with a text or a path as root and any sequence of names."""
    meter = uj.Meter(sources=("script",), root=root(machine(tmp_path)), rate=500, channel="package-0/dram")
    with uj.energy(meter) as e:
        time.sleep(0.02)
    with uj.record(meter=meter) as rec:
        time.sleep(0.02)
    found = uj.measure(lambda: time.sleep(0.005), max_time_s=3, number=4, repeat=3, meter=meter)
    compared = uj.compare([time.time, time.monotonic], turns=Turns(runs=2), meter=meter)
    assert repr(found) == f"Measurement({found.name}: {found.energy} a call)"
    assert repr(compared) == f"Comparison({compared.ratios[0].verdict})"
    covered = list(e), list(rec.energy), list(found.channels), list(compared.channels)
    assert covered == (["package-0/dram"],) * 4
    assert hash(meter) == hash(uj.Meter(**{name: getattr(meter, name) for name in meter.__slots__}))


def test_what_is_no_meter_is_refused_at_once() -> None:
    with pytest.raises(UnknownSource, match="list"):
        uj.Meter(sources="powercap")
    with pytest.raises(UnknownSource, match="list"):
        uj.Meter(sources=[])
    with pytest.raises(BadRate, match="edges"):
        uj.Meter(rate="fast")
    with pytest.raises(BadRate, match="20000"):
        uj.Meter(rate=1e9)


def test_misspelt_sources_and_channels_name_the_nearest(tmp_path: Path) -> None:
    root = machine(tmp_path)
    with pytest.raises(UnknownSource, match="Nearest: 'powercap'"):
        uj.energy(uj.Meter(sources=["powrcap"], root=root))
    with pytest.raises(SourceUnavailable, match="Nearest: 'package-0'"):
        uj.energy(uj.Meter(sources=["script"], root=root, channel="pakage-0"))


def test_a_killed_process_leaves_no_file(tmp_path: Path) -> None:
    """The file has no name from the beginning, so that there is nothing to clean up."""
    root = machine(tmp_path / "root")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    program = """
        import os, signal, sys, tempfile
        import microjoule as uj
        tempfile.tempdir = sys.argv[2]
        with uj.record(meter=uj.Meter(sources=["script"], root=sys.argv[1])):
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program), root, scratch], check=False)
    assert done.returncode == -9
    assert not any(scratch.iterdir())


def test_a_block_is_the_first_thing_that_a_program_measures(tmp_path):
    root = machine(tmp_path)
    program = (
        "import microjoule as uj, time\n"
        f"with uj.energy(uj.Meter(sources=['script'], root={str(root)!r})) as e: time.sleep(0.05)\n"
        "assert float(e.total) > 0\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
