"""The trace: recorded readings and their channel table, in one file that any Arrow tool opens.

Names are lazy: ``from microjoule.trace import schema`` for the recorder costs no more than that.
"""

from __future__ import annotations

from ..late import lazy

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from .series import Series as Series
    from .trace import Trace as Trace
    from .trace import load as load
    from .trace import merge as merge
    from .trace import repair as repair
    from .window import Window as Window

_HOMES = {
    "Series": "series",
    "Trace": "trace",
    "load": "trace",
    "merge": "trace",
    "repair": "trace",
    "Window": "window",
}
__getattr__ = lazy(__name__, _HOMES)
