"""Files in a folder that is closed to this user are not there; the rest of the machine is read."""

from __future__ import annotations

import os

import pytest

from microjoule.host.state import read_state
from microjoule.recording.cpu_times import Cgroups
from microjoule.sources import cray, rapl_msr
from microjoule.sources.host import read_host
from microjoule.sources.machine import Machine
from microjoule.sources.nvml_obstacles import unloadable

INTEL = "processor : 0\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 85\n"
CLOSED = ("dev", "run", "sys/fs/cgroup", "sys/class/powercap", "sys/cray", "proc/driver")
READ = {
    "host": lambda root: read_host(root).cpu_vendor == "GenuineIntel",
    "state": lambda root: read_state(root) is not None,
    "cgroups": lambda root: not Cgroups(root).is_there and Cgroups(root).look() == {},
    "cray": lambda root: cray.survey(Machine(root)).channels == (),
    "rapl_msr": lambda root: rapl_msr.survey(Machine(root)).channels == (),
    "nvml": lambda root: unloadable(root, "libnvidia-ml.so.1", "cannot open shared object file").what != "",
}


@pytest.fixture
def machine(shared_path, nobody):
    """A machine, some of whose folders only their owner may look into; and this process is not that."""
    (shared_path / "proc").mkdir()
    (shared_path / "proc/cpuinfo").write_text(INTEL)
    closed = [shared_path / name for name in CLOSED]
    for each in closed:
        each.mkdir(parents=True)
    for each in closed:
        each.chmod(0)
    with nobody():
        yield shared_path
    for each in closed:
        each.chmod(0o755)


@pytest.mark.parametrize("what", READ)
def test_a_folder_that_is_closed_to_this_user_hides_its_files_and_nothing_else(machine, what):
    assert not os.access(machine / "run", os.X_OK, effective_ids=True)
    assert READ[what](machine)
