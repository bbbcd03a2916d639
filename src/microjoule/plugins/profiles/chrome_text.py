r"""One event of a Chrome trace whose text is no JSON, made into JSON where that is plain.

Profilers print numbers and paths as they are: a bare ``inf``, ``nan`` or ``N/A``, and the lone backslashes of
``C:\Users`` (pytorch/kineto issues 131 and 133). Nothing but that one value is wrong: a bare word becomes
null, a backslash that starts no escape becomes two.
"""

from __future__ import annotations

import re

_STRING = r'"(?:[^"\\]|\\.)*"'
_PART = re.compile(rf"{_STRING}|[{{}}\[\]]", re.DOTALL)
_VALUE = re.compile(rf'{_STRING}|[^\s,:\[\]{{}}"]+', re.DOTALL)
_LONE = re.compile(r'\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})')
_JSON = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_NEXT = re.compile(r"\}\s*,\s*(?=\{)")


def end_of(text: str, at: int) -> int | None:
    """Where the object or array that begins at ``at`` ends; None: not within the text."""
    depth = 0
    for found in _PART.finditer(text, at):
        sign = found[0]
        if sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            if depth <= 0:
                return found.end()
    return None


def repaired(text: str) -> str:
    """The text of one value with bare words as null and lone backslashes doubled."""
    return _VALUE.sub(_as_json, text)


def next_event(text: str, at: int) -> int | None:
    """Where the next object of the array begins after one that cannot be read; None: not within the text."""
    found = _NEXT.search(text, at + 1)
    return found.end() if found else None


def _as_json(found: re.Match[str]) -> str:
    word = found[0]
    if word.startswith('"'):
        return _LONE.sub(r"\\\\", word)
    return word if _JSON.fullmatch(word) else "null"
