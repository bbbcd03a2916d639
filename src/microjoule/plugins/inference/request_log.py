"""Logs of a server's requests: microjoule's own, one JSON object a line, and what ``vllm bench serve`` saves.

A line of microjoule's own format has

* ``start_ns``, ``first_token_ns``, ``end_ns``: when the request was sent, its first token came, it ended. Or
  ``start``, ``first_token``, ``end`` in seconds. Times from 2001 on are the clock of the day, earlier ones
  CLOCK_MONOTONIC. ``gen_ai.response.time_to_first_chunk``, in seconds, may stand for the first token.
* ``gen_ai.usage.input_tokens``, ``gen_ai.usage.output_tokens`` and, of the prompt's tokens, those from the
  cache: ``gen_ai.usage.cache_read.input_tokens``. These are the names of OpenTelemetry's semantic
  conventions; ``prompt_tokens``, ``output_tokens`` (or ``completion_tokens``) and ``cached_tokens`` do as
  well.
* Optional: ``id``; ``prefill_ns``, when its prompt began to be computed; ``chunk_ns``, when pieces of the
  answer came; ``error``, why it failed.

vLLM: ``vllm bench serve --save-result --save-detailed`` writes one object of lists. Its ``start_times`` are
``time.perf_counter()``, on Linux CLOCK_MONOTONIC, so that they need no alignment. It has no cached tokens.
(https://github.com/vllm-project/vllm, ``vllm/benchmarks/serve.py``.)

A request without all three times and both counts has no share: it is left out and counted by reason.
"""

from __future__ import annotations

import json
import math
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from ...errors import RequestLogError
from ...joules.serving.requests import Requests
from ...trace.series import I64
from ...units import NS_PER_S
from ...value_class import dataclass

_HEAD = 1 << 16  # bytes in which a file says what it is
_PROFILE = (b'"traceEvents"', b'"schemaVersion"', b'"deviceProperties"')
_VLLM = ("start_times", "ttfts", "itls", "input_lens", "output_lens")
_DAY_NS = 10**18  # the clock of the day, in ns, has been above it since 2001; no machine runs for 31 years
_TIMES = {"start": ("start_ns", "start"), "end": ("end_ns", "end")}
_FIRST = ("first_token_ns", "first_token")
_SINCE_START = "gen_ai.response.time_to_first_chunk"
_PROMPT = ("gen_ai.usage.input_tokens", "prompt_tokens", "input_tokens")
_OUTPUT = ("gen_ai.usage.output_tokens", "output_tokens", "completion_tokens")
_CACHED = ("gen_ai.usage.cache_read.input_tokens", "cached_tokens")
_NONE = np.empty(0, np.int64)

Plain = Mapping[str, Any]


