"""``emissions.csv`` as CodeCarbon 3.3 writes it: a row a window, emissions in KILOGRAMS, energies in kWh.

As there, powers and energies are with the PUE, those of the parts too, so that the parts add up to
``energy_consumed`` where nothing but processors, GPUs and memory is covered. What is not known is an
empty cell, never 0. No column is for an uncertainty: ``codecarbon_version``, which names who really wrote
the row, states ± and what was and was not covered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .record import (
    as_csv,
    context,
    coverage,
    cpu_name,
    factor,
    gpu_names,
    kilograms,
    kwh,
    moment,
    part_energy_j,
    tool,
    uncertainty,
    value,
)

_PARTS = (("cpu", "cpu"), ("gpu", "gpu"), ("ram", "memory"))

COLUMNS = (
    "timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate",
    "cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed",
    "water_consumed", "country_name", "country_iso_code", "region", "cloud_provider", "cloud_region",
    "os", "python_version", "codecarbon_version", "cpu_count", "cpu_model", "gpu_count", "gpu_model",
    "longitude", "latitude", "ram_total_size", "tracking_mode", "cpu_utilization_percent",
    "gpu_utilization_percent", "ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue",
)  # fmt: skip


def render(record: Mapping[str, Any]) -> str:
    """The file's text, its header first."""
    return as_csv(COLUMNS, (_row(record, window) for window in record["windows"]))


def _row(record: Mapping[str, Any], window: Mapping[str, Any]) -> dict[str, Any]:
    pue, gpus = factor(record, "pue"), gpu_names(record)
    emissions, cloud = kilograms(value(window, "co2e_location")), context(record, "cloud") or ""
    kernel = record.get("facts", {}).get("host", {}).get("kernel")
    return {
        "timestamp": (moment(record, window) or "").replace(" ", "T") or None,
        "project_name": context(record, "project") or window["name"],
        "run_id": context(record, "run_id"),
        "duration": window["duration_s"],
        "emissions": emissions,
        "emissions_rate": None if emissions is None else emissions / window["duration_s"],
        **{f"{part}_power": _with(pue, part_energy_j(window, kind, "mean_w")) for part, kind in _PARTS},
        **{f"{part}_energy": _with(pue, kwh(part_energy_j(window, kind))) for part, kind in _PARTS},
        "energy_consumed": value(window, "facility"),
        "country_name": context(record, "country"),
        "country_iso_code": context(record, "country_code"),
        "region": context(record, "place"),
        "cloud_provider": cloud.partition(":")[0] or None,
        "cloud_region": cloud.partition(":")[2] or None,
        "os": f"Linux-{kernel}" if kernel else None,
        "python_version": record.get("facts", {}).get("python"),
        "codecarbon_version": "; ".join((tool(record), uncertainty(window), coverage(record, window))),
        "cpu_model": cpu_name(record),
        "gpu_count": len(gpus) or None,
        "gpu_model": ", ".join(dict.fromkeys(gpus)) or None,
        "tracking_mode": "machine",
        "on_cloud": "Y" if cloud else "N",
        "pue": pue["value"] if pue else None,
    }


def _with(pue: Mapping[str, Any] | None, figure: float | None) -> float | None:
    return None if figure is None else figure * (pue["value"] if pue else 1.0)


def missing(record: Mapping[str, Any]) -> list[str]:
    """What a person must add."""
    return [f"--{key}" for key in ("project", "country", "place") if not context(record, key)]
