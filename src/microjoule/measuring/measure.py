"""``uj.measure``: the energy of one call of a function, as exactly as was asked for.

The package cools down from what ran before (:mod:`.settling`). A first call without a recorder (imports,
compilation), a pilot that also warms up, a plan, the windows with idle time around them, the figures. The
counters are closed before an error of the measured code goes on its way.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import NoUpdate, OnlyEstimated, TooLong
from ..joules.energy_trace import Trace, load
from ..joules.estimates.estimate import Estimate
from ..joules.gauges.gauge import Gauge
from ..joules.gauges.gauge_notes import of_gauges
from ..recording.meter import Meter
from ..recording.native import now_ns
from ..trace.window import Window
from ..units import nanoseconds, seconds, three_digits
from . import single_run
from .baseline import between, power
from .deadline import Deadline
from .fitted import Fitted, fit
from .measurement import Measurement, advice
from .progress_words import Say, silent, told
from .python_words import of_python, python_remedies
from .repeats import spread, unexplained
from .settling import cooled
from .task import Task, of_function
from .waits import energies as energies_less_waits
from .window_figures import figures, sum_of
from .window_plan import LULL_UPDATES, Ask, Pilot, Plan, is_steady, plan, slope_per_s

if TYPE_CHECKING:
    from ..recording.recorder import RawRecorder

PILOT_MIN_S, PILOT_MAX_SHARE = 0.2, 0.1
PILOT_UPDATES = 40
PILOT_CHUNKS = 8  # enough to see a slope
PILOTS_MAX = 4
IDLE_PARTS = 5  # so that idle power has a scatter
POLL_S = 2e-5  # between two readings of a spin, at most
WINDOW, IDLE = "window", "idle"


def measure(
    fn: Callable[[], object],
    rel: float = 0.01,
    max_time_s: float = 60.0,
    *,
    mode: str = "auto",
    number: int = 0,
    repeat: int = 0,
    meter: Meter | None = None,
) -> Measurement:
    """The energy of one call of a function, total and without the idle machine's share.

    Functions far shorter than a counter's update are called back to back. The uncertainty is the one
    that was achieved, whatever was asked for; ``.notes`` says what the target would take. GPU work of
    torch, cupy and jax is waited for where they are imported.

    Args:
        fn: Takes no arguments; give a lambda for a call with some.
        rel: Half of the 95 % interval that is wanted, as a share of the energy, 0 to 1.
        max_time_s: What it may take in all, opening and waiting included, in seconds. Kept to but for what a
            single call takes.
        mode: ``batch`` (as ``auto``), ``slope`` (free of what each window costs once), ``dither``
            (cannot run back to back), ``edge`` (with ``repeat=1``: can run only once).
        number: Calls in a window; 0: as many as it takes.
        repeat: Windows; 0: as many as it takes.
        meter: What to read; None: the best this user may read, and all of it that overlaps nowhere.

    Raises:
        BadRequest: The target, the time or the mode is none.
        TooLong: One call takes longer than ``max_time_s``.
        TooCoarse: The channel's smallest step is more than all that could be spent.
        OnlyEstimated: No channel here measures.
        NothingToMeasure, SourceUnavailable, PermissionDenied: Nothing can be read; the message
            says what to do.
    """
    ask = Ask(rel=rel, max_time_s=max_time_s, mode=mode, number=number, repeat=repeat)
    with python_remedies():
        found = measure_task(of_function(fn), ask, meter or Meter())
    return replace(found, notes=tuple(map(of_python, found.notes)))


def measure_task(task: Task, ask: Ask, meter: Meter, say: Say = silent) -> Measurement:
    """The energy of one run of a task: see :func:`measure`; ``say`` hears where it is, between windows."""
    deadline = Deadline(now_ns(), ask.max_time_s)
    fitted = fit(meter)
    if fitted.is_estimated:
        raise OnlyEstimated(
            f"No energy counter is readable here, and a model of power ({', '.join(fitted.ids)}) would only "
            "restate CPU time",
            "`uj probe` says how to open a counter; `uj compare` compares estimates, and marks them",
        )
    if ask.mode in ("edge", "dither") and fitted.has_gauge:
        raise NoUpdate(
            f"Mode {ask.mode} waits for updates of a counter, and {', '.join(fitted.ids)} holds a gauge",
            "Use --mode batch, or a counter with --channel",
        )
    if (ask.mode == "edge" or ask.is_single) and fitted.is_read_by_agent:
        raise NoUpdate(
            f"Mode edge waits for updates by reading, and an agent reads {', '.join(fitted.ids)}",
            "Use --mode batch and more runs, or ask to be allowed to read the counter: `uj probe --rule`",
        )
    cooling = [words] if (words := cooled(Path(meter.root), ask.max_time_s, say=say)) else []
    if ask.is_single:
        say("from update to update")
        once = single_run.once(task, ask, fitted)
        return replace(once, notes=(*once.notes, *cooling))
    if ask.mode == "dither":
        fitted = fitted.closely()
    say("a first call")
    first_s = timed(task, 1)
    if first_s > ask.max_time_s:
        raise TooLong(
            f"One call took {three_digits(first_s)} s, and {ask.max_time_s:g} s are allowed",
            f"Allow --max-time {10 * first_s:.2g}s, or measure a single call with --mode edge -r 1",
        )
    with tempfile.TemporaryDirectory(prefix="microjoule-") as folder:
        say("warming up")
        pilot, fitted, notes = _pilot(task, ask, fitted, Path(folder) / "pilot.arrows", deadline)
        planned = plan(pilot, ask, seed=now_ns())
        if planned.mode == "edge":
            say("from update to update")
            found = single_run.several(task, ask, fitted, planned, deadline)
        else:
            found = _run(task, ask, fitted, planned, Path(folder) / "measure.arrows", deadline, say)
    asked, done = len(planned.counts), len(found.plan.counts)
    if done < asked:
        notes.append(f"stopped after {done} of {asked} windows: the {ask.max_time_s:g} s were up")
    said = (*advice(found, ask, deadline.spent_s()), *cooling, *notes, *found.notes)
    return replace(found, notes=said)


def timed(task: Task, n: int) -> float:
    """Runs a task n times; how long that took, in seconds."""
    begun_ns = now_ns()
    task.run(n)
    return seconds(now_ns() - begun_ns)


@contextmanager
def recording(fitted: Fitted, path: Path) -> Iterator[RawRecorder]:
    """A recorder for the time of a ``with``; the file is whole afterwards."""
    with fitted.recorder(path) as recorder:
        yield recorder


def _pilot(
    task: Task, ask: Ask, fitted: Fitted, path: Path, deadline: Deadline
) -> tuple[Pilot, Fitted, list[str]]:
    """What one call takes, what the trial shows of the sensors, and whether the machine has warmed up.

    It is tried again until it has.
    """
    wanted_s = max(PILOT_MIN_S, PILOT_UPDATES * fitted.update_s)
    chunk_s = min(wanted_s, PILOT_MAX_SHARE * ask.max_time_s) / PILOT_CHUNKS
    call_s, steady, at_s, watts = deadline.spent_s(), False, [], []
    for _ in range(PILOTS_MAX):
        n = max(1, round(chunk_s / max(call_s, 1e-9)))
        begun_ns, counts = now_ns(), []
        with recording(fitted, path) as recorder:
            chunks = PILOT_CHUNKS if n * call_s * PILOT_CHUNKS <= PILOT_MAX_SHARE * ask.max_time_s else 1
            for _ in range(chunks):
                with recorder.window(WINDOW):
                    took_s = timed(task, n)
                counts.append(n)
                call_s = took_s / n
                n = max(1, min(2 * n, round(chunk_s / max(call_s, 1e-9))))
        trace = load(path)
        tried = list(zip(trace.windows, window_energies(trace, WINDOW), counts, strict=True))
        around_s = seconds(now_ns() - begun_ns) - sum(seconds(window.duration_ns) for window, _, _ in tried)
        # A window that a busy machine left without readings has no figure, which is no power of 0.
        known = [each for each in tried if each[1].value is not None]
        if not known:
            if trace.dead.issuperset(fitted.ids):
                raise single_run.unchanged(fitted.ids)
            raise NoUpdate(
                f"{', '.join(fitted.ids)} gave no figure while this ran: "
                f"the readings are {tried[-1][1].status}",
                "Ask `uj probe` which channels can be read, and take one with --channel",
            )
        durations = [seconds(window.duration_ns) for window, _, _ in known]
        watts = [(each.value or 0.0) / t for (_, each, _), t in zip(known, durations, strict=True)]
        at_s = [seconds(window.t0_ns - known[0][0].t0_ns) for window, _, _ in known]
        call_s = durations[-1] / known[-1][2]
        # Windows of few calls, as when the first call took longest, say nothing of the power.
        steady = durations[-1] >= chunk_s / 2 and is_steady(at_s[1:], watts[1:])
        if steady or deadline.spent_s() > 2 * PILOT_MAX_SHARE * ask.max_time_s:
            break
    calls = [energy / n for _, energy, n in known]
    fitted = fitted.having_seen(trace)
    pilot = Pilot(
        call_s=call_s,
        power_w=sum(watts[-3:]) / len(watts[-3:]),
        update_s=fitted.update_s,
        quantum_j=fitted.quantum_j,
        is_part_time=fitted.is_part_time,
        spent_s=deadline.spent_s(),
        around_s=around_s,
        edge_s=POLL_S if ask.mode == "edge" else 1 / fitted.cadence.rate_hz,
        scatter=max(
            unexplained(calls[1:]), spread([t / n for t, (_, _, n) in zip(durations, known, strict=True)][1:])
        ),
        settle_s=seconds(fitted.settle_ns),
    )
    drift = 100 * slope_per_s(at_s[1:], watts[1:])[0]
    moved = f"the power still moved by {drift:+.2g} % a second after warming up"
    return pilot, fitted, [] if steady else [moved]


def _run(
    task: Task, ask: Ask, fitted: Fitted, planned: Plan, path: Path, deadline: Deadline, say: Say
) -> Measurement:
    """Runs the plan under a recorder, or as much of it as there is time for."""
    say("the idle machine")
    with recording(fitted, path) as recorder:
        idle(recorder, planned.idle_s, fitted.settle_ns)
        _run_in(task, planned.run_in_s)
        origin_ns = now_ns()
        at_s, longest_s, done = deadline.spent_s(), 0.0, 0
        for offset_s in told(list(planned.offsets_s), "window", say):
            next_one = planned.going_on(done, longest_s, deadline.left_s())
            if next_one is None:
                break
            planned = next_one
            count = planned.counts[done]
            if planned.pad_s:
                time.sleep(planned.pad_s)
                _wait_for_phase(origin_ns, offset_s, fitted.update_ns)
            elif planned.is_stratified:
                # Whole calls cannot reach every phase of a sensor that they keep step with: a rest can.
                _run_in(task, fitted.update_s)
                _wait_for_phase(origin_ns, offset_s, fitted.update_ns)
                _run_in(task, LULL_UPDATES * fitted.update_s)
            else:
                # On it runs for some updates: the next window's edges have errors of their own.
                _run_in(task, LULL_UPDATES * fitted.update_s + offset_s)
            with recorder.window(WINDOW, n=count):
                task.run(count)
            if planned.pad_s:
                time.sleep(planned.pad_s)
            done += 1
            spent_s = deadline.spent_s()
            longest_s, at_s = max(longest_s, (spent_s - at_s) / count), spent_s
        _run_in(task, planned.run_in_s)
        idle(recorder, planned.idle_s, fitted.settle_ns)
    return _figures(task.name, ask, fitted, planned.first(done), load(path))


def idle(recorder: RawRecorder, duration_s: float, settle_ns: int) -> None:
    """Idles for so long in windows of their own, once what ran before is over in every sensor.

    Args:
        recorder: What records.
        duration_s: Of the windows in all.
        settle_ns: After how long at most no sensor shows what ran before.
    """
    time.sleep(max(duration_s / IDLE_PARTS, seconds(settle_ns)))
    for _ in range(IDLE_PARTS):
        with recorder.window(IDLE):
            time.sleep(duration_s / IDLE_PARTS)


def _run_in(task: Task, duration_s: float) -> None:
    until_ns = now_ns() + nanoseconds(duration_s)
    while duration_s and now_ns() < until_ns:
        task.run(1)


def _wait_for_phase(origin_ns: int, offset_s: float, period_ns: int) -> None:
    """Sleeps until the clock is so far into a period that is counted from ``origin_ns``.

    Sleeping and not spinning: what lies around a window must draw what the idle machine does.
    """
    time.sleep(seconds((nanoseconds(offset_s) - (now_ns() - origin_ns)) % period_ns))


def window_energies(trace: Trace, name: str) -> list[Estimate]:
    """The totals of all windows of a name, in the order in which they began."""
    return [each.total for each in trace.energies([w for w in trace.windows if w.name == name])]


def _figures(name: str, ask: Ask, fitted: Fitted, planned: Plan, trace: Trace) -> Measurement:
    windows = [window for window in trace.windows if window.name == WINDOW]
    durations = [seconds(window.duration_ns) for window in windows]
    if planned.mode == "dither":
        energies = isolated(trace, fitted, windows)
    else:
        energies = [each.total for each in trace.energies(windows)]
    found = figures(name, ask, planned, moving(trace, fitted), energies, durations, idle_power_of(trace))
    edges_ns = np.array([(window.t0_ns, window.t1_ns) for window in windows], np.int64).reshape(-1, 2)
    meters = (trace.meter(one) for one in fitted.ids)
    gauges = (meter for meter in meters if isinstance(meter, Gauge))
    stuck = single_run.never_moved(one for one in fitted.ids if one in trace.dead)
    return replace(found, notes=(*found.notes, *stuck, *of_gauges(gauges, *edges_ns.T)))


def moving(trace: Trace, fitted: Fitted) -> tuple[str, ...]:
    """The channels that energies are taken from: a counter that stood still though it must not has none.

    Raises:
        NoUpdate: All of them stood still.
    """
    ids = tuple(one for one in fitted.ids if one not in trace.dead)
    if not ids:
        raise single_run.unchanged(fitted.ids)
    return ids


def isolated(trace: Trace, fitted: Fitted, windows: Sequence[Window]) -> list[Estimate]:
    """The energies of windows with idle time around them: see ``waits``. Of a gauge the plain ones.

    A plain window takes the power inside one update for even, and so moves a part of what runs at
    its edge to the idle time beside it: (P - P_idle) T_u/6 an edge.
    """
    if fitted.has_gauge:
        return [each.total for each in trace.energies(windows)]
    begun, ended = [window.t0_ns for window in windows], [window.t1_ns for window in windows]
    parts = [
        energies_less_waits(trace.counter(one), begun, ended, _idle_of_channel(trace, one))
        for one in moving(trace, fitted)
    ]
    return [sum_of(each) for each in zip(*parts, strict=True)]


def idle_power_of(trace: Trace) -> Estimate | None:
    """The power of the idle machine around a trace's windows, in watts; None: nothing tells it."""
    return _idle_of(trace, window_energies(trace, IDLE), "total")


def _idle_of_channel(trace: Trace, channel: str) -> Estimate:
    windows = [window for window in trace.windows if window.name == IDLE]
    found = _idle_of(trace, [each[channel] for each in trace.energies(windows)], channel)
    if found is None or found.value is None:
        raise NoUpdate(
            f"{channel} was not read while the machine was idle", "Allow more time with --max-time"
        )
    return found


def _idle_of(trace: Trace, energies: Sequence[Estimate], group: str) -> Estimate | None:
    """The idle power amid the windows, from what came before and after them."""
    durations = [seconds(window.duration_ns) for window in trace.windows if window.name == IDLE]
    half = len(energies) // 2
    if not half or any(energy.value is None for energy in energies):
        return None
    before, after = power(energies[:half], durations[:half]), power(energies[half:], durations[half:])
    return between(before, after, 0.5, group)
