"""The states of calls inside one another, all at once: what going through them in blocks is held against."""

import numpy as np

from microjoule.joules.profiling.occupancy import Events, Leaves, Occupancy, together


def innermost(events: Events, t0_ns: int, t1_ns: int) -> Occupancy:
    """The states of a span where on each track only the event begun last counts."""
    order = np.lexsort((-events.t1_ns, events.t0_ns))
    leaves = Leaves()
    leaves.add(*(column[order] for column in events[1:]))
    name, start, end = leaves.until(None)
    return together(Events(events.names, name, start, end, name), t0_ns, t1_ns)
