"""What the readings of a counter show that its channel does not say, in sentences."""

from __future__ import annotations

from ..units import NS_PER_MS, NS_PER_S
from .counter import Counter

_FEW = 3  # updates, from which on their usual distance is known


def notes(counter: Counter) -> list[str]:
    """The sentences about one counter: of updates that are rarer than declared."""
    longest_ns, declared_ns = counter.longest_ns, counter.channel.timing.update_max_ns
    # A part that draws nothing now and then is not updated rarely: its counter has nothing to show.
    is_rare = counter.usual_ns > declared_ns
    is_rare |= len(counter.changes) < _FEW and counter.channel.place.always_draws
    if longest_ns <= declared_ns or not is_rare or counter.channel.trust.model is not None:
        return []
    return [
        f"{counter.channel.id} is updated rarely: up to {_time(longest_ns)} passed without an update, and "
        f"{_time(declared_ns)} was expected. A window that ends so shortly before the trace does has no "
        "figure. Run `uj probe --calibrate`: later recordings wait for the last update"
    ]


def _time(t_ns: int) -> str:
    return f"{t_ns / NS_PER_S:.2g} s" if t_ns >= NS_PER_S else f"{t_ns / NS_PER_MS:.3g} ms"
