"""The machines, a table: each row is what a kernel shows of a real kind of host."""

from __future__ import annotations

from machines.build import Cpu, Machine, Pmu, Zone

ESU14_NJ = 61_035
ESU16_NJ = 15_258
DRAM_NJ = 15_300
ALL_EVENTS = ("energy-pkg", "energy-cores", "energy-gpu", "energy-ram", "energy-psys")
INTEL_UNITS = 0xA0E03  # power 3, energy 14, time 10: MSR 0x606 of most Intel parts
AMD_UNITS = 0xA1003  # energy 16: the reset value of MSR 0xC0010299

CLIENT = Machine(
    name="a client with five domains",
    cpu=Cpu(model=0x9E, stepping=13, name="Intel(R) Core(TM) i9-9900K", placement=((0, 0),) * 4),
    zones=(
        Zone(id="0", name="package-0", unit_nj=ESU14_NJ, limits_w=(95.0, 119.0)),
        Zone(id="0:0", name="core", unit_nj=ESU14_NJ),
        Zone(id="0:1", name="uncore", unit_nj=ESU14_NJ),
        Zone(id="0:2", name="dram", unit_nj=ESU14_NJ),
        Zone(id="1", name="psys", unit_nj=ESU14_NJ, limits_w=(0.0, 200.0)),
    ),
    pmu=Pmu(cpumask="0", events=ALL_EVENTS),
    registers={0: {0x606: INTEL_UNITS, 0x611: 11, 0x619: 19, 0x639: 39, 0x641: 41, 0x64D: 77}},
)

TWO_SOCKET_SERVER = Machine(
    name="a server of two sockets with DRAM",
    cpu=Cpu(
        model=0x55,
        stepping=7,
        name="Intel(R) Xeon(R) Gold 6248",
        placement=((0, 0), (1, 0), (0, 0), (1, 0)),  # interleaved, as on many boards
    ),
    zones=(
        Zone(id="0", name="package-1", unit_nj=ESU14_NJ, limits_w=(150.0, 180.0)),  # not in order
        Zone(id="0:0", name="dram", unit_nj=DRAM_NJ, limits_w=(35.0,)),
        Zone(id="1", name="package-0", unit_nj=ESU14_NJ, limits_w=(150.0, 200_000.0)),  # absurd: no limit
        Zone(id="1:0", name="dram", unit_nj=DRAM_NJ),
    ),
    pmu=Pmu(cpumask="0-1", events=("energy-pkg", "energy-ram")),
    registers={
        0: {0x606: INTEL_UNITS, 0x611: 11, 0x619: 19},
        1: {0x606: INTEL_UNITS, 0x611: 12, 0x619: 20},
    },
)

AMD_MIRRORED_DIES = Machine(
    name="an AMD machine whose kernel mirrors the package in each die",
    cpu=Cpu(
        vendor="AuthenticAMD",
        family=0x17,
        model=0x31,
        stepping=0,
        name="AMD EPYC 7542",
        placement=((0, 0), (0, 1), (1, 2), (1, 3)),
    ),
    zones=(
        Zone(id="0", name="package-0-die-0", unit_nj=ESU16_NJ),
        Zone(id="0:0", name="core", unit_nj=ESU16_NJ, raw=77),
        Zone(id="1", name="package-0-die-1", unit_nj=ESU16_NJ),
        Zone(id="1:0", name="core", unit_nj=ESU16_NJ, raw=78),
        Zone(id="2", name="package-1-die-2", unit_nj=ESU16_NJ),
        Zone(id="3", name="package-1-die-3", unit_nj=ESU16_NJ),
    ),
    pmu=Pmu(cpumask="0-3", events=("energy-pkg",)),
    registers={
        0: {0xC0010299: AMD_UNITS, 0xC001029B: 11},
        2: {0xC0010299: AMD_UNITS, 0xC001029B: 12},
    },
)

