"""Whether two recordings were made under the same conditions, and which differences matter.

A ratio of two energies says something of two programs only where the machine was the same. Each setting has a
weight: ``REFUSE`` where a difference by itself can move energy by more than programs do (clock policy, power
limits, CPUs that are off), ``WARN`` where it can move it by per cent, and none where it says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from types import MappingProxyType
from typing import Any, NamedTuple

from ..trace.state import State
from ..units import NS_PER_S

REFUSE, WARN = "refuse", "warn"

SETTINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "governor": ("CPU frequency governor", REFUSE),
        "energy_preference": ("energy performance preference", REFUSE),
        "frequency_driver": ("CPU frequency driver", WARN),
        "frequency_min_hz": ("lowest CPU frequency", WARN),
        "frequency_max_hz": ("highest CPU frequency", REFUSE),
        "turbo": ("turbo", REFUSE),
        "smt": ("simultaneous multithreading", REFUSE),
        "cpus_online": ("CPUs online", REFUSE),
        "microcode": ("microcode", WARN),
        "idle_driver": ("idle driver", WARN),
        "idle_states": ("enabled idle states", WARN),
        "mitigations": ("CPU mitigations", WARN),
        "power_limits_w": ("power limits", REFUSE),
        "platform_profile": ("platform profile", REFUSE),
        "on_battery": ("running on battery", REFUSE),
        "huge_pages": ("transparent huge pages", WARN),
        "nmi_watchdog": ("NMI watchdog", WARN),
        "clock_source": ("clock source", WARN),
        "kernel_options": ("kernel options", WARN),
        "cgroup_cpu_max": ("CPU limit of the control group", REFUSE),
        "cgroup_cpus": ("CPUs of the control group", REFUSE),
        "cgroup_memory_max": ("memory limit of the control group", WARN),
        "container": ("container", WARN),
    }
)
GPU_SETTINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "driver": ("driver", WARN),
        "persistence": ("persistence mode", WARN),
        "ecc": ("ECC", REFUSE),
        "power_limit_w": ("power limit", REFUSE),
        "application_clock_mhz": ("application clock", REFUSE),
        "power_smoothing": ("power smoothing", REFUSE),
    }
)
TEMPERATURE = re.compile(r"temperature_\d+_c")
VERSIONS = ("python", "microjoule", "numpy", "pyarrow")
WARMER_K, FASTER = 10.0, 0.03  # differences of means from which temperature and clock are named
_OTHERS_S = 2.0
BUSIER = 0.2  # the same of how many CPUs other programs kept busy


class Difference(NamedTuple):
    """Something that was not the same.

    Attributes:
        what: In words.
        one: How it was in the first recording, in words.
        other: And in the other.
        weight: ``REFUSE`` or ``WARN``.
    """

    what: str
    one: str
    other: str
    weight: str

    def sentence(self, one: str, other: str) -> str:
        """``CPU frequency governor: performance in A, powersave in B``."""
        return f"{self.what}: {self.one} in {one}, {self.other} in {other}"


def same_machine(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the facts of two recordings are of one machine: its name, its installation and its CPU."""
    hosts = [facts.get("host") for facts in (one, other)]
    known = [host for host in hosts if isinstance(host, dict) and host.get("hostname")]
    keys = [(host["hostname"], host.get("cpu")) for host in known]
    machines = {host["machine"] for host in known if host.get("machine")}  # an older trace does not say
    return len(keys) == 2 and keys[0] == keys[1] and len(machines) < 2


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference]:
    """What of the settings of two recordings differs; what only one of them says is passed over.

    Args:
        one: Its facts: ``state``, ``gpus``, ``host`` and versions.
        other: Those of the other.
    """
    found = list(_of_table(SETTINGS, _table(one.get("state")), _table(other.get("state")), ""))
    gpus = [_gpus(facts) for facts in (one, other)]
    for index in sorted(gpus[0].keys() & gpus[1].keys(), key=str):
        a, b = ({"driver": of[index].get("driver"), **_table(of[index].get("settings"))} for of in gpus)
        found += _of_table(GPU_SETTINGS, a, b, f"GPU {index} ")
    plain = [("kernel", _table(one.get("host")).get("kernel"), _table(other.get("host")).get("kernel"))]
    plain += [(name, _version(one, name), _version(other, name)) for name in VERSIONS]
    found += [Difference(name, str(a), str(b), WARN) for name, a, b in plain if a and b and a != b]
    return found


def _gpus(facts: Mapping[str, Any]) -> dict[Any, dict[str, Any]]:
    rows = facts.get("gpus")
    return {of.get("index"): of for of in rows if isinstance(of, dict)} if isinstance(rows, list) else {}


