"""Every source looks at one picture of the machine."""

import os
from pathlib import Path

from machines import CLIENT, write

from microjoule.sources import Machine, survey


def test_the_root_is_absolute_so_that_paths_hold_in_another_folder(tmp_path, monkeypatch):
    write(CLIENT, tmp_path / "root")
    monkeypatch.chdir(tmp_path)
    machine = Machine(Path("root"))
    assert machine.root == tmp_path / "root"
    files = [one.access.path for found in survey(machine) for one in found.channels if one.access.path]
    assert len(files) > 5
    assert all(os.path.isabs(path) for path in files)


def test_the_files_of_the_host_are_read_once(tmp_path):
    """What changes while the sources look is of the next picture."""
    root = write(CLIENT, tmp_path)
    machine = Machine(root)
    before = machine.host, machine.zones
    (root / "proc/cpuinfo").write_text("vendor_id\t: AuthenticAMD\n")
    (root / "sys/class/powercap/intel-rapl:0/name").write_text("package-7\n")
    assert (machine.host, machine.zones) == before
    assert {
        c.place.number for found in survey(machine) for c in found.channels if c.place.device == "package"
    } == {0}
    later = Machine(root)
    assert later.host.cpu_vendor == "AuthenticAMD"
    assert later.zones[0].name == "package-7"
