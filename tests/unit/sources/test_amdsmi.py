"""AMD GPUs through stand-ins of both libraries: discovery, reading, and no card counted twice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import pytest
from standin import AMD_SMI, CSRC, HERE, ROCM_SMI, amd_machine, compiler
from standin.native import MS, once, sampler

from microjoule.channel import Kind
from microjoule.errors import PermissionDenied, SourceUnavailable
from microjoule.joules.estimates.total import covered, tells_energy
from microjoule.sources import amdsmi, choose, hwmon
from microjoule.sources.machine import Machine
from microjoule.sources.survey import Cause

needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")
both = pytest.mark.parametrize("library", [AMD_SMI, ROCM_SMI])

ONE, TWO = "0000:03:00.0", "0000:83:00.0"
MACHINE = f"device {ONE}\npower_mw 300000\ndevice {TWO}\npower_mw 500000"


def card(root: Path, number: int, pci: str, **files: int) -> None:
    """What the kernel shows of a card: its place on the bus, and hwmon's files."""
    device = root / "sys/bus/pci/devices" / pci
    folder = device / "hwmon" / f"hwmon{number}"
    folder.mkdir(parents=True)
    (folder / "name").write_text("amdgpu\n")
    (folder / "device").symlink_to(device)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")
    link = root / "sys/class/hwmon" / f"hwmon{number}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(folder)


@needs_compiler
@both
def test_energy_is_a_counter_in_the_kernels_unit(tmp_path, library):
    path = amd_machine(tmp_path, MACHINE, library=library)
    found = amdsmi.survey(Machine(tmp_path))
    energy = {c.id: c for c in found.channels}["amdgpu-0/energy"]
    assert found.obstacles == ()
    # Both libraries say 15.3 µJ of a count that the kernel's header calls 2^-16 J.
    assert (energy.scale.unit, energy.scale.unit_source) == (Fraction(1, 1 << 16), "kernel")
    assert (energy.kind, energy.scale.quantity, energy.lane) == (Kind.COUNTER, "J", "amdgpu-0")
    assert energy.timing.sensor_clock == "boottime"
    assert energy.access.path == f"{ONE}@{path}"


@needs_compiler
@both
def test_the_native_reader_reads_what_was_found(tmp_path, library):
    amd_machine(tmp_path, MACHINE, library=library)
    found = [c for c in amdsmi.survey(Machine(tmp_path)).channels if c.id.endswith("/energy")]
    table = [(c.access.reader, c.access.path, 0, c.access.config, -1, i) for i, c in enumerate(found)]
    rows = once(sampler(table))
    for row, watts in zip(rows, (300, 500), strict=True):
        assert row.status == 0
        # From boot on at constant power: the count is the time that the driver noted, times the power.
        assert row.raw == row.sensor_ns * watts * 65536 // 10**9
        assert row.sensor_ns % MS == 0


@needs_compiler
@both
def test_power_is_a_gauge_inside_the_energy(tmp_path, library):
    amd_machine(tmp_path, MACHINE, library=library)
    found = {c.id: c for c in amdsmi.survey(Machine(tmp_path)).channels}
    assert set(found) == {f"amdgpu-{n}/{what}" for n in (0, 1) for what in ("energy", "power")}
    power = found["amdgpu-1/power"]
    assert power.trust.parents == ("amdgpu-1/energy",)
    for each in found.values():
        assert each.trust.sensor == hwmon.ASSUMED, "no accuracy is stated: one is assumed, of energy too"
    card(tmp_path, 1, ONE, power1_average=500_000_000)
    (shown,) = hwmon.survey(Machine(tmp_path)).channels
    assert power.timing == shown.timing, "the same firmware refreshes it"
    (row,) = once(sampler([("amdsmi", power.access.path, 0, power.access.config, -1, 0)]))
    assert (row.raw * power.scale.unit, row.sensor_ns, row.status) == (500, None, 0)


@needs_compiler
@pytest.mark.parametrize("version", [24, 25, 26])
@pytest.mark.parametrize(
    ("now_w", "mean_w", "expected"),
    [(310, 4294967295, 310), (4294967295, 290, 290), (65535, 290, 290), (0, 290, 290), (310, 290, 310)],
)
def test_libamd_smis_watts_are_where_its_version_has_them(tmp_path, version, now_w, mean_w, expected):
    """ROCm 6.4 put a word before them under the same name of the function."""
    amd_machine(tmp_path, f"version {version}\ndevice {ONE}\nnow_w {now_w}\nmean_w {mean_w}")
    (power,) = (c for c in amdsmi.survey(Machine(tmp_path)).channels if c.id == "amdgpu-0/power")
    (row,) = once(sampler([("amdsmi", power.access.path, 0, power.access.config, -1, 0)]))
    assert (row.raw * power.scale.unit, row.status) == (expected, 0)


@needs_compiler
@pytest.mark.parametrize("script", ["now_w 4294967295", "now_w 0\nmean_w 0", "refuse power 2"])
def test_a_card_without_power_has_no_such_channel(tmp_path, script):
    amd_machine(tmp_path, f"device {ONE}\n{script}")
    assert [c.id for c in amdsmi.survey(Machine(tmp_path)).channels] == ["amdgpu-0/energy"]


