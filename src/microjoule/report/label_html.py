"""The energy label as a page of its own: the SVG inline, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from . import label_svg
from .label_words import energy, title

_STYLE = (
    "body{margin:0;background:#f3f5f8;display:flex;justify-content:center;padding:2rem}"
    "svg{max-width:100%;height:auto;filter:drop-shadow(0 2px 10px rgba(20,30,50,.12))}"
)


def render(label: Mapping[str, Any]) -> str:
    """The page."""
    heading = f"{title(label) or label['set']['task']}: {energy(label['wh'])} per {label['per']}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(heading)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{label_svg.render(label)}</body>\n</html>\n"
    )
