"""The native half, or the sentence of why it is not here."""

from __future__ import annotations

import sys

from ..errors import NativeMissing

try:
    from .._native import Columns, Feed, Marks, Sampler, clock_pair, confine, now_ns, reader_names, work
except ImportError as error:
    raise NativeMissing(
        f"The native half of microjoule is missing ({error}), so nothing can be sampled here",
        "Traces can still be read. To sample: pip install --force-reinstall --no-binary microjoule microjoule"
        if sys.platform.startswith("linux")
        else f"It is built on Linux only, and this is {sys.platform}; traces can be read here",
    ) from error

__all__ = ["Columns", "Feed", "Marks", "Sampler", "clock_pair", "confine", "now_ns", "reader_names", "work"]
