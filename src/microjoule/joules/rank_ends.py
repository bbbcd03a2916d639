"""How the ranks of a job ended, as the windows of their commands say."""

from __future__ import annotations

from ..trace.window import Window
from ..trace.window_columns import WindowColumns
from ..units import seconds, three_digits

RANK = "rank"  # the name of the windows that a node's recorder lays about each rank's command


def is_of_rank(window: Window) -> bool:
    """Whether a window is that of a rank's command, and none that a program calls so."""
    return (
        window.name == RANK and "launcher" in window.attributes and type(window.attributes.get(RANK)) is int
    )


def bad_ends(windows: WindowColumns) -> dict[int, str]:
    """By rank, how those ended that did not end well."""
    named = windows.each(windows.by_name[RANK]) if RANK in windows.by_name else ()
    ends = {window.attributes[RANK]: _ending(window) for window in named if is_of_rank(window)}
    return {rank: ended for rank, ended in sorted(ends.items()) if ended}


def sentences(windows: WindowColumns) -> list[str]:
    """The same in sentences."""
    return [f"rank {rank} {ended}; recording went on" for rank, ended in bad_ends(windows).items()]


def _ending(window: Window) -> str:
    """How a rank ended; empty: with exit code 0."""
    of, after = window.attributes, f"after {three_digits(seconds(window.duration_ns))} s"
    if window.is_open:
        return ""  # the recording ended before it did
    if of.get("ended"):
        return f"was killed {after}" if of["ended"] == "killed" else f"{of['ended']} {after}"
    if of.get("signal"):
        return f"ended by signal {of['signal']} {after}"
    return f"ended with exit code {of['exit_code']} {after}" if of.get("exit_code") else ""
