"""``uj publish``: traces and what is taken from them, in one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import BundleError, SameFile
from ..footprint.chosen_factors import Terms
from ..joules.summary import WINDOWS_MAX
from ..version import VERSION
from ..whole_file import whole_file
from .contents import Choices, contents
from .zip_file import pack


def publish(
    traces: Sequence[Path], target: Path, terms: Terms, windows_max: int | None = WINDOWS_MAX
) -> list[str]:
    """Writes a bundle; the names of its members.

    Args:
        traces: One or more.
        target: Where the bundle goes; it is there whole or not at all.
        terms: The factors between joules, grams and money.
        windows_max: How many windows are listed one by one; None: all.

    Raises:
        BundleError: There is no trace, or it cannot be written.
        SameFile: The bundle would be written over a trace.
        TraceError: A trace cannot be read.
    """
    if not traces:
        raise BundleError("Nothing to publish: no trace is given", "Name one: uj publish TRACE -o result.zip")
    named = _named(traces)
    if any(target.exists() and os.path.samefile(target, path) for path in traces if path.exists()):
        raise SameFile(f"The bundle would overwrite the trace {target}", "Give it another name with -o")
    members = contents(named, Choices(terms, windows_max, VERSION))
    try:
        with whole_file(target) as file:
            pack(members, file)
    except OSError as error:
        raise BundleError(
            f"Cannot write {target}: {error.strerror or error}", "Choose another file"
        ) from error
    return sorted(members)


def _named(traces: Sequence[Path]) -> dict[str, Path]:
    """Traces by the names that they have in a bundle: their own, with a number where two have one."""
    found: dict[str, Path] = {}
    stems: set[str] = set()
    for path in traces:
        stem = (
            "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in path.stem).strip(".")
            or "trace"
        )
        own, number = stem, 1
        while own in stems:
            number += 1
            own = f"{stem}-{number}"
        stems.add(own)
        found[f"{own}{path.suffix}"] = path
    return found