PSYS_AND_MMIO = Machine(
    name="a laptop with psys and a memory-mapped duplicate",
    cpu=Cpu(model=0x8C, stepping=1, name="11th Gen Intel(R) Core(TM) i7-1165G7", placement=((0, 0),) * 2),
    zones=(
        Zone(id="0", name="psys", unit_nj=ESU14_NJ),
        Zone(id="1", name="package-0", unit_nj=ESU14_NJ, limits_w=(28.0, 60.0)),
        Zone(id="1:0", name="core", unit_nj=ESU14_NJ),
        Zone(id="0", name="package-0", unit_nj=ESU14_NJ, family="intel-rapl-mmio"),
    ),
)

HEX_ZONES = Machine(
    name="twelve packages, whose zone ids are hexadecimal",
    cpu=Cpu(
        model=0x55,
        name="Intel(R) Xeon(R) Platinum 8260L",
        placement=tuple((package, 0) for package in range(12)),
    ),
    zones=(
        *(
            Zone(id=f"{place:x}", name=f"package-{package}", unit_nj=ESU14_NJ, raw=1000 + package)
            for place, package in enumerate([11, 10, 0, 1, 2, 3, 4, 5, 6, 7, 9, 8])
        ),
        Zone(id="a:0", name="dram", unit_nj=DRAM_NJ),
    ),
)

SAPPHIRE_RAPIDS = Machine(
    name="a Sapphire Rapids server, whose psys counts whole joules",
    cpu=Cpu(model=0x8F, stepping=8, name="Intel(R) Xeon(R) Platinum 8480+", placement=((0, 0), (1, 0))),
    zones=(
        Zone(id="0", name="package-0", unit_nj=ESU14_NJ, limits_w=(350.0,)),
        Zone(id="0:0", name="dram", unit_nj=ESU14_NJ),
        Zone(id="1", name="package-1", unit_nj=ESU14_NJ, limits_w=(350.0,)),
        Zone(id="2", name="psys", unit_nj=1_000_000_000),
    ),
    pmu=Pmu(cpumask="0-1", events=("energy-pkg", "energy-ram", "energy-psys")),
    registers={0: {0x606: INTEL_UNITS, 0x611: 11, 0x64D: 5}, 1: {0x606: INTEL_UNITS, 0x611: 12, 0x64D: 5}},
)

FRAMEWORK_PMU = Machine(
    name="a TPMI server, whose PMU lists every CPU",
    cpu=Cpu(
        model=0xAD, name="Intel(R) Xeon(R) 6980P", placement=((0, 0), (0, 0), (1, 0), (1, 0)), stepping=1
    ),
    zones=(
        Zone(id="0", name="package-0", unit_nj=ESU14_NJ, limits_w=(500.0,)),
        Zone(id="1", name="package-1", unit_nj=ESU14_NJ, limits_w=(500.0,)),
    ),
    pmu=Pmu(cpumask="0-3", events=("energy-pkg", "energy-ram")),
    kernel="6.14.0",
)

EMPTY_VM = Machine(
    name="a virtual machine with nothing",
    cpu=Cpu(model=0x8F, name="Intel(R) Xeon(R) Processor", placement=((0, 0), (0, 0)), is_virtual=True),
    paranoid=2,
)

LOCKED_DOWN = Machine(
    name="a machine with Secure Boot, and perf forbidden",
    cpu=CLIENT.cpu,
    zones=CLIENT.zones,
    pmu=CLIENT.pmu,
    registers=CLIENT.registers,
    paranoid=4,
    lockdown="integrity",
)

MACHINES = (
    CLIENT,
    TWO_SOCKET_SERVER,
    AMD_MIRRORED_DIES,
    PSYS_AND_MMIO,
    HEX_ZONES,
    SAPPHIRE_RAPIDS,
    FRAMEWORK_PMU,
    EMPTY_VM,
    LOCKED_DOWN,
)
