"""Levels of channels that nobody reads: what the metrics are made of, in a test's own figures."""

from dataclasses import replace

from scripted import channel

from microjoule.channel import PowerModel, SensorError
from microjoule.live.level import Level
from microjoule.live.metrics import Picture

MODEL = PowerModel(value_w=4.0, low_w=2.0, high_w=8.0, source="a table")


def placed(name, *parents, **trust):
    """The scripted machine's kind of channel: millijoules, inside these parents."""
    made = channel(name, "unread.txt")
    return replace(made, trust=replace(made.trust, parents=parents, **trust))


PACKAGE = placed("package-0", "psys", sensor=SensorError(gain=0.05, offset_w=1.5))
CORE = placed("package-0/core", "package-0")
DRAM = placed("package-0/dram", "psys")
PSYS = placed("psys")
BUSY = replace(
    placed("cpu_time/system", model=MODEL), scale=replace(PACKAGE.scale, quantity="s", modulus=None)
)


def level(channel, energy_counts=0, **others):
    """A level, a second into its session, of which nothing is wrong."""
    usual = {
        "since_ns": 0, "t_ns": 1_000_000_000, "extra_counts": 0, "power_w": None, "readings": 1000,
        "failed": 0, "missed": 0, "resets": 0,
    }  # fmt: skip
    return Level(channel=channel, energy_counts=energy_counts, **usual | others)


SERVER = (
    level(PACKAGE, 40_000, power_w=40.0),
    level(CORE, 30_000, power_w=30.0, extra_counts=500),
    level(DRAM, 5_000, power_w=5.0, resets=2),
    level(PSYS, 60_000, power_w=60.0, failed=3, missed=7),
)


def picture(levels=SERVER, now_ns=1_000_000_000, channels=None):
    """These levels at a moment; of these channels, or those that have a level."""
    served = [one.channel for one in levels] if channels is None else channels
    return Picture({channel.id: channel for channel in served}, levels, now_ns)
