"""What sampling stacks takes from a program, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .columns import columns
from .wrapping import wrapped

Plain = Mapping[str, Any]

_FOOT = (
    "slower: how much more CPU time the same work takes than without a sampler; the ways take turns in "
    "{rounds} rounds, and medians are compared. Intervals are at 95 %, over the rounds. "
)
_RECORDER = {
    True: "The recorder of uj flame ran with its stacks.",
    False: "uj flame had no recorder beside its stacks, because nothing can be recorded here.",
}


def lines(found: Sequence[Plain]) -> list[str]:
    """A line for each rate and way of sampling.

    Args:
        found: The losses, as plain data.
    """
    rows = [("stacks", "sampled by", "slower", "95 % interval")]
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
    foot = _FOOT.format(rounds=found[0]["rounds"]) + _RECORDER[any(each["has_recorder"] for each in found)]
    return [*columns(rows, (0, 1)), *([""] if ratios else []), *ratios, "", *wrapped(foot)]


def _ratio(of: Plain) -> str:
    low, high = of["of_bare_low"], of["of_bare_high"]
    return (
        f"{of['rate_hz']:g} Hz: {of['way']} takes {of['of_bare']:.2f} times what perf record takes "
        f"({low:.2f} to {high:.2f})"
    )
