"""Components of uncertainty and how they combine (JCGM 100:2008; docs/methods.md).

A component is one reason why a figure may be wrong, as a *signed* standard uncertainty: the sign says
which way the figure moves when its cause moves up. Components that share a cause share a ``group``
and add with their signs before anything is squared. So the gain of a sensor drops out of a ratio of
two of its figures, an edge that two adjoining windows share drops out of their sum, and a baseline
that was subtracted from each of a hundred windows does not average away.

Decision: correlation within a group is full, and between groups none. Real causes are in between;
what is given up is a matrix that nobody could fill in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

LEVEL = 0.95  # of confidence, of every expanded uncertainty
ROOT_3 = math.sqrt(3.0)  # half the width of a rectangle over its standard uncertainty (JCGM 100:2008, 4.3.7)
ROOT_12 = math.sqrt(12.0)  # and all of its width

NORMAL, RECTANGULAR, TRIANGULAR, STUDENT = "normal", "rectangular", "triangular", "t"
BOUNDED = "bounded"
"""Within half-width a = √3 u, and as likely at its end as anywhere: a prior that nothing has measured."""
ALIASED = "aliased"
"""Rectangular by itself, but swept slowly: two of them a fixed time apart differ by one of two values."""

HIDDEN = "swings"
"""The component of power that goes up and down between readings; ``aliased`` where it keeps its phase."""

SENSOR = frozenset(("gain", "code", "offset", "linearity", "model"))
"""The components that say how good a sensor is: whatever was read, they stay."""

_NUMBERED = re.compile(r"(/|^edge:.*:)-?\d+$")  # a group of one update, one mark or one instant
_DOF_LARGE = 50  # from here on k is that of the normal distribution, rounded as the GUM does: 2
_DOMINANT = math.sqrt(0.95)  # a share of u from which one component's own form decides k
_TERMS = 40  # of the continued fraction: it needs about √(dof / 2)
_HALVINGS = 50
K_OF_RECTANGULAR = 1.65
_K_OF_FORM = {
    RECTANGULAR: K_OF_RECTANGULAR,
    TRIANGULAR: 1.90,
    ALIASED: ROOT_3,
}  # of a: 0.95 a √3, (1 − √0.05) a √6
# Beside a bounded component at its end the rest errs to one side only: 0.9 a √3, (1 − √0.1) a √6, and half of
# what a normal one has outside.
_ONE_SIDED = {K_OF_RECTANGULAR: 1.56, 1.90: 1.68}
_AT_TIPS = 1.4  # times what holds 19 in 20 windows that begin and end anywhere in what a load swings
_OF_NORMAL = 1.645 / 1.960
_OF_LESSER = 2 * (1 - math.sqrt(0.05)) / 0.95 - 1  # of two as wide, whose sum is a triangle


def both(one: float, other: float) -> float:
    """Half the width of a rectangle that holds 95 % of the sum of two, of these half widths."""
    return max(one, other) + _OF_LESSER * min(one, other)


class Component(NamedTuple):
    """One reason why a figure may be wrong.

    Attributes:
        name: ``edges``, ``quantisation``, ``read time``, ``repeatability``, ``gain``, ``offset``,
            ``aliasing``, ``baseline``, ``coverage``, ``model``, …
        u: Standard uncertainty that it contributes, in the figure's unit, signed.
        kind: ``A``, from repeated observation, or ``B``, from anything else.
        form: Of its distribution: ``normal``, ``rectangular``, ``triangular``, ``bounded``, ``aliased``
            or ``t``.
        dof: Degrees of freedom of ``u``; infinite for most of type B.
        group: Components of one group are fully correlated; empty: with nothing.
    """

    name: str
    u: float
    kind: str = "B"
    form: str = NORMAL
    dof: float = math.inf
    group: str = ""


class Combined(NamedTuple):
    """What components come to: ``u``, the effective degrees of freedom, ``k`` and ``U = k u``."""

    u: float
    dof: float
    k: float
    U: float


def combined(gathered_components: Sequence[Component]) -> Combined:
    """Combines what :func:`gathered` gave by the law of propagation of uncertainty.

    The degrees of freedom are Welch and Satterthwaite's.
    ``k`` is 2 from 50 degrees of freedom on and Student's quantile below; where one component of
    bounded form makes nearly all of the variance, that form's own (docs/methods.md). Components of the
    form ``bounded`` may all be at their ends, so that their half-widths add, and the rest comes on top:
    alone they have k = √3.
    """
    u = math.hypot(*(component.u for component in gathered_components))
    if u == 0.0:
        return Combined(0.0, math.inf, 2.0, 0.0)
    lost = math.fsum((c.u / u) ** 4 / c.dof for c in gathered_components if c.dof != math.inf)
    dof = 1 / lost if lost else math.inf
    rest = [component for component in gathered_components if component.form != BOUNDED]
    of_rest = math.hypot(*(component.u for component in rest))
    k = (_k_of_few(rest, of_rest) if of_rest else 0.0) or (2.0 if dof >= _DOF_LARGE else student(dof))
    ends = ROOT_3 * math.fsum(abs(c.u) for c in gathered_components if c.form == BOUNDED)
    expanded = max(ends + _ONE_SIDED.get(k, _OF_NORMAL * k) * of_rest, k * of_rest)
    return Combined(u, dof, expanded / u, expanded)


def _k_of_few(components: Sequence[Component], u: float) -> float:
    """The coverage factor where one or two components of bounded form are nearly everything; else 0.

    Two rectangular ones of like size make a triangle, and that of the triangle serves for any two. The two
    largest aliased ones may differ by as much as they can, whatever else there is: 19 in 20 windows may be
    at one value, and the 20th far off. And what a load swings that hides between updates may be the same at
    all edges of a sum, of windows that lie at one phase of it.
    """
    first, *rest = sorted(components, key=_size, reverse=True)
    aliased = [each for each in (first, *rest) if each.form == ALIASED]
    more = [abs(each.u) for each in aliased[2:] if each.name == HIDDEN]
    together = [abs(each.u) for each in aliased[:2]] + more
    if len(together) >= 2:
        others = math.sqrt(max(u * u - math.fsum(each * each for each in together), 0.0))
        ends = ROOT_3 * math.fsum(together) * (_AT_TIPS if more else 1.0)
        return math.hypot(ends, 2.0 * others) / u
    if abs(first.u) >= _DOMINANT * u:
        return _K_OF_FORM.get(first.form, 0.0)
    second = rest[0]
    if math.hypot(first.u, second.u) < _DOMINANT * u:
        return 0.0
    return _K_OF_FORM[TRIANGULAR] if {first.form, second.form} <= _K_OF_FORM.keys() else 0.0


def _size(component: Component) -> float:
    return abs(component.u)


def gathered(components: Iterable[Component]) -> list[Component]:
    """The components with those of one group added up, signs and all; the largest names the sum."""
    alone: list[Component] = []
    groups: dict[str, list[Component]] = {}
    for component in components:
        (groups.setdefault(component.group, []) if component.group else alone).append(component)
    return alone + [group[0] if len(group) == 1 else _sum(group) for group in groups.values()]


def _sum(group: Sequence[Component]) -> Component:
    largest = max(group, key=_size)
    # Welch and Satterthwaite's rule for sizes that add: a tiny member has a tiny say.
    size = math.fsum(abs(component.u) for component in group)
    lost = math.fsum((c.u / size) ** 4 / c.dof for c in group if c.dof != math.inf) if size else 0.0
    dof = 1 / lost if lost else math.inf
    return largest._replace(u=math.fsum(component.u for component in group), dof=dof)


def of_trace(components: Iterable[Component], trace: str) -> tuple[Component, ...]:
    """The components of one trace's figure, before it is added to those of other traces.

    An update, a mark or an instant is numbered within its trace: the third update of one has nothing to do
    with the third of another, though both carry one number. A gain is common to both, and keeps its group.
    """
    return tuple(
        each._replace(group=f"{each.group} of {trace}") if _NUMBERED.search(each.group) else each
        for each in components
    )


def scaled(components: Iterable[Component], factor: float) -> tuple[Component, ...]:
    """The components of a figure that was multiplied by an exact number, its sign included."""
    return tuple(component._replace(u=component.u * factor) for component in components)


@lru_cache(maxsize=1024)
def student(dof: float, level: float = LEVEL) -> float:
    """The two-sided quantile of Student's t: half of what lies outside is above it.

    Solved from the distribution function by bisection; the function is the regularised incomplete
    beta, by its continued fraction (Abramowitz and Stegun 26.5.8, 26.7.1).
    """
    low, high = 0.0, 1.0
    while _inside(high, dof) < level:
        high *= 2.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _inside(middle, dof) < level else (low, middle)
    return high


def _inside(t: float, dof: float) -> float:
    """The probability that Student's t lies within ± t."""
    return 1.0 - _incomplete_beta(dof / 2, 0.5, dof / (dof + t * t))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side only
        return 1.0 - _incomplete_beta(b, a, 1.0 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    value = 0.0
    for m in range(_TERMS, 0, -1):  # from the tail: no convergence test is needed
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        value = even / (1.0 + odd / (1.0 + value))
    first = -(a + b) * x / (a + 1)
    return front / a / (1.0 + first / (1.0 + value))
