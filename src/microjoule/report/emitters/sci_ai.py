"""A record after SCI for AI (Green Software Foundation): a consumer's and a provider's score, apart.

The consumer's boundary is the stage Runtime Operations, the provider's all other stages of the life
cycle. A window is of one stage, so it gives one of the two scores, and the other is null: two scores are
never added up. The unit comes with its reason, because the specification fixes which units there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from . import sci
from .record import context, factor, one

STAGES = MappingProxyType(
    {
        "prepare": "provider",
        "data-engineering": "provider",
        "training": "provider",
        "system-integration": "provider",
        "inference": "consumer",
        "end-of-life": "provider",
    }
)
# The specification, section 8: which functional units each boundary has.
UNITS = MappingProxyType(
    {
        "consumer": ("token", "second", "image", "execution", "page", "inference"),
        "provider": ("parameter", "token", "flop"),
    }
)


def render(record: Mapping[str, Any]) -> str:
    """The record as JSON text.

    Raises:
        BadRecord: The record is not of one window.
    """
    one(record, "A score")
    plain = json.loads(sci.render(record))
    whose = STAGES.get(context(record, "stage") or "")
    scores = dict.fromkeys(("consumer", "provider"))
    if whose:
        scores[whose] = plain["score"]
    found = {
        "specification": "Software Carbon Intensity for AI, Green Software Foundation, on ISO/IEC 21031",
        "stage": context(record, "stage"),
        "persona": whose,
        "consumer_score": scores["consumer"],
        "provider_score": scores["provider"],
        "unit_reason": context(record, "unit_reason"),
        "stages_not_covered": [stage for stage in STAGES if stage != context(record, "stage")],
        **{key: each for key, each in plain.items() if key not in ("specification", "score")},
    }
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def missing(record: Mapping[str, Any]) -> list[str]:
    """What the scores lack, as options."""
    whose, units = STAGES.get(context(record, "stage") or ""), factor(record, "units")
    found = [] if whose else [f"--stage, one of: {', '.join(STAGES)}"]
    if whose and units and not any(word in units["unit"].lower() for word in UNITS[whose]):
        found.append(f"--per in a unit of the {whose}: {', '.join(UNITS[whose])}")
    if not context(record, "unit_reason"):
        found.append("--unit-reason")
    return [*found, *sci.missing(record)]
