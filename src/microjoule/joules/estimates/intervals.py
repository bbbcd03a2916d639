"""What becomes of intervals and units where figures are multiplied and divided."""

from __future__ import annotations

import math

_QUOTIENTS = {("J", "s"): "W", ("J", "W"): "s"}
_PRODUCTS = {("W", "s"): "J", ("s", "W"): "J"}


def product_unit(one: str, other: str) -> str:
    """The unit of a product: a name such as ``J`` where it has one."""
    plain = other if one == "1" else one if other == "1" else f"{one}·{other}"
    return _PRODUCTS.get((one, other), plain)


def quotient_unit(one: str, other: str) -> str:
    """The unit of a quotient: a name such as ``W`` where it has one, ``1`` for a ratio."""
    plain = "1" if one == other else one if other == "1" else f"{one}/{other}"
    return _QUOTIENTS.get((one, other), plain)


def reach(one: float, other: float) -> float:
    """A product in which nothing times infinity is nothing."""
    return one * other if one and other else 0.0


def quotients(over: tuple[float, float], under: tuple[float, float]) -> tuple[float, float]:
    """The least and the largest quotient; nothing bounds it where the divisor may be zero."""
    if under[0] <= 0 <= under[1]:
        is_positive = over[0] >= 0 and under[0] >= 0 and under[1] > 0
        return (over[0] / under[1] if is_positive else -math.inf), math.inf
    corners = [reach(a, 1 / b) for a in over for b in under]
    return min(corners), max(corners)
