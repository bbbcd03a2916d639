"""``uj probe``: what can be measured on this machine, and for what cannot, why and what fixes it."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from .. import sources
from ..channel import Channel, Kind
from ..report.columns import columns
from ..report.wrapping import wrapped
from ..sources import access_rules
from ..sources.host import Host
from ..sources.probe import DEFAULT_LIMIT_W, Probe, probed, range_of, wrap_seconds
from ..text_width import width
from ..units import NS_PER_MS, NS_PER_US, three_digits
from . import options, probe_against, probe_calibrate, streams

NOTHING_MEASURED = 3
ROWS_MAX = 40  # channels of a source: a large server has hundreds of cores
if TYPE_CHECKING:
    from ..measuring.watched import Watched

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

COUNTER_HEADINGS = ("channel", "unit", "step (known from)", "range", "wraps after", "update", "readable")
_AGES_S = 1000 * 365.25 * 86400
_LEAST_USEFUL = (  # left out in turn on a narrow terminal
    *("range", "unit", "wraps after", "step (known from)"),
    *("resolution (known from)", "mean over"),
)
_PREFIXED, _PREFIXES = ("J", "W", "s", "Hz"), ("p", "n", "µ", "m", "", "k", "M")
GAUGE_HEADINGS = ("gauge", "resolution (known from)", "mean over", "update", "readable")


def add_parser(commands: Commands) -> None:
    """Registers ``probe`` among the commands of an argparse subparsers object."""
    parser = commands.add_parser(
        "probe",
        help="list what can be measured here, and what fixes the rest",
        description=(
            "Lists every source and channel, and for what is missing the cause and the command that "
            "fixes it. Watches energy counters for 0.05 s, or 1.5 s where one stands still. "
            f"Exit status: 0 when something measured can be read, {NOTHING_MEASURED} when nothing can; with "
            "--ready 0 when the machine is ready, else 1."
        ),
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="read the machine under DIR [/]"
    )
    parser.add_argument(
        "--ready",
        action="store_true",
        help="check whether the machine is quiet enough for a benchmark, and print what fixes it",
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="measure the update interval of each channel, and keep it for recordings",
    )
    parser.add_argument(
        "--for",
        dest="for_s",
        type=options.duration_s,
        metavar="TIME",
        help="time limit for each lane [5s]; with --against, how long the load runs [90s]",
    )
    parser.add_argument(
        "--against",
        metavar="METER",
        help="with --calibrate: run a random load, and fit the counters to this meter (shelly://HOST, "
        "visa://RESOURCE, redfish://USER:PW@HOST), or to the one in this trace",
    )
    parser.add_argument(
        "--of",
        default="",
        metavar="CHANNEL",
        help="with --against: the meter measures this channel's device alone [the whole machine]",
    )
    parser.add_argument(
        "--rule",
        type=_group,
        nargs="?",
        const=access_rules.GROUP,
        metavar="GROUP",
        help=f"print commands that open the counters to a group ({access_rules.GROUP}) or to a program, "
        "survive a reboot, and say what they expose",
    )
    parser.add_argument(
        "--calibration", metavar="FILE", help="keep the calibration in FILE [this host's file]"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the survey; 0 when something measured can be read, 3 when nothing can."""
    machine = sources.Machine(arguments.root)
    if arguments.rule is not None:
        return _print_rules(machine, arguments.rule)
    if arguments.ready:
        return _print_ready(machine, is_json=arguments.json)
    probe_against.refuse(arguments)
    if arguments.against:
        return probe_against.learn(arguments, machine)
    found = probed(machine)
    if arguments.calibrate:
        _refuse_unknown(arguments, machine)
        return probe_calibrate.learn(arguments, machine, found.surveys)
    from ..measuring.watched import watched

    seen = watched(machine, found.surveys, found.channels)
    measured = _moving(found, seen)
    if arguments.json:
        said = {"measured": bool(measured), "watched": seen._asdict()}
        print(json.dumps(found.to_json() | said, indent=1, ensure_ascii=False))
    else:
        print("\n".join(as_text(found, seen, streams.columns(sys.stdout))))
    return 0 if measured else NOTHING_MEASURED


def _group(name: str) -> str:
    """The name of a group that a shell reads as one word."""
    if not access_rules.GROUP_NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(f"{name!r} is not the name of a group: use a-z, 0-9, _ and -")
    return name


