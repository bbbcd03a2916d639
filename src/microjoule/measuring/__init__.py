"""Short kernels and comparisons: pilot, plan, run, and what came of it.

Planning and statistics are pure (``plan``, ``repeats``, ``waits``, ``baseline``, ``comparison``) and
know no clock and no counter file; ``measure``, ``compare`` and ``poller`` do the recording. The package
is not called ``measure`` because ``uj.measure`` is a function, and a package of that name would take
its place. Names are lazy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..late import lazy

if TYPE_CHECKING:
    from .comparison import Comparison as Comparison
    from .measurement import Measurement as Measurement
    from .window_plan import Ask as Ask
    from .window_plan import Pilot as Pilot
    from .window_plan import Plan as Plan

_HOMES = {
    "Ask": "window_plan",
    "Comparison": "comparison",
    "Measurement": "measurement",
    "Pilot": "window_plan",
    "Plan": "window_plan",
}
__getattr__ = lazy(__name__, _HOMES)
