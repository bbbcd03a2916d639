"""Which counters of a trace say what a server took: all its GPUs, or those that are named."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import RequestLogError
from ...joules.counters.counter import Counter
from ...joules.energy_trace import Trace
from ...joules.estimates.total import apart, covered
from ..profiles import choosing

_MOVED = 8  # times at least that a counter must have moved to be taken unasked


def counters_of(trace: Trace, channels: Sequence[str] = (), devices: Sequence[str] = ()) -> list[Counter]:
    """The counters to read, which count no joule twice.

    Args:
        trace: The trace.
        channels: Their ids.
        devices: Devices whose counters are read too, as ``gpu-0``. Without any name: all GPUs where there
            is one, else the first counter of the total.

    Raises:
        RequestLogError: There is none, or one was not read.
        Overlap: Two of them count the same joules.
    """
    names = [*channels, *(name for device in devices for name in _of_device(trace, device))]
    names = list(dict.fromkeys(names)) or chosen(trace)
    found = [_counter(trace, name) for name in names]
    apart(names, trace.channels)
    for name, counter in zip(names, found, strict=True):
        if counter.span_ns is None:
            raise RequestLogError(
                f"{name} was not read", "Choose another --channel; `uj report` shows what was read"
            )
    return found


def chosen(trace: Trace) -> list[str]:
    """The counters whose energy is most likely asked for: all GPUs, each joule once, or one other.

    Raises:
        RequestLogError: No counter moved, or nobody knows how those of several GPUs add up.
    """
    moving = _moving(trace)
    gpus = [name for name in moving if trace.channels[name].place.device == "gpu"]
    if len({_word(trace, name) for name in gpus}) > 1:
        return _each_once(trace, gpus)
    of_total = [name for name in covered(trace.channels) if name in moving]
    found = [*(name for name in of_total if name in gpus), *gpus, *of_total, *moving]
    if not found:
        raise RequestLogError(
            "The trace has no energy counter that changed", "`uj probe` says what can be read here"
        )
    return found[:1]


def _of_device(trace: Trace, device: str) -> list[str]:
    """The counters of a device that is named as ``gpu-0``."""
    known: dict[str, list[str]] = {}
    for name in _moving(trace):
        known.setdefault(_word(trace, name), []).append(name)
    if device not in known:
        raise RequestLogError(
            f"The trace has no energy counter of {device!r} that changed",
            f"Its devices: {', '.join(known) or 'none'}",
        )
    return _each_once(trace, known[device])


def _word(trace: Trace, name: str) -> str:
    """What a channel's device is called here: ``gpu-0``, or ``amdgpu-0`` by another driver's numbering."""
    place = trace.channels[name].place
    kind = place.owner or place.device
    return kind if place.number is None else f"{kind}-{place.number}"


def _each_once(trace: Trace, names: Sequence[str]) -> list[str]:
    """Those of some counters whose sum has each joule once."""
    found = covered({name: trace.channels[name] for name in names})
    if not found:
        raise RequestLogError(
            f"It is unknown whether {' and '.join(names)} count the same joules",
            f"Choose one: --channel {names[0]}",
        )
    return list(found)


def _moving(trace: Trace) -> list[str]:
    return [
        name
        for name in choosing.counters_of(trace)
        if name not in trace.dead and len(trace.counter(name).changes) > _MOVED
    ]


def _counter(trace: Trace, name: str) -> Counter:
    choosing.refuse(trace, name, RequestLogError)
    return trace.counter(name)
