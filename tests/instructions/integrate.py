"""Under callgrind: integrates a million readings, and takes numpy's plain passes over them, each counted."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from places import identity

from microjoule.channel import Access, Channel, Scale, Timing, Trust
from microjoule.joules.counters.counter import Counter
from microjoule.trace.series import Series

READINGS = 1_000_000
BLOCK = 1 << 14  # in the second-level cache, as the integration has it


def channel() -> Channel:
    return Channel(
        **identity("package-0"),
        source="script",
        lane="package-0",
        scale=Scale(quantity="J", unit=Fraction(1, 1 << 14), unit_source="register", modulus=1 << 32),
        timing=Timing(update_ns=1_000_000, update_max_ns=2_000_000),
        trust=Trust(power_limit_w=200.0),
        access=Access(reader="script", path=""),
    )


def readings() -> Series:
    """A millisecond apart, a few microjoules each, over the modulus on the way."""
    n = np.arange(READINGS, dtype=np.int64)
    raw = ((n * 1601 + n % 7 * 13 + (1 << 31)) % (1 << 32)).astype(np.uint64)
    read_ns = (900 + n % 64).astype(np.uint32)
    return Series(n * 1_000_000 + n % 11 * 997, read_ns, raw, np.zeros(READINGS, np.uint16))


def integrate(series: Series, of: Channel) -> None:
    found = Counter(series, of).energy(int(series.t_ns[10]), int(series.t_ns[-10]))
    if found.status != "ok":
        raise SystemExit(f"the energy is {found.status}")


def floor(series: Series) -> None:
    """A difference, a largest value, a look for zeros and a running sum of each block."""
    total = np.empty(READINGS, np.int64)  # zeros would be written here or by the kernel, by chance
    for start in range(0, READINGS - 1, BLOCK):
        stop = min(start + BLOCK, READINGS - 1)
        step = (series.raw[start + 1 : stop + 1] - series.raw[start:stop]).view(np.int64)
        np.flatnonzero(step)
        step.max()
        np.cumsum(step, out=total[start + 1 : stop + 1])


def main() -> None:
    switch = ctypes.CDLL(sys.argv[1])
    series, of = readings(), channel()
    parts: dict[str, Callable[[], None]] = {
        "integrate": lambda: integrate(series, of),
        "floor": lambda: floor(series),
    }
    gc.disable()  # it would run in either part or in none, by chance, and takes a quarter of one
    for name, part in parts.items():
        part()  # what is made once is made
        switch.counted_begin()
        part()
        switch.counted_end(name.encode())


if __name__ == "__main__":
    main()
