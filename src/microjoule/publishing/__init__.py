"""A bundle: traces with all that a stranger needs to check the figures taken from them.

A bundle is a function of its traces and of the factors that were chosen, and of nothing else: no clock, no
path, no machine. So whoever has it can make it again from the raw counts inside and compare, byte by byte or
figure by figure. ``docs/publishing.md`` has what that proves and what it does not.
"""

from .publish import publish
from .verdict import Finding, Verdict
from .verify import verify

__all__ = ["Finding", "Verdict", "publish", "verify"]
