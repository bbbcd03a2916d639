"""What parses, as functions of bytes: whatever they are, nothing but an error of the product may come out.

Each target takes an input and a folder of its own. ``seeds`` gives the inputs to start from; an input that
once broke a target is kept in ``corpus/`` and played by the tests for good.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import scripted
from machines import CLIENT, write
from replay import Answer, TestClock, serving

import microjoule as uj
from microjoule.errors import MicrojouleError
from microjoule.footprint.intensity_file import load_series
from microjoule.footprint.providers import PROVIDERS, ProviderAccess, provider
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.summary import summary
from microjoule.plugins.profiles import kineto
from microjoule.recording.agent_lane import AgentLane
from microjoule.sources import Machine, agent, agent_offer, survey
from microjoule.sources.agent_offer import Offer, OfferedLane
from microjoule.trace import schema

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
BETWEEN = b"\0\0"  # the files of a tree in one input

ZONE = "sys/devices/virtual/powercap/intel-rapl/intel-rapl:0"
SYSFS = (
    f"{ZONE}/name",
    f"{ZONE}/max_energy_range_uj",
    f"{ZONE}/energy_uj",
    f"{ZONE}/constraint_0_power_limit_uw",
    "proc/cpuinfo",
    "proc/stat",
    "sys/devices/system/cpu/online",
    "sys/devices/system/cpu/cpu0/topology/physical_package_id",
    "sys/class/hwmon/hwmon0/name",
    "sys/class/hwmon/hwmon0/energy1_input",
    "sys/class/hwmon/hwmon0/energy1_label",
    "sys/class/hwmon/hwmon0/power1_average_interval",
)
PMU = "sys/bus/event_source/devices/power"
PERF = (
    f"{PMU}/type",
    f"{PMU}/cpumask",
    f"{PMU}/events/energy-pkg",
    f"{PMU}/events/energy-pkg.scale",
    f"{PMU}/events/energy-pkg.unit",
    f"{PMU}/format/event",
    "proc/sys/kernel/perf_event_paranoid",
)
START = datetime(2026, 3, 1, tzinfo=UTC)


def trace(data: bytes, folder: Path) -> None:
    """A trace file: as a whole, in parts, and its report."""
    path = folder / "t.arrows"
    path.write_bytes(data)
    for opened in (uj.load, stream):
        try:
            summary(opened(path))
        except MicrojouleError:
            continue


def tree(files: tuple[str, ...]) -> Callable[[bytes, Path], None]:
    """The files of a machine, each one a part of the input."""

    def target(data: bytes, folder: Path) -> None:
        root = folder / "root"
        if not root.exists():
            write(CLIENT, root)
        before = {name: (root / name).read_bytes() if (root / name).exists() else None for name in files}
        for name, content in zip(files, data.split(BETWEEN), strict=False):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        survey(Machine(root))
        for name, content in before.items():
            if content is None:
                (root / name).unlink(missing_ok=True)
            else:
                (root / name).write_bytes(content)

    return target


def profile(data: bytes, folder: Path) -> None:
    """A profile of PyTorch."""
    path = folder / "profile.json"
    path.write_bytes(data)
    try:
        kineto.read(path)
    except MicrojouleError:
        return


def csv(data: bytes, folder: Path) -> None:
    """A series of intensities in CSV."""
    path = folder / "series.csv"
    path.write_bytes(data)
    try:
        load_series(path)
    except MicrojouleError:
        return


def reply(data: bytes, _: Path) -> None:
    """What a provider of intensities answers; the first byte chooses the provider."""
    name = sorted(PROVIDERS)[data[0] % len(PROVIDERS)] if data else "neso"
    answer = Answer()
    answer.body = data[1:]
    with serving(answer) as (url, _):
        access = ProviderAccess(base_url=url, clock=TestClock(), token="t", user="u")
        try:
            provider(name, access).series("ZONE", START, START + timedelta(hours=2))
        except MicrojouleError:
            return


def offer(data: bytes, folder: Path) -> None:
    """What answers at an agent's socket: a packet; after a first byte of one, the table in a packet."""
    head = agent_offer.stamped(b"")
    data = head + zlib.compress(data[1:]) if data[:1] == b"\1" else data
    fds = [os.open(os.devnull, os.O_RDONLY)]
    try:
        found = agent_offer._understood(folder / "agent.sock", data, fds, (0, 1 << 62))
        channels = list(agent.channels(found, folder / "agent.sock"))
        schema.opening(schema.schema(channels, {}), "a trace of them")
        if channels:
            with suppress(ValueError):  # of a descriptor that is no feed
                AgentLane("agent", channels, {channel.id: 0 for channel in channels}, found)
    except MicrojouleError:
        return
    finally:
        os.close(fds[0])


TARGETS: dict[str, Callable[[bytes, Path], None]] = {
    "trace": trace,
    "offer": offer,
    "sysfs": tree(SYSFS),
    "perf": tree(PERF),
    "profile": profile,
    "csv": csv,
    "reply": reply,
}


def seeds(name: str) -> list[bytes]:
    """The inputs that a target starts from."""
    found = [path.read_bytes() for path in sorted((HERE / "corpus" / name).glob("*"))]
    if name == "trace":
        found += [path.read_bytes() for path in sorted((TESTS / "golden").glob("*.arrows"))]
    if name == "offer":
        lane = OfferedLane("package-0", (scripted.channel("package-0", "x"),), {"rate_hz": 1000.0})
        whole = agent_offer.packet(Offer(view="full", microjoule="0.1.0", pid=1, lanes=(lane,)))
        found += [agent_offer.stamped(whole), b"\1" + zlib.decompress(whole)]
        found += [agent_offer.stamped(agent_offer.refusal("You may not", "Ask"))]
    if name == "reply":
        replies = sorted((TESTS / "replay" / "replies").glob("*.[jx]*"))
        found += [bytes([number]) + path.read_bytes() for path in replies for number in range(len(PROVIDERS))]
    return found
