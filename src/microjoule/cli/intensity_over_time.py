"""Options and calls for an intensity that changes over time: from a file, or from a live provider."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import documents

if TYPE_CHECKING:
    from ..footprint.chosen_factors import Terms
    from ..footprint.intensity_series import IntensitySeries
    from ..footprint.providers import ProviderAccess

TOKEN, USER, ADDRESS = "MICROJOULE_{}_TOKEN", "MICROJOULE_{}_USER", "MICROJOULE_{}_URL"


def add_series(parser: argparse.ArgumentParser) -> None:
    """Where the intensity over time comes from; nothing is fetched unless ``--live`` asks for it."""
    group = parser.add_argument_group("intensity over time", "Gaps use the zone's average and are reported.")
    group.add_argument("--series", type=Path, metavar="FILE", help="CSV or Arrow: t_start, t_end, g_per_kwh")
    group.add_argument(
        "--live",
        metavar="NAME:ZONE",
        help="ask electricitymaps, watttime, neso, entsoe or eia; the token is in "
        "MICROJOULE_NAME_TOKEN, a user name in MICROJOULE_NAME_USER",
    )


def summarise(path: Path, terms: Terms, arguments: argparse.Namespace) -> dict[str, Any]:
    """The summary of the trace in a file, with its footprint, along a series where one is asked for."""
    return documents.summarise(path, terms, series(path, arguments))


def series(path: Path, arguments: argparse.Namespace) -> IntensitySeries | None:
    """The series that the options ask for, as long as the trace in a file; None where they ask for none.

    Raises:
        BadSeries: Two are asked for, or the trace has no time on the real-time clock.
        PermissionDenied: A provider has no token, or refuses it.
        LiveUnavailable: It could not be reached.
    """
    from ..errors import BadSeries, PermissionDenied

    if arguments.series and arguments.live:
        raise BadSeries(
            "A file and a live provider cannot be used together", "Give --series or --live, not both"
        )
    if arguments.series:
        from ..footprint.intensity_file import load_series

        return load_series(arguments.series)
    if not arguments.live:
        return None
    from ..footprint.providers import provider

    name, _, zone = arguments.live.partition(":")
    asked = provider(name, _access(name))
    if not zone:
        raise BadSeries(f"--live {name} has no zone", f"Add it as the provider calls it: --live {name}:DE")
    try:
        return asked.series(zone, *_span(path))
    except PermissionDenied as error:
        word = _word(name)
        raise PermissionDenied(
            error.what,
            f"{error.remedy}, and put it into {TOKEN.format(word)} (a user name: {USER.format(word)})",
        ) from None


def _access(name: str) -> ProviderAccess:
    from ..footprint import data_tables
    from ..footprint.providers import ProviderAccess

    word = _word(name)
    rows = [row for row in data_tables.rows("fuels") if row["scope"] == "lifecycle"]
    return ProviderAccess(
        token=os.environ.get(TOKEN.format(word), ""),
        user=os.environ.get(USER.format(word), ""),
        base_url=os.environ.get(ADDRESS.format(word), ""),
        fuels={row["fuel"]: data_tables.factor(row, row["fuel"]) for row in rows},
    )


def _word(name: str) -> str:
    """A provider's name in those of its variables."""
    return name.upper().replace("-", "_")


def _span(path: Path) -> tuple[datetime, datetime]:
    """When the windows of a trace began and ended, to the second and outwards."""
    from ..footprint.intensity_series import on_clock
    from ..joules.energy_trace import load
    from ..trace import schema
    from ..units import NS_PER_S

    trace = load(path)
    windows = trace.windows or (trace.span,)
    edges = [min(each.t0_ns for each in windows), max(each.t1_ns for each in windows)]
    first, last = on_clock(edges, *trace.clock_pairs[schema.CLOCKS[0]]).tolist()
    start = datetime.fromtimestamp(first // NS_PER_S, UTC)
    return start, datetime.fromtimestamp(last // NS_PER_S + 1, UTC)
