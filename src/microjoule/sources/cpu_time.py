"""CPU time: what every Linux has, virtual machines too. Seconds, not joules.

Theory of the device. Two counters of busy CPU seconds:

- ``cpu_time/system``: the first line of ``/proc/stat`` (``fs/proc/stat.c``), in ticks of 1/100 s summed
  over all CPUs: user, nice, system, irq, softirq and steal are added; idle and iowait are not.
  Guest time is inside user already. Steal is time that the hypervisor gave to others while this
  machine wanted to run: its energy was drawn elsewhere, and the model's interval has to bear that.
  Each field is cut off to a whole tick by itself, so that their sum falls short by up to one a field.
  Most kernels book whole ticks to whoever runs at the tick, so it moves every 10 ms and short
  sleepers hide between ticks. Anyone may read it.
- ``cpu_time/command``: perf's software event task-clock (``kernel/events/core.c``), nanoseconds that
  the command and everything it starts spent on a CPU: opened disabled on the calling thread,
  inherited, enabled by exec. Exact at each read. Anyone may open it for his own processes while
  ``perf_event_paranoid`` is 2 or less (user side only at 2, which task-clock does not heed);
  Debian's and Android's level 3 forbids perf altogether. In containers seccomp may refuse it too.

- ``cpu_time/command_cycles``, ``_instructions``, ``_misses``, where there is a PMU: what the command and all
  that it starts did outside the kernel, as the generic events of perf (``perf_event_open(2)``:
  PERF_COUNT_HW_CPU_CYCLES, _INSTRUCTIONS, _CACHE_MISSES, which are misses of the last level on most CPUs).
  They say no joules; shares are fitted by them where that explains a counter better than seconds alone. Most
  virtual machines have no PMU. On CPUs with two kinds of cores only the first kind is counted.

From seconds to joules: a *model*, marked as such. Watts for one busy second of one logical CPU:

- Where the CPU is known, the full-load watts per vCPU of Cloud Carbon Footprint's coefficients
  (ccf-coefficients b0032d9, from SPECpower, Apache-2.0). Low: half of what full load adds to idle,
  for code lighter than SPECpower. High: twice full load, for a thread that has a whole core.
- Otherwise Green Algorithms v3.0's 12 W for "Any" core (TDP_cpu.csv 30df2fe, CC-BY-4.0). Low:
  1.7 W, the 5th percentile of full-load watts per vCPU over the 36 sound rows of the coefficients
  above. High: 22.1 W, the 95th percentile of the 94 CPUs in Green Algorithms' table.

Known errors of the model: it knows nothing of frequency, vector units, memory or idle CPUs.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from ..channel import Access, Channel, Place, PowerModel, Role, Scale, Timing, Trust
from ..units import NS_PER_MS, NS_PER_S, S_PER_JIFFY
from ..value_class import dataclass
from .host import AMD, INTEL, Host, cpu_list, text_of
from .machine import Machine
from .survey import Cause, Obstacle, Survey, closed_by

NAME = "cpu_time"
READERS = "everyone; the command's own time: perf_event_paranoid ≤ 2 or CAP_PERFMON"
LANE = "cpu"
RATE_MAX_HZ = 100.0  # the kernel counts in hundredths of a second
PARANOID_LIMIT = 2

BUSY_FIELDS = (1, 2, 3, 6, 7, 8)  # user nice system irq softirq steal; field 0 is the word "cpu"
BUSY_MASK = sum(1 << field for field in BUSY_FIELDS)

PERF_TYPE_SOFTWARE = 1  # include/uapi/linux/perf_event.h
PERF_COUNT_SW_TASK_CLOCK = 1
NEXT_COMMANDS = -1
PERF_TYPE_HARDWARE = 0
EVENTS = {"cycles": 0, "instructions": 1, "misses": 3}
PMUS = ("cpu", "cpu_core", "armv8_*")  # folders of event_source/devices, one of which a PMU has


@dataclass(frozen=True, slots=True)
class Architecture:
    """Watts per logical CPU of one CPU architecture, at rest and at full load."""

    name: str
    vendor: str
    family: int
    models: frozenset[int]
    idle_w: float
    full_w: float


# Rows "aws" of ccf-coefficients; EPYC 5th Gen is left out, its row is 4 to 5 times every other's.
ARCHITECTURES = (
    Architecture("Sandy Bridge", INTEL, 6, frozenset({0x2A, 0x2D}), 2.21224, 8.63087),
    Architecture("Ivy Bridge", INTEL, 6, frozenset({0x3A, 0x3E}), 1.70743, 5.55694),
    Architecture("Haswell", INTEL, 6, frozenset({0x3C, 0x3F, 0x45, 0x46}), 1.85735, 5.59538),
    Architecture("Broadwell", INTEL, 6, frozenset({0x3D, 0x47, 0x4F, 0x56}), 0.71283, 3.68533),
    Architecture("Skylake and Cascade Lake", INTEL, 6, frozenset({0x55}), 0.61299, 4.10417),
    Architecture("Coffee Lake", INTEL, 6, frozenset({0x9E, 0x8E}), 1.13843, 5.42176),
    Architecture("Ice Lake", INTEL, 6, frozenset({0x6A, 0x6C}), 0.7668, 3.7582),
    Architecture("Sapphire Rapids", INTEL, 6, frozenset({0x8F}), 1.03629, 4.16048),
    Architecture("Emerald Rapids", INTEL, 6, frozenset({0xCF}), 0.81401, 4.48203),
    Architecture("Granite Rapids", INTEL, 6, frozenset({0xAD}), 0.58159, 2.52747),
    Architecture("EPYC 1st Gen", AMD[0], 0x17, frozenset({0x01}), 0.84679, 2.60417),
    Architecture("EPYC 2nd Gen", AMD[0], 0x17, frozenset({0x31}), 0.47426, 1.69296),
    Architecture("EPYC 3rd Gen", AMD[0], 0x19, frozenset({0x01}), 0.45562, 1.95733),
    Architecture("EPYC 4th Gen", AMD[0], 0x19, frozenset({0x11, 0xA0}), 0.73915, 2.28216),
)

ANY_CPU = PowerModel(
    value_w=12.0,
    low_w=1.7,
    high_w=22.1,
    source="CPU not in the table: Green Algorithms v3.0 'Any' core; low 5th percentile of Cloud Carbon "
    "Footprint's vCPUs, high 95th percentile of Green Algorithms' cores",
)


def survey(machine: Machine) -> Survey:
    """The busy time of the system and of the commands started next."""
    host, root = machine.host, machine.root
    stat = root / "proc/stat"
    first = (text_of(stat) or "").partition("\n")[0].split()
    if len(first) <= max(BUSY_FIELDS) or first[0] != "cpu":
        what = f"{stat} has no line of CPU times: this is no Linux, or /proc is not mounted"
        obstacle = Obstacle(Cause.NO_HARDWARE, what)
        return Survey(NAME, READERS, obstacles=(obstacle,))
    system = Channel(
        id="cpu_time/system",
        place=Place(device="machine", part="cpu", role=Role.PART),
        hw_type="cpu",
        source=NAME,
        lane=LANE,
        scale=Scale(quantity="s", unit=S_PER_JIFFY, unit_source="kernel", quantum=len(BUSY_FIELDS)),
        # A CPU that is idle counts nothing, however long: it is no update that is late. What is booked a tick
        # after it was spent is the lag.
        timing=Timing(lag_ns=10 * NS_PER_MS, rate_max_hz=RATE_MAX_HZ),
        trust=_trust(host, root, ()),
        access=Access(reader="text", path=str(stat), config=BUSY_MASK),
    )
    command = Channel(
        id="cpu_time/command",
        place=Place(device="command", part="cpu", role=Role.PART),
        hw_type="cpu",
        source=NAME,
        lane=LANE,
        scale=Scale(quantity="s", unit=Fraction(1, NS_PER_S), unit_source="kernel", starts_at_open=True),
        timing=Timing(rate_max_hz=RATE_MAX_HZ),
        trust=_trust(host, root, (system.id,)),
        access=Access(
            reader="perf",
            path=str(root / "sys/bus/event_source/devices/software"),
            type=PERF_TYPE_SOFTWARE,
            config=PERF_COUNT_SW_TASK_CLOCK,
            cpu=NEXT_COMMANDS,
        ),
    )
    if host.perf_event_paranoid is not None and host.may_use_perf(PARANOID_LIMIT):
        return Survey(NAME, READERS, channels=(system, command, *_events(root)))
    obstacle = _perf_obstacle(host)
    return Survey(NAME, READERS, (system,), closed_by(obstacle, (command,)), (obstacle,))


def _events(root: Path) -> Iterator[Channel]:
    """The events of the commands started next; none where no PMU is."""
    devices = root / "sys/bus/event_source/devices"
    pmu = next((path for name in PMUS for path in sorted(devices.glob(name))), None)
    for name, config in EVENTS.items() if pmu is not None else ():
        yield Channel(
            id=f"cpu_time/command_{name}",
            place=Place(device="command", part=name, role=Role.PART),
            hw_type="cpu",
            source=NAME,
            lane=LANE,
            scale=Scale(quantity="1", unit=Fraction(1), unit_source="kernel", starts_at_open=True),
            timing=Timing(rate_max_hz=RATE_MAX_HZ),
            access=Access(
                reader="perf", path=str(pmu), type=PERF_TYPE_HARDWARE, config=config, cpu=NEXT_COMMANDS
            ),
        )


def power_model(host: Host) -> PowerModel:
    """Watts of one busy second of one logical CPU, by architecture where that is known."""
    for row in ARCHITECTURES:
        if (row.vendor, row.family) == (host.cpu_vendor, host.cpu_family) and host.cpu_model in row.models:
            return PowerModel(
                value_w=row.full_w,
                low_w=(row.full_w - row.idle_w) / 2,
                high_w=2 * row.full_w,
                source=f"{row.name}: full-load watts per vCPU, Cloud Carbon Footprint coefficients 2026-04",
            )
    return ANY_CPU


def _trust(host: Host, root: Path, parents: tuple[str, ...]) -> Trust:
    online = len(cpu_list(text_of(root / "sys/devices/system/cpu/online"))) or len(host.packages)
    return Trust(
        power_limit_w=float(online) if online else None,  # here the limit is seconds per second
        power_limit_source="online CPUs" if online else "none",
        parents=parents,
        model=power_model(host),
    )


def _perf_obstacle(host: Host) -> Obstacle:
    if host.perf_event_paranoid is None:
        what = (
            "this kernel has no perf events, which alone separate a command's own CPU time from the system's"
        )
        return Obstacle(Cause.HIDDEN, what)
    return Obstacle(
        Cause.PARANOID,
        f"perf_event_paranoid is {host.perf_event_paranoid}, and a command's task-clock needs 2 or less",
        "Run `sudo sysctl kernel.perf_event_paranoid=2`",
    )
