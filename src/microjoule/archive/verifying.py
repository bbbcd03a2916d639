"""Whether what an archive says follows from what it holds: every figure worked out again from readings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..errors import ArchiveError, TraceError
from ..joules.energy_trace import Trace
from ..joules.estimates.estimate import Estimate
from ..joules.long_traces.fragments import Runner
from ..version import VERSION
from .catalogue import SCHEMA, TRACE, WINDOW, estimate_of
from .integrating import stored_trace
from .layout import READINGS, Entry, Wanted, entries, recording_of
from .store import Store
from .totals import read

_NEARLY = 1e-9  # of a figure: another machine's arithmetic may differ in the last digits


def verify(
    store: Store, wanted: Wanted, say: Callable[[str], None] = lambda _: None, runner: Runner | None = None
) -> dict[str, Any]:
    """What is not as it should be, as JSON values: ``n_traces``, ``n_equal``, ``findings``, ``notes``.

    Args:
        store: The archive.
        wanted: Which traces.
        say: Hears what is being done.
        runner: Where traces are integrated; None: here.

    Raises:
        ArchiveError: The store does not answer.
    """
    catalogued = entries(store, wanted)
    findings: list[str] = []
    n_equal = 0
    for number, entry in enumerate(catalogued):
        say(f"verifying trace {number + 1} of {len(catalogued)}")
        found = list(_of_trace(store, entry, runner))
        findings += [f"{entry.trace} of {entry.project}: {each}" for each in found]
        n_equal += not found
    known = set(catalogued)
    lost = [entry for entry in entries(store, wanted, READINGS) if entry not in known]
    elsewhere = {entry.trace: entry for entry in entries(store)} if lost else {}
    notes = []
    for entry in lost:
        name, there = entry.name(READINGS), elsewhere.get(entry.trace)
        if there is None:
            findings.append(f"{name} is in no catalogue: its trace was not added to the end. Add it again")
        else:
            notes.append(f"{name} is not needed: its trace is there, in project {there.project}")
    return {
        "archive": store.address,
        "n_traces": len(catalogued),
        "n_equal": n_equal,
        "findings": findings,
        "notes": notes,
    }


def _of_trace(store: Store, entry: Entry, runner: Runner | None) -> Iterator[str]:
    table, notes = read(store, [entry], SCHEMA.names)
    yield from notes
    rows = table.to_pylist()
    if not rows:
        return
    try:
        size = store.size(entry.name(READINGS))
        trace = stored_trace(store, entry, runner)
    except (ArchiveError, TraceError) as error:
        yield error.what
        return
    if size != rows[0]["bytes"]:
        yield f"the file of its readings has {size:,} bytes, and had {rows[0]['bytes']:,}"
    if recording_of(trace.table) != entry.recording:
        yield "the readings are those of another recording"
    for row in rows:
        found, here = _again(trace, row), estimate_of(row)
        if found is not None and not _is_same(found, here):
            version = "" if row["microjoule"] == VERSION else f", worked out by version {row['microjoule']}"
            both = (str(found), str(here)) if str(found) != str(here) else (_exact(found), _exact(here))
            yield f"{row['scope']} {row['name']!r}: {both[0]} from the readings, {both[1]} here{version}"


def _again(trace: Trace, row: dict[str, Any]) -> Estimate | None:
    """A row's figure out of the readings; None: the trace has none either."""
    from ..joules.estimates.sentence import headline

    if row["scope"] == TRACE:
        first = headline(trace)
        return None if first is None else first.energy
    if row["scope"] == WINDOW:
        return trace.energies([trace.windows[int(row["number"])]])[0].total
    return trace.by_name()[int(row["number"])].energy


def _exact(of: Estimate) -> str:
    """A figure with all digits, where two differ in those that nobody reads."""
    u = of.u if of.components else 0.0
    return f"{of.value!r} J, guaranteed {of.low!r} to {of.high!r} J, u {u!r} J ({of.status})"


def _is_same(one: Estimate, other: Estimate) -> bool:
    figures = [
        (one.value, other.value),
        (one.low, other.low),
        (one.high, other.high),
        (one.u if one.components else 0.0, other.u if other.components else 0.0),
    ]
    return one.status == other.status and all(_is_near(a, b) for a, b in figures)


def _is_near(a: float | None, b: float | None) -> bool:
    if a is None or b is None or a == b:
        return a == b
    return abs(a - b) <= _NEARLY * max(abs(a), abs(b))