def _print_rules(machine: sources.Machine, group: str) -> int:
    """Prints what opens the counters for good; 3 where there are none to open."""
    text = access_rules.script(machine, group)
    if not text:
        print("\n".join(wrapped("There is no RAPL counter here to open. `uj probe` says why.")))
        return NOTHING_MEASURED
    print(text, end="")  # a script: its lines are not broken
    return 0


def _print_ready(machine: sources.Machine, *, is_json: bool) -> int:
    """Prints whether the machine is quiet; 0 when it is, 1 when it is not or when nothing can be checked."""
    from ..host.readiness import checks
    from ..host.state import environment_id, read_state
    from ..report.ready_lines import lines
    from ..sources import nvml

    gpus = [device.to_json() for device in nvml.devices(machine)]
    found = [each._asdict() for each in checks(machine.root, gpus)]
    facts = {"host": machine.host.to_json(), "state": read_state(machine.root), "gpus": gpus}
    is_ready = bool(found) and all(each["is_ready"] for each in found)
    environment = environment_id(facts)
    if is_json:
        said = {"is_ready": is_ready, "environment": environment, "checks": found, "state": facts["state"]}
        print(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        print("\n".join(lines(found, environment)))
    return 0 if is_ready else 1


def _moving(found: Probe, seen: Watched) -> tuple[Channel, ...]:
    """The measured channels but for the counters that stood still."""
    return tuple(channel for channel in found.measured if channel.id not in seen.unmoved)


def _refuse_unknown(arguments: argparse.Namespace, machine: sources.Machine) -> None:
    """Refuses to keep a calibration as the default of a host that nothing tells from others."""
    from ..errors import CalibrationError
    from ..host.key import host_key

    if arguments.calibration is None and not host_key(machine).is_known:
        raise CalibrationError(
            f"No file under {arguments.root} says which host this is, so that what is learnt of it cannot "
            "be kept for it",
            "Name a file: --calibration FILE",
        )


def as_text(found: Probe, seen: Watched, terminal: int | None = None) -> list[str]:
    """The survey as lines for a person, with what its counters did while they were watched.

    Args:
        found: The survey.
        seen: What its counters did.
        terminal: Its columns, which tables may fill; None: there is none.
    """
    lines = wrapped(_machine(found.host), 2)
    for survey in found.surveys:
        if _is_nothing_to_tell(survey):
            continue
        lines += ["", *wrapped(f"{survey.source}: read by {survey.readers}", 2)]
        lines += _table(survey, terminal or width())
        if survey.source in sources.ON_REQUEST and survey.channels:
            why = sources.ON_REQUEST[survey.source]
            lines += wrapped(f"  Recorded on request (`--source {survey.source}`): {why}.", 4)
        for obstacle in survey.obstacles:
            lines += wrapped(f"  {obstacle.cause}: {obstacle.what}.", 4)
            lines += wrapped(f"    {obstacle.remedy}.", 4) if obstacle.remedy else []
    return [*lines, "", *(line for each in _verdict(found, seen) for line in _wrapped(each))]


def _wrapped(text: str) -> list[str]:
    return wrapped(text, 4 if text.startswith(" ") else 0)


def _is_nothing_to_tell(survey: sources.Survey) -> bool:
    # No script and no agent is so of most machines, and not worth a line; one that is broken is.
    return (
        survey.source in ("script", "agent")
        and not survey.channels
        and not survey.closed
        and all(obstacle.cause is sources.Cause.NO_HARDWARE for obstacle in survey.obstacles)
    )


def _verdict(found: Probe, seen: Watched) -> Iterator[str]:
    for name in seen.unmoved:
        yield f"{name} did not move in {seen.for_s:g} s: it is stuck, or a hypervisor shows a constant."
    yield from (f"{note}." for note in seen.notes)
    measured = _moving(found, seen)
    if measured:
        yield "Measured here by default:"
        yield from (f"  {channel.id} ({channel.source})" for channel in measured)
    elif found.estimated:
        yield (
            "No energy can be measured on this machine by this user. CPU time can be read, and energy is "
            "estimated from it. The reasons are listed above."
        )
    else:
        yield "Nothing can be measured on this machine by this user, and nothing can be estimated."
    for channel in found.estimated:
        model = channel.trust.model
        if model is not None:
            watts = f"{three_digits(model.value_w)} W [{model.low_w:.3g} – {model.high_w:.3g}] per busy CPU"
            yield f"  estimated: {channel.id}, {watts} ({model.source})"


def _machine(host: Host) -> str:
    name = host.cpu_name or host.cpu_vendor or "unknown CPU"
    packages = len(set(host.packages.values()))
    kind = {True: "virtual machine", False: "no hypervisor seen", None: "virtual or not: unknown"}
    of = f"{_count(len(host.packages), 'CPU')} in {_count(packages, 'package')}"
    parts = [name, of if packages else "topology unknown"]
    return ", ".join([*parts, f"Linux {host.kernel or 'unknown'}", kind[host.is_virtual]])


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _table(survey: sources.Survey, most: int) -> list[str]:
    """The counters, then the gauges: what is asked of the one means nothing of the other."""
    found = [(channel, "yes") for channel in survey.channels]
    found += [(closed.channel, f"no: {closed.obstacle.cause}") for closed in survey.closed]
    left_over = len(found) - ROWS_MAX
    found = found[:ROWS_MAX] if left_over > 1 else found
    more = [f"  … and {left_over} more: --json lists them"] if left_over > 1 else []
    counters = [(*_counter(c), readable) for c, readable in found if c.kind is Kind.COUNTER]
    gauges = [(*_gauge(c), readable) for c, readable in found if c.kind is Kind.GAUGE]
    return [*_aligned(COUNTER_HEADINGS, counters, most), *_aligned(GAUGE_HEADINGS, gauges, most), *more]


def _aligned(headings: tuple[str, ...], rows: list[tuple[str, ...]], most: int) -> list[str]:
    """A table without the columns for which the terminal is too narrow: --json has all of them."""
    kept = list(range(len(headings)))
    for gone in (None, *_LEAST_USEFUL):
        kept = [c for c in kept if headings[c] != gone]
        cells = [[row[c] for c in kept] for row in (headings, *rows)]
        lines = columns(cells, range(len(kept)), indent="  ")
        if max(map(len, lines)) <= most:
            break
    return lines if rows else []


def _counter(channel: Channel) -> tuple[str, ...]:
    quantity = channel.scale.quantity
    limit = channel.trust.power_limit_w
    wrap_s = wrap_seconds(channel)
    at = f"{DEFAULT_LIMIT_W} W, none stated" if limit is None else f"{limit:g} {_rate(quantity)}"
    return (
        channel.id,
        _exact(channel.scale.unit, quantity),
        _step(channel),
        f"{range_of(channel):.6g} {quantity}",
        f"{_span(wrap_s)} at {at}" if wrap_s < _AGES_S else "over 1,000 years",
        _update(channel),
    )


def _gauge(channel: Channel) -> tuple[str, ...]:
    window_ns = channel.timing.window_ns
    return (
        channel.id,
        _step(channel),
        "unknown" if window_ns is None else _period(window_ns),
        _update(channel),
    )


def _step(channel: Channel) -> str:
    scale = channel.scale
    return f"{_exact(scale.unit * scale.quantum, scale.quantity)} ({scale.unit_source})"


def _update(channel: Channel) -> str:
    update_ns, most_ns = channel.timing.update_ns, channel.timing.update_max_ns
    if update_ns is not None:
        return _period(update_ns)
    if most_ns:
        return f"up to {_period(most_ns)}"
    # A counter of which nobody says how often it moves is asked; of a gauge nothing follows from that.
    return "at each read" if channel.kind is Kind.COUNTER else "unknown"


def _exact(unit: Fraction, quantity: str) -> str:
    power = unit.denominator.bit_length() - 1
    if unit.numerator == 1 and power > 0 and unit.denominator == 1 << power:
        return f"2^-{power} {quantity}"
    value = float(unit)
    if quantity not in _PREFIXED or not value:
        return f"{value:.6g}" if quantity == "1" else f"{value:.6g} {quantity}"
    third = min(max(math.floor(math.log10(abs(value)) / 3 + 1e-9), -4), 2)
    return f"{value / 1000.0**third:.6g} {_PREFIXES[third + 4]}{quantity}"


def _rate(quantity: str) -> str:
    return {"J": "W", "s": "s/s"}.get(quantity, f"{quantity}/s")


def _span(seconds: float) -> str:
    for length, name in ((365.25 * 86400, "years"), (86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {name}"
    return f"{three_digits(seconds)} s"


def _period(update_ns: int) -> str:
    return f"{update_ns / NS_PER_MS:g} ms" if update_ns >= NS_PER_MS else f"{update_ns / NS_PER_US:g} µs"
