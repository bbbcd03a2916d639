"""The factors of a footprint as a bundle keeps them, and back: its figures need no later table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..footprint.chosen_factors import Terms
from ..footprint.factor import Boundary, Factor, Origin
from ..footprint.methods import method

AGE = "age_years"
"""What of a described factor depends on the day; bundles leave it out."""

_TEXTS = ("name", "unit", "signal", "scope", "basis", "source", "licence", "note", "url", "retrieved")


def without_ages(plain: Any) -> Any:  # noqa: ANN401 - JSON values
    """The same JSON values without what depends on the day."""
    if isinstance(plain, dict):
        return {key: without_ages(value) for key, value in plain.items() if key != AGE}
    if isinstance(plain, list):
        return [without_ages(value) for value in plain]
    return plain


def terms_of(plain: Mapping[str, Any]) -> Terms:
    """The terms that ``Terms.to_json`` wrote.

    Raises:
        UnknownMethod: This version does not know the method.
        BadFactor: A factor is none.
        KeyError, TypeError, AttributeError: They are no terms.
    """
    factors = {part: _factor(one) for part, one in plain["factors"].items()}
    if not isinstance(plain["remark"], str):
        raise TypeError("The remark is no text")
    return Terms(method=method(plain["method"]), remark=plain["remark"], **factors)


def _factor(plain: Mapping[str, Any]) -> Factor:
    wrong = [key for key in _TEXTS if not isinstance(plain[key], str)]
    if wrong or not isinstance(plain["year"], int | None):
        raise TypeError(f"{wrong or ['year']} of a factor is of a wrong type")
    value = float(plain["value"])
    low, high = plain["range"] or (value, value)
    return Factor(
        name=plain["name"],
        value=value,
        low=float(low),
        high=float(high),
        unit=plain["unit"],
        boundary=Boundary(signal=plain["signal"], scope=plain["scope"], basis=plain["basis"]),
        origin=Origin(
            source=plain["source"],
            year=plain["year"],
            licence=plain["licence"],
            note=plain["note"],
            url=plain["url"],
            retrieved=plain["retrieved"],
        ),
    )
