"""Energies as they are written on the command line, or as a trace holds them; files in and out."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import SameFile

if TYPE_CHECKING:
    from ..footprint.equivalents import Bounded
    from ..joules.estimates.total import Total

_NUMBER = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")
_TRACES = (".arrows", ".parquet")


class Whole(NamedTuple):
    """The energy of a window of a trace, or of all that was run, and what is to be said with it."""

    total: Total
    doubts: tuple[str, ...]


def energy(text: str, kinds: str = "an energy nor a trace", example: str = "3 Wh or 1287 MWh") -> Bounded:
    """``1287 MWh``, ``3 Wh``, ``500 J``, or the path of a trace, in joules.

    Args:
        text: As it was written.
        kinds: What it could have been, for the sentence of what is none.
        example: How these are written.

    Raises:
        BadAmount: It is neither.
        TraceError: It names a file that is missing or no trace.
    """
    from ..errors import BadAmount
    from ..footprint.equivalents import Bounded
    from ..units import J_PER_KWH, J_PER_WH, KWH

    number, unit = _split(text)
    small = {"mJ": 1e-3, "J": 1.0, "kJ": 1e3, "MJ": 1e6, "mWh": 1e-3 * J_PER_WH}  # as a report writes them
    joules = small | {unit: kwh * J_PER_KWH for unit, kwh in KWH.items()}
    if number is not None and unit in joules:
        return Bounded(number * joules[unit])
    if not _is_file(text):
        raise BadAmount(f"{text!r} is neither {kinds}", f"Write {example}, or name a trace")
    found = total_of(Path(text), None)
    tell(f"{text}: {doubt}" for doubt in found.doubts)
    return Bounded(found.total.value or 0.0, found.total.low, found.total.high)


def mass(text: str) -> Bounded | None:
    """``284 t``, ``12.5 kg``, ``626,155 lb`` in grams; None where the text is no mass."""
    from ..footprint.equivalents import Bounded
    from ..units import GRAMS

    number, unit = _split(text)
    return Bounded(number * GRAMS[unit]) if number is not None and unit in GRAMS else None


def _is_file(text: str) -> bool:
    """Whether a text names a file, be it there or not."""
    return bool(text.strip()) and (Path(text).exists() or text.endswith(_TRACES))


def _split(text: str) -> tuple[float | None, str]:
    """The number and the unit of ``1,287 MWh``; no number where there is none.

    Raises:
        BadAmount: A comma stands where no thousands end: half the world writes ``0,5`` for a half.
    """
    from ..errors import BadAmount

    found = re.fullmatch(r"([\d.,]+(?:[eE][+-]?\d+)?)\s*([A-Za-z]+)", text.strip())
    if not found:
        return None, ""
    if _NUMBER.fullmatch(found[1]):
        return float(found[1].replace(",", "")), found[2]
    if "," in found[1]:
        raise BadAmount(
            f"The comma in {text!r} does not separate thousands",
            "Write a point before the decimals, as in 0.5, and commas only as in 1,287",
        )
    return None, ""


def total_of(path: Path, window: str | None) -> Whole:
    """The energy of a window of a trace, or of all that `uj run` or `uj record` recorded in it.

    Raises:
        TraceError: The file is no trace, or its energy has no figure.
        BadWindow: It has no such window.
    """
    from ..errors import TraceError
    from ..joules.energy_trace import load
    from ..joules.estimates.run_window import doubts, whole

    trace = load(path)
    windows = (whole(trace),) if window is None else trace.named(window)
    total = trace.energy(windows[0] if window is None else window).total
    if total.value is None:
        raise TraceError(
            f"The energy of {window or 'all'} in {path} has no figure: {total.status}",
            "Choose a window that was recorded completely",
        )
    is_open = any(each.is_open for each in windows)
    return Whole(total, doubts(trace.is_truncated, bool(trace.damage), is_open))


def tell(sentences: Iterable[str]) -> None:
    """Says what must not be overlooked, where it is in nobody's way."""
    for sentence in sentences:
        print(f"uj: {sentence}", file=sys.stderr)


def distinct(paths: Sequence[Path]) -> list[Path]:
    """The paths without those of a file that was named before, which is said."""
    found: dict[Path, Path] = {}
    for path in paths:
        first = found.setdefault(path.resolve(), path)
        if first is not path:
            tell([f"{path} is named twice and counts once"])
    return list(found.values())


def refuse_overwriting(inputs: Iterable[Path | None], output: Path | None) -> None:
    """Refuses an output that is one of the inputs.

    Raises:
        SameFile: It is.
    """
    if output is None or output == Path("-"):
        return
    for path in inputs:
        if path is not None and (path.resolve() == output.resolve() or _is_one(path, output)):
            raise SameFile(f"{output} is an input and would be overwritten", "Name another file to write")


def _is_one(path: Path, output: Path) -> bool:
    try:
        return path.samefile(output)
    except OSError:
        return False


def refuse_unwritable(path: Path | None) -> None:
    """Refuses a place where a result could not be written, while nothing has been done for it yet.

    Raises:
        MicrojouleError: It is one.
    """
    import os

    from ..errors import MicrojouleError

    if path is None or path == Path("-"):
        return
    target = path.resolve()
    folder = target.parent
    if target.is_dir() or not os.access(target if target.exists() else folder, os.W_OK):
        raise MicrojouleError(
            f"The report cannot be written to {target}",
            "Choose a file that you can write to" if folder.is_dir() else "Create its folder first",
        )


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
        # Of an argument that was not UTF-8 a byte is left, written out as in JSON.
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise TraceError(f"Cannot write {path}: {error.strerror}", "Choose another file") from error
