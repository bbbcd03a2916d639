from dataclasses import replace

from machines import CLIENT, LOCKED_DOWN, TWO_SOCKET_SERVER, write

from microjoule.sources.host import CAP_PERFMON, Host, cpu_list, read_host


def test_facts_come_from_the_files_under_root(tmp_path):
    host = read_host(write(TWO_SOCKET_SERVER, tmp_path))
    assert (host.cpu_vendor, host.cpu_family, host.cpu_model, host.cpu_stepping) == ("GenuineIntel", 6, 85, 7)
    assert host.cpu_name == "Intel(R) Xeon(R) Gold 6248"
    assert host.kernel == "6.1.0-18-amd64"
    assert host.is_virtual is False
    assert host.packages == {0: 0, 1: 1, 2: 0, 3: 1}
    assert host.perf_event_paranoid == 0
    assert host.lockdown is None
    assert host.to_json()["packages"] == {"0": [0, 2], "1": [1, 3]}


def test_a_missing_file_is_none_and_never_invented(tmp_path):
    host = read_host(tmp_path)
    assert host == Host()
    assert host.to_json()["cpu"]["vendor"] is None


def test_an_offline_cpu_is_in_no_package(tmp_path):
    root = write(TWO_SOCKET_SERVER, tmp_path)
    (root / "sys/devices/system/cpu/online").write_text("0,2-3\n")
    assert read_host(root).packages == {0: 0, 2: 0, 3: 1}


def test_the_lockdown_state_is_the_one_in_brackets(tmp_path):
    assert read_host(write(LOCKED_DOWN, tmp_path)).lockdown == "integrity"


def test_a_capability_opens_what_the_paranoid_level_closes(tmp_path):
    machine = replace(CLIENT, paranoid=4)
    assert not read_host(write(machine, tmp_path / "without")).may_use_perf(0)
    capable = replace(machine, capabilities=1 << CAP_PERFMON)
    assert read_host(write(capable, tmp_path / "with")).may_use_perf(0)


def test_a_kernel_list_has_ranges_and_single_cpus():
    assert cpu_list("0-2,8\n") == (0, 1, 2, 8)
    assert cpu_list(None) == ()


def test_the_boot_is_told_where_the_kernel_tells_it(tmp_path):
    """Counters and clocks of two boots have nothing in common."""
    assert read_host(tmp_path).to_json()["boot_id"] is None
    path = tmp_path / "proc/sys/kernel/random/boot_id"
    path.parent.mkdir(parents=True)
    path.write_text("5f3c0c6e-3d0f-4d8e-9d0a-1c7b0e6a2f10\n")
    assert read_host(tmp_path).to_json()["boot_id"] == "5f3c0c6e-3d0f-4d8e-9d0a-1c7b0e6a2f10"


def test_the_machine_is_a_hash_of_its_id_which_does_not_leave_it(tmp_path):
    assert read_host(tmp_path).to_json()["machine"] is None
    path = tmp_path / "etc/machine-id"
    path.parent.mkdir(parents=True)
    found = set()
    for text in ("0123456789abcdef0123456789abcdef\n", "0123456789abcdef0123456789abcdee\n"):
        path.write_text(text)
        machine = read_host(tmp_path).to_json()["machine"]
        assert len(machine) == 16
        assert machine not in text
        found.add(machine)
    assert len(found) == 2
    for text in ("", "uninitialized\n", "0" * 31):
        path.write_text(text)
        assert read_host(tmp_path).to_json()["machine"] is None
