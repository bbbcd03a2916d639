"""``uj overhead``: what sampling costs on this machine, and what it takes from a program."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import documents, options, probe_calibrate, quantities, sampling_cost_line, stack_sampling
from .progress import progress
from .scratch import scratch

NOTHING_MEASURED = 3

if TYPE_CHECKING:
    from ..host.sampling_cost import Overhead
    from ..learning import CostOptions


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "overhead",
        help="measure what sampling costs on this machine",
        description=(
            "Measures the cost of a read, whether deadlines are met, and the time that a loop on the "
            "sampler's own core loses, in alternating blocks with and without sampling. Later reports use "
            "the result to state the cost of sampling."
        ),
    )
    parser.add_argument("--quick", action="store_true", help="measure one rate, for about 30 s")
    parser.add_argument("--max-time", type=options.duration_s, metavar="TIME", help="time limit [2m]")
    parser.add_argument(
        "--rate",
        type=float,
        action="append",
        metavar="HZ",
        help="rate to measure (repeat for several) [10 100 1000 10000]",
    )
    parser.add_argument(
        "--pace", action="append", metavar="NAME", help="use sleep, hybrid, edges or kernel for every source"
    )
    parser.add_argument(
        "--load", action="append", metavar="NAME", help="use idle, busy or saturated for every source"
    )
    parser.add_argument("--fifo", action="store_true", help="measure with real-time priority too")
    parser.add_argument(
        "--source",
        action="append",
        metavar="NAME",
        help="measure this source only (repeat for several); see `uj probe`",
    )
    parser.add_argument("--cpu", type=int, metavar="N", help="run sampler and load on this CPU")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write JSON too; -: to stdout, instead of the text"
    )
    parser.add_argument(
        "--stacks",
        type=stack_sampling.rate_hz,
        action="append",
        metavar="HZ",
        help="measure what stacks of `uj flame` cost at this rate instead (repeat for several)",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a plot: .svg, .png or .pdf")
    parser.add_argument(
        "--keep", metavar="FILE", help="keep the result in FILE; none: do not keep it [this host's file]"
    )
    parser.add_argument("--calibration", metavar="FILE", help="as for `uj record`")
    parser.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="read counters under DIR [/]"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measures, prints the table, keeps the file."""
    from ..host.sampling_cost import save
    from ..learning import site_of, take
    from ..report import overhead_plot, overhead_table

    if arguments.stacks:
        return _stacks(arguments)
    wishes = _wishes(arguments)
    if arguments.plot is not None:
        overhead_plot.ready(arguments.plot)
    for output in (arguments.json, arguments.plot):
        quantities.refuse_unwritable(output)
    site = site_of(arguments.root, arguments.source, probe_calibrate.stored(arguments))
    with progress() as say:
        found = take(site, wishes, say)
    plain = found.to_json()
    if arguments.json is not None:
        documents.write_text(
            json.dumps(plain, indent=2, allow_nan=False, ensure_ascii=False) + "\n", arguments.json
        )
    if arguments.json != Path("-"):
        print("\n".join(overhead_table.lines(plain)))
    if arguments.plot is not None:
        overhead_plot.draw(plain, arguments.plot)
    if not found.costs:
        print("uj: nothing was measured, and nothing is kept", file=sys.stderr)
        return NOTHING_MEASURED
    if arguments.keep == sampling_cost_line.NO_FILE:
        return 0
    path = Path(arguments.keep) if arguments.keep else sampling_cost_line.path_of(site.host.hostname)
    if not (arguments.keep or site.host.is_known):
        print("uj: no file says which host this is, so that nothing is kept for it", file=sys.stderr)
        return 0
    save(found.over(_older(path)), path)
    print(f"Kept in {path}", file=sys.stderr)
    return 0


def _stacks(arguments: argparse.Namespace) -> int:
    """Measures what sampling stacks takes from a program, and prints it."""
    from ..plugins.profiles.stack_overhead import QUICK_ROUNDS, ROUNDS, measured
    from ..report import stack_overhead_lines

    quantities.refuse_unwritable(arguments.json)
    found = []
    rounds = QUICK_ROUNDS if arguments.quick else ROUNDS
    with scratch() as folder, progress() as say:
        for rate_hz in dict.fromkeys(arguments.stacks):
            found += [loss.to_json() for loss in measured(rate_hz, folder, say, rounds)]
    if arguments.json is not None:
        text = json.dumps({"stacks": found}, indent=2, allow_nan=False) + "\n"
        documents.write_text(text, arguments.json)
    if arguments.json != Path("-"):
        print("\n".join(stack_overhead_lines.lines(found)))
    return 0


def _older(path: Path) -> Overhead | None:
    from ..errors import OverheadError
    from ..host.sampling_cost import load

    try:
        return load(path) if path.exists() else None
    except OverheadError as error:
        print(f"uj: {error}. It is replaced", file=sys.stderr)
        return None


def _wishes(arguments: argparse.Namespace) -> CostOptions:
    from ..learning import CostOptions
    from ..learning.cost_plan import FOR_S, QUICK_S, RATES_HZ
    from ..recording.lane import RATE_HZ

    usual_hz = (RATE_HZ,) if arguments.quick else RATES_HZ
    return CostOptions(
        rates_hz=tuple(dict.fromkeys(arguments.rate or usual_hz)),
        paces=tuple(dict.fromkeys(arguments.pace or ())),
        loads=tuple(dict.fromkeys(arguments.load or ())),
        is_fifo=arguments.fifo,
        is_quick=arguments.quick,
        cpu=arguments.cpu,
        for_s=arguments.max_time or (QUICK_S if arguments.quick else FOR_S),
    )