@needs_compiler
@both
def test_a_card_that_hwmon_shows_too_is_one_card(tmp_path, library):
    # hwmon's order is by bus address, not by its own numbers; the second card has no power file.
    amd_machine(tmp_path, MACHINE, library=library)
    card(tmp_path, 7, TWO, power1_average=500_000_000, power1_cap_max=560_000_000)
    surveys = (amdsmi.survey(Machine(tmp_path)), hwmon.survey(Machine(tmp_path)))
    chosen = {c.id: c for c in choose(surveys)}
    of = {c.id: c.access.path.partition("@")[0] for c in surveys[0].channels}
    assert of["amdgpu-0/energy"] == TWO
    assert of["amdgpu-1/energy"] == ONE
    assert chosen["amdgpu-0/energy"].trust.power_limit_w == 560
    assert chosen["amdgpu-0/power"].source == "hwmon"
    assert tells_energy(chosen) == covered(chosen) == ("amdgpu-0/energy", "amdgpu-1/energy")


def test_without_the_library_hwmons_power_is_the_figure(tmp_path):
    card(tmp_path, 1, ONE, power1_average=500_000_000)
    surveys = (amdsmi.survey(Machine(tmp_path)), hwmon.survey(Machine(tmp_path)))
    (obstacle,) = surveys[0].obstacles
    assert obstacle.cause is Cause.MODULE
    assert ONE in obstacle.what
    chosen = {c.id: c for c in choose(surveys)}
    assert covered(chosen) == ("amdgpu-0/power",)


@needs_compiler
@both
@pytest.mark.parametrize(
    ("script", "cause", "sentence"),
    [
        ("init 8", Cause.FAILING, "does not start: the "),
        ("init 77", Cause.FAILING, "code 77"),
        ("", Cause.NO_HARDWARE, "sees no AMD GPU"),
        (f"device {ONE}\nstuck 1", Cause.FAILING, "does not move"),
        (f"device {ONE}\nrefuse energy 2", Cause.NO_HARDWARE, "no energy counter"),
    ],
)
def test_every_obstacle_is_one_sentence(tmp_path, library, script, cause, sentence):
    amd_machine(tmp_path, script, library=library)
    found = amdsmi.survey(Machine(tmp_path))
    assert not any(c.id.endswith("/energy") for c in found.channels)
    (obstacle,) = found.obstacles
    assert obstacle.cause is cause
    assert sentence in obstacle.what
    assert not obstacle.what.endswith(".")


@needs_compiler
@pytest.mark.parametrize(("library", "code"), [(AMD_SMI, 10), (ROCM_SMI, 4)])
def test_a_user_who_may_not_is_told_so_by_both_halves(tmp_path, library, code):
    path = amd_machine(tmp_path, f"init {code}\ndevice {ONE}", library=library)
    (obstacle,) = amdsmi.survey(Machine(tmp_path)).obstacles
    assert obstacle.cause is Cause.PERMISSION
    with pytest.raises(PermissionDenied):
        sampler([("amdsmi", f"{ONE}@{path}", 0, 1, -1, 0)])


def test_no_library_and_no_card_is_no_hardware(tmp_path):
    (obstacle,) = amdsmi.survey(Machine(tmp_path)).obstacles
    assert obstacle.cause is Cause.NO_HARDWARE


@needs_compiler
def test_a_read_that_fails_is_a_status_of_its_library(tmp_path):
    new = amd_machine(tmp_path / "new", f"device {ONE}\nrefuse energy 2")
    old = amd_machine(tmp_path / "old", f"device {ONE}\nrefuse energy 2", library=ROCM_SMI)
    assert [once(sampler([("amdsmi", f"{ONE}@{lib}", 0, 1, -1, 0)]))[0].status for lib in (new, old)] == [
        20002,
        30002,
    ]


@needs_compiler
def test_a_library_of_neither_kind_is_refused(tmp_path):
    source = tmp_path / "x.c"
    source.write_text("int nothing;\n")
    library = tmp_path / "libx.so"
    subprocess.run([compiler(), "-shared", "-fPIC", "-o", library, source], check=True)
    with pytest.raises(SourceUnavailable, match="libamd_smi or librocm_smi64"):
        sampler([("amdsmi", f"{ONE}@{library}", 0, 1, -1, 0)])


RECORD = """
import json, sys, time
from pathlib import Path
import microjoule as uj
folder = Path(sys.argv[1])
with uj.record(folder / "t.arrows", uj.Meter(rate=100, sources=["amdsmi"], root=folder)) as recorder:
    with recorder.window("work"):
        time.sleep(0.5)
trace = uj.load(folder / "t.arrows")
work = trace.window("work")
found = trace.energy(work)
print(json.dumps([work.duration_ns / 1e9, {id: [e.low, e.value, e.high] for id, e in found.items()},
                  list(found.total.channels)]))
"""


