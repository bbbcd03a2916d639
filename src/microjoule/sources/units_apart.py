"""Whether the interfaces of one register take a count of it for the same energy.

perf, powercap and the MSR show the same count. What one is worth the MSR's own unit register says, powercap's
range tells, and perf has from the CPU's model. Where two differ, one of them reports every energy wrong by
that ratio, and no reading of one alone can show it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from ..channel import Channel, Encoding
from .survey import Survey
from .zones import NJ_PER_J, NJ_PER_UJ

DIFFERS = 0.01  # 15.3 µJ for 2^-16 J is a rounding, a factor of 4 is not


def units_apart(surveys: Iterable[Survey], names: Iterable[str]) -> list[str]:
    """A sentence for each two interfaces that take one count for two energies, without its full stop.

    Args:
        surveys: What the sources found.
        names: Of the sources that show one set of registers.
    """
    wanted = frozenset(names)
    by_id: dict[str, list[Channel]] = {}
    for one in surveys:
        for channel in one.channels if one.source in wanted else ():
            by_id.setdefault(channel.physical_id, []).append(channel)
    return [
        _sentence(name, a, b)
        for name, same in by_id.items()
        for a, b in combinations(same, 2)
        if abs(_nj(a) / _nj(b) - 1) > DIFFERS
    ]


def _sentence(name: str, a: Channel, b: Channel) -> str:
    one, other = _nj(a) / NJ_PER_UJ, _nj(b) / NJ_PER_UJ
    return (
        f"{name}: {a.source} takes a count for {one:.3g} µJ and {b.source} for {other:.3g} µJ, so one of "
        f"them is {max(one / other, other / one):.3g} times off. `uj probe --calibrate` compares them"
    )


def _nj(channel: Channel) -> float:
    """What a source takes one count of the register for, as its figures use it."""
    scale = channel.scale
    # perf shifts the register's count; powercap's quantum is the microjoule that it shows.
    counts = 1 if channel.encoding is Encoding.POWERCAP else scale.quantum
    return float(scale.unit * counts) * NJ_PER_J
