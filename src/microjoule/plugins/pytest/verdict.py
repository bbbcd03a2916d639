"""A test's energy now and in an earlier run: the ratio, and whether it rose by more than is allowed. Pure.

On one machine the gain of its sensors drops out of the ratio. Of another machine it does not, whatever the
channels are called, so the groups of an earlier figure from elsewhere get names of their own.

Decision: a figure fails a limit where it rose by more than the limit *and* by more than the 95 %
uncertainty of the difference. Figures that cannot be set side by side (other channels, estimated against
measured, no figure) fail too, since a gate must not open by itself; of a single window, about whose
scatter nothing is known, nothing is judged, and it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...joules.environments import Difference, differences, refused
from ...joules.estimates.estimate import Estimate
from ...measuring.comparison import Ratio, Side, apart
from ...measuring.estimate_json import from_json
from ...measuring.measurement import Measurement
from ...report import written_numbers
from ...report.measured_lines import with_spread
from ...value_class import dataclass
from .options import Limit
from .saved import STATE

ELSEWHERE = "recorded on another machine ({}): the gain of its sensors does not cancel"
OTHER_CODE = (
    "± of ratios holds that sensors err by other amounts for other code; if the tests run the same code as "
    "then: --energy-same-code"
)
NOWHERE = "nothing says on which machine it was recorded: the gain of its sensors does not cancel"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a comparison.

    Attributes:
        ratio: Now over then; None: they cannot be compared, or there is nothing to compare with.
        remark: What there is to know; empty: nothing.
        failure: Why it fails the limits; empty: it does not.
    """

    ratio: Estimate | None = None
    remark: str = ""
    failure: str = ""


def earlier(run: Mapping[str, Any], fullname: str) -> Mapping[str, Any] | None:
    """The row of a test in a saved run."""
    return next((test for test in run["tests"] if test["fullname"] == fullname), None)


def state_differences(facts: Mapping[str, Any], run: Mapping[str, Any]) -> list[Difference]:
    """What of the machine's settings is not what it was in an earlier run."""
    return differences({name: facts.get(name) for name in STATE}, run["machine"])


def other_state(facts: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Why two runs of one machine cannot be compared: settings that move energy by themselves; or empty."""
    grave = refused(state_differences(facts, run))
    return "; ".join(each.sentence("this run", "the earlier one") for each in grave)


def judged(
    found: Measurement,
    then: Mapping[str, Any] | None,
    is_elsewhere: bool,
    limits: Sequence[Limit],
    *,
    is_same_code: bool = False,
    other_state: str = "",
) -> Verdict:
    """A measurement against its row in an earlier run.

    Args:
        found: The measurement now.
        then: The row; None: the test is new.
        is_elsewhere: Whether the earlier run is of another machine.
        limits: What it may rise by.
        is_same_code: Whether it is the same code as then, on a changed machine or of a changed library.
        other_state: What of the machine's settings forbids to compare, as :func:`other_state` has it.
    """
    if then is None:
        return Verdict(remark="new: not in the earlier run")
    before, obstacle = _side(then, is_elsewhere), _obstacle(found, then)
    if not obstacle and (found.energy.value is None or not before.energy.value):
        obstacle = f"no figure: {found.energy.status} now, {before.energy.status} then"
    obstacle = obstacle or other_state
    if obstacle:
        failure = f"cannot be compared with the earlier run: {obstacle}" if limits else ""
        return Verdict(remark=obstacle, failure=failure)
    now = Side(name="now", n=len(found.plan.counts), energy=found.energy, time=found.time, power=found.power)
    before, now = apart((before, now), found.channels, is_same_code=is_same_code).sides
    ratio = apart((before, now), found.channels, is_same_code=is_same_code).ratios[0]
    if min(before.n, now.n) < 2:
        return Verdict(ratio.energy, "only one window was measured: not judged")
    failures = (sentence for each in limits if (sentence := _failure(before, now, ratio, each)))
    remark = "" if ratio.differs else "no difference seen"
    return Verdict(ratio.energy, remark, next(failures, ""))


def _obstacle(found: Measurement, then: Mapping[str, Any]) -> str:
    measurement = then["measurement"]
    if list(found.channels) != list(measurement["channels"]):
        return f"other channels: {' + '.join(found.channels)} now, {' + '.join(measurement['channels'])} then"
    if found.energy.provenance != measurement["provenance"]:
        return f"{found.energy.provenance} now, {measurement['provenance']} then"
    return ""


def _side(then: Mapping[str, Any], is_elsewhere: bool) -> Side:
    energy, time, power = (from_json(then["kept"][part]) for part in ("energy", "time", "power"))
    return Side(
        name="before",
        n=int(then["measurement"]["windows"]),
        energy=_of_its_own(energy) if is_elsewhere else energy,
        time=time,
        power=power,
    )


def _of_its_own(estimate: Estimate) -> Estimate:
    parts = tuple(c._replace(group=f"then:{c.group}" if c.group else "") for c in estimate.components)
    return replace(estimate, components=parts)


def _failure(before: Side, now: Side, ratio: Ratio, limit: Limit) -> str:
    earlier_j, later_j = before.energy.value or 0.0, now.energy.value or 0.0
    allowed_j = limit.allowed_j(earlier_j)
    difference = now.energy - before.energy
    rise_j, spread_j = later_j - earlier_j, difference.U
    is_beyond = ratio.differs if limit.share else rise_j > spread_j > 0
    if rise_j <= allowed_j or not is_beyond:
        return ""
    by = written_numbers.share(rise_j, earlier_j)
    doubt = written_numbers.share(ratio.energy.U, 1.0)
    if not limit.share:
        by, doubt = written_numbers.quantity(rise_j, "J"), written_numbers.spread(spread_j, "J")
    return (
        f"one call takes {with_spread(_shown(now.energy))}, and took {with_spread(_shown(before.energy))}: "
        f"it rose by {by} ± {doubt}, and {limit.text} is allowed"
    )


def _shown(estimate: Estimate) -> dict[str, Any]:
    return estimate.to_json() or {}
