"""Energies as they are written on the command line, or as a trace holds them."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..energy.total import Total
    from ..footprint.equivalents import Bounded


def energy(text: str) -> Bounded:
    """``1287 MWh``, ``3 Wh``, ``500 J``, or the path of a trace; an argparse type, in joules."""
    from ..footprint.equivalents import BadAmount, Bounded
    from ..units import J_PER_KWH, KWH

    number, unit = _split(text)
    joules = {"J": 1.0, "kJ": 1e3, "MJ": 1e6, **{unit: kwh * J_PER_KWH for unit, kwh in KWH.items()}}
    if number is None or unit not in joules:
        if Path(text).exists():
            total = total_of(Path(text), None)
            return Bounded(total.value or 0.0, total.low, total.high)
        raise argparse.ArgumentTypeError(f"{text!r} is neither an energy, as 3 Wh or 1287 MWh, nor a trace")
    try:
        return Bounded(number * joules[unit])
    except BadAmount:
        raise argparse.ArgumentTypeError(f"{text!r} is not an energy: write 3 Wh or 1287 MWh") from None


def _split(text: str) -> tuple[float | None, str]:
    """The number and the unit of ``1,287 MWh``; no number where there is none."""
    found = re.fullmatch(r"([\d.,]+(?:[eE][+-]?\d+)?)\s*([A-Za-z]+)", text.strip())
    try:
        return (float(found[1].replace(",", "")), found[2]) if found else (None, "")
    except ValueError:
        return None, ""


def mass(text: str) -> Bounded | None:
    """``284 t``, ``12.5 kg``, ``626,155 lb`` in grams; None where the text is no mass."""
    from ..footprint.equivalents import Bounded
    from ..units import GRAMS

    number, unit = _split(text)
    return Bounded(number * GRAMS[unit]) if number is not None and unit in GRAMS else None


def total_of(path: Path, window: str | None) -> Total:
    """The energy of a window of a trace, or of all of it.

    Raises:
        TraceError: The file is no trace, or its energy has no figure.
        BadWindow: It has no such window.
    """
    from ..energy.energy_trace import load
    from ..errors import TraceError

    total = load(path).energy(window).total
    if total.value is None:
        raise TraceError(
            f"The energy of {window or 'all'} in {path} has no figure: {total.status}",
            "Choose a window that was read to its end",
        )
    return total


def write(text: str, path: Path | None) -> None:
    """The text into a file, or to standard output.

    Raises:
        TraceError: The file cannot be written.
    """
    from ..errors import TraceError

    if path is None or path == Path("-"):
        print(text, end="")
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TraceError(f"Cannot write {path}: {error.strerror}", "Choose another file") from error
