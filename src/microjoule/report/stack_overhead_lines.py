"""What sampling stacks takes from a program, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .columns import columns
from .wrapping import wrapped

Plain = Mapping[str, Any]

_FOOT = (
    "slower: how much more CPU time a fixed loop takes than in the same round without a sampler: the median, "
    "and the middle half of the rounds. Where that half is wide, other programs ran: use a quiet machine."
)


def lines(found: Sequence[Plain]) -> list[str]:
    """A line for each rate and way of sampling.

    Args:
        found: The losses, as plain data.
    """
    rows = [("stacks", "sampled by", "slower", "middle half of the rounds")]
    rows += [
        (
            f"{each['rate_hz']:g} Hz",
            each["way"],
            f"{100 * each['share']:.2f} %",
            f"{100 * each['low']:.2f} to {100 * each['high']:.2f} %",
        )
        for each in found
    ]
    ratios = [_ratio(each) for each in found if each["of_bare"] is not None]
    return [*columns(rows, (0, 1)), *([""] if ratios else []), *ratios, "", *wrapped(_FOOT)]


def _ratio(of: Plain) -> str:
    low, high = of["of_bare_low"], of["of_bare_high"]
    return (
        f"{of['rate_hz']:g} Hz: {of['way']} takes {of['of_bare']:.2f} times what perf record takes "
        f"({low:.2f} to {high:.2f})"
    )
