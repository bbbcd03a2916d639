"""What is to be said of a counter's updates and of its lag, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ...units import NS_PER_MS, NS_PER_S, seconds, short_time, three_digits
from ..estimates.estimate_text import figure
from .counter import Counter

_ASSUMED = "assumed"  # the source of a lag that nothing measured
_AGENT = "agent"  # the source of channels that an agent reads
_FEW = 3  # updates, from which on their usual distance is known


def notes(counter: Counter) -> list[str]:
    """The sentences about one counter: readings that are none, new starts, updates rarer than declared."""
    return _noise(counter) or [*_reset(counter), *_dropped(counter), *_uncounted(counter), *_rare(counter)]


def _noise(counter: Counter) -> list[str]:
    if not counter.is_noise:
        return []
    n = len(counter.steps.reset)
    return [
        f"{counter.channel.id} has no figure: its count fell or jumped {n:,} times, and no energy "
        "counter does that. Leave it out with `--source`, or report it with the output of `uj probe`"
    ]


def _reset(counter: Counter) -> list[str]:
    at = counter.steps.reset
    if not len(at):
        return []
    first_s = seconds(int(counter.t_ns[at[0]] - counter.t_ns[0]))
    when = f"{first_s:.1f} s after the first reading"
    times = f"once, {when}" if len(at) == 1 else f"{len(at):,} times, first {when}"
    return [
        f"{counter.channel.id} started again {times}: its device or driver was reset. A window around that "
        "has bounds and no figure, because what was used between two readings is lost. See `sudo dmesg`"
    ]


def _dropped(counter: Counter) -> list[str]:
    n = len(counter.dropped_ns)
    readings = "1 reading is" if n == 1 else f"{n} readings are"
    why = "left out, because the count fell or jumped and came back"
    return [f"{counter.channel.id}: {readings} {why}"] if n else []


def _uncounted(counter: Counter) -> list[str]:
    losses = counter.resets.losses
    if not losses.times:
        return []
    n = "once" if losses.times == 1 else f"{losses.times:,} times"
    n = f"at least {n}" if losses.is_open else n
    most_j = float(losses.likely_most(counter.t_ns[:1], counter.t_ns[-1:])[0])
    return [
        f"{counter.channel.id}: other users of perf interrupted its counting {n}, so that up to "
        f"{three_digits(most_j)} J may be missing. Intervals include them; `--source powercap` loses none"
    ]


def of_agent(counters: Iterable[Counter]) -> list[str]:
    """One sentence about those of an agent's counters updated rarely, which only root can calibrate."""
    read = [each for each in counters if each.channel.source == _AGENT and not each.is_noise]
    rare = [each for each in read if _is_rare(each)]
    if not rare:
        return []
    names = ", ".join(each.channel.id for each in rare)
    longest = short_time(max(each.longest_ns for each in rare))
    verb = "is" if len(rare) == 1 else "are"
    return [
        f"{names} {verb} updated rarely (up to {longest}): root can run `uj probe --calibrate` and "
        "restart the agent"
    ]


def _rare(counter: Counter) -> list[str]:
    if counter.channel.source == _AGENT or not _is_rare(counter):
        return []
    longest, declared = short_time(counter.longest_ns), short_time(counter.channel.timing.update_max_ns)
    return [
        f"{counter.channel.id} is updated rarely: up to {longest} passed without an update, and "
        f"{declared} was expected. What a window used after the last update is estimated from the "
        "power before. Run `uj probe --calibrate`: later recordings wait for the last update"
    ]


def _is_rare(counter: Counter) -> bool:
    """Whether more time passes between updates than the channel declares."""
    if counter.channel.trust.model is not None:
        return False
    longest_ns, declared_ns = counter.longest_ns, counter.channel.timing.update_max_ns
    # A part that draws nothing now and then is not updated rarely: its counter has nothing to show.
    is_rare = counter.usual_ns > declared_ns
    is_rare |= len(counter.changes) < _FEW and counter.channel.place.always_draws
    return longest_ns > declared_ns and is_rare


def lag(counter: Counter, unsaid_ns: float = 0.0) -> list[str]:
    """The sentence about a counter's lag: from where it is known, and what it costs where it is assumed.

    Args:
        counter: The counter.
        unsaid_ns: By how much more its lag may be off at 95 % than figures of this trace are off by it.
    """
    timing, power_w = counter.channel.timing, _mean_w(counter)
    if not timing.lag_ns or not power_w or counter.channel.trust.model is not None:
        return []  # what is estimated has no guaranteed interval that could be wider
    least_ms, most_ms = (t_ns / NS_PER_MS for t_ns in (timing.lag_min_ns, timing.lag_ns))
    size = f"{three_digits(least_ms)} to {three_digits(most_ms)} ms"
    name, source, declared_ms = counter.channel.id, timing.lag_source, counter.declared.lag_ns / NS_PER_MS
    if timing.likely_lag_ns is not None:
        middle_ns, half_ns = timing.middle_lag_ns, math.hypot(timing.half_lag_ns, unsaid_ns)
        ends = (middle_ns - half_ns, middle_ns + half_ns)
        longest_ms = most_ms + unsaid_ns / NS_PER_MS
        low, high = (min(max(t / NS_PER_MS, least_ms), longest_ms) for t in ends)
        likely = f"{three_digits(low)} to {three_digits(high)} ms"
        if source == _ASSUMED and high > declared_ms:
            source = f"from too few power steps to measure it ({three_digits(declared_ms)} ms was assumed)"
        return [f"{name}: lag {likely}, {source}; guaranteed intervals allow for {size}"]
    if source != _ASSUMED:
        return [f"{name}: lag {size}, {source}"]
    wider = figure(power_w * 2 * timing.half_lag_ns / NS_PER_S, 0.0, "J")
    return [
        f"{name}: its counter may show energy up to {three_digits(most_ms)} ms late (assumed, not measured), "
        f"so guaranteed intervals are ± {wider} wider"
    ]


def _mean_w(counter: Counter) -> float:
    """The mean power of all readings."""
    if counter.span_ns is None or counter.unit != "J":
        return 0.0
    t0_ns, t1_ns = counter.span_ns
    value = float(counter.energies(t0_ns, t1_ns).value[0])
    return value / seconds(t1_ns - t0_ns) if value > 0 else 0.0
