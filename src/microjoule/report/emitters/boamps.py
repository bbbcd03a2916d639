"""A BoAmps report (Boavizta): JSON after ``model/report_schema.json``.

The schema wants a task with its stage, family, algorithms and data set, an infrastructure and a
country; what the record does not say is left out, and ``missing`` names the options that say it. The
quality follows from ± U: high within 10 %, medium within 25 %, low within 50 %. ``powerConsumption`` is
an energy in kWh, of the hardware, without the building.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...footprint.hardware import kind_of
from ..foreign_text import safe
from .record import (
    context,
    counted,
    coverage,
    factor,
    hardware,
    intensity_of,
    is_sensor_assessed,
    kwh,
    moment,
    tracking,
    uncertainty,
    version,
)

FORMAT = "1.1.0"
_QUALITIES = ((0.10, "high"), (0.25, "medium"), (0.50, "low"))
SPECIFICATION = "https://github.com/Boavizta/BoAmps/tree/main/model"


def render(record: Mapping[str, Any]) -> str:
    """The report as JSON text, one measure a window."""
    intensity, cloud = intensity_of(record, record["windows"][0]), context(record, "cloud") or ""
    plain = {
        "header": {
            "licensing": context(record, "licence"),
            "formatVersion": FORMAT,
            "formatVersionSpecificationUri": SPECIFICATION,
            "reportId": context(record, "run_id"),
            "reportDatetime": moment(record, record["windows"][0]),
            "reportStatus": "draft",
            "publisher": {
                "name": context(record, "publisher"),
                "projectName": context(record, "project"),
                "confidentialityLevel": "public",
            },
        },
        "task": _task(record),
        "measures": [_measure(record, window) for window in record["windows"]],
        "system": {"os": _system(record)},
        "software": {"language": "python", "version": record.get("facts", {}).get("python")},
        "infrastructure": {
            "infraType": context(record, "infrastructure") or ("publicCloud" if cloud else None),
            "cloudProvider": cloud.partition(":")[0] or None,
            "components": [_component(name, count) for name, count in counted(record).items()],
        },
        "environment": {
            "country": context(record, "country"),
            "location": context(record, "place"),
            "powerSourceCarbonIntensity": intensity["value"] if intensity else None,
        },
        "quality": context(record, "quality") or _quality(record["windows"]),
    }
    return json.dumps(_told(plain), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _measure(record: Mapping[str, Any], window: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "measurementMethod": "microjoule",
        "version": version(record),
        "cpuTrackingMode": tracking(window, "cpu"),
        "gpuTrackingMode": tracking(window, "gpu"),
        "unit": "kWh",
        "powerConsumption": kwh(window["total"]["energy_j"]),
        "measurementDuration": window["duration_s"],
        "measurementDateTime": moment(record, window),
    }


def _task(record: Mapping[str, Any]) -> dict[str, Any]:
    model, data = context(record, "algorithm"), context(record, "data_type")
    units = factor(record, "units")
    return {
        "taskStage": context(record, "stage"),
        "taskFamily": context(record, "task"),
        "nbRequest": units["value"] if units and "request" in units["unit"] else None,
        "algorithms": [{"algorithmName": model}] if model else [],
        "dataset": [{"dataUsage": context(record, "data_usage") or "input", "dataType": data}]
        if data
        else [],
        "taskDescription": "; ".join(dict.fromkeys(_words(record, window) for window in record["windows"])),
    }


def _words(record: Mapping[str, Any], window: Mapping[str, Any]) -> str:
    of = f"{safe(window['name'])}: {uncertainty(window)}"
    return f"{of}, {coverage(record, window)}"


def _quality(windows: list[Mapping[str, Any]]) -> str | None:
    """The word for the worst ± U of all windows; None where one is not assessed, wholly, or above 50 %."""
    shares = []
    for window in windows:
        half, value = window["total"].get("U_j"), window["total"]["energy_j"]
        if half is None or not value or not is_sensor_assessed(window):
            return None
        shares.append(half / value)
    return next((word for share, word in _QUALITIES if max(shares) <= share), None)


def missing(record: Mapping[str, Any]) -> list[str]:
    """What the schema requires and a person must add."""
    wanted = ("stage", "task", "algorithm", "data_type", "infrastructure", "country")
    found = [f"--{key.replace('_', '-')}" for key in wanted if not context(record, key)]
    if context(record, "cloud"):
        found = [each for each in found if each != "--infrastructure"]
    return found + ([] if hardware(record) else ["--hardware"])


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
