"""Whose a trace is that root records."""

import os

import pytest
from scripted import machine

import microjoule as uj
from microjoule.recording.trace_file import caller_of_sudo


@pytest.mark.parametrize(
    ("environment", "owner"),
    [
        ({"SUDO_UID": "1000", "SUDO_GID": "100"}, (1000, 100)),
        ({"SUDO_UID": "1000"}, None),
        ({"SUDO_UID": "x", "SUDO_GID": "100"}, None),
        ({}, None),
    ],
)
def test_a_trace_belongs_to_the_caller_of_sudo(monkeypatch, environment, owner):
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert caller_of_sudo() == owner
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # SUDO_UID is left over in a shell that is not root's
    assert caller_of_sudo() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_program_under_sudo_leaves_its_traces_to_the_caller(monkeypatch, tmp_path):
    monkeypatch.setenv("SUDO_UID", "61523")
    monkeypatch.setenv("SUDO_GID", "61524")
    root = tmp_path / "machine"
    root.mkdir()
    path = tmp_path / "t.arrows"
    with uj.record(path, uj.Meter(sources=["script"], root=machine(root))):
        pass
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (61523, 61524, 0o600)
    assert uj.load(path).windows == ()
