"""``uj.compare``: things run in turns under one recorder, and traces set side by side."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..channel import Channel, PowerModel
from ..errors import BadRequest, TooLong
from ..joules.energy_trace import Trace, load
from ..joules.estimates.estimate import Estimate
from ..joules.estimates.total import covered
from ..joules.estimates.uncertainty import RECTANGULAR, ROOT_3, Component
from ..recording.meter import Meter
from ..recording.native import now_ns
from ..units import seconds, three_digits
from ..value_class import dataclass
from . import single_run
from .comparison import ComparedRun, Comparison, Side, apart, comparison, side
from .fitted import Fitted, fit
from .measure import WINDOW, idle, isolated, moving, timed
from .progress_words import Say, silent, told
from .python_words import of_python, python_remedies
from .same_state import states
from .task import Task, of_function
from .window_plan import IDLE_MAX_S, IDLE_MIN_S, IDLE_UPDATES, PAD_UPDATES, abba, shuffled

ORDERS = ("abba", "random")
RUNS = 10
LEAST_S = 3.0  # of each thing in all
WINDOW_UPDATES = 100  # of a function's window: its edges are then some 0.4 %
WARM_UP = 1
ESTIMATED = "no energy was measured: these figures compare CPU time, through one power model"

_Compared = tuple[list[ComparedRun], tuple[str, ...], list[str]]  # and the channels, and what is said of them
Comparable = Callable[[], object] | Trace | str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """How things take turns.

    Attributes:
        runs: Of each; 0: at least ten, and three seconds.
        warm_up: Runs of each before, which are not counted.
        order: ``abba`` or ``random``.
        max_time_s: What it may take in all.
    """

    runs: int = 0
    warm_up: int = WARM_UP
    order: str = "abba"
    max_time_s: float = 300.0

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise BadRequest(f"There is no order {self.order!r}", f"The orders are {', '.join(ORDERS)}")
        if self.runs < 0 or self.warm_up < 0 or not 0 < self.max_time_s < math.inf:
            raise BadRequest(
                "Runs and warm-up must not be negative, and the time must be positive", "As in --max-time 60s"
            )


def compare(
    things: Sequence[Comparable],
    *,
    names: Sequence[str] = (),
    window: str | None = None,
    turns: Turns | None = None,
    meter: Meter | None = None,
    is_same_code: bool = False,
    is_any_state: bool = False,
) -> Comparison:
    """Functions, or traces, compared: energy, time, power, and the ratio of each energy to the first.

    Functions take turns under one recorder, so that drift hits all of them and the sensor's gain
    drops out of the ratio. Traces are taken as they were recorded: their windows' scatter counts,
    and the gain drops out only where they are of one machine. What of a sensor's error depends on the code
    that runs stays in the ratio, unless all things are said to run the same code.

    Args:
        things: Two or more functions without arguments, or traces, or paths of traces.
        names: What to call them.
        window: Of traces, the name of the windows to compare; None: the whole trace.
        turns: How functions take turns.
        meter: What to read.
        is_same_code: Whether all things run the same code: on other data, or on a changed machine.
        is_any_state: Whether traces are compared whatever their machine's governor, power limits, … were.

    Raises:
        BadRequest: Fewer than two things, or functions and traces mixed.
        TooLong: One round takes longer than the time allowed.
        NothingToMeasure, SourceUnavailable, PermissionDenied: Nothing can be read.
        StateDiffers: Traces are of one machine in two states.
        TraceError, BadWindow: A trace cannot be read, or has no such window.
    """
    functions = [thing for thing in things if callable(thing)]
    traces = [thing for thing in things if not callable(thing)]
    if functions and traces:
        raise BadRequest("A function cannot be compared with a trace", "Record the functions first")
    with python_remedies():
        if functions:
            tasks = [of_function(function) for function in functions]
            named = (
                [Task(name, task.run) for name, task in zip(names, tasks, strict=True)] if names else tasks
            )
            found = compared(
                named,
                turns or Turns(),
                meter or Meter(),
                time.process_time_ns,
                is_repeatable=True,
                is_same_code=is_same_code,
            )
        else:
            found = compared_traces(
                traces, names, window, is_same_code=is_same_code, is_any_state=is_any_state
            )
    return replace(found, notes=tuple(map(of_python, found.notes)))


def compared(
    tasks: Sequence[Task],
    turns: Turns,
    meter: Meter,
    cpu_ns: Callable[[], int],
    *,
    is_repeatable: bool,
    is_same_code: bool = False,
    say: Say = silent,
) -> Comparison:
    """Tasks that take turns.

    Args:
        tasks: Two or more.
        turns: How.
        meter: What to read.
        cpu_ns: CPU time that the tasks have used so far; where no channel measures, it is what is
            compared, through the machine's power model.
        is_repeatable: Whether a run may be several calls back to back.
        is_same_code: Whether they run the same code.
        say: Hears where it is, before the pause in front of a run.
    """
    if len(tasks) < 2:
        raise BadRequest("Nothing to compare: only one is given", "Give two or more")
    fitted = fit(meter)
    call_s = [_warm_up(task, max(turns.warm_up, 1)) for task in told(tasks, "warming up", say)]
    least_s = WINDOW_UPDATES * fitted.update_s if is_repeatable else 0.0
    counts = [max(1, math.ceil(least_s / max(each, 1e-7))) for each in call_s]
    order = _order(tasks, [n * each for n, each in zip(counts, call_s, strict=True)], turns)
    run = _estimated_runs if fitted.is_estimated else _measured_runs
    runs, channels, notes = run(tasks, counts, told(order, "block", say), fitted, cpu_ns)
    notes += _other_than_asked(turns, runs, len(tasks))
    return comparison(
        [task.name for task in tasks],
        runs,
        turns.order,
        channels,
        notes,
        is_same_code=is_same_code,
    )


def _warm_up(task: Task, n: int) -> float:
    """Runs a task a few times; how long the last one took, in seconds."""
    return [timed(task, 1) for _ in range(n)][-1]


def _order(tasks: Sequence[Task], run_s: Sequence[float], turns: Turns) -> list[list[int]]:
    """Which task runs when, by blocks, within the time allowed."""
    wanted = turns.runs or max(RUNS, math.ceil(LEAST_S / min(run_s)))
    per_block = 2 if turns.order == "abba" else 1
    round_s = math.fsum(run_s) * per_block
    if round_s > turns.max_time_s:
        raise TooLong(
            f"One round takes {three_digits(round_s)} s, and {turns.max_time_s:g} s are allowed",
            f"Allow --max-time {10 * round_s:.2g}s",
        )
    blocks = max(1, min(math.ceil(wanted / per_block), math.floor(turns.max_time_s / round_s)))
    return abba(len(tasks), blocks) if turns.order == "abba" else shuffled(len(tasks), blocks)


def _other_than_asked(turns: Turns, runs: Sequence[ComparedRun], n_tasks: int) -> list[str]:
    """Why there are more or fewer runs of each than were asked for; empty where there are as many."""
    n = len(runs) // n_tasks
    if turns.runs in (0, n):
        return []
    if n > turns.runs:
        why = f"a block of order abba runs each twice; order random runs exactly {turns.runs}"
    else:
        why = f"more would take longer than {turns.max_time_s:g} s; allow more time (--max-time)"
    return [f"{n} runs of each, not {turns.runs}: {why}"]


def _measured_runs(
    tasks: Sequence[Task],
    counts: Sequence[int],
    order: Iterable[Sequence[int]],
    fitted: Fitted,
    _: Callable[[], int],
) -> _Compared:
    """Under a recorder."""
    pause_s = seconds(fitted.settle_ns) + PAD_UPDATES * fitted.update_s
    idle_s = min(max(IDLE_UPDATES * fitted.update_s, IDLE_MIN_S), IDLE_MAX_S)
    with tempfile.TemporaryDirectory(prefix="microjoule-") as folder:
        path = Path(folder) / "compare.arrows"
        with fitted.recorder(path) as recorder:
            idle(recorder, idle_s, fitted.settle_ns)
            for block, members in enumerate(order):
                for task in members:
                    # Each run follows the same short pause: none inherits the power of the one before.
                    time.sleep(pause_s)
                    with recorder.window(WINDOW, task=task, block=block):
                        tasks[task].run(counts[task])
            time.sleep(pause_s)
            idle(recorder, idle_s, fitted.settle_ns)
        trace = load(path)
        windows = [window for window in trace.windows if window.name == WINDOW]
        runs = [
            ComparedRun(
                task=(task := int(window.attributes["task"])),
                block=int(window.attributes["block"]),
                energy=energy / counts[task],
                duration_s=seconds(window.duration_ns) / counts[task],
            )
            for window, energy in zip(windows, isolated(trace, fitted, windows), strict=True)
        ]
        dead = (one for one in fitted.ids if one in trace.dead)
        return runs, moving(trace, fitted), single_run.never_moved(dead)


def _estimated_runs(
    tasks: Sequence[Task],
    counts: Sequence[int],
    order: Iterable[Sequence[int]],
    fitted: Fitted,
    cpu_ns: Callable[[], int],
) -> _Compared:
    """Without a recorder: the kernel says how much CPU time the tasks used, and one model the rest."""
    channel = fitted.channels[0]
    runs = []
    for block, members in enumerate(order):
        for task in members:
            used_ns, begun_ns = cpu_ns(), now_ns()
            tasks[task].run(counts[task])
            ended_ns, used_ns = now_ns(), cpu_ns() - used_ns
            energy = estimated(seconds(used_ns), channel) / counts[task]
            runs.append(
                ComparedRun(
                    task=task,
                    block=block,
                    energy=energy,
                    duration_s=seconds(ended_ns - begun_ns) / counts[task],
                )
            )
    return runs, ("CPU time",), [ESTIMATED]


def estimated(busy_s: float, channel: Channel) -> Estimate:
    """The energy that a power model gives for some CPU time, in joules."""
    model = channel.trust.model or PowerModel(value_w=0.0, low_w=0.0, high_w=0.0, source="")
    u = busy_s * (model.high_w - model.low_w) / 2 / ROOT_3
    return Estimate(
        value=busy_s * model.value_w,
        low=busy_s * model.low_w,
        high=busy_s * model.high_w,
        provenance="estimated",
        components=(Component("model", u, form=RECTANGULAR, group=f"model:{channel.physical_id}"),),
    )


def compared_traces(
    traces: Sequence[Trace | str | os.PathLike[str]],
    names: Sequence[str],
    window: str | None,
    *,
    is_same_code: bool = False,
    is_any_state: bool = False,
) -> Comparison:
    """Traces side by side, each by itself.

    Raises:
        StateDiffers: One machine was in two states, and ``is_any_state`` does not allow it.
    """
    if len(traces) < 2:
        raise BadRequest("Nothing to compare: only one is given", "Give two or more")
    opened = [trace if isinstance(trace, Trace) else load(trace) for trace in traces]
    titles = names or [
        f"trace {i + 1}" if isinstance(trace, Trace) else os.fspath(trace) for i, trace in enumerate(traces)
    ]
    sides = [_trace_side(name, trace, window) for name, trace in zip(titles, opened, strict=True)]
    channels = covered({name: opened[0].channels[name] for name in opened[0].energy_channels})
    notes = ["traces were not recorded in turns: what changed between them is in the ratio"]
    notes += states(opened, titles, is_any_state=is_any_state)
    if len({trace.machine for trace in opened}) > 1:
        notes.append("they are of different machines: no gain cancels")
    else:
        notes.append("they describe the same machine: the gain of its sensors has cancelled")
    if any(one.n == 1 for one in sides):
        notes.append("only one window was measured, so its variation is unknown")
    if any(one.energy.provenance == "estimated" for one in sides):
        notes.append(ESTIMATED)
    return apart(sides, channels, notes, is_same_code=is_same_code)


def _trace_side(name: str, trace: Trace, window: str | None) -> Side:
    windows = (trace.span,) if window is None else trace.named(window)
    runs = [
        ComparedRun(
            task=0,
            block=i,
            energy=trace.energy(one).total,
            duration_s=seconds(one.duration_ns),
        )
        for i, one in enumerate(windows)
    ]
    return side(name, runs)
