"""Two or more things compared: energy, time, power, and ratios in which the sensor's gain cancels. Pure.

What of the sensor's error depends on the code that runs cancels only where all things run the same code, and
that nobody knows but who asks: things are of different code unless it is said (``is_same_code``).

Runs come in *blocks* in which everything is run once or twice. What drifts (the room, the fan, the
clock) moves a whole block, so that a ratio's scatter is taken from what is left of each block
(``repeats.quotient``) and not from how A and B scatter by themselves. In ABBA order linear drift drops
out of each block too (docs/methods.md: bias 1.00 % when run one after the other under 2 % drift, 0 ± 0.10 %
so).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..joules.estimates.code_dependence import labelled, share
from ..joules.estimates.estimate import Estimate
from ..joules.estimates.estimate_text import Scale, figure
from ..late import shown
from ..units import S_PER_MIN
from ..value_class import dataclass
from .baseline import mean_power, seconds_exactly
from .repeats import WINDOWS_OWN, Outlier, averaged, mean, outliers, quotient
from .scatter import Scatter, ratio_of_means, resampled, scatter

F64 = npt.NDArray[np.float64]

SEEN = 0.01  # what is asked of a comparison that shows no difference: what would show this one
_K = 2.0
_SEEN_OF_CODE = 5e-4  # of a ratio: less than that nobody sees beside its scatter
_TIMES = 2.0  # from here on a factor is easier to read than a share


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One run of one thing.

    Attributes:
        task: Its number.
        block: The block in which it ran.
        energy: Of one call.
        duration_s: Of one call.
    """

    task: int
    block: int
    energy: Estimate
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the things compared.

    Attributes:
        name: What it is called.
        n: How often it was run.
        energy: Mean of a run, in joules.
        time: Mean of a run, in seconds.
        power: Their quotient, in watts.
        outliers: Runs outside Tukey's fences, by energy; they are in the means.
        scatter: How the runs' energies lie; None: fewer than two.
    """

    name: str
    n: int
    energy: Estimate
    time: Estimate
    power: Estimate
    outliers: tuple[Outlier, ...] = ()
    scatter: Scatter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One thing's energy over the first one's.

    Attributes:
        of: The number of the thing; it is divided by thing 0.
        energy: The ratio of energies.
        time: The ratio of times.
        differs: Whether 1 lies outside the interval of the energies' ratio.
        verdict: The same as a sentence.
        interval: That of the energies' ratio by the bootstrap over blocks, of scatter alone; None: they
            did not take turns, or there are fewer than 20.
    """

    of: int
    energy: Estimate
    time: Estimate
    differs: bool
    verdict: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of a comparison.

    Attributes:
        sides: In the order in which they were named.
        ratios: Of each to the first.
        order: How they took turns: ``abba``, ``random`` or ``as recorded``.
        blocks: How many blocks there were.
        channels: What the energies add up.
        notes: What else there is to know, a sentence each.
    """

    sides: tuple[Side, ...]
    ratios: tuple[Ratio, ...]
    order: str
    blocks: int
    channels: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Comparison({'; '.join(ratio.verdict for ratio in self.ratios)})"

    _repr_html_ = shown("comparison")

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain JSON values, schema ``microjoule.compare/1``."""
        sides = [
            {
                "name": side.name,
                "n": side.n,
                "energy": side.energy.to_json(),
                "time": side.time.to_json(),
                "power": side.power.to_json(),
                "provenance": side.energy.provenance,
                "outliers": [one._asdict() for one in side.outliers],
                "scatter": None if side.scatter is None else side.scatter.to_json(),
            }
            for side in self.sides
        ]
        ratios = [
            {
                "name": self.sides[ratio.of].name,
                "to": self.sides[0].name,
                "energy": ratio.energy.to_json(),
                "time": ratio.time.to_json(),
                "differs": ratio.differs,
                "verdict": ratio.verdict,
                "interval": None if ratio.interval is None else list(ratio.interval),
            }
            for ratio in self.ratios
        ]
        return {
            "schema": "microjoule.compare/1",
            "sides": sides,
            "ratios": ratios,
            "order": self.order,
            "blocks": self.blocks,
            "channels": list(self.channels),
            "notes": list(self.notes),
        }


def comparison(
    names: Sequence[str],
    runs: Sequence[ComparedRun],
    order: str,
    channels: Sequence[str],
    notes: Sequence[str] = (),
    *,
    is_same_code: bool = False,
) -> Comparison:
    """The comparison of runs that took turns.

    Args:
        names: Of the things, by number.
        runs: All runs of all blocks.
        order: How they took turns.
        channels: What the energies add up.
        notes: What else there is to know.
        is_same_code: Whether all things run the same code, on other data of the same kind or at other times.
    """
    runs = [replace(run, energy=labelled(run.energy, _code(run.task, is_same_code))) for run in runs]
    sides = tuple(side(name, [run for run in runs if run.task == task]) for task, name in enumerate(names))
    blocks = sorted({run.block for run in runs})
    energies = _by_block(len(names), blocks, runs, [run.energy.value for run in runs])
    times = _by_block(len(names), blocks, runs, [run.duration_s for run in runs])
    means = [mean([run.energy for run in runs if run.task == task]) for task in range(len(names))]
    minutes = math.fsum(run.duration_s for run in runs) / S_PER_MIN
    ratios = []
    for task in range(1, len(names)):
        energy = _ratio(means[task], means[0], energies[task], energies[0])
        time = _ratio(
            seconds_exactly(float(times[task].mean())),
            seconds_exactly(float(times[0].mean())),
            times[task],
            times[0],
        )
        interval = resampled(np.stack((energies[task], energies[0]), axis=1), ratio_of_means)
        ratios.append(replace(_judged(task, energy, time, sides, minutes), interval=interval))
    return Comparison(
        sides=sides,
        ratios=tuple(ratios),
        order=order,
        blocks=len(blocks),
        channels=tuple(channels),
        notes=(*notes, *_of_code(ratios)),
    )


