"""Machines that users have met, as public issues and documents describe them: their files, and the truth.

A file holds a number that stays, or a ``Rising`` one: joules of a constant power, counted from now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from machines.build import Cpu, Machine, Zone, write
from machines.hosts import ESU16_NJ

HWMON = "sys/class/hwmon/hwmon{}/"
STEP_S = 0.001


@dataclass(frozen=True)
class Rising:
    """A counter of microjoules at a constant power; ``unit_nj``: as powercap cuts off counts of 2^-16 J."""

    watts: float
    start_uj: int = 414_000_000
    unit_nj: int | None = None

    def text(self, seconds: float) -> str:
        if self.unit_nj is None:
            return f"{self.start_uj + int(seconds * self.watts * 1_000_000)}\n"
        return f"{(1_000_000 + int(seconds * self.watts * 65_536)) * self.unit_nj // 1000}\n"


@dataclass(frozen=True, kw_only=True)
class UserMachine:
    """One machine, what is true of it, and what must be said.

    Attributes:
        files: Path to text, or to what rises there.
        total_w: The power that the total must hold.
        channels_w: The power of single channels.
        least_share: The 95 % uncertainty is at least this share of the total.
        says: Words of the report or of ``uj probe``.
        says_not: Words of neither.
    """

    name: str
    machine: Machine
    files: dict[str, str | int | Rising]
    total_w: float
    channels_w: dict[str, float] = field(default_factory=dict)
    least_share: float = 0.01
    says: tuple[str, ...] = ()
    says_not: tuple[str, ...] = ()


def hwmon(number: int, name: str, **files: str | int | Rising) -> dict[str, str | int | Rising]:
    """One hwmon device."""
    folder = HWMON.format(number)
    return {folder + "name": name} | {folder + file: text for file, text in files.items()}


def _host(vendor: str, family: int, model: int, name: str, kernel: str) -> Machine:
    cpu = Cpu(vendor=vendor, family=family, model=model, name=name, placement=((0, 0),))
    return Machine(name=name, cpu=cpu, kernel=kernel, paranoid=4)


AMD, INTEL = "AuthenticAMD", "GenuineIntel"
ARM = _host("", 0, 0, "an ARM server", "6.8.0")
EPYC = _host(AMD, 0x19, 1, "AMD EPYC 7763", "6.6.0")

USERS = (
    UserMachine(
        name="xe of Linux 6.8 without a label",  # henrygd/beszel#2012, flightlessmango/MangoHud#1082
        machine=_host(INTEL, 6, 0x97, "12th Gen Intel(R) Core(TM) i5-12400", "6.8.0"),
        files=hwmon(3, "xe", power1_max=225_000_000, energy1_input=Rising(33)),
        total_w=33,
        least_share=0.001,
    ),
    UserMachine(
        name="a Jetson whose 5 V rail feeds the others",  # ml-energy/zeus#103, rbonghi/jetson_stats#900
        machine=ARM,
        files=hwmon(
            1,
            "ina3221",
            in1_label="VDD_GPU_SOC", in1_input=4968, curr1_input=1200,
            in2_label="VDD_CPU_CV", in2_input=4960, curr2_input=480,
            in3_label="VIN_SYS_5V0", in3_input=4952, curr3_input=1880,
            update_interval=1,
        ),
        total_w=9.30976,
        channels_w={"ina3221-0/vdd_gpu_soc": 5.9616, "ina3221-0/vdd_cpu_cv": 2.3808},
        least_share=0.05,
        says=("VIN_SYS_5V0 has the voltage of the other rails",),
    ),
    UserMachine(
        name="a Grace superchip",  # RRZE-HPC/likwid#585, sustainable-computing-io/kepler#1884
        machine=ARM,
        files={
            path: text
            for number, (label, microwatts) in enumerate(
                {
                    "Grace Power Socket 0": 104_000_000, "CPU Power Socket 0": 53_000_000,
                    "SysIO Power Socket 0": 6_300_000, "Grace Power Socket 1": 99_000_000,
                    "CPU Power Socket 1": 51_000_000,
                }.items()
            )
            for path, text in hwmon(
                number, "power_meter",
                power1_oem_info=label, power1_average=microwatts, power1_average_interval=50,
            ).items()
        },
        total_w=203,
        channels_w={"grace-0/power": 104, "grace-1/power": 99},
        least_share=0.05,
    ),
    UserMachine(
        name="Zen 5 with the module zenergy",  # deepcool-digital-linux#114, energymon/energymon#53
        machine=_host(AMD, 0x1A, 0x44, "AMD Ryzen 9 9950X", "6.9.9"),
        files=hwmon(
            4, "zenergy",
            energy1_label="Ecore000", energy1_input=Rising(4),
            energy2_label="Ecore001", energy2_input=Rising(5),
            energy3_label="Esocket0", energy3_input=Rising(61, 914_000_000),
        ),
        total_w=61,
        says_not=("modprobe intel_rapl_msr",),
    ),
    UserMachine(
        name="an RX 580 with its present power only",  # flightlessmango/MangoHud#1202, Syllo/nvtop#244
        machine=replace(
            _host(AMD, 0x17, 0x71, "AMD Ryzen 7 3700X", "6.9.7"),
            zones=(Zone(id="0", name="package-0", unit_nj=ESU16_NJ),),
        ),
        files={
            **hwmon(2, "amdgpu", power1_input=31_000_000, power1_label="PPT", power1_cap_max=202_000_000),
            "sys/class/powercap/intel-rapl:0/energy_uj": Rising(44, unit_nj=ESU16_NJ),
        },
        total_w=75,
        channels_w={"package-0": 44, "amdgpu-0/power": 31},
    ),
    UserMachine(
        name="an ACPI meter that states its accuracy",  # ColinIanKing/powerstat#19
        machine=_host(INTEL, 6, 0x55, "Intel(R) Xeon(R) Gold 6248", "6.1.0"),
        files=hwmon(
            0, "power_meter",
            power1_average=228_000_000, power1_average_interval=1000, power1_accuracy="90.0%",
        ),
        total_w=228,
        least_share=0.05,
        says=("10 %",),
    ),
    UserMachine(
        name="two ACPI meters, of which either may hold the other",  # redhat-performance/badfish#309
        machine=EPYC,
        files={
            **hwmon(0, "corsairpsu", power1_label="power total", power1_input=212_000_000),
            **hwmon(1, "corsairpsu", power1_label="power total", power1_input=200_000_000),
            **hwmon(2, 'my sensor, "quoted"', power1_label="Größe / A", power1_input=-3_000_000,
                    power2_label="Größe / A", power2_input=7_000_000),
            **hwmon(4, "power_meter", power1_average=410_000_000),
            **hwmon(5, "power_meter", power1_average=395_000_000),
        },
        total_w=410,
        channels_w={"machine-1/power": 395, "corsairpsu-1/power_total": 200},
        says=("not added: machine-1/power",),
        says_not=("measured: whole machine",),
    ),
    UserMachine(
        name="an Ampere Altra",  # Linux drivers/hwmon/xgene-hwmon.c
        machine=ARM,
        files=hwmon(
            0, "apm_xgene",
            power1_label="CPU power", power1_input=60_000_000,
            power2_label="IO power", power2_input=33_000_000,
        ),
        total_w=93,
        least_share=0.05,
        says_not=("estimated, not measured",),
    ),
    UserMachine(
        name="a Bulldozer, whose PMU named power counts milliwatts",  # Linux arch/x86/events/amd/power.c
        machine=_host(AMD, 0x15, 0x60, "AMD FX-8800P", "6.1.0"),
        files={
            **hwmon(0, "fam15h_power", power1_input=21_000_000, power1_crit=35_000_000),
            **{
                f"sys/bus/event_source/devices/power/{file}": text
                for file, text in {
                    "type": 9, "cpumask": 0, "events/power-pkg": "event=0x01",
                    "events/power-pkg.scale": "1.000000e-3", "events/power-pkg.unit": "mWatts",
                }.items()
            },
        },
        total_w=21,
        says_not=("modprobe",),
    ),
)  # fmt: skip


SUPPLIES = UserMachine(
    name="supplies of which nobody knows what they feed",  # redhat-performance/badfish#309
    machine=EPYC,
    files={
        **hwmon(0, "corsairpsu", power1_label="power total", power1_input=212_000_000),
        **hwmon(1, "corsairpsu", power1_label="power total", power1_input=200_000_000),
    },
    total_w=0,
    channels_w={"corsairpsu-0/power_total": 212, "corsairpsu-1/power_total": 200},
)


@contextmanager
def running(of: UserMachine, root: Path) -> Iterator[Path]:
    """The machine's files, whose counters rise until the block ends."""
    write(of.machine, root)
    rising: dict[Path, Rising] = {}
    for name, text in of.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, Rising):
            rising[path] = text
        path.write_text(text.text(0.0) if isinstance(text, Rising) else f"{text}\n", encoding="utf-8")
    ended = threading.Event()

    def raise_counters() -> None:
        began = time.monotonic()
        files = [(path.open("r+"), counter) for path, counter in rising.items()]
        while not ended.wait(STEP_S):
            for file, counter in files:
                file.seek(0)
                file.write(counter.text(time.monotonic() - began))
                file.flush()
        for file, _ in files:
            file.close()

    thread = threading.Thread(target=raise_counters)
    thread.start()
    try:
        yield root
    finally:
        ended.set()
        thread.join()
