"""A directive that writes the command line's reference from its own parser, so that none can be stale."""

from __future__ import annotations

import argparse
import os

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from microjoule.cli import parser


class CommandLine(SphinxDirective):
    """Each command as a section with its help."""

    def run(self) -> list[nodes.Node]:
        """The sections."""
        os.environ["COLUMNS"] = "92"  # as many as a page shows
        whole = parser()
        sections: list[nodes.Node] = [nodes.literal_block(text=whole.format_help(), language="text")]
        (commands,) = (a for a in whole._actions if isinstance(a, argparse._SubParsersAction))
        for name, one in commands.choices.items():
            section = nodes.section(ids=[f"uj-{name}"], names=[f"uj {name}"])
            section += nodes.title(text=f"uj {name}")
            section += nodes.literal_block(text=one.format_help(), language="text")
            sections.append(section)
        return sections


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
