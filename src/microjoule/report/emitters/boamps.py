"""A BoAmps report (Boavizta): JSON after ``model/report_schema.json``.

The schema wants a task with its stage, family, algorithms and data set, an infrastructure and a
country; what the record does not say is left out, so that such a report does not validate until a
person completes it; the quality, too, is a person's word. ``powerConsumption`` is an energy in kWh, of
the hardware, without the building.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...footprint.hardware import kind_of
from .record import context, counted, intensity_of, kwh, version

SPECIFICATION = "https://github.com/Boavizta/BoAmps/tree/main/model"


def render(record: Mapping[str, Any]) -> str:
    """The report as JSON text, one measure a window."""
    intensity = intensity_of(record, record["windows"][0])
    plain = {
        "header": {
            "licensing": context(record, "licence"),
            "formatVersionSpecificationUri": SPECIFICATION,
            "reportId": context(record, "run_id"),
            "reportDatetime": context(record, "made_at"),
            "reportStatus": "draft",
            "publisher": {
                "name": context(record, "publisher"),
                "projectName": context(record, "project"),
                "confidentialityLevel": "public",
            },
        },
        "task": {"taskStage": context(record, "stage"), "taskFamily": context(record, "task")},
        "measures": [_measure(record, window) for window in record["windows"]],
        "system": {"os": _system(record)},
        "software": {"language": "python", "version": record.get("facts", {}).get("python")},
        "infrastructure": {
            "infraType": context(record, "infrastructure"),
            "components": [_component(name, count) for name, count in counted(record).items()],
        },
        "environment": {
            "country": context(record, "country"),
            "location": context(record, "place"),
            "powerSourceCarbonIntensity": intensity["value"] if intensity else None,
        },
        "quality": context(record, "quality"),
    }
    return json.dumps(_told(plain), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _measure(record: Mapping[str, Any], window: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "measurementMethod": "microjoule",
        "version": version(record),
        "powerConsumption": kwh(window["total"]["energy_j"]),
        "measurementDuration": window["duration_s"],
        "measurementDateTime": context(record, "made_at"),
    }


def _system(record: Mapping[str, Any]) -> str | None:
    kernel = record.get("facts", {}).get("host", {}).get("kernel")
    return f"Linux {kernel}" if kernel else None


def _component(name: str, count: int) -> dict[str, Any]:
    return {"componentName": name, "componentType": kind_of(name), "nbComponent": count}


def _told(plain: Any) -> Any:  # noqa: ANN401 - JSON
    """The same without what is null or, for that, empty."""
    if isinstance(plain, dict):
        kept = {key: _told(each) for key, each in plain.items()}
        return {key: each for key, each in kept.items() if each not in (None, {}, [])}
    return [_told(each) for each in plain] if isinstance(plain, list) else plain
