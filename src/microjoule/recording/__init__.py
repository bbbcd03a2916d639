"""From channels to a trace file: samplers, one drain, one writer.

The package is called ``recording`` and not ``record`` because ``uj.record`` is a function, and the
import system would put a module of that name in its place. Names are lazy, so that a program that
only marks windows loads no sampler.
"""

from __future__ import annotations

from ..late import lazy

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from .lane import Cadence as Cadence
    from .meter import Meter as Meter
    from .plan import RecordingPlan as RecordingPlan
    from .recorder import RawRecorder as RawRecorder

_HOMES = {"Cadence": "lane", "Meter": "meter", "RawRecorder": "recorder", "RecordingPlan": "plan"}
__getattr__ = lazy(__name__, _HOMES)
