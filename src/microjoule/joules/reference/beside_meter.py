"""Counters beside a reference meter: which part of its energy they cover, and the fit of both."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...channel import Channel, SensorError
from ...errors import BadMeter, NoValue, TooFewUpdates
from ...trace.series import I64
from ...units import NS_PER_MS, seconds, three_digits
from ..counters.counter import Counter
from ..estimates.brackets import F64
from ..estimates.total import covered, is_power, total
from ..estimates.uncertainty import NORMAL, ROOT_3
from .meter_updates import Updates, all_readings, meter_updates
from .reference_fit import ReferenceFit, fit

if TYPE_CHECKING:
    from ...trace.window import Window
    from ..energy_trace import Trace

METER = "meter"
MEASURED = "measured against"
_HELD = 0.7  # of the residual of all readings, below which a meter's repeated ones are no updates
_OF_RECTANGLE = 0.95  # of a rectangle's half-width: its 95 % interval
GRID_NS = 5 * NS_PER_MS
EXPLAINED_MIN = 0.7
"""Share of the meter's variance below which it does not measure the machine that the counters are of."""


class Coverage(NamedTuple):
    """Which part of a meter's energy the counters count.

    Attributes:
        meter: The meter's channel, or its address where it was there at another time.
        taken_realtime_ns: When the machine was held against it; None: it is in the trace.
        energy_j: What the meter counted, or would have counted.
        U_j: Half of its 95 % interval.
        share: Of it that the counters cover.
        U_share: Half of its 95 % interval.
        is_meter_assessed: Whether the meter's own accuracy is in the intervals.
    """

    meter: str
    taken_realtime_ns: int | None
    energy_j: float
    U_j: float
    share: float
    U_share: float
    is_meter_assessed: bool


def coverage(trace: Trace, window: Window) -> Coverage | None:
    """The counters' part of a window's energy by a meter: one in the trace, or of an earlier calibration.

    None: there is no meter, or nothing is counted beside it.
    """
    energies = trace.energy(window)
    ids = [name for name in trace.energy_channels if is_counted(trace.channels[name])]
    counted = total({name: energies[name] for name in ids}, trace.channels)
    if not counted.value:
        return None
    meters = [name for name in trace.energy_channels if is_meter(trace.channels[name])]
    if not meters:
        return _by_calibration(trace, window, counted.value)
    # Watts where they came all the time, else what the meter counted meanwhile.
    meter, energy_j = next(((name, v) for name in meters if (v := energies[name].value)), ("", 0.0))
    if not energy_j:
        return None
    of = energies[meter]
    share = counted / of
    is_assessed = trace.channels[meter].trust.sensor is not None
    return Coverage(meter, None, energy_j, of.U, float(share), share.U, is_assessed)


def _by_calibration(trace: Trace, window: Window, counted_j: float) -> Coverage | None:
    """By the line that was fitted: at the mean of its powers, gain and height have errors of their own."""
    known = trace.facts.get("reference", ())
    line = next((one for one in known if isinstance(one, Mapping) and not one.get("of", "?")), None)
    time_s = seconds(window.duration_ns)
    if line is None or not time_s:
        return None
    energy_j = line["offset_w"] * time_s + line["gain"] * counted_j
    from_mean_j = counted_j - line["mean_w"] * time_s
    accuracy = line.get("meter_accuracy")
    U_j = math.hypot(  # noqa: N806 - the GUM's own symbol
        line["U_mean_w"] * time_s,
        line["U_gain"] * from_mean_j,
        (accuracy or 0.0) * 2 / ROOT_3 * energy_j,
    )
    share = counted_j / energy_j
    return Coverage(
        line["meter"],
        line["taken_realtime_ns"],
        energy_j,
        U_j,
        share,
        share * U_j / energy_j,
        accuracy is not None,
    )


def is_meter(channel: Channel) -> bool:
    """Whether it is a reference meter's."""
    return channel.place.device == METER


def device_id(channel: Channel) -> str:
    """What tells a channel's device from others of its kind; empty: nothing does."""
    return channel.access.path.partition("@")[0] if "@" in channel.access.path else ""


def is_counted(channel: Channel) -> bool:
    """Whether it is measured in the machine: no meter outside, and no model."""
    return not is_meter(channel) and channel.trust.model is None


def against(trace: Trace, of: str = "") -> ReferenceFit:
    """The fit of a trace's meter to its counters, or to one channel.

    Args:
        trace: A recording with a meter, whose load changed.
        of: The channel that the meter is of; empty: all counters, which are a part of what it measures.

    Raises:
        BadMeter: The trace has no meter, or it does not follow the counters, or shows less than they.
        NoValue: Nothing is measured in the machine.
        TooFewUpdates: There is not enough to fit.
        UnknownChannel: There is no such channel.
    """
    meter = meter_power(trace)
    ids = (of,) if of else counted_channels(trace)
    if of:
        trace.series(of)  # raises where there is none
    if not ids:
        raise NoValue("No energy counter was recorded with the meter", "`uj probe` says why")
    t_ns, joules = _energy(trace, ids)
    series = trace.series(meter.id)
    good = np.ones(len(series), bool) if series.valid is None else series.valid
    raw, read_ns = series.raw.view(np.int64)[good], series.read_ns[good].astype(np.int64)
    readings = (series.t_ns[good], raw, read_ns)
    step_w = _step_w(raw, meter)

    def fitted(of: Updates) -> ReferenceFit:
        watts: F64 = of.raw.astype(np.float64) * float(meter.scale.unit)
        found = fit(of.t_ns, watts, of.spread_s, t_ns, joules, step_w)
        return found.with_times(of.together_s)

    found, updates = fitted(all_readings(*readings)), meter_updates(*readings)
    if updates is not None:
        with contextlib.suppress(TooFewUpdates):
            once = fitted(updates)
            # A value that is held while the power changes is far from it; of a quick meter none is.
            found = once if once.residual_w < _HELD * found.residual_w else found
    _refuse(found, meter, ids, trace.channels[ids[0]].trust.sensor, is_one=bool(of))
    return found


