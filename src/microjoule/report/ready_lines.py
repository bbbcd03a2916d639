"""Whether a machine is ready for a benchmark, a line a check, and the answer last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .wrapping import wrapped

_MARKS = {True: "ok  ", False: "not "}


def lines(checks: Sequence[Mapping[str, Any]], environment: str) -> list[str]:
    """The checks, what fixes those that fail, and the answer as the last line.

    Args:
        checks: Of each ``what``, ``is_ready``, ``found`` and ``fix``.
        environment: The id of the machine's state.
    """
    said = []
    for each in checks:
        said += wrapped(f"{_MARKS[each['is_ready']]}{each['what']}: {each['found']}", 4)
        if not each["is_ready"]:
            said.append(f"    fix: {each['fix']}")  # a command stays on one line, to be copied
    wrong = sum(not each["is_ready"] for each in checks)
    if not checks:
        answer = "Nothing can be checked here: the kernel shows no clock, no temperature and no CPU time."
    elif wrong:
        answer = f"Not ready: {wrong} of {len(checks)} checks. Results will scatter, or depend on the moment."
    else:
        answer = f"Ready: all {len(checks)} checks."
    return [*said, *wrapped(f"environment {environment}"), *wrapped(answer)]
