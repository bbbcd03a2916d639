"""What of a sensor's error depends on the code that runs, and whose code a figure is of.

A sensor's *gain* is common to its device: whatever runs, it is the same, and drops out of a ratio. But a
counter that models the power from events (AMD's RAPL, Intel's before Haswell) errs by other amounts for
other instructions and other data, and one that measures still errs with how the power fluctuates and where
on the board it is drawn. That part, the component ``code``, has one value for one code. It drops out of a
ratio only where the same code ran on both sides.

A meter knows nothing of windows, so its figures say that all code is one. The trace, which knows whose
windows they are, then names the code: windows of one name in one trace run the same code, those of another
name or of another trace do not. Who knows better says so (``--same-code``).

The starting values per sensor are tables in ``sources/``: the judgement of this project from
Fahad et al. 2019 (https://doi.org/10.3390/en12112204), Hackenberg et al. 2015
(https://doi.org/10.1109/IPDPSW.2015.70) and Schöne et al. 2021 (https://arxiv.org/abs/2108.00808).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from .uncertainty import Component, combined, gathered

if TYPE_CHECKING:
    from .estimate import Estimate

    E = TypeVar("E", bound=Estimate)

CODE = "code"
ALIKE = "alike:"
"""How a group begins of what readings do not show of windows, and is alike in all that run one code: what
else is in the readings of a gauge that is updated more rarely than they last."""
_APART = "\x1f"  # between the sensor and the code in the name of a group: neither holds a control character
_ROUNDING = 1e-12  # of what cancels, the most that arithmetic leaves


def of_code(components: Iterable[Component], code: str) -> tuple[Component, ...]:
    """The components of a figure of some code: its part that depends on code is that code's alone.

    Args:
        components: Of the figure; whose code it was said to be of is forgotten.
        code: A name; empty: of the same code as all others without one.
    """
    return tuple(_of(part, code) if _depends(part) else part for part in components)


def labelled(estimate: E, code: str) -> E:
    """The same figure as one of that code: see :func:`of_code`."""
    if not any(map(_depends, estimate.components)):
        return estimate
    return replace(estimate, components=of_code(estimate.components, code))


def share(ratio: Estimate) -> float:
    """What the dependence on code comes to in a ratio, as a standard uncertainty; 0: it dropped out."""
    parts = [part for part in ratio.components if part.name == CODE]
    u = combined(gathered(parts)).u
    return u if u > _ROUNDING * max((abs(part.u) for part in parts), default=0.0) else 0.0


def _depends(part: Component) -> bool:
    return part.name == CODE or part.group.startswith(ALIKE)


def _of(part: Component, code: str) -> Component:
    sensor = part.group.partition(_APART)[0]
    return part._replace(group=f"{sensor}{_APART}{code}" if code else sensor)
