"""Rounds that somebody counted out: so many windows of so many calls, with something done before each.

What ``uj.measure`` plans by itself is given here, as in pytest-benchmark's pedantic mode. Each round is
isolated: the machine idles before and after it for as long as a counter lags behind, so that the
preparation of the next round is in none of the figures.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import repeat
from pathlib import Path

from ..errors import BadRequest, NoUpdate, OnlyEstimated
from ..joules.energy_trace import load
from ..joules.estimates.estimate import Estimate
from ..recording.native import now_ns
from ..units import seconds
from ..value_class import dataclass
from .compare import estimated
from .fitted import Fitted
from .measure import WINDOW, idle, idle_power_of, isolated, moving, recording
from .measurement import Measurement
from .task import Task
from .window_figures import figures
from .window_plan import IDLE_MAX_S, IDLE_MIN_S, IDLE_UPDATES, PAD_UPDATES, Ask, Plan

ESTIMATED = "estimated: CPU time of this process through one power model; no energy was measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """How often what is run.

    Attributes:
        rounds: Windows that are measured.
        iterations: Calls in each.
        warmup_rounds: Rounds before, which are not measured.
        setup: What is called before each round, outside its window.

    Raises:
        BadRequest: A number is too small.
    """

    rounds: int = 1
    iterations: int = 1
    warmup_rounds: int = 0
    setup: Callable[[], object] = bool

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.iterations < 1 or self.warmup_rounds < 0:
            raise BadRequest(
                f"{self.rounds} rounds of {self.iterations} calls after {self.warmup_rounds} are not valid",
                "Ask for one round of one call or more",
            )


def counted(task: Task, asked: Rounds, fitted: Fitted) -> Measurement:
    """The energy of one call of a task over rounds that were counted out.

    Raises:
        OnlyEstimated: No channel here measures.
    """
    if fitted.is_estimated:
        raise OnlyEstimated(
            f"No energy counter is readable here, and a model of power ({', '.join(fitted.ids)}) would only "
            "restate CPU time",
            "`uj probe` says how to open a counter",
        )
    closely = fitted if fitted.has_gauge else fitted.closely()
    pause_s = seconds(closely.settle_ns) + PAD_UPDATES * closely.update_s
    idle_s = min(max(IDLE_UPDATES * closely.update_s, IDLE_MIN_S), IDLE_MAX_S)
    _warm_up(task, asked)
    with tempfile.TemporaryDirectory(prefix="microjoule-") as folder:
        path = Path(folder) / "rounds.arrows"
        with recording(closely, path) as recorder:
            idle(recorder, idle_s, closely.settle_ns)
            for _ in repeat(None, asked.rounds):
                asked.setup()
                time.sleep(pause_s)
                with recorder.window(WINDOW, n=asked.iterations):
                    task.run(asked.iterations)
                time.sleep(pause_s)
            idle(recorder, idle_s, closely.settle_ns)
        trace = load(path)
    if not fitted.has_gauge and not any(len(trace.counter(name).changes) for name in fitted.ids):
        raise NoUpdate(
            f"None of {', '.join(fitted.ids)} changed while this ran", "Choose another channel with --channel"
        )
    windows = [window for window in trace.windows if window.name == WINDOW]
    return figures(
        task.name,
        Ask(rel=1.0),
        _planned(asked, pause_s, idle_s),
        moving(trace, fitted),
        isolated(trace, closely, windows),
        [seconds(window.duration_ns) for window in windows],
        idle_power_of(trace),
    )


def counted_by_model(task: Task, asked: Rounds, fitted: Fitted, cpu_ns: Callable[[], int]) -> Measurement:
    """The same where nothing measures: CPU time through the machine's power model, and it says so.

    Args:
        task: What runs.
        asked: How often.
        fitted: Its first channel has the power model.
        cpu_ns: CPU time used so far.
    """
    _warm_up(task, asked)
    energies: list[Estimate] = []
    durations: list[float] = []
    for _ in repeat(None, asked.rounds):
        asked.setup()
        used_ns, begun_ns = cpu_ns(), now_ns()
        task.run(asked.iterations)
        durations.append(seconds(now_ns() - begun_ns))
        energies.append(estimated(seconds(cpu_ns() - used_ns), fitted.channels[0]))
    found = figures(
        task.name, Ask(rel=1.0), _planned(asked, 0.0, 0.0), ("CPU time",), energies, durations, None
    )
    return with_note(found, ESTIMATED)


def with_note(found: Measurement, note: str) -> Measurement:
    """The measurement with one more sentence."""
    return replace(found, notes=(*found.notes, note))


def calls_for(task: Task, max_time_s: float, rounds: int) -> Rounds:
    """Rounds of as many calls as fit into the time; the first call, which is none of them, is timed."""
    begun_ns = now_ns()
    task.run(1)
    call_s = max(seconds(now_ns() - begun_ns), 1e-7)
    return Rounds(rounds=rounds, iterations=max(1, int(max_time_s / rounds / call_s)))


def _warm_up(task: Task, asked: Rounds) -> None:
    for _ in repeat(None, asked.warmup_rounds):
        asked.setup()
        task.run(asked.iterations)


def _planned(asked: Rounds, pause_s: float, idle_s: float) -> Plan:
    return Plan(
        mode="rounds",
        counts=(asked.iterations,) * asked.rounds,
        offsets_s=(0.0,) * asked.rounds,
        pad_s=pause_s,
        idle_s=idle_s,
        run_in_s=0.0,
        needed_s=0.0,
    )
