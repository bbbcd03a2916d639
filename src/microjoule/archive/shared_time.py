"""Traces of one machine that overlap in part, counted once: what each counts of the time that they share.

The catalogue knows what a whole trace used, and not what it used in a part of its time. So the readings of
these traces, and of these alone, are read again: each joule is counted by the trace that began first, and by
the other where only that one has the channel, as in ``uj report --total``.

Decision: up to a number of readings, so that a report stays one of seconds. What was given up: in an archive
where half of all traces overlap, those with most readings are added whole, and named with what counts twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import ArchiveError, TraceError
from ..joules.energy_trace import Trace
from ..joules.estimates.estimate import Estimate
from ..joules.estimates.run_window import whole
from ..joules.estimates.uncertainty import of_trace
from ..joules.jobs.nodes import counted_ns, energy, pieces
from ..units import seconds
from .catalogue import TRACE
from .layout import READINGS, Entry
from .overlapping import Overlap
from .store import Store

READINGS_MAX = 20_000_000  # that a report reads again: some seconds

Key = tuple[str, str, str, str]


class Counted(NamedTuple):
    """What a trace counts.

    Attributes:
        energy: Of the time and the channels that no other trace counts.
        duration_ns: For how long it counts anything.
    """

    energy: Estimate
    duration_ns: int


class Again(NamedTuple):
    """What was read again.

    Attributes:
        counted: By trace, what it counts.
        pairs: The overlaps that are counted once.
    """

    counted: Mapping[Key, Counted]
    pairs: tuple[Overlap, ...]


def counted_once(
    store: Store, pairs: Iterable[Overlap], wanted: Iterable[Entry], n: Mapping[Key, int]
) -> Again:
    """What traces count that overlap in part.

    Args:
        store: The archive.
        pairs: The overlaps; of traces that do not say their boot nothing is known.
        wanted: The traces of the report.
        n: By trace, its number of readings.
    """
    entries = {(each.trace, each.date, each.project, each.host): each for each in wanted}
    counted: dict[Key, Counted] = {}
    done: list[Overlap] = []
    left = READINGS_MAX
    for group in sorted(_groups(pairs), key=lambda group: sum(n[key] for key in _keys(group))):
        keys = _keys(group)
        left -= sum(n[key] for key in keys)
        if left < 0:
            break
        try:
            found = _counted([_trace(store, entries[key]) for key in keys])
        except (ArchiveError, TraceError):
            continue  # `uj archive verify` names it; the sum says what counts twice
        if found is not None:
            counted |= {
                key: of._replace(energy=replace(of.energy, components=of_trace(of.energy.components, key[0])))
                for key, of in zip(keys, found, strict=True)
            }
            done += group
    return Again(counted, tuple(done))


def _groups(pairs: Iterable[Overlap]) -> list[list[Overlap]]:
    """The overlaps with a trace in common, and those with one in common with these."""
    groups: list[list[Overlap]] = []
    for pair in pairs:
        if not pair.trace.boot or not pair.joules:
            continue
        own = {pair.trace.key, pair.other.key}
        touched = [group for group in groups if own & set(_keys(group))]
        groups = [group for group in groups if group not in touched]
        groups.append([*(each for group in touched for each in group), pair])
    return groups


def _keys(group: Sequence[Overlap]) -> list[Key]:
    return sorted({key for each in group for key in (each.trace.key, each.other.key)})


def _trace(store: Store, entry: Entry) -> Trace:
    try:
        with store.opened(entry.name(READINGS)) as file:
            return Trace(pq.read_table(file))
    except (pa.ArrowException, OSError) as error:
        raise ArchiveError(
            f"{entry.name(READINGS)} cannot be read: {error}", "Add the trace again"
        ) from error


def _counted(traces: Sequence[Trace]) -> list[Counted] | None:
    """What each counts; None: on their own clock they do not overlap, or one has no figure then."""
    spans = [whole(each) for each in traces]
    counted = pieces(list(zip(traces, spans, strict=True)))
    is_apart = all(
        [(each.t0_ns, each.t1_ns) for each in of] == [(span.t0_ns, span.t1_ns)] and set(of[0].channels)
        for of, span in zip(counted, spans, strict=True)
    )
    if is_apart:
        return None
    found = [Counted(energy(trace, of), counted_ns(of)) for trace, of in zip(traces, counted, strict=True)]
    return None if any(each.energy.value is None for each in found) else found


def replaced(catalogue: pa.Table, counted: Mapping[Key, Counted]) -> pa.Table:
    """A catalogue in which traces have what they count, for how long, and the footprint of that."""
    if not counted:
        return catalogue
    ids = pa.array([key[0] for key in counted])
    is_in = pc.and_(pc.equal(catalogue["scope"], TRACE), pc.is_in(catalogue["trace"], value_set=ids))
    rows = catalogue.filter(is_in).to_pylist()
    for row in rows:
        found = counted.get((row["trace"], row["date"], row["project"], row["host"]))
        if found is None or found.energy.value is None:
            continue
        of = found.energy
        share = of.value / row["energy_j"] if row["energy_j"] else 0.0
        for name in ("co2e_g", "co2e_low_g", "co2e_high_g", "cost"):
            row[name] = None if row[name] is None else row[name] * share
        row |= {
            "duration_s": seconds(found.duration_ns),
            "energy_j": of.value,
            "low_j": of.low,
            "high_j": of.high if of.high < float("inf") else None,
            "components": [each._asdict() for each in of.components],
            "status": of.status,
        }
    return pa.concat_tables(
        [catalogue.filter(pc.invert(is_in)), pa.Table.from_pylist(rows, catalogue.schema)]
    )
