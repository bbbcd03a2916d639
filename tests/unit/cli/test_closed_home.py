"""What is kept in a home that this user may not look into is as if it was not there, with a sentence."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from microjoule.cli import probe_against, probe_calibrate, sampling_cost_line
from microjoule.errors import CalibrationError
from microjoule.host.key import host_key
from microjoule.sources.machine import Machine

INTEL = "processor : 0\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 85\nmodel name : A CPU\n"


def _calibration(root, named=None):
    return probe_calibrate.stored(argparse.Namespace(root=root, calibration=named))


STORED = {
    "calibration": _calibration,
    "reference": lambda root: probe_against.stored(root, None),
    "overhead": sampling_cost_line.stored,
}


@pytest.fixture
def machine(shared_path, monkeypatch):
    """A machine with a name and a CPU."""
    root = shared_path / "machine"
    (root / "proc/sys/kernel").mkdir(parents=True)
    (root / "proc/cpuinfo").write_text(INTEL)
    (root / "proc/sys/kernel/hostname").write_text("vm\n")
    (root / "proc/sys/kernel/osrelease").write_text("6.1\n")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert host_key(Machine(root)).is_known
    return root


@pytest.fixture
def home(shared_path, nobody, monkeypatch):
    """A home that only its owner may look into; and this process is not that."""
    home = shared_path / "home"
    home.mkdir(0)
    monkeypatch.setenv("HOME", str(home))
    with nobody():
        yield home
    home.chmod(0o755)


@pytest.mark.parametrize("what", STORED)
def test_what_may_not_be_read_is_not_used_and_the_reason_is_said(machine, home, what, capsys):
    assert STORED[what](machine) is None
    told = capsys.readouterr().err
    assert f"The {what} {home}/.local/share/microjoule/{what}/" in told
    assert "cannot be read: Permission denied" in told


def test_a_calibration_that_was_named_and_may_not_be_read_is_an_error(machine, home):
    with pytest.raises(CalibrationError, match="Permission denied"):
        _calibration(machine, home / "mine.json")


@pytest.mark.parametrize("what", STORED)
def test_a_user_without_a_home_has_nothing_kept(machine, what, monkeypatch, capsys):
    def none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    assert STORED[what](machine) is None
    assert capsys.readouterr().err == ""
