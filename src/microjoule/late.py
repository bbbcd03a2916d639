"""Imports that wait until a name is used: the one mechanism for all of them.

``lazy`` is a package's ``__getattr__`` (PEP 562). ``shown`` is a ``_repr_html_`` that is looked up when a
notebook asks for it. ``extra`` imports a library that an optional extra brings, and turns a missing one into
a sentence with the command that installs it.

Decision: ``shown`` is the one arrow that points up. A notebook asks the object itself, and only ``report``
knows how a figure is written; so a class names the function there, and nothing of ``report`` is loaded before
somebody looks. The cost is an import that a type checker cannot follow; a test looks up each name instead.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

NOTEBOOK = "microjoule.report.in_notebook"

# The package as it is imported -> the extra of pyproject.toml.
EXTRAS = {
    "matplotlib": "plot",
    "IPython": "notebook",
    "transformers": "transformers",
    "lightning": "lightning",
    "pytorch_lightning": "lightning",
    "keras": "keras",
    "torch": "torch",
    "rich": "watch",
    "prometheus_client": "prometheus",
    "opentelemetry": "otel",
    "pandas": "pandas",
    "polars": "polars",
    "duckdb": "sql",
    "distributed": "dask",
    "shtab": "completion",
    "httpx": "meters",
    "pyvisa": "meters",
    "redfish": "meters",
    "py_spy": "flame",
}


def found(module: str, name: str) -> Any:  # noqa: ANN401 - an object of any kind
    """The object of this name in a module, which is imported now."""
    return getattr(import_module(module), name)


def lazy(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's ``__getattr__``.

    Args:
        package: The package's ``__name__``.
        homes: The module of each public name, relative to the package; empty: a module of this name.
    """

    def find(name: str) -> Any:  # noqa: ANN401 - an object of any kind
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        return found(f"{package}.{home}", name) if home else import_module(f"{package}.{name}")

    return find


def shown(name: str) -> Callable[[Any], str]:
    """A ``_repr_html_`` that a function of ``report/in_notebook.py`` answers.

    Args:
        name: The function's name; it takes the object and gives HTML.
    """

    def _repr_html_(of: Any) -> str:  # noqa: ANN401 - an object of any class that is shown
        return str(found(NOTEBOOK, name)(of))

    return _repr_html_


def extra(module: str, name: str = "") -> Any:  # noqa: ANN401 - a module of any kind
    """The module of this name, imported.

    Args:
        module: Its name.
        name: The extra to name where it is missing; empty: the one of ``EXTRAS``.

    Raises:
        MissingExtra: Its package is not installed.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the package is there, and lacks something of its own
        from .errors import MissingExtra

        raise MissingExtra(
            f"This needs {package}, which is not installed",
            f"Install it: pip install 'microjoule[{name or EXTRAS[package]}]'",
        ) from error
