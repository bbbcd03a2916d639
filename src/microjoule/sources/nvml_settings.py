"""The settings of an NVIDIA GPU on which its power depends, as NVML says: a table of calls.

Names and bits are those of ``nvml.h``. Locked clocks have no call that reads them back: what an application
asked for has one, and a clock that is held down says so by its reasons. Whether power smoothing is on is
field 251 (Blackwell and later).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any, NamedTuple

CLOCK_SM = 1
SMOOTHING_FIELD = 251  # NVML_FI_PWR_SMOOTHING_ENABLED
_MILLI = 1000

# nvmlClocksEventReason*: why the clock is not what it could be. Idle GPUs and clocks that somebody set are
# left out: they are no disturbance.
REASONS = (
    (0x04, "power cap"),
    (0x08, "hardware slowdown"),
    (0x10, "sync boost"),
    (0x20, "heat (software)"),
    (0x40, "heat (hardware)"),
    (0x80, "power brake"),
)


class Setting(NamedTuple):
    """A row: its name in ``joules.environments``, the call, its other arguments, and its value."""

    name: str
    call: str
    arguments: tuple[Any, ...]
    value: Callable[[Any], Any]


SETTINGS = (
    Setting("persistence", "nvmlDeviceGetPersistenceMode", (), bool),
    Setting("ecc", "nvmlDeviceGetEccMode", (), lambda modes: bool(modes[0])),
    Setting("power_limit_w", "nvmlDeviceGetEnforcedPowerLimit", (), lambda limit_mw: limit_mw / _MILLI),
    Setting("application_clock_mhz", "nvmlDeviceGetApplicationsClock", (CLOCK_SM,), int),
)


def settings(nvml: ModuleType, handle: object) -> dict[str, Any]:
    """The settings of a GPU by name; those that it does not answer for are left out."""
    found = {}
    for row in SETTINGS:
        answer = _asked(nvml, row.call, handle, *row.arguments)
        if answer is not None:
            found[row.name] = row.value(answer)
    smoothing = _asked(nvml, "nvmlDeviceGetFieldValues", handle, [SMOOTHING_FIELD])
    if smoothing and smoothing[0].nvmlReturn == 0:
        found["power_smoothing"] = bool(smoothing[0].value.uiVal)
    return found


def clock_reasons(nvml: ModuleType, handle: object) -> list[str] | None:
    """What holds the clock of a GPU down now; None: it does not say."""
    bits = _asked(nvml, "nvmlDeviceGetCurrentClocksEventReasons", handle)
    return None if bits is None else [words for bit, words in REASONS if int(bits) & bit]


def _asked(nvml: ModuleType, call: str, *arguments: object) -> Any:  # noqa: ANN401 - pynvml has no types
    with suppress(nvml.NVMLError, AttributeError, TypeError):
        return getattr(nvml, call)(*arguments)
    return None
