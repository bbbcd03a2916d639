"""Measures what a calibration holds: each channel polled without a pause, then left alone, then loaded.

``calibrate`` is the whole of it; ``microjoule.calibration`` keeps what it finds.
"""

from __future__ import annotations

from ..lazy import lazy

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from .learn import calibrate as calibrate

__getattr__ = lazy(__name__, {"calibrate": "learn"})
