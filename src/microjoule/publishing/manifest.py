"""The manifest of a bundle, read as if an enemy had written it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import BundleError, MicrojouleError
from .contents import FORMAT, KIND, MANIFEST, Choices
from .stored_terms import terms_of

COPY = "Take another copy"
_FIELDS: dict[str, tuple[tuple[type, ...], str]] = {
    "format": ((int,), "a whole number"),
    "microjoule": ((str,), "a version"),
    "traces": ((list,), "a list"),
    "members": ((list,), "a list"),
    "windows_max": ((int, type(None)), "a whole number"),
    "terms": ((dict,), "an object"),
}
_ROWS: dict[str, dict[str, tuple[type, ...]]] = {
    "traces": {"trace": (str,), "blocks": (list, type(None))},
    "members": {"name": (str,), "bytes": (int,), "sha256": (str,)},
}


def parsed(content: bytes) -> Any:  # noqa: ANN401 - JSON values
    """JSON values.

    Raises:
        ValueError: They are none, or are nested too deeply to be read.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_manifest(path: Path, name: str) -> dict[str, Any]:
    """What a manifest says; each field that is used is of the type that it should be.

    Args:
        path: The manifest.
        name: The bundle's.

    Raises:
        BundleError: It is none, is of a later format, or is damaged.
    """
    try:
        manifest = parsed(path.read_bytes())
        # What is no number or no text in JSON, such as NaN and half a surrogate pair, is refused here once.
        json.dumps(manifest, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:
        raise _damaged(name, str(error)) from error
    if not isinstance(manifest, dict):
        raise _damaged(name, "it is no object")
    if manifest.get("kind") != KIND:
        raise BundleError(f"{name} is not a microjoule bundle", "Give a file written by `uj publish`")
    number: Any = manifest.get("format")
    if _is(number, (int,)) and number > FORMAT:
        raise BundleError(
            f"{name} has bundle format {number}; this microjoule reads formats up to {FORMAT}",
            "Update it: pip install --upgrade microjoule",
        )
    flaw = next(_flaws(manifest), None)
    if flaw is not None:
        raise _damaged(name, flaw)
    return manifest


def _flaws(manifest: dict[str, Any]) -> Iterator[str]:
    """The fields that are not what they should be."""
    for field, (types, noun) in _FIELDS.items():
        if field not in manifest or not _is(manifest[field], types):
            yield f"its {field} is not {noun}"
    if _is(manifest.get("windows_max"), (int,)) and manifest["windows_max"] < 0:
        yield "its windows_max is negative"
    for field, columns in _ROWS.items():
        for at, row in enumerate(manifest[field]):
            yield from (
                f"{field}[{at}] has no sound {key}"
                for key, types in columns.items()
                if not _is_column(row, key, types)
            )


def _damaged(name: str, what: str) -> BundleError:
    return BundleError(f"The {MANIFEST} of {name} is damaged: {what}", COPY)


def choices(manifest: Mapping[str, Any]) -> Choices:
    """What was chosen of the figures.

    Raises:
        BundleError: The factors are none.
    """
    try:
        terms = terms_of(manifest["terms"])
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        what = error.what if isinstance(error, MicrojouleError) else "a value is missing or of a wrong type"
        raise BundleError(f"The factors in {MANIFEST} are damaged: {what}", COPY) from error
    return Choices(terms, manifest["windows_max"], manifest["microjoule"])


def _is_column(row: object, key: str, types: tuple[type, ...]) -> bool:
    return isinstance(row, dict) and (key in row or type(None) in types) and _is(row.get(key), types)


def _is(value: Any, types: tuple[type, ...]) -> bool:  # noqa: ANN401 - JSON values
    return isinstance(value, types) and not isinstance(value, bool)
