"""Two documents value by value: how many numbers they have in common, and where they differ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .figures_in_words import unsupported
from .verdict import Finding

ROUNDING = 1e-9  # sums of another machine's vector units differ in their last digits


def n_numbers(plain: Any) -> int:  # noqa: ANN401 - JSON values
    """How many numbers a document holds."""
    if isinstance(plain, dict):
        return sum(n_numbers(value) for value in plain.values())
    if isinstance(plain, list):
        return sum(n_numbers(value) for value in plain)
    return int(_is_number(plain))


def differences(member: str, there: Any, here: Any, *, is_of_other_version: bool) -> Iterator[Finding]:  # noqa: ANN401
    """Where two documents differ.

    Args:
        member: Whose they are.
        there: As it was published.
        here: As it is recomputed.
        is_of_other_version: Then words and fields of one version alone are passed over, and numbers
            count, those in words too.
    """
    for path, published, found in _pairs("", there, here):
        if is_of_other_version and not (_is_number(published) and _is_number(found)):
            if isinstance(published, str) and isinstance(found, str):
                said = unsupported(published, found)
                yield from (Finding(f"{member}: {path}", unfollowed(each)) for each in said)
            continue
        if _is_number(published) and _is_number(found):
            by = _relative(published, found)
            if not by <= ROUNDING:  # of what is not finite it is not a number
                what = f"{_figure(published)} there, {_figure(found)} recomputed"
                yield Finding(f"{member}: {path}", what, by if math.isfinite(by) else None)
        elif published is not _MISSING and found is not _MISSING:
            yield Finding(f"{member}: {path}", f"{_short(published)} there, {_short(found)} recomputed")
        else:
            side = "is not in the bundle" if published is _MISSING else "does not follow from the traces"
            yield Finding(f"{member}: {path}", side)


_MISSING: Any = object()


def _pairs(path: str, there: Any, here: Any) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401
    """The leaves that differ, with where they are."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted({*there, *here}):
            yield from _pairs(f"{path}.{key}".lstrip("."), there.get(key, _MISSING), here.get(key, _MISSING))
    elif isinstance(there, list) and isinstance(here, list):
        for number in range(max(len(there), len(here))):
            left, right = (each[number] if number < len(each) else _MISSING for each in (there, here))
            yield from _pairs(f"{path}[{number}]", left, right)
    elif there is not here and (type(there), there) != (type(here), here):
        yield path, there, here


def unfollowed(figure: str) -> str:
    """What is wrong with a figure in words that the traces do not give."""
    return f"it says {figure}, which does not follow from the traces"


def _figure(value: float) -> str:
    try:
        return f"{value:.6g}"
    except OverflowError:
        return "a number beyond all floats"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _relative(one: float, other: float) -> float:
    size = max(abs(one), abs(other))
    try:
        return float(abs(one - other) / size) if size else 0.0
    except (OverflowError, ValueError):
        return math.inf


def _short(value: object) -> str:
    text = str(value) if not isinstance(value, dict | list) else type(value).__name__
    return text if len(text) <= 40 else text[:39] + "…"
