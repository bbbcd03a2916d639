"""Whether a CPU's tick goes on while it idles: where it does, the kernel can be left to sample.

The kernel throttles a perf event that has given more than ``perf_event_max_sample_rate / HZ`` records
between two ticks of the scheduler (``kernel/events/core.c``, ``__perf_event_account_interrupt``). A busy CPU
ticks. An idle one keeps its tick in these cases only (``kernel/time/tick-sched.c``, ``kernel/sched/idle.c``):

- ``nohz=off`` on the kernel's command line;
- the idle governor ``menu`` or ``teo``, which stops no tick for a sleep that it expects to be shorter than
  one (``drivers/cpuidle/governors``), and a sampled CPU never sleeps for longer than a period. Once it was
  stopped it stays so until a task runs there: hence the lane's thread runs on the CPU of its events.

Without an idle driver, and with ``haltpoll``, the tick of each idle CPU is stopped; a CPU of ``nohz_full``
may stop it under load.
"""

from __future__ import annotations

import time
from pathlib import Path

from ..units import NS_PER_S

GOVERNORS = ("menu", "teo")
TICKS_A_PERIOD = 2  # a sleep of half a tick is short to any governor, jitter included
LIMIT_SHARE = 2  # of the records that are let through between two ticks, this part is used at most
_CLOCK_MONOTONIC_COARSE = 6  # Linux's uapi/linux/time.h; it moves once a tick


def why_not(period_ns: int, cpu: int, root: Path = Path("/"), tick_ns: int = 0) -> str:
    """Why the kernel might throttle its own sampling on a CPU; empty: it will not.

    Args:
        period_ns: Between two reads.
        cpu: Of the events.
        root: Of the machine's files; perf events are always the real machine's.
        tick_ns: Between two ticks; 0: as the kernel says.
    """
    from ..sources.host import cpu_list, integer_in, text_of  # with all sources: only where there are events

    tick_ns = tick_ns or round(time.clock_getres(_CLOCK_MONOTONIC_COARSE) * NS_PER_S)
    limit_hz = integer_in(root / "proc/sys/kernel/perf_event_max_sample_rate")
    if limit_hz is None or period_ns * limit_hz < NS_PER_S * LIMIT_SHARE:
        return f"perf_event_max_sample_rate is {limit_hz}"
    cpus = root / "sys/devices/system/cpu"
    if cpu in cpu_list(text_of(cpus / "nohz_full")):
        return f"CPU {cpu} is one of nohz_full, which may have no tick under load"
    if "nohz=off" in (text_of(root / "proc/cmdline") or "").split():
        return ""
    driver = text_of(cpus / "cpuidle/current_driver")
    governor = text_of(cpus / "cpuidle/current_governor") or text_of(cpus / "cpuidle/current_governor_ro")
    if driver in (None, "", "none"):
        return "an idle CPU has no tick here: there is no idle driver"
    if governor not in GOVERNORS:
        return f"an idle CPU has no tick here: the idle governor is {governor}"
    if period_ns * TICKS_A_PERIOD > tick_ns:
        return f"an idle CPU may have no tick here: {tick_ns / 1e6:g} ms are too few for this rate"
    return ""