def _version(facts: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - JSON values
    return facts.get(name) or _table(facts.get("libraries")).get(name)


def refused(found: Sequence[Difference]) -> list[Difference]:
    """Those of the differences that by themselves can move energy by more than programs do."""
    return [each for each in found if each.weight == REFUSE]


def conditions(one: State, other: State) -> list[Difference]:
    """What of clock, temperature and throttling differed while two recordings were made."""
    found: list[Difference] = []
    warm, warm_other = (_mean(of, "temperature_0_c") for of in (one, other))
    if warm and warm_other and abs(warm - warm_other) > WARMER_K:
        found.append(Difference("mean package temperature", f"{warm:.0f} °C", f"{warm_other:.0f} °C", WARN))
    hz, hz_other = (_fastest_hz(of) for of in (one, other))
    if hz and hz_other and abs(hz - hz_other) > FASTER * max(hz, hz_other):
        found.append(Difference("mean clock of the fastest core", said(hz), said(hz_other), WARN))
    busy, busy_other = (_others(of) for of in (one, other))
    if busy is not None and busy_other is not None and abs(busy - busy_other) > BUSIER:
        mine, theirs = (f"{cpus:.2g} CPUs busy" for cpus in (busy, busy_other))
        found.append(Difference("other programs", mine, theirs, WARN))
    hot, hot_other = (
        f"{n:.0f} times" if (n := _rise(of, "throttle_events")) else "not" for of in (one, other)
    )
    if (hot == "not") != (hot_other == "not"):
        found.append(Difference("throttled by heat", hot, hot_other, WARN))
    return found


class Condition(NamedTuple):
    """How something of a machine was while it was recorded.

    Attributes:
        what: In words.
        unit: Of the figures.
        mean: Over the readings, one a second; of clocks over the cores too.
        low: The lowest.
        high: The highest.
        n: How many readings.
    """

    what: str
    unit: str
    mean: float
    low: float
    high: float
    n: int


def met(of: State) -> list[Condition]:
    """The clocks of the cores and the temperature of each package; what was not read is left out."""
    rows = [("clock of the cores", "Hz", [hz for cores in of.clocks() for hz in cores])]
    names = sorted({name for _, reading in of.readings for name in reading if TEMPERATURE.fullmatch(name)})
    rows += [(f"temperature of package {name.split('_')[1]}", "°C", of.values(name)) for name in names]
    busy = _others(of)
    rows += [("CPUs that other programs kept busy", "1", [busy])] if busy is not None else []
    return [Condition(what, unit, fmean(v), min(v), max(v), len(v)) for what, unit, v in rows if v]


def changes(of: State) -> list[str]:
    """What changed on a machine while it was recorded, a sentence each."""
    found = []
    for name, after in of.changed.items():
        words, _ = SETTINGS.get(name, (name, WARN))
        before = said(of.settings.get(name))
        found.append(f"{words} changed from {before} to {said(after)} while it was recorded")
    n = _rise(of, "throttle_events")
    if n:
        found.append(f"the package was throttled by heat {n:.0f} time{'s' * (n != 1)} while it was recorded")
    return found


def said(value: Any) -> str:  # noqa: ANN401 - JSON values
    """A setting in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return ", ".join(f"{key} {said(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, int | float):
        return f"{value / 1e9:.3g} GHz" if value >= 1e7 else f"{value:g}"
    return "not said" if value is None else str(value)


def _of_table(
    table: Mapping[str, tuple[str, str]], one: Mapping[str, Any], other: Mapping[str, Any], prefix: str
) -> Iterator[Difference]:
    for name, (words, weight) in table.items():
        a, b = one.get(name), other.get(name)
        if a is None or b is None or a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):  # of a table only what differs
            keys = [key for key in {**a, **b} if a.get(key) != b.get(key)]
            a, b = ({key: of.get(key) for key in keys} for of in (a, b))
        yield Difference(f"{prefix}{words}", said(a), said(b), weight)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mean(of: State, name: str) -> float | None:
    values = of.values(name)
    return fmean(values) if values else None


def _fastest_hz(of: State) -> float | None:
    """The mean clock of the core that was fastest each second; idle ones say nothing of a program."""
    highest = [max(cores) for cores in of.clocks()]
    return fmean(highest) if highest else None


def _others(of: State) -> float | None:
    """How many CPUs other programs kept busy in the mean; None: less than two seconds were looked at."""
    known = [(t_ns, found["other_programs_s"]) for t_ns, found in of.readings if "other_programs_s" in found]
    length_s = (known[-1][0] - known[0][0]) / NS_PER_S if known else 0.0
    return max(known[-1][1] - known[0][1], 0.0) / length_s if length_s >= _OTHERS_S else None


def _rise(of: State, name: str) -> float:
    values: Sequence[float] = of.values(name)
    return values[-1] - values[0] if values else 0.0
