"""``emissions.csv`` as CodeCarbon 3 writes it: a row a window, emissions in KILOGRAMS, energies in kWh.

``energy_consumed`` is with the PUE; the energies by part are of the hardware and sum what the window's
total covers. What is not known is an empty cell, never 0. ``codecarbon_version`` names who really wrote it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from ..foreign_text import safe
from .record import context, cpu_name, factor, gpu_names, kilograms, kwh, tool, value

COLUMNS = (
    "timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate",
    "cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed",
    "water_consumed", "country_name", "country_iso_code", "region", "cloud_provider", "cloud_region",
    "os", "python_version", "codecarbon_version", "cpu_count", "cpu_model", "gpu_count", "gpu_model",
    "longitude", "latitude", "ram_total_size", "tracking_mode", "on_cloud", "pue", "wue",
)  # fmt: skip


def render(record: Mapping[str, Any]) -> str:
    """The file's text, its header first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for window in record["windows"]:
        writer.writerow({key: "" if cell is None else cell for key, cell in _row(record, window).items()})
    return text.getvalue()


def _row(record: Mapping[str, Any], window: Mapping[str, Any]) -> dict[str, Any]:
    pue, gpus = factor(record, "pue"), gpu_names(record)
    kernel = record.get("facts", {}).get("host", {}).get("kernel")
    return {
        "timestamp": context(record, "made_at"),
        "project_name": context(record, "project") or safe(window["name"]),
        "run_id": context(record, "run_id"),
        "duration": window["duration_s"],
        "emissions": kilograms(value(window, "co2e_location")),
        "cpu_power": _sum(window, "mean_w", "cpu"),
        "gpu_power": _sum(window, "mean_w", "gpu"),
        "ram_power": _sum(window, "mean_w", "memory"),
        "cpu_energy": kwh(_sum(window, "energy_j", "cpu")),
        "gpu_energy": kwh(_sum(window, "energy_j", "gpu")),
        "ram_energy": kwh(_sum(window, "energy_j", "memory")),
        "energy_consumed": value(window, "facility"),
        "country_name": context(record, "country"),
        "region": context(record, "place"),
        "os": f"Linux-{kernel}" if kernel else None,
        "python_version": record.get("facts", {}).get("python"),
        "codecarbon_version": tool(record),
        "cpu_model": cpu_name(record),
        "gpu_count": len(gpus) or None,
        "gpu_model": ", ".join(dict.fromkeys(gpus)) or None,
        "tracking_mode": "machine",
        "pue": pue["value"] if pue else None,
    }


def _sum(window: Mapping[str, Any], field: str, hw_type: str) -> float | None:
    """Of the channels that the total covers, so that none is counted twice; None where one has no figure."""
    covered = set(window["total"]["channels"])
    rows = [row for row in window["channels"] if row["channel"] in covered and row["hw_type"] == hw_type]
    figures = [row[field] for row in rows]
    return sum(figures) if figures and None not in figures else None