@needs_compiler
@both
def test_the_truth_lies_inside_the_bound(tmp_path, library):
    amd_machine(tmp_path, f"{MACHINE}\nslow {MS}", library=library)
    done = subprocess.run(
        [sys.executable, "-c", RECORD, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seconds, found, total = json.loads(done.stdout)
    assert set(found) == set(total) == {"amdgpu-0/energy", "amdgpu-1/energy"}
    for name, watts in (("amdgpu-0/energy", 300), ("amdgpu-1/energy", 500)):
        low, value, high = found[name]
        assert low <= seconds * watts <= high
        assert value == pytest.approx(seconds * watts, rel=0.05)


# ---- the ABI --------------------------------------------------------------------------------------


def test_our_declarations_are_those_of_amds_python_wrapper():
    found = find_spec("amdsmi")
    if found is None or found.origin is None:
        pytest.skip("no amdsmi_wrapper.py: pip install amdsmi")
    wrapper = (Path(found.origin).parent / "amdsmi_wrapper.py").read_text()
    expected = {
        "amdsmi_init": "uint64_t",
        "amdsmi_shut_down": "",
        "amdsmi_get_socket_handles": "POINTER(ctypes.c_uint32), ctypes.POINTER(ctypes.POINTER(None))",
        "amdsmi_get_processor_handles": (
            "amdsmi_socket_handle, ctypes.POINTER(ctypes.c_uint32), ctypes.POINTER(ctypes.POINTER(None))"
        ),
        "amdsmi_get_gpu_device_bdf": "amdsmi_processor_handle, ctypes.POINTER(union_amdsmi_bdf_t)",
        "amdsmi_get_energy_count": (
            "amdsmi_processor_handle, ctypes.POINTER(ctypes.c_uint64), ctypes.POINTER(ctypes.c_float), "
            "ctypes.POINTER(ctypes.c_uint64)"
        ),
    }
    word = "POINTER(struct_amdsmi_{}_t)"
    expected["amdsmi_get_lib_version"] = word.format("version")
    expected["amdsmi_get_power_info"] = f"amdsmi_processor_handle, ctypes.{word.format('power_info')}"
    for name, arguments in expected.items():
        (said,) = re.findall(rf"^{name}\.argtypes = \[(.*)\]$", wrapper, re.MULTILINE)
        assert said.removeprefix("ctypes.") == arguments.removeprefix("ctypes."), name
    first = {
        struct: re.findall(
            rf"^struct_amdsmi_{struct}_t\._fields_ = \[((?:\n.*?\),)+)", wrapper, re.MULTILINE
        )[0]
        for struct in ("power_info", "version")
    }
    powers = re.findall(r"'(\w+)', ctypes\.c_uint(\d+)", first["power_info"])
    at = powers.index(("current_socket_power", "32"))
    assert powers[at + 1] == ("average_socket_power", "32")
    assert powers[:at] in ([], [("socket_power", "64")])
    assert re.findall(r"'(\w+)', ctypes\.c_uint32", first["version"])[0] in ("year", "major")
    bits = re.findall(r"\('(\w+_number)', ctypes.c_uint64, (\d+)\)", wrapper)
    assert bits[:4] == [
        ("function_number", "3"), ("device_number", "5"), ("bus_number", "8"), ("domain_number", "48"),
    ]  # fmt: skip
    assert re.search(r"^AMDSMI_INIT_AMD_GPUS = 2$", wrapper, re.MULTILINE)
    assert re.search(r"^AMDSMI_STATUS_NO_PERM = 10$", wrapper, re.MULTILINE)


@needs_compiler
def test_the_stand_ins_signatures_are_those_of_rocm_smi_h(tmp_path):
    probe = tmp_path / "probe.c"
    probe.write_text("#include <rocm_smi/rocm_smi.h>\n")
    include = [compiler(), "-std=gnu11", "-fsyntax-only", "-I/opt/rocm/include"]
    if subprocess.run([*include, probe], capture_output=True, check=False).returncode != 0:
        pytest.skip("no rocm_smi.h: apt install librocm-smi-dev")
    # A definition that differs from the header's declaration does not compile.
    check = [*include, "-DROCM", "-DWITH_ROCM_H", HERE / "amd_standin.c"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@needs_compiler
@both
@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_opens_reads_fails_and_closes_cleanly(tmp_path, library, sanitizer):
    flags = ["-std=c11", "-D_GNU_SOURCE", "-g", f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all"]
    probe = tmp_path / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    build = [compiler(), *flags, probe, "-o", tmp_path / "probe"]
    if subprocess.run(build, capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{compiler()} has no such sanitizer")
    path = amd_machine(tmp_path / "m", MACHINE, library=library)
    program = tmp_path / "amd_check"
    sources = [HERE / "amd_check.c", *sorted(CSRC.glob("*.c"))]
    subprocess.run([compiler(), *flags, f"-I{CSRC}", *sources, "-o", program, "-ldl", "-pthread"], check=True)
    command = [program, path, str(int(library == ROCM_SMI))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
