"""The members of a bundle, as a function of its traces and of the factors: what verifying makes again.

=========================== =================================================================================
member                      holds
=========================== =================================================================================
``manifest.json``           format, versions, commands, the factors, and each member's size and SHA-256
``traces/NAME.arrows``      the readings as they were recorded, byte by byte
``figures/NAME.json``       all figures of a trace: what ``uj report --json`` gives
``environment/NAME.json``   machine, software and settings under which it was recorded
``calibration/NAME.json``   what was learnt of the sensors before, if anything was
``boundary.svg``            a drawing of what is measured, estimated and left out
``LICENCES.txt``            the source and the licence of each factor
``README.txt``              the figures as sentences, and how to verify them
=========================== =================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import TraceError
from ..footprint.chosen_factors import Terms
from ..footprint.footprint import attached
from ..joules.long_traces.streamed import stream
from ..joules.summary import summary
from ..report import boundary_svg
from .boundary import Part, parts
from .stored_terms import without_ages
from .zip_file import Content, blocks, digest

KIND, FORMAT = "microjoule bundle", 1
MANIFEST, DRAWING, LICENCES, README = "manifest.json", "boundary.svg", "LICENCES.txt", "README.txt"
FOLDERS = ("traces", "figures", "environment", "calibration")
_TRACES, _FIGURES, _ENVIRONMENT, _CALIBRATION = FOLDERS
_MACHINE = ("host", "gpus", "state", "environment", "libraries")
_SOFTWARE = ("microjoule", "python")
_RECORDED = ("command", "started_realtime_ns", "root", "lanes", "overhead")

Plain = dict[str, Any]


class Choices(NamedTuple):
    """What was chosen of the figures.

    Attributes:
        terms: The factors between joules, grams and money.
        windows_max: How many windows are listed one by one; None: all.
        version: Of the microjoule that the bundle is of.
    """

    terms: Terms
    windows_max: int | None
    version: str


def contents(traces: Mapping[str, Path], choices: Choices) -> dict[str, Content]:
    """All members of a bundle.

    Args:
        traces: By the name that each has in the bundle, without a folder: ``run.arrows``.
        choices: What was chosen.

    Raises:
        TraceError: A trace cannot be read.
    """
    members: dict[str, Content] = {}
    listed, drawn, sentences = [], [], []
    for name, path in traces.items():
        stem = Path(name).stem
        figures, of_machine = _figures(path, choices)
        facts = figures["facts"]
        members[f"{_TRACES}/{name}"] = path
        members[f"{_FIGURES}/{stem}.json"] = _json(figures)
        members[f"{_ENVIRONMENT}/{stem}.json"] = _json(_environment(facts))
        if "calibration" in facts:
            members[f"{_CALIBRATION}/{stem}.json"] = _json(facts["calibration"])
        known = {key: facts.get(key) for key in (*_SOFTWARE, *_RECORDED[:2])}
        listed.append({"trace": name, **known, "blocks": blocks(path, _size(path))})
        drawn += of_machine
        sentences.append((name, figures["sentence"]))
    terms = without_ages(choices.terms.to_json())
    title = sentences[0][1] if len(sentences) == 1 else f"{len(sentences)} recordings"
    members[DRAWING] = boundary_svg.render(title, drawn).encode()
    members[LICENCES] = _licences(terms["factors"]).encode()
    members[README] = _readme(sentences).encode()
    members[MANIFEST] = _json(
        {
            "kind": KIND,
            "format": FORMAT,
            "microjoule": choices.version,
            "traces": listed,
            "windows_max": choices.windows_max,
            "terms": terms,
            "members": [
                {"name": name, "bytes": _size(content), "sha256": digest(content)}
                for name, content in sorted(members.items())
            ],
        }
    )
    return members


def _figures(path: Path, choices: Choices) -> tuple[Plain, list[Part]]:
    try:
        trace = stream(path)
        found = attached(summary(trace, choices.windows_max), choices.terms)
    except OSError as error:
        raise TraceError(f"Cannot read {path}: {error.strerror or error}", "Check the path") from error
    return without_ages(found), parts(trace.channels, found)


def _environment(facts: Mapping[str, Any]) -> Plain:
    kept = (
        "host",
        "gpus",
        "state",
        "environment",
        "libraries",
        *_SOFTWARE,
        *_RECORDED,
        "misleading",
        "excluded",
        "left_out",
    )
    return {key: facts[key] for key in kept if key in facts}


def _json(plain: object) -> bytes:
    return (json.dumps(plain, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _licences(factors: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["Factors of the footprint, with where they come from and under which licence", ""]
    for part, factor in sorted(factors.items()):
        origin = "; ".join(filter(None, (factor["source"], factor["url"], factor["licence"])))
        lines += [f"{part}: {factor['name']}, {factor['value']:g} {factor['unit']}", f"  {origin}", ""]
    return "\n".join(lines)


def _readme(sentences: Sequence[tuple[str, str]]) -> str:
    lines = ["A bundle of microjoule: traces, figures and all that is needed to check them.", ""]
    lines += [f"{name}: {sentence}" for name, sentence in sentences]
    lines += [
        "",
        "Check it with:",
        "",
        "  pip install microjoule",
        "  uj verify THIS_FILE.zip",
        "",
        "manifest.json lists all members; boundary.svg shows what was measured, estimated and left out;",
        "LICENCES.txt says where each factor comes from.",
    ]
    return "\n".join(lines) + "\n"
