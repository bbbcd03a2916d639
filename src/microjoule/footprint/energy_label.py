"""The energy label: a letter from A to G for watt-hours per functional unit, against a named set.

A letter means nothing without the set it is of, the hardware it was measured on and its uncertainty:
the label carries all three, always. The sets' borders are in ``data/label_sets.csv``: at an eighth, a
quarter, half, once, twice and four times a published reference, because between models of one task
energy differs by powers of ten; D is the class that the reference itself closes.
"""

from __future__ import annotations

import math
import re
from typing import Any

from ..errors import BadLabel, nearest
from ..value_class import dataclass
from . import data_tables
from .factor import Factor

LETTERS = "ABCDEFG"
STARS = 5
STARS_SOURCE = "https://huggingface.github.io/AIEnergyScore/#faq"
_STARS_HARDWARE = "H100"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSet:
    """A reference set and its borders.

    Attributes:
        key: Its name in the table.
        task: What its units do, for a person.
        per: The functional unit: ``1000 images``.
        reference: What its borders are drawn about, in Wh per functional unit.
        borders_wh: The upper border of A to F; each belongs to its class.
        hardware: On which the reference was measured.
    """

    key: str
    task: str
    per: str
    reference: Factor
    borders_wh: tuple[float, ...]
    hardware: str

    def letter(self, wh: float) -> str:
        """The class of so many watt-hours per functional unit."""
        return LETTERS[sum(wh > border for border in self.borders_wh)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was measured.

    Attributes:
        wh: Watt-hours per functional unit.
        low: Their least; None: not stated.
        high: Their most; None: not stated.
        per: The functional unit.
        hardware: On what, in words.
        provenance: ``measured``, ``estimated``, or ``stated`` by the person.
        note: What must be said with the figure; empty where nothing.
    """

    wh: float
    low: float | None = None
    high: float | None = None
    per: str
    hardware: str
    provenance: str = "stated"
    note: str = ""


def label_sets() -> tuple[LabelSet, ...]:
    """All sets of the table."""
    by_key: dict[str, list[data_tables.Row]] = {}
    for row in data_tables.rows("label_sets"):
        by_key.setdefault(row["set"], []).append(row)
    return tuple(_set(key, group) for key, group in by_key.items())


def label_set(key: str) -> LabelSet:
    """The set of a name.

    Raises:
        BadLabel: There is none.
    """
    sets = {each.key: each for each in label_sets()}
    if key not in sets:
        raise BadLabel(f"There is no reference set {key!r}", nearest(key, sets))
    return sets[key]


def stars(wh: float, leaderboard_wh: tuple[float, float]) -> int:
    """The stars of AI Energy Score: the range of a leaderboard in five equal parts, the lowest with 5 stars.

    Args:
        wh: GPU energy per 1000 queries, in Wh.
        leaderboard_wh: The least and the greatest one of the models of one task, and of one size class
            where the task is text generation.

    Raises:
        BadLabel: The range is none.
    """
    least, most = leaderboard_wh
    if not 0 < least < most < math.inf:
        raise BadLabel(
            f"A leaderboard from {least:g} to {most:g} Wh has no range",
            "Give the least and the greatest GPU energy of its models, as in --leaderboard 0.5 12",
        )
    # A border belongs to the part that it closes, as with the letters.
    part = math.ceil(STARS * (wh - least) / (most - least))
    return STARS + 1 - min(max(part, 1), STARS)


def label(
    reading: Reading, of: LabelSet, title: str = "", leaderboard_wh: tuple[float, float] | None = None
) -> dict[str, Any]:
    """The label as plain data, schema ``microjoule.trace.label/1``, for any rendering.

    Args:
        reading: What was measured.
        of: The set it is held against.
        title: What it is the label of: a model, a program.
        leaderboard_wh: The least and the greatest energy of a leaderboard of AI Energy Score, for its stars.

    Raises:
        BadLabel: The figures are none, the functional unit is another than the set's, or the hardware
            is not named.
    """
    if not reading.hardware.strip():
        raise BadLabel("A label must name the hardware that was measured", "Give --hardware")
    if _unit(reading.per) != _unit(of.per):
        raise BadLabel(
            f"{reading.per!r} is not the functional unit of the set {of.key}, which is {of.per!r}",
            f"Give the energy per {of.per}, or choose another set",
        )
    low, high = reading.low, reading.high
    figures = [figure for figure in (low, reading.wh, high) if figure is not None]
    if not all(math.isfinite(figure) and figure >= 0 for figure in figures) or figures != sorted(figures):
        ends = [("least", low), ("most", high)]
        said = "".join(f", {end:g} Wh at {which}," for which, end in ends if end is not None)
        raise BadLabel(
            f"{reading.wh:g} Wh{said} cannot be the energy of {reading.per}",
            "Give 0 <= low <= value <= high",
        )
    if not reading.wh:
        raise BadLabel("Nothing uses 0 Wh", "Give what was measured; a failed measurement has no label")
    first, last = of.letter(figures[0]), of.letter(figures[-1])
    return {
        "schema": "microjoule.trace.label/1",
        "title": title,
        "letter": of.letter(reading.wh),
        "letters": list(LETTERS[LETTERS.index(first) : LETTERS.index(last) + 1]),
        "wh": reading.wh,
        "guaranteed_wh": [low, high],
        "per": of.per,
        "hardware": reading.hardware.strip(),
        "provenance": reading.provenance,
        "note": "; ".join(note for note in (reading.note, _across(reading, of)) if note),
        "stars": _stars(reading, figures, leaderboard_wh) if leaderboard_wh else None,
        "status": "not an official energy label: no authority has set or checked its classes",
        "set": {
            "key": of.key,
            "task": of.task,
            "hardware": of.hardware,
            "reference_wh": of.reference.value,
            "borders_wh": list(of.borders_wh),
            "source": of.reference.origin.source,
            "year": of.reference.origin.year,
            "licence": of.reference.origin.licence,
            "note": of.reference.origin.note,
        },
    }


def _stars(reading: Reading, figures: list[float], leaderboard_wh: tuple[float, float]) -> dict[str, Any]:
    """The stars, those at the ends of the interval, and why they may not be the leaderboard's."""
    is_same = _STARS_HARDWARE.casefold() in reading.hardware.casefold()
    return {
        "count": stars(reading.wh, leaderboard_wh),
        "ends": [stars(figures[-1], leaderboard_wh), stars(figures[0], leaderboard_wh)],
        "leaderboard_wh": list(leaderboard_wh),
        "note": ""
        if is_same
        else f"measured on other hardware than an NVIDIA {_STARS_HARDWARE}: not comparable",
        "source": STARS_SOURCE,
    }


def _across(reading: Reading, of: LabelSet) -> str:
    """What to say where the reading and the reference are of different hardware."""
    own, reference = (re.sub(r"[^a-z0-9]", "", text.casefold()) for text in (reading.hardware, of.hardware))
    if own in reference or reference in own:
        return ""
    return f"measured on other hardware than the reference ({of.hardware}): the classes are not comparable"


def _unit(text: str) -> str:
    """A functional unit without what people write differently: ``1,000 Images`` is ``1000 images``."""
    return " ".join(text.lower().replace(",", "").replace("\u202f", "").split())


def _set(key: str, group: list[data_tables.Row]) -> LabelSet:
    by_letter = {row["letter"]: row for row in group}
    reference = by_letter["reference"]
    return LabelSet(
        key=key,
        task=reference["name"],
        per=reference["per"],
        reference=data_tables.factor(reference, f"reference of {key}").in_unit("Wh"),
        borders_wh=tuple(
            data_tables.factor(by_letter[letter], letter).in_unit("Wh").value for letter in LETTERS[:-1]
        ),
        hardware=reference["hardware"],
    )