def apart(
    sides: Sequence[Side], channels: Sequence[str], notes: Sequence[str] = (), *, is_same_code: bool = False
) -> Comparison:
    """The comparison of things that did not take turns, such as two traces: each scatters by itself."""
    sides = [
        replace(
            one,
            energy=labelled(one.energy, _code(task, is_same_code)),
            power=labelled(one.power, _code(task, is_same_code)),
        )
        for task, one in enumerate(sides)
    ]
    minutes = math.fsum((one.time.value or 0.0) * one.n for one in sides) / S_PER_MIN
    ratios = tuple(
        _judged(task, sides[task].energy / sides[0].energy, sides[task].time / sides[0].time, sides, minutes)
        for task in range(1, len(sides))
    )
    return Comparison(
        sides=tuple(sides),
        ratios=ratios,
        order="as recorded",
        blocks=1,
        channels=tuple(channels),
        notes=(*notes, *_of_code(ratios)),
    )


def _code(task: int, is_same_code: bool) -> str:
    return "" if is_same_code else str(task)


def _of_code(ratios: Sequence[Ratio]) -> list[str]:
    """What the sensor's dependence on code comes to, in a sentence; empty where it cancelled."""
    most = max((share(ratio.energy) / (ratio.energy.value or math.inf) for ratio in ratios), default=0.0)
    if most < _SEEN_OF_CODE:
        return []
    return [
        f"± {200 * most:.2g} % of this is for sensors that err by other amounts for other programs; "
        "if all run the same code: --same-code"
    ]


def side(name: str, runs: Sequence[ComparedRun]) -> Side:
    """One thing by itself: means over its runs."""
    energy = averaged([run.energy for run in runs])
    time = averaged([seconds_exactly(run.duration_s) for run in runs])
    energies = [run.energy for run in runs]
    values = [one.value for one in energies if one.value is not None]
    power = mean_power(energies, [run.duration_s for run in runs])
    return Side(
        name=name,
        n=len(runs),
        energy=energy,
        time=time,
        power=power,
        outliers=outliers(values),
        scatter=scatter(values),
    )


def _by_block(
    tasks: int, blocks: Sequence[int], runs: Sequence[ComparedRun], values: Sequence[float | None]
) -> list[F64]:
    """float64[tasks][blocks]: the mean of each thing in each block; NaN where a figure is missing."""
    at = {block: number for number, block in enumerate(blocks)}
    sums, n = np.zeros((tasks, len(blocks))), np.zeros((tasks, len(blocks)))
    for run, value in zip(runs, values, strict=True):
        sums[run.task, at[run.block]] += math.nan if value is None else value
        n[run.task, at[run.block]] += 1
    return list(sums / n)


def _ratio(one: Estimate, other: Estimate, ones: F64, others: F64) -> Estimate:
    if not other.value:
        return Estimate(value=None, low=0.0, high=math.inf, unit="1", status="incomplete")
    return quotient(one, other, ones, others)


def _judged(task: int, energy: Estimate, time: Estimate, sides: Sequence[Side], minutes: float) -> Ratio:
    name, first = sides[task].name, sides[0].name
    if energy.value is None:
        return Ratio(of=task, energy=energy, time=time, differs=False, verdict=f"{name}: {energy.status}")
    differs = energy.U > 0 and abs(energy.value - 1) > energy.U
    if differs:
        verdict = f"{name} uses {_by_how_much(energy.value, energy.U)} {first}"
    elif not energy.U:
        verdict = f"{name} and {first}: their variation is unknown: not compared"
    else:
        more = _to_see(energy, sides[task].n, minutes)
        verdict = f"{name}: no difference can be seen at this precision (± {100 * energy.U:.2g} %){more}"
    return Ratio(of=task, energy=energy, time=time, differs=differs, verdict=verdict)


def _by_how_much(ratio: float, half: float) -> str:
    """``49 % ± 3 % less energy than``, or ``2.10 ± 0.05 times the energy of``."""
    if ratio >= _TIMES:
        return f"{figure(ratio, half, '1')} times the energy of"
    percent = figure(100 * abs(ratio - 1), 100 * half, Scale("%", 1.0))
    return f"{percent} {'less' if ratio < 1 else 'more'} energy than"


def _to_see(ratio: Estimate, n: int, minutes: float) -> str:
    """How many runs and minutes it would take to see one per cent; nothing where this sees it."""
    if ratio.U <= SEEN:
        return ""
    random = tuple(c for c in ratio.components if c.name in (*WINDOWS_OWN, "repeatability"))
    u = replace(ratio, components=random).u
    fixed = math.sqrt(max(ratio.u**2 - u**2, 0.0))
    if fixed >= SEEN / _K:
        of = "this sensor resolves between programs" if share(ratio) else "these two sensors can resolve"
        return f"; {100 * SEEN:g} % is below what {of}, however many runs"
    more = (u / math.sqrt((SEEN / _K) ** 2 - fixed**2)) ** 2
    runs = math.ceil(n * max(more, 1.0))
    return f"; to see {100 * SEEN:g} % takes about {runs} runs of each, {minutes * runs / n:.2g} minutes"
