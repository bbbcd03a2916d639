"""One request to an OpenAI-compatible endpoint, and what its stream says and when.

Tokens are counted by the server: ``usage`` (asked for with ``stream_options``), or llama.cpp's ``timings``.
Pieces of a stream are no tokens: a server may send several in one, or part of a character in none. Their
times say only when the answer grew.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..late import extra
from ..plugins.inference.request_log import Row
from ..units import NS_PER_MS

COUNTLESS = "without token counts"
BURSTS = 8  # tokens a piece from which times between them say little of when they were computed
_SHOWN = 200  # characters of a server's own message
_TEXT = ("content", "reasoning_content", "reasoning", "tool_calls")

Plain = Mapping[str, Any]


class Target(NamedTuple):
    """What to ask, and how.

    Attributes:
        path: Of the endpoint, after the base URL.
        model: Its name.
        output_tokens: The most that an answer may have.
        ignores_end: Whether to ask for all of them, whatever the model says.
    """

    path: str
    model: str
    output_tokens: int
    ignores_end: bool

    def body(self, prompt: str) -> dict[str, Any]:
        """What is sent for a prompt."""
        asked = (
            {"messages": [{"role": "user", "content": prompt}]} if "chat" in self.path else {"prompt": prompt}
        )
        ending = {"ignore_eos": True} if self.ignores_end else {}
        return {
            "model": self.model,
            **asked,
            "max_tokens": self.output_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            **ending,
        }


class Answer(NamedTuple):
    """What came of one request.

    Attributes:
        row: Its times and counts; None: it has none.
        error: Why not.
        is_bursty: Whether its tokens came in few pieces.
    """

    row: Row | None
    error: str = ""
    is_bursty: bool = False


class _Stream:
    """What a stream has said so far."""

    def __init__(self) -> None:
        self.pieces_ns: list[int] = []
        self.usage: Plain = {}
        self.timings: Plain = {}
        self.error = ""

    def take(self, line: str, t_ns: int) -> None:
        """Takes a line of server-sent events."""
        if not line.startswith("data:") or (text := line[5:].strip()) == "[DONE]":
            return
        try:
            said = json.loads(text)
        except ValueError:
            self.error = f"the stream is not JSON: {text[:_SHOWN]}"
            return
        if not isinstance(said, dict):
            return
        if said.get("error"):
            self.error = _message(said["error"])
        self.usage = said.get("usage") or self.usage
        self.timings = said.get("timings") or self.timings
        if any(_has_text(choice) for choice in said.get("choices") or ()):
            self.pieces_ns.append(t_ns)

    def answer(self, name: str, start_ns: int) -> Answer:
        """What it came to."""
        if self.error:
            return Answer(None, self.error)
        counts = _counts(self.usage, self.timings)
        if counts is None:
            return Answer(None, COUNTLESS)
        if not self.pieces_ns:
            return Answer(None, "without an answer")
        prompt, cached, output = counts
        first, end = self.pieces_ns[0], self.pieces_ns[-1]
        took_ms = self.timings.get("prompt_ms")
        prefill = max(first - round(took_ms * NS_PER_MS), start_ns) if took_ms else -1
        row = Row(name, start_ns, first, end, prompt, min(cached, prompt), output, prefill)
        row = row._replace(pieces_ns=tuple(self.pieces_ns[1:]))
        return Answer(row, is_bursty=output > BURSTS * len(self.pieces_ns))


async def ask(client: Any, target: Target, prompt: str, name: str) -> Answer:  # noqa: ANN401 - httpx's
    """Sends one request and reads its stream to the end.

    Args:
        client: An ``httpx.AsyncClient``.
        target: What to ask.
        prompt: The prompt.
        name: What the request is called.
    """
    errors = extra("httpx", "bench").HTTPError
    stream, start_ns = _Stream(), time.monotonic_ns()
    try:
        async with client.stream("POST", target.path, json=target.body(prompt)) as response:
            if response.status_code != 200:
                text = (await response.aread()).decode("utf-8", "replace")
                return Answer(None, f"HTTP {response.status_code}: {_message(text)}")
            async for line in response.aiter_lines():
                stream.take(line, time.monotonic_ns())
    except errors as error:
        return Answer(None, f"{type(error).__name__}: {error}"[:_SHOWN])
    return stream.answer(name, start_ns)


def _has_text(choice: Plain) -> bool:
    delta = choice.get("delta") or {}
    return bool(choice.get("text")) or any(delta.get(key) for key in _TEXT)


def _counts(usage: Plain, timings: Plain) -> tuple[int, int, int] | None:
    """The tokens of the prompt, those of them from the cache, and of the answer; None: nobody counted."""
    prompt, output = usage.get("prompt_tokens"), usage.get("completion_tokens")
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    if cached is None:
        cached = timings.get("cache_n") or 0
    if prompt is None and "prompt_n" in timings:
        prompt, output = timings["prompt_n"] + cached, timings.get("predicted_n")
    return None if prompt is None or output is None else (int(prompt), int(cached), int(output))


def _message(said: object) -> str:
    """What a server says of an error, in one line."""
    if isinstance(said, str):
        with contextlib.suppress(ValueError, AttributeError):
            said = json.loads(said).get("error", said)
    if isinstance(said, dict):
        said = said.get("message", said)
    return " ".join(str(said).split())[:_SHOWN]
