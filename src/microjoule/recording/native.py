"""The native half, or the sentence of why it is not here."""

from __future__ import annotations

import sys

from ..errors import NativeMissing

try:
    from .._native import (
        Columns,
        Feed,
        Marks,
        Sampler,
        clock_pair,
        confine,
        now_ns,
        reader_names,
        signal_wait,
        work,
    )
except ImportError as error:
    raise NativeMissing.on(sys.platform, str(error)) from error

__all__ = [
    "Columns",
    "Feed",
    "Marks",
    "Sampler",
    "clock_pair",
    "confine",
    "now_ns",
    "reader_names",
    "signal_wait",
    "work",
]
