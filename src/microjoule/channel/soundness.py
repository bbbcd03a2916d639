"""Whether a channel that somebody else wrote, in a file or an agent's table, can be reckoned with."""

from __future__ import annotations

import math

from . import Channel


def is_sound(channel: Channel) -> bool:
    """Whether the fields of a channel that are reckoned with hold what they should."""
    scale, timing, trust = channel.scale, channel.timing, channel.trust
    model = trust.model
    place = channel.place
    names = (channel.id, channel.hw_type, channel.twin_of, channel.source, channel.lane, timing.lag_source)
    texts = (*names, place.device, place.part, place.role, place.owner, scale.quantity, *trust.parents)
    counts = (scale.quantum, timing.update_max_ns, timing.lag_ns, timing.lag_min_ns)
    optional = (scale.modulus, scale.shown_nj, timing.update_ns, timing.window_ns, place.number, place.die)
    possible = (trust.power_limit_w, trust.accuracy, timing.rate_max_hz)
    figures = [each for each in possible if each is not None]
    figures += [model.value_w, model.low_w, model.high_w] if model else []
    figures += [trust.sensor.gain, trust.sensor.code, trust.sensor.offset_w] if trust.sensor else []
    return (
        all(isinstance(each, str) for each in texts)
        and all(_is_count(each) for each in counts)
        and all(each is None or _is_count(each) for each in optional)
        and all(isinstance(each, int | float) and math.isfinite(each) for each in figures)
        and scale.unit > 0
        and (scale.register_unit is None or scale.register_unit > 0)
        and scale.quantum > 0
        and timing.lag_min_ns <= timing.lag_ns
        and (timing.likely_lag_ns is None or _is_span(timing.likely_lag_ns))
        and (scale.modulus is None or scale.modulus > 0)
    )


def _is_span(span: tuple[int, ...]) -> bool:
    return len(span) == 2 and all(_is_count(abs(each)) for each in span) and span[0] <= span[1]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1 << 64
