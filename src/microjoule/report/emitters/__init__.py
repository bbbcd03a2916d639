"""Emitters: a report in the form that someone else asks for. Pure; they compute nothing.

The record that each takes is the report's own plain dict, ``microjoule.report/1``, with:

- ``windows[]``: ``name``, ``duration_s``, ``channels[]``, ``total`` as ``joules.summary`` gives them, and
  ``footprint`` as ``footprint.Footprint.to_json`` gives it: ``status``, ``provenance``, and of ``facility``
  (kWh with the PUE), ``co2e_location``, ``co2e_market``, ``co2e_marginal``, ``co2e_embodied``,
  ``cost_electricity``, ``cost_rental`` and ``score`` each null or ``{value, unit, guaranteed,
  U, choice}``; along a
  series also ``intensity``, the window's own factor;
- ``footprint``: ``method``, ``method_source``, ``data`` (the tables' hash) and ``factors``: ``pue``,
  ``intensity``, … as ``{name, value, range, unit, signal, scope, basis, year, source, licence, note}``;
- ``facts``: the machine, as the trace has it;
- ``context``: what only the person knows, all of it optional: ``project``, ``stage`` (training,
  finetuning, inference …), ``task``, ``place``, ``country``, ``hardware``, ``infrastructure``, ``licence``,
  ``publisher``, ``quality``, ``version`` (of microjoule), ``made_at`` (ISO 8601), ``run_id``.

What the record lacks is left out or null, as the format demands, and never zero. A new format is a
file here with ``render(record)`` and its entry in ``EMITTERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from .. import as_json
from . import ai_energy_score, annex_xi, boamps, codecarbon, huggingface, latex, markdown, sci, sci_ai

EMITTERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "huggingface": huggingface.render,
        "sci": sci.render,
        "sci-ai": sci_ai.render,
        "boamps": boamps.render,
        "codecarbon": codecarbon.render,
        "ai-energy-score": ai_energy_score.render,
        "annex-xi": annex_xi.render,
        "latex": latex.render,
        "markdown": markdown.render,
        "json": as_json.render,
    }
)

# What each form wants and the record does not say, as options of `uj emit`; for standard error.
MISSING: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = MappingProxyType(
    {
        "huggingface": huggingface.missing,
        "sci": sci.missing,
        "sci-ai": sci_ai.missing,
        "boamps": boamps.missing,
        "codecarbon": codecarbon.missing,
        "ai-energy-score": ai_energy_score.missing,
        "annex-xi": annex_xi.missing,
    }
)
