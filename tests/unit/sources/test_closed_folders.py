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
def machine(tmp_path):
    """A machine, some of whose folders only their owner may look into; and this process is not that."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(INTEL)
    for name in CLOSED:
        (tmp_path / name).mkdir(parents=True)
    closed = [tmp_path / name for name in CLOSED]
    opened = [each for each in (tmp_path, *tmp_path.parents) if each.stat().st_uid == os.geteuid()]
    modes = {each: each.stat().st_mode for each in opened}
    for each in opened:
        each.chmod(0o755)
    for each in closed:
        each.chmod(0)
    if os.geteuid() == 0:
        os.seteuid(65534)
    yield tmp_path
    if os.getuid() == 0:
        os.seteuid(0)
    for each, mode in modes.items():
        each.chmod(mode & 0o7777)
    for each in closed:
        each.chmod(0o755)


@pytest.mark.parametrize("what", READ)
def test_a_folder_that_is_closed_to_this_user_hides_its_files_and_nothing_else(machine, what):
    assert not os.access(machine / "run", os.X_OK, effective_ids=True)
    assert READ[what](machine)
