"""Python asks the native half which readers there are, so that none is named twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from scripted import channel, machine

import microjoule as uj
from microjoule.errors import MicrojouleError
from microjoule.recording import RawRecorder, RecordingPlan
from microjoule.recording.native import Sampler, reader_names

CSRC = Path(__file__).parents[3] / "csrc"


def test_each_reader_of_the_native_half_is_listed():
    written = {path.stem.removeprefix("reader_") for path in CSRC.glob("reader_*.c")}
    # reader_kernel.c reads the events of "perf" in another way and has no name of its own.
    assert sorted(reader_names()) == sorted(written - {"kernel"})


@pytest.mark.parametrize("name", [*reader_names(), "no such reader"])
def test_a_sampler_knows_the_readers_that_are_listed_and_no_other(name, tmp_path):
    channel = (name, str(tmp_path / "missing"), 0, 0, 0, 0)
    with pytest.raises((MicrojouleError, OSError, ValueError)) as refused:
        Sampler("test", [channel], 1_000_000, 64)
    assert ("find reader" in str(refused.value)) == (name not in reader_names())


def test_a_channel_whose_reader_is_missing_is_named_and_the_rest_is_recorded(tmp_path):
    machine(tmp_path)
    known, unknown = (channel(name, str(tmp_path / "package.txt")) for name in ("package-0", "package-1"))
    unknown = replace(unknown, access=replace(unknown.access, reader="ipmi"))
    with RawRecorder(RecordingPlan(path=tmp_path / "t.arrows", channels=(known, unknown))) as recorder:
        pass
    assert list(recorder.left_out) == ["package-1"]
    assert "no reader 'ipmi'" in recorder.left_out["package-1"]
    assert uj.load(tmp_path / "t.arrows").facts["left_out"] == recorder.left_out
