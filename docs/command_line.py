"""A page for each command, written from its own parser when the documentation is built."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from microjoule.cli import parser

FOLDER = Path(__file__).with_name("commands")
WIDTH = "92"  # columns, as many as a page shows


class CommandLine(SphinxDirective):
    """The help of one command, or without a name that of all."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The help as it is in a terminal."""
        os.environ["COLUMNS"] = WIDTH
        whole = parser()
        shown = commands(whole)[self.arguments[0]] if self.arguments else whole
        return [nodes.literal_block(text=shown.format_help(), language="text")]


def commands(whole: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Each command's parser."""
    (found,) = (each for each in whole._actions if isinstance(each, argparse._SubParsersAction))
    return dict(found.choices)


def write_pages(_: Sphinx) -> None:
    """One page a command; a page that is as it was is left alone, so that Sphinx need not read it again."""
    FOLDER.mkdir(exist_ok=True)
    pages = {f"{name}.md": f"# uj {name}\n\n:::{{command-line}} {name}\n:::\n" for name in commands(parser())}
    for path in FOLDER.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = FOLDER / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers the directive, and writes the pages before Sphinx looks for them."""
    app.add_directive("command-line", CommandLine)
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
