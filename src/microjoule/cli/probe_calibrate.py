"""``uj probe --calibrate``: learns of each channel what the file of this host is to hold, and shows it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CalibrationError
from ..host.calibration import Calibration, LearnedPower, Learnt, Spread, save, usable
from ..joules.estimates.estimate_text import figure
from ..report.columns import columns, stacked
from ..report.wrapping import wrapped
from ..text_width import cells, width
from ..units import NS_PER_MS, NS_PER_S, NS_PER_US
from .progress import progress

if TYPE_CHECKING:
    from ..sources import Survey
    from ..sources.machine import Machine

NO_FILE = "none"
FOR_S = 5.0
NOTHING = "-"
K = 2.0  # from a standard uncertainty to that of 95 %
HEADINGS = (
    "channel",
    "source",
    "updates",
    "period (p5 to p95)",
    "read (p99)",
    "resolution",
    "quantum",
    "lag",
    "idle",
    "reading",
    "filtering",
)
_NOT_THROUGH_AGENT = """\
What the agent reads is not calibrated through it: run `sudo uj probe --calibrate`,
and start the agent again. It hands out what was learnt with the channels."""


def data_folder() -> Path:
    """Where what is learnt of hosts is kept: in the user's XDG data folder."""
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if home.startswith("/") else _home() / ".local/share") / "microjoule"


def _home() -> Path:
    """The user's home; a user without a name and without $HOME has none, as ``nobody`` has."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


def is_kept(path: Path) -> bool:
    """Whether there is such a file; of one that may not be looked at, reading it says why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def path_of(hostname: str) -> Path:
    """Where the calibration of a host is kept."""
    return data_folder() / "calibration" / f"{hostname.replace('/', '_')}.json"


def stored(arguments: argparse.Namespace) -> Calibration | None:
    """The calibration that a recording is to use: the one named, or this host's own if it has one.

    Raises:
        CalibrationError: The one that was named cannot be read; of the host's own that is a warning. One of
            another host or kernel is a warning too, and is not used.
    """
    from ..host.key import host_key
    from ..sources.machine import Machine

    if arguments.calibration == NO_FILE:
        return None
    host = host_key(Machine(arguments.root))
    path = arguments.calibration or path_of(host.hostname)
    if arguments.calibration is None and not is_kept(path):
        return None
    try:
        found, why_not = usable(path, host)
    except CalibrationError as error:
        if arguments.calibration is not None:
            raise
        found, why_not = None, f"{error}. Recording without it"
    if why_not:
        print(f"uj: {why_not}", file=sys.stderr)
    return found


def learn(arguments: argparse.Namespace, machine: Machine, surveys: Iterable[Survey]) -> int:
    """Calibrates, prints a table and keeps the file; 0, or 3 when no channel could be learnt of."""
    from ..learning import calibrate
    from ..sources.agent import is_read_by_agent

    channels = [channel for found in surveys for channel in found.channels]
    with progress() as say:
        calibration = calibrate(
            channels, machine, arguments.for_s or FOR_S, lambda words: say(f"calibrating: {words}")
        )
    path = Path(arguments.calibration) if arguments.calibration else path_of(calibration.host.hostname)
    print("\n".join(as_text(calibration)))
    if any(is_read_by_agent(channel) for channel in channels):
        print(_NOT_THROUGH_AGENT)
    if not any(one.edges for one in calibration.channels):
        print("Nothing was learnt, and nothing is kept.")
        return 3
    save(calibration, path)
    print(f"Kept in {path}")
    return 0


def as_text(calibration: Calibration) -> Iterator[str]:
    """The calibration as lines for a person."""
    rows = [HEADINGS, *(_row(one) for one in calibration.channels)]
    lines = columns(rows, range(len(HEADINGS)), optional=range(1, len(HEADINGS)), nothing=(NOTHING,))
    yield from lines if max(map(cells, lines)) <= width() else stacked([[*map(_said, row)] for row in rows])
    for one in calibration.channels:
        if one.note:
            yield from wrapped(f"{one.channel} ({one.source}): {one.note}")
    for known in dict.fromkeys(_filtering(one) for one in calibration.channels):
        if known:
            yield from wrapped(known)
    for differing in calibration.disagreements:
        told = f"disagreement: {differing.what} (ratio {differing.ratio:.6f}, u {differing.u:.1e})"
        yield from wrapped(told)


def _said(cell: str) -> str:
    """A cell of a table without columns, where what is not known needs no place."""
    return "" if cell == NOTHING else cell


def _row(one: Learnt) -> tuple[str, ...]:
    return (
        one.channel,
        one.source,
        str(one.edges),
        _period(one.update),
        f"{_time(one.read.median_ns)} ({_time(one.read.p99_ns)})" if one.read else NOTHING,
        _time(one.resolution_ns),
        NOTHING if one.quantum is None else str(one.quantum),
        _lag(one),
        _power(one.idle),
        _power(one.spin),
        NOTHING if one.filtering is None else one.filtering.state,
    )


def _filtering(one: Learnt) -> str:
    return f"filtering {one.filtering.state}: {one.filtering.known_from}" if one.filtering else ""


def _period(spread: Spread | None) -> str:
    if spread is None:
        return NOTHING
    return f"{_time(spread.median_ns)} ({_time(spread.p5_ns)} to {_time(spread.p95_ns)})"


def _time(t_ns: int | None) -> str:
    if t_ns is None:
        return NOTHING
    in_us = f"{t_ns / NS_PER_US:.3g}"
    if abs(float(in_us)) < 1000:
        return f"{in_us} µs"
    return f"{t_ns / NS_PER_MS:.4g} ms" if t_ns < NS_PER_S else f"{t_ns / NS_PER_S:.4g} s"


def _lag(one: Learnt) -> str:
    if one.likely_lag_ns is None:
        return _time(one.lag_ns)
    return " to ".join(map(_time, one.likely_lag_ns))


def _power(power: LearnedPower | None) -> str:
    return NOTHING if power is None else figure(power.value_w, K * power.u_w, "W")
