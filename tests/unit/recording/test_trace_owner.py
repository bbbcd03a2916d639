"""Whose a trace file is, and who may read it."""

import os
from dataclasses import replace

import pytest

from microjoule.recording import RawRecorder


def test_traces_are_for_their_owner_alone_whatever_the_umask_and_the_file_before(recorded):
    rec, path, _ = recorded
    path.touch(mode=0o644)
    before = os.umask(0)
    try:
        with RawRecorder(rec.plan):
            pass
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_trace_belongs_to_whom_the_plan_says(recorded):
    rec, path, _ = recorded
    with RawRecorder(replace(rec.plan, owner=(1234, 4321))):
        pass
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)
