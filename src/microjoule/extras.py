"""Libraries that only some features need, each with the name of the extra that brings it.

The core depends on what ``pyproject.toml`` lists as its dependencies. Everything else is imported
through here where it is used, so that a missing one is a sentence with the command that mends it.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import Any

from .errors import MissingExtra

# The package as it is imported -> the extra of pyproject.toml.
EXTRAS = MappingProxyType(
    {
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
        "shtab": "completion",
    }
)


def extra(module: str) -> Any:  # noqa: ANN401 - a module of any kind
    """The module of this name, imported.

    Raises:
        MissingExtra: Its package is not installed.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the package is there, and lacks something of its own
        raise MissingExtra(
            f"This needs {package}, which is not installed",
            f"Install it: pip install 'microjoule[{EXTRAS[package]}]'",
        ) from error
