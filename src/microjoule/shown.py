"""How a figure looks in a notebook: ``_repr_html_``, found when a notebook asks for it.

Decision: this is the one place where an arrow points up. A notebook asks the object itself, and only
``report`` knows how a figure is written; so the classes name the function there that writes them, as the
package's ``__init__`` names its modules, and nothing of ``report`` is loaded before somebody looks. What was
given up: an import that a type checker follows; a test looks up each name instead.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

HOME = "microjoule.report.in_notebook"


def shown(name: str) -> Callable[[Any], str]:
    """A ``_repr_html_`` that a function of ``report/in_notebook.py`` answers.

    Args:
        name: The function's name; it takes the object and gives HTML.
    """

    def _repr_html_(of: Any) -> str:  # noqa: ANN401 - an object of any class that is shown
        return str(getattr(import_module(HOME), name)(of))

    return _repr_html_
