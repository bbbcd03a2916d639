"""Conversions between units. The only file in which such a factor may be written."""

from __future__ import annotations

from fractions import Fraction

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_US = 1_000
S_PER_NS = 1e-9
UJ_PER_J = 1_000_000
UW_PER_W = 1_000_000
J_PER_UJ = Fraction(1, UJ_PER_J)
S_PER_JIFFY = Fraction(1, 100)  # USER_HZ, which the kernel fixes at 100 on every architecture Python runs on
J_PER_KWH = 3_600_000
BYTES_PER_MIB = 1 << 20


def seconds(t_ns: int) -> float:
    """A duration in nanoseconds as seconds."""
    return t_ns / NS_PER_S


def nanoseconds(t_s: float) -> int:
    """A duration in seconds as whole nanoseconds."""
    return round(t_s * NS_PER_S)