class Row(NamedTuple):
    """One request: times in ns, of one clock; -1: it is not known when the prefill began."""

    name: str
    start_ns: int
    first_ns: int
    end_ns: int
    prompt: int
    cached: int
    output: int
    prefill_ns: int = -1
    pieces_ns: tuple[int, ...] = ()

    def moved(self, by_ns: int) -> Row:
        """The request by a clock that is ahead by so much."""
        return self._replace(
            start_ns=self.start_ns + by_ns,
            first_ns=self.first_ns + by_ns,
            end_ns=self.end_ns + by_ns,
            prefill_ns=self.prefill_ns if self.prefill_ns < 0 else self.prefill_ns + by_ns,
            pieces_ns=tuple(each + by_ns for each in self.pieces_ns),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RequestLog:
    """A log that was read.

    Attributes:
        path: Its file.
        rows: The requests that have times and counts.
        left_out: How many others there are, by reason.
        is_realtime: Whether its times are the clock of the day; else they are CLOCK_MONOTONIC.
    """

    path: str
    rows: tuple[Row, ...]
    left_out: Mapping[str, int]
    is_realtime: bool

    @property
    def span_ns(self) -> tuple[int, int]:
        """From the first request's start to the last one's end, by the log's clock."""
        return min(row.start_ns for row in self.rows), max(row.end_ns for row in self.rows)

    @property
    def requests(self) -> Requests:
        """The requests, by the log's clock."""
        return requests(self.rows)

    def moved(self, by_ns: int) -> RequestLog:
        """The log of a clock that is ahead by so much."""
        return replace(self, rows=tuple(row.moved(by_ns) for row in self.rows)) if by_ns else self


def requests(rows: Sequence[Row]) -> Requests:
    """Rows as arrays."""
    start, first, end, prompt, cached, output, prefill = (
        np.array([row[number] for row in rows], np.int64) for number in range(1, 8)
    )
    pieces = tuple(_after(np.array(row.pieces_ns, np.int64), row.first_ns) for row in rows)
    names = tuple(row.name for row in rows)
    return Requests(names, start, first, end, prompt, cached, output, prefill, pieces)


def _after(pieces_ns: I64, first_ns: int) -> I64:
    found: I64 = np.sort(pieces_ns[pieces_ns > first_ns]) if len(pieces_ns) else _NONE
    return found


def is_log(path: Path) -> bool:
    """Whether a file looks like a log of requests, and not like a profile.

    Raises:
        RequestLogError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise RequestLogError(f"{path} cannot be read: {error.strerror}", "Name another file") from error
    if path.suffix == ".jsonl":
        return True
    if any(word in head for word in _PROFILE) or not head.lstrip().startswith(b"{"):
        return False
    words = (*_TIMES["start"], *_VLLM, "total_input_tokens")
    return any(f'"{word}"'.encode() in head for word in words)


def read(path: Path) -> RequestLog:
    """The log in a file.

    Raises:
        RequestLogError: It cannot be read, is no such log, or no request in it has times and counts.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RequestLogError(f"{path} cannot be read: {error.strerror}", "Name another file") from error
    except UnicodeDecodeError as error:
        raise RequestLogError(f"{path} is not UTF-8 text", "Name a .jsonl file of requests") from error
    reasons: Tally[str] = Tally()
    whole = _object(text)
    parsed = _of_vllm(path, whole, reasons) if whole is not None else _of_lines(path, text, reasons)
    rows = tuple(parsed)
    if not rows:
        left = ", ".join(f"{n} {why}" for why, n in reasons.items()) or "it is empty"
        raise RequestLogError(f"{path} has no request with times and token counts: {left}", _REMEDY)
    clocks = {row.start_ns >= _DAY_NS for row in rows}
    if len(clocks) > 1:
        raise RequestLogError(
            f"{path} mixes CLOCK_MONOTONIC and wall-clock time", "Use one clock in all lines"
        )
    return RequestLog(str(path), rows, dict(reasons), clocks.pop())


_REMEDY = (
    "Write start_ns, first_token_ns, end_ns, gen_ai.usage.input_tokens and gen_ai.usage.output_tokens for "
    "each request"
)


def _object(text: str) -> Plain | None:
    """The one object of lists that a file is; None: it has a line for each request."""
    if not any(f'"{word}"' in text for word in (*_VLLM, "total_input_tokens")):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _of_lines(path: Path, text: str, reasons: Tally[str]) -> Iterable[Row]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            plain = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RequestLogError(f"line {number} of {path} is not a JSON object", _REMEDY) from error
        if not isinstance(plain, dict):
            raise RequestLogError(f"line {number} of {path} is not a JSON object", _REMEDY)
        row = _row(plain, number, reasons)
        if row is not None:
            yield row


def _row(plain: Plain, number: int, reasons: Tally[str]) -> Row | None:
    """A line's request; None: it lacks something, which is counted."""
    if plain.get("error"):
        reasons["failed"] += 1
        return None
    start, end = (_instant(plain, names) for names in _TIMES.values())
    first, since = _instant(plain, _FIRST), plain.get(_SINCE_START)
    if first is None and start is not None and _is_number(since):
        first = start + round(since * NS_PER_S)
    if start is None or end is None or first is None:
        reasons["without a start, a first token or an end"] += 1
        return None
    prompt, output, cached = (_count(plain, names) for names in (_PROMPT, _OUTPUT, _CACHED))
    if prompt is None or output is None:
        reasons["without token counts"] += 1
        return None
    if not start <= first <= end:
        reasons["with times out of order"] += 1
        return None
    prefill = _instant(plain, ("prefill_ns",))
    chunks = plain.get("chunk_ns") or ()
    return Row(
        str(plain.get("id", plain.get("gen_ai.response.id", number))),
        start,
        first,
        end,
        prompt,
        min(cached or 0, prompt),
        output,
        -1 if prefill is None else min(max(prefill, start), first),
        tuple(int(each) for each in chunks if _is_number(each)),
    )


def _of_vllm(path: Path, plain: Plain, reasons: Tally[str]) -> Iterable[Row]:
    missing = [word for word in _VLLM if not isinstance(plain.get(word), list)]
    if missing:
        raise RequestLogError(
            f"{path} is a result of `vllm bench serve` without {', '.join(missing)}",
            "Run it with --save-result --save-detailed, and a version that writes start_times",
        )
    columns = [plain[word] for word in _VLLM]
    n = len(columns[0])
    if any(len(column) != n for column in columns):
        raise RequestLogError(f"the lists of {path} differ in length", "Save the result again")
    errors = plain.get("errors") or [""] * n
    for number, (start, ttft, gaps, prompt, output, error) in enumerate(
        zip(*columns, errors, strict=False), 1
    ):
        if error or not _is_number(start) or not _is_number(ttft) or not ttft:
            reasons["failed"] += 1
            continue
        since = np.cumsum([ttft, *gaps]) * NS_PER_S
        instants = (round(start * NS_PER_S) + np.rint(since).astype(np.int64)).tolist()
        first, *pieces = instants
        row = Row(str(number), round(start * NS_PER_S), first, instants[-1], int(prompt), 0, int(output))
        yield row._replace(pieces_ns=tuple(pieces))


def _instant(plain: Plain, names: tuple[str, ...]) -> int | None:
    """An instant in ns: the first name has it so, another one in seconds."""
    for name in names:
        value = plain.get(name)
        if _is_number(value):
            return int(value) if name.endswith("_ns") else round(value * NS_PER_S)
    return None


def _count(plain: Plain, names: tuple[str, ...]) -> int | None:
    value = next((plain[name] for name in names if name in plain), None)
    return int(value) if _is_number(value) and value >= 0 else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