def _step_w(raw: I64, meter: Channel) -> float:
    """The step of the meter's display: what all that it showed is a multiple of."""
    return float(np.gcd.reduce(raw)) * float(meter.scale.unit) if len(raw) else 0.0


def counted_channels(trace: Trace) -> tuple[str, ...]:
    """The channels whose sum is all that is measured in the machine."""
    return covered({name: c for name, c in trace.channels.items() if is_counted(c)})


def device_of(trace: Trace, of: str) -> str:
    """The device's own id, as a GPU's UUID, of a channel; empty: it has none."""
    if not of or of not in trace.channels:
        return ""
    return device_id(trace.channels[of])


class Correction(NamedTuple):
    """What a recording did to a channel's watts: ``gain`` of them and ``offset_w`` more."""

    gain: float = 1.0
    offset_w: float = 0.0


def earlier(trace: Trace, of: str) -> Correction:
    """How an earlier calibration corrected a channel of a trace; of the whole machine nothing does."""
    channel = trace.channels.get(of)
    if channel is None or not channel.scale.unit_source.startswith(MEASURED):
        return Correction()
    known = [one for one in trace.facts.get("reference", ()) if isinstance(one, Mapping)]
    mine = next((one for one in known if one.get("of") == channel.physical_id), {})
    return Correction(float(mine.get("gain", 1.0)), float(channel.scale.offset_w))


def temperature_c(trace: Trace, of: str) -> float | None:
    """The mean temperature of a channel's device, or of all devices; None: none is recorded."""
    whole = trace.channels[of].place.device_name if of in trace.channels else None
    found = [
        float(np.mean(series.raw.view(np.int64)) * float(c.scale.unit))
        for name, c in trace.channels.items()
        if c.scale.quantity == "°C" and whole in (None, c.place.device_name)
        for series in [trace.series(name)]
        if len(series)
    ]
    return float(np.mean(found)) if found else None


def meter_power(trace: Trace) -> Channel:
    """The watts of the trace's meter.

    Raises:
        BadMeter: It has none that shows watts.
    """
    for channel in trace.channels.values():
        if is_meter(channel) and is_power(channel):
            return channel
    raise BadMeter(
        "The trace has no meter that shows watts", "Record with one: uj run --against shelly://HOST -o TRACE"
    )


def _energy(trace: Trace, ids: tuple[str, ...]) -> tuple[I64, F64]:
    """Instants, and what these channels together had counted until then, in joules."""
    meters = [trace.meter(name) for name in ids]
    spans = [meter.span_ns for meter in meters if meter.span_ns is not None]
    if len(spans) < len(meters):
        raise NoValue(f"{ids[0]} has no readings", "Record for longer")
    t_ns = np.arange(max(span[0] for span in spans), min(span[1] for span in spans), GRID_NS, dtype=np.int64)
    joules = np.zeros(len(t_ns))
    for meter in meters:
        if isinstance(meter, Counter):
            position = meter.position(t_ns)
            joules += meter.quantity(position - position[:1], meter.bits)
        else:
            joules += meter.joules_until(t_ns)
    return t_ns, joules


def no_gain(found: ReferenceFit, sensor: SensorError | None) -> str:
    """Why a fit gives a channel no gain, in words; empty: it gives one.

    Args:
        found: The fit of the meter around the channel's device.
        sensor: What is assumed of the channel without it; None: nothing is.
    """
    if found.explained < EXPLAINED_MIN:
        return f"the channel explains {found.explained:.0%} of the meter's changes"
    if found.gain.value <= 0:
        return f"the meter falls where the channel rises (gain {found.gain.value:.2g})"
    if sensor is None or sensor.source.startswith(MEASURED):
        return ""
    assumed = sensor.gain * (2.0 if sensor.form == NORMAL else _OF_RECTANGLE)
    U = found.gain.U / found.gain.value  # noqa: N806 - the GUM's own symbol
    if assumed > U:
        return ""
    return f"the gain is known to ± {U:.0%}, and without a calibration ± {assumed:.0%} is assumed"


def _refuse(
    found: ReferenceFit, meter: Channel, ids: tuple[str, ...], sensor: SensorError | None, *, is_one: bool
) -> None:
    """Refuses a meter that cannot be of this machine, and one that says no more than is assumed."""
    what = f"The meter {meter.access.path}"
    if is_one and (why := no_gain(found, sensor)):
        raise BadMeter(
            f"{what} gives {ids[0]} no gain: {why}",
            "Check what the meter measures. Calibrate for longer, with a load whose steps last several of "
            "the sensor's update intervals",
        )
    if found.explained < EXPLAINED_MIN or found.gain.value <= 0:
        why = (
            f"they explain {found.explained:.0%} of its changes"
            if found.explained < EXPLAINED_MIN
            else f"it falls where they rise (gain {found.gain.value:.2g})"
        )
        raise BadMeter(
            f"{what} does not follow the counters: {why}, so it is of another machine, or other loads are "
            "behind it",
            "Check what is plugged into it, and run the calibration while nothing else changes",
        )
    if not is_one and found.mean_meter_w + found.at_mean_w.U < found.mean_w:
        raise BadMeter(
            f"{what} shows {three_digits(found.mean_meter_w)} W, less than the "
            f"{three_digits(found.mean_w)} W of its parts "
            f"({', '.join(ids)})",
            "It measures a part of the machine only: name that part with --of CHANNEL",
        )
