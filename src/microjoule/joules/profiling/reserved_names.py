"""Names that reports give to time that has none: a window, a kernel or a function called so is quoted.

So is a name that is blank or has blanks at an end, which nobody could tell from another one.
"""

from __future__ import annotations

NO_WINDOW = "(no window)"
OTHER_NAMES = "(other names)"
CUT_WINDOWS = "(cut windows)"
IDLE = "(idle)"
OUTSIDE = "(outside)"
NOT_SAMPLED = "(not sampled)"

_RESERVED = frozenset({NO_WINDOW, OTHER_NAMES, CUT_WINDOWS, IDLE, OUTSIDE, NOT_SAMPLED})


def quoted(name: str) -> str:
    """A program's own name as reports have it: no two have one, and none is a reserved one."""
    bare = name.strip('"')  # what is quoted here is quoted again, so that no two names become one
    is_clear = bare == bare.strip() and bare and bare not in _RESERVED
    return name if is_clear else f'"{name}"'
