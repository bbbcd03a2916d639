"""Code that can run only once, or a few times: from update to update, with a spin around (edge mode).

Spin until the counter was updated, run, spin until it is updated again; the spin's own power, known
from a longer spin before and after, is subtracted for the wait (docs/methods.md; Hähnel 2012).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import NoUpdate
from ..joules.counters.counter import Counter
from ..joules.counters.identity import is_broken
from ..joules.estimates.estimate import Estimate
from ..recording.native import now_ns
from ..units import seconds
from . import waits
from .baseline import between, power
from .deadline import Deadline
from .poller import Poller
from .task import Task
from .window_figures import figures, sum_of
from .window_plan import IDLE_MAX_S, IDLE_MIN_S, IDLE_SHARE, IDLE_UPDATES, Ask, Plan, single

if TYPE_CHECKING:
    from .fitted import Fitted
    from .measurement import Measurement

PARTS = 5  # so that the power of a spin and of idling has a scatter
MIN_S = 0.05

_Span = tuple[int, int]


def once(task: Task, ask: Ask, fitted: Fitted) -> Measurement:
    """One run, with nothing tried before it."""
    idle_s = min(max(IDLE_UPDATES * fitted.update_s, IDLE_MIN_S), IDLE_MAX_S, IDLE_SHARE * ask.max_time_s)
    deadline = Deadline(now_ns(), ask.max_time_s)
    return several(task, ask, fitted, single(fitted.update_s, idle_s), deadline)


def several(task: Task, ask: Ask, fitted: Fitted, planned: Plan, deadline: Deadline) -> Measurement:
    """The runs of a plan, each from update to update, as many as there is time for."""
    poller = Poller(fitted.channels)
    spins: list[_Span] = []
    idles: list[_Span] = []
    _around(poller, planned, idles, spins, is_before=True)
    runs: list[_Span] = []
    at_s, longest_s = deadline.spent_s(), 0.0
    for count in planned.counts:
        if runs and deadline.left_s() < longest_s + planned.after_s:
            break
        poller.spin_to_update()
        begun_ns = now_ns()
        task.run(count)
        runs.append((begun_ns, now_ns()))
        poller.spin_past_lag()
        poller.spin_to_update()
        longest_s, at_s = max(longest_s, deadline.spent_s() - at_s), deadline.spent_s()
    _around(poller, planned, idles, spins, is_before=False)
    poller.spin_past_lag()
    poller.spin_to_update()
    counters = poller.counters()
    still = [name for name, counter in counters.items() if not len(counter.changes)]
    if len(still) == len(counters):
        raise unchanged(still)
    broken = [name for name in still if is_broken(counters[name].channel, _read_ns(counters[name]))]
    counters = {name: counter for name, counter in counters.items() if name not in broken}
    begun, ended = [run[0] for run in runs], [run[1] for run in runs]
    spun_ns = min(spins[PARTS - 1][1] - spins[0][0], spins[-1][1] - spins[PARTS][0])
    by_channel = [
        waits.energies(counter, begun, ended, _power(counter, spins, f"spin:{name}"), spun_ns)
        for name, counter in counters.items()
    ]
    energies = [sum_of(each) for each in zip(*by_channel, strict=True)]
    idle = sum_of([_power(counter, idles, f"idle:{name}") for name, counter in counters.items()])
    durations = [seconds(end - begin) for begin, end in runs]
    found = figures(task.name, ask, planned.first(len(runs)), tuple(counters), energies, durations, idle)
    return replace(found, notes=(*found.notes, *never_moved(broken)))


def unchanged(ids: Iterable[str]) -> NoUpdate:
    """The error of counters that were read and stood still."""
    return NoUpdate(
        f"None of {', '.join(ids)} changed while this ran", "Choose another channel with --channel"
    )


def never_moved(broken: Iterable[str]) -> list[str]:
    """What is said of counters that stood still though they count what must draw power: no total has them."""
    return [f"{name} never moved: it is stuck, and its 0 J is no measurement" for name in broken]


def _read_ns(counter: Counter) -> int:
    """For how long it was read."""
    return int(counter.t_ns[-1] - counter.t_ns[0]) if len(counter) else 0


def _around(
    poller: Poller, planned: Plan, idles: list[_Span], spins: list[_Span], *, is_before: bool
) -> None:
    """Idles and spins for a while; the spin is next to the runs."""
    part_s = max(planned.idle_s, MIN_S) / PARTS
    stretches = [(idles, poller.idle_for), (spins, poller.spin_for)]
    for spans, pass_time in stretches if is_before else stretches[::-1]:
        pass_time(part_s)
        for _ in range(PARTS):
            begun_ns = now_ns()
            pass_time(part_s)
            spans.append((begun_ns, now_ns()))


def _power(counter: Counter, spans: list[_Span], group: str) -> Estimate:
    """The mean power of a channel over stretches before and after, in watts."""
    energies = [counter.energy(*span) for span in spans]
    durations = [seconds(end - begin) for begin, end in spans]
    half = len(spans) // 2
    before, after = power(energies[:half], durations[:half]), power(energies[half:], durations[half:])
    return between(before, after, 0.5, group)
