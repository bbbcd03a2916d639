"""A reference meter whose clock is off is named, with by how much; clocks of anything else are not."""

from __future__ import annotations

from dataclasses import replace

import gauges
import numpy as np
import pyarrow as pa
import pytest
from ideal import MS, Ideal, S, constant, rows

from microjoule.channel import Timing
from microjoule.joules.energy_trace import Trace
from microjoule.joules.sensor_notes import clock_notes
from microjoule.trace import schema

SINCE_NS = 10**18  # the real-time clock is ahead by
PACKAGE = Ideal(constant(80.0), n=300, poll_ns=10 * MS, update_ns=10 * MS)
FIRST_NS = int(PACKAGE.series.t_ns[0])


class Stamped:
    """A gauge of 90 W."""

    def __init__(self, name: str) -> None:
        channel = gauges.channel(Timing(update_ns=10 * MS), name)
        self.channel = replace(channel, lane=name.partition("/")[0])
        self.series = replace(PACKAGE.series, raw=np.full(PACKAGE.n, 90_000, np.uint64))


def trace(ahead_s: float | None, *names: str, clocks: bool = True) -> Trace:
    """Gauges whose own times are ahead of this machine's real-time clock; None: they have none."""
    marks = [(FIRST_NS + k * S, schema.CLOCKS[0], SINCE_NS + FIRST_NS + k * S, "") for k in range(3)]
    table = rows([PACKAGE, *map(Stamped, names)], marks if clocks else ())
    if ahead_s is not None:
        own = [name in names for name in table.column("channel").to_pylist()]
        said_ns = np.array(table.column("t_ns")) + SINCE_NS + round(ahead_s * S)
        at = table.schema.get_field_index("sensor_ns")
        stamps = pa.array(said_ns, pa.int64(), mask=~np.array(own))
        table = table.set_column(at, table.schema.field(at), stamps)
    return Trace(table)


@pytest.mark.parametrize(("ahead_s", "said"), [(3.0, "3.0 s ahead of"), (-42.0, "42.0 s behind")])
def test_a_meters_clock_that_is_off_is_said_with_its_sign(ahead_s: float, said: str) -> None:
    (note,) = clock_notes(trace(ahead_s, "meter-0/power"))
    assert note.startswith(f"meter-0: the meter's clock is {said} this machine's.")


def test_each_meter_is_named_and_a_gpus_clock_is_its_own() -> None:
    found = clock_notes(trace(3.0, "meter-0/power", "gpu-0/power", "meter-1/power"))
    assert [note.partition(":")[0] for note in found] == ["meter-0", "meter-1"]


@pytest.mark.parametrize("ahead_s", [-1.4, 0.0, 1.4])
def test_whole_seconds_make_a_clock_look_off_by_as_much(ahead_s: float) -> None:
    assert clock_notes(trace(ahead_s, "meter-0/power")) == []


def test_nothing_is_said_of_a_meter_without_times_nor_of_a_trace_without_clocks() -> None:
    assert clock_notes(trace(None, "meter-0/power")) == []
    assert clock_notes(trace(3.0, "meter-0/power", clocks=False)) == []
