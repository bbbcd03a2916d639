"""A recorder of the scripted machine."""

from dataclasses import replace

import pytest
from scripted import machine

from microjoule.recording import Meter, RawRecorder
from microjoule.recording.plan import plan


@pytest.fixture
def recorded(tmp_path):
    """A recorder of the scripted machine that writes twenty times a second, its path, and what it said."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "root").mkdir()
    path = tmp_path / "folder" / "t.arrows"
    said = []
    found = plan(path, Meter(sources=["script"], root=machine(tmp_path / "root")))
    return RawRecorder(replace(found, drain_s=0.05, say=said.append)), path, said
