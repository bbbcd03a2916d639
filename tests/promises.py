"""What a release promises. After a change on purpose: ``python tests/promises.py > tests/promises.txt``."""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import microjoule as uj
from microjoule import cli
from microjoule.trace import schema

KEPT = Path(__file__).with_name("promises.txt")
REPORT = Path(uj.__file__).with_name("report") / "report.schema.json"


def names() -> Iterator[str]:
    """The public Python names, with the parameters of what can be called and the members of classes."""
    for name in sorted(uj.__all__):
        if name.startswith("__"):
            yield f"python {name}"
            continue
        found = getattr(uj, name)
        if inspect.isclass(found):
            yield f"python {name}"
            for member in sorted(set(dir(found)) | set(getattr(found, "__dataclass_fields__", ()))):
                if not member.startswith("_"):
                    yield f"python {name}.{member}{_parameters(getattr(found, member, None))}"
        elif inspect.ismodule(found):
            for member in sorted(vars(found)):
                if inspect.isclass(vars(found)[member]) and vars(found)[member].__module__ == found.__name__:
                    yield f"python {name}.{member}"
        else:
            yield f"python {name}{_parameters(found)}"


def _parameters(found: Any) -> str:
    if not callable(found) or inspect.isclass(found):
        return ""
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return "()"
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    given = [
        marks.get(one.kind, "") + one.name + ("" if one.default is one.empty else "=")
        for one in parameters
        if one.name != "self"
    ]
    return f"({', '.join(given)})"


def commands() -> Iterator[str]:
    """The commands with their options and arguments."""
    for action in cli.parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from _options("uj", action)


def _options(name: str, of: argparse._SubParsersAction) -> Iterator[str]:
    for word, parser in sorted(of.choices.items()):
        for each in parser._actions:
            words = ", ".join(each.option_strings) or each.metavar or each.dest
            choices = f" {{{','.join(map(str, each.choices))}}}" if each.choices else ""
            yield f"{name} {word} {words}{choices}"
            if isinstance(each, argparse._SubParsersAction):
                yield from _options(f"{name} {word}", each)


def keys(found: Any, path: str = "json") -> Iterator[str]:
    """The paths of all properties of the report's JSON."""
    for name, inner in found.get("properties", {}).items():
        yield f"{path}.{name}"
        for one in (inner, *inner.get("anyOf", ())):
            yield from keys(one, f"{path}.{name}")
            yield from keys(one.get("items", {}), f"{path}.{name}[]")


def promises() -> str:
    """All of them, a line each."""
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    definitions = (key for name, one in sorted(report["$defs"].items()) for key in keys(one, f"json#{name}"))
    columns = (f"trace column {column.name} {column.type}" for column in schema.COLUMNS)
    codes = (f"exit code {code} {kind.__name__}" for kind, code in cli._EXIT_CODES)
    lines = (
        f"trace format {schema.FORMAT}",
        *columns,
        *codes,
        *names(),
        *commands(),
        *keys(report),
        *definitions,
    )
    return "\n".join(dict.fromkeys(lines)) + "\n"


if __name__ == "__main__":
    print(promises(), end="")
