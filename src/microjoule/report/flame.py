"""Flame graphs as files: one registry of forms, by the ending of the file's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import CannotWrite
from .flame_html import render
from .flame_pprof import pprof
from .flame_stacks import collapsed, speedscope
from .flame_words import lines

Plain = Mapping[str, Any]

FORMS: dict[str, Callable[[Plain], str | bytes]] = {
    ".html": render,
    ".json": speedscope,
    ".folded": collapsed,
    ".collapsed": collapsed,
    ".txt": collapsed,
    ".pb.gz": pprof,
}


def form_of(path: Path) -> Callable[[Plain], str | bytes]:
    """What writes a file of this name.

    Raises:
        CannotWrite: No form has this ending.
    """
    for ending, form in FORMS.items():
        if path.name.endswith(ending):
            return form
    raise CannotWrite(
        f"{path} does not end in a known flame graph format", f"End it in one of: {', '.join(FORMS)}"
    )


def write(found: Plain, path: Path) -> None:
    """Writes a flame graph.

    Args:
        found: ``plugins.profiles.functions`` as plain data, with a title.
        path: The file, whose ending says the form.

    Raises:
        CannotWrite: It cannot be written.
    """
    content = form_of(path)(found)
    try:
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    except OSError as error:
        raise CannotWrite(f"Cannot write {path}: {error.strerror}", "Choose another file") from error


__all__ = ["FORMS", "form_of", "lines", "write"]
