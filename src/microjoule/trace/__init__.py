"""The trace: recorded readings and their channel table, in one file that any Arrow tool opens.

Names are lazy: ``from microjoule.trace import schema`` for the recorder costs no more than that.
"""

from __future__ import annotations

from ..late import lazy

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from .raw_trace import RawTrace as RawTrace
    from .raw_trace import merge as merge
    from .repairing import repair as repair
    from .series import Series as Series
    from .window import Window as Window

_HOMES = {
    "Series": "series",
    "RawTrace": "raw_trace",
    "merge": "raw_trace",
    "repair": "repairing",
    "Window": "window",
}
__getattr__ = lazy(__name__, _HOMES)
