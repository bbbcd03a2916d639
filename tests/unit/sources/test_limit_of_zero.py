"""Firmware writes 0 where it means that no limit is set: no step may become a reset by it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ideal import T0, Ideal, S, constant
from machines import CLIENT, write
from standin import amd_machine, compiler, machine

from microjoule.channel import Channel, Encoding, Kind
from microjoule.joules.counters.counter import Counter
from microjoule.joules.gauges.gauge import Gauge
from microjoule.sources import cray, hwmon, powercap, rapl_perf
from microjoule.sources.machine import Machine
from microjoule.trace.series import Series

needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")
PCI = "0000:03:00.0"


def text(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{value}\n")


def rapl(root: Path, limit: int) -> Path:
    """Zones whose every limit, set and rated, has this value."""
    write(CLIENT, root)
    for zone in (root / "sys/class/powercap").iterdir():
        for name in (
            "constraint_0_power_limit_uw",
            "constraint_1_power_limit_uw",
            "constraint_0_max_power_uw",
        ):
            text(zone / name, limit)
    return root


def of_powercap(root: Path, limit: int) -> list[Channel]:
    return list(powercap.survey(Machine(rapl(root, limit))).channels)


def of_perf(root: Path, limit: int) -> list[Channel]:
    return list(rapl_perf.survey(Machine(rapl(root, limit))).channels)


def of_hwmon(root: Path, limit: int) -> list[Channel]:
    place = root / "sys/class/hwmon/hwmon0"
    for name in ("power1_cap_max", "power1_cap", "power1_max", "energy1_input", "power1_average"):
        text(place / name, limit if "cap" in name or "max" in name else 1000)
    (place / "name").write_text("amdgpu\n")
    (place / "power1_label").write_text("PPT\n")
    return list(hwmon.survey(Machine(root)).channels)


def of_cray(root: Path, limit: int) -> list[Channel]:
    for name, value in {"energy": "1000 J", "power": "275 W", "power_cap": f"{limit} W"}.items():
        (root / cray.FOLDER).mkdir(parents=True, exist_ok=True)
        (root / cray.FOLDER / name).write_text(f"{value}\n")
    return list(cray.survey(Machine(root)).channels)


def of_library(source: str, root: Path) -> list[Channel]:
    """In a process of its own, as a process has one library of a name."""
    program = (
        "import json, sys; from pathlib import Path\n"
        f"from microjoule.sources import Machine, {source} as source\n"
        "print(json.dumps([c.to_json() for c in source.survey(Machine(Path(sys.argv[1]))).channels]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True
    )
    return [Channel.from_json(plain) for plain in json.loads(done.stdout)]


def of_nvml(root: Path, limit: int) -> list[Channel]:
    machine(root, f"device GPU-aaaa-1\narch 9\nlimit_mw {max(limit, 0)}")
    return of_library("nvml", root)


def of_amdsmi(root: Path, limit: int) -> list[Channel]:
    amd_machine(root, f"device {PCI}")
    text(root / f"sys/bus/pci/devices/{PCI}/hwmon/hwmon0/power1_cap_max", limit)
    return of_library("amdsmi", root)


SOURCES = [
    of_powercap,
    of_perf,
    of_hwmon,
    of_cray,
    *(pytest.param(f, marks=needs_compiler) for f in (of_nvml, of_amdsmi)),
]


@pytest.mark.parametrize("limit", [0, -1])
@pytest.mark.parametrize("channels", SOURCES, ids=lambda f: f.__name__)
def test_no_source_takes_it_for_a_limit(channels, limit: int, tmp_path: Path) -> None:
    """And every counter and gauge that is listed gives the energy of a steady 100 W."""
    found = [c for c in channels(tmp_path, limit) if c.scale.quantity in ("J", "W")]
    assert found
    for channel in found:
        assert channel.trust.power_limit_w is None or channel.trust.power_limit_w >= 100, channel.id
        assert ok_energy_j(channel) == pytest.approx(5000.0, rel=0.05), channel.id


@pytest.mark.parametrize("limit_w", [0.0, -1.0])
@pytest.mark.parametrize("kind", Kind)
def test_a_channel_that_states_it_all_the_same_is_one_without_a_limit(kind: Kind, limit_w: float) -> None:
    """A trace of another recorder, say."""
    plain = Ideal(constant(100.0)).channel
    scale = replace(plain.scale, quantity="J" if kind is Kind.COUNTER else "W")
    stating = replace(plain, kind=kind, scale=scale, trust=replace(plain.trust, power_limit_w=limit_w))
    assert ok_energy_j(stating) == pytest.approx(5000.0, rel=0.05)


def ok_energy_j(channel: Channel) -> float:
    """What the estimator gives for 50 s at 100 W, read once a second through this channel."""
    seconds = np.arange(100)
    t_ns = T0 + seconds * S
    unit = channel.scale.unit
    if channel.kind is Kind.GAUGE:
        raw = np.full(100, int(100 / unit), np.uint64)
    else:
        counts = [
            int(100 * t / unit) // channel.scale.quantum * channel.scale.quantum for t in seconds.tolist()
        ]
        raw = np.array([shown(n, channel) for n in counts], np.uint64)
    series = Series(t_ns, np.full(100, 1000, np.uint32), raw, np.zeros(100, np.uint16))
    meter = Gauge(series, channel) if channel.kind is Kind.GAUGE else Counter(series, channel)
    estimate = meter.energy(T0 + 20 * S, T0 + 70 * S)
    assert estimate.status == "ok", channel.id
    assert estimate.low <= 5000.0 <= estimate.high, channel.id
    return estimate.value


def shown(count: int, channel: Channel) -> int:
    if channel.encoding is not Encoding.POWERCAP:
        return count
    return count * (channel.scale.shown_nj or int(channel.scale.unit * 10**9)) // 1000
