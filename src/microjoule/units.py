"""Conversions between units. The only file in which such a factor may be written."""

from __future__ import annotations

from fractions import Fraction
from types import MappingProxyType

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_US = 1_000
US_PER_S = 1_000_000
S_PER_DAY = 86_400
UJ_PER_J = 1_000_000
UW_PER_W = 1_000_000
S_PER_JIFFY = Fraction(1, 100)  # USER_HZ, which the kernel fixes at 100 on every architecture Python runs on
J_PER_KWH = 3_600_000
J_PER_WH = 3_600
KG_PER_LB = 0.453_592_37  # exact, by definition of the pound
BYTES_PER_MIB = 1 << 20
HOURS_PER_YEAR = 8760
S_PER_MIN = 60
S_PER_HOUR = 3600
W_PER_KW = 1000
GRAMS = MappingProxyType({"mg": 1e-3, "g": 1.0, "lb": KG_PER_LB * 1e3, "kg": 1e3, "t": 1e6})
KWH = MappingProxyType({"Wh": 1e-3, "kWh": 1.0, "MWh": 1e3, "GWh": 1e6})
_WHOLE = 1e9  # from which on a figure is written with an exponent


def seconds(t_ns: int) -> float:
    """A duration in nanoseconds as seconds."""
    return t_ns / NS_PER_S


def nanoseconds(t_s: float) -> int:
    """A duration in seconds as whole nanoseconds."""
    return round(t_s * NS_PER_S)


def g_per_kwh_of_lb_per_mwh(lb_per_mwh: float) -> float:
    """An intensity in pounds per megawatt-hour as grams per kilowatt-hour: kg/MWh and g/kWh are one."""
    return lb_per_mwh * KG_PER_LB


def three_digits(value: float) -> str:
    """``0.0125``, ``2.5``, ``3,000``: three digits, and all those before the point."""
    return f"{value:,.0f}" if 100 <= abs(value) < _WHOLE else f"{value:.3g}"


def short_time(t_ns: float) -> str:
    """``50 ms``, ``3 s``: a duration in nanoseconds, in milliseconds below a second."""
    size, unit = (NS_PER_S, "s") if t_ns >= 0.9995 * NS_PER_S else (NS_PER_MS, "ms")
    return f"{three_digits(t_ns / size)} {unit}"
