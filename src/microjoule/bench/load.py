"""Load on a server: so many requests at once, each followed by the next, or so many a second.

A *closed loop* keeps a number of requests under way. An *open loop* sends at a rate, at random times, however
long the answers take: what users do who know nothing of one another.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..errors import ServerFailed
from ..late import extra
from ..units import nanoseconds, seconds
from .streaming import COUNTLESS, Answer, Target, ask

_IN_A_ROW = 5  # failures after which a server is taken to have stopped
_CONNECT_S = 10.0
_SILENT_S = 120.0  # without a byte, after which a request has failed
_WHOLE = 0.99  # of the time for which a level was to last
MOST_AT_ONCE = 4096


class Level(NamedTuple):
    """How much load, and for how long requests are sent.

    Attributes:
        at_once: Requests under way; 0: they are sent at ``rate``.
        rate: Requests a second.
        for_s: For how long.
    """

    at_once: int
    rate: float
    for_s: float

    @property
    def words(self) -> str:
        """``16 at once`` or ``2 a second``."""
        return f"{self.at_once} at once" if self.at_once else f"{self.rate:g} a second"


class Played(NamedTuple):
    """A level that was played.

    Attributes:
        level: Which one.
        t0_ns: When its first request was sent, CLOCK_MONOTONIC.
        t1_ns: When no more were sent.
        t2_ns: When the last one had ended.
        answers: What came of each, in the order of their ends.
    """

    level: Level
    t0_ns: int
    t1_ns: int
    t2_ns: int
    answers: tuple[Answer, ...]

    @property
    def is_cut(self) -> bool:
        """Whether sending ended early, because the server stopped."""
        return seconds(self.t1_ns - self.t0_ns) < _WHOLE * self.level.for_s


def model_of(url: str) -> str:
    """The model that a server offers first.

    Raises:
        ServerFailed: Nobody answers, or not as an OpenAI-compatible server does.
    """
    httpx = extra("httpx", "bench")
    try:
        response = httpx.get(f"{url}/v1/models", timeout=_CONNECT_S)
        return str(response.json()["data"][0]["id"])
    except httpx.HTTPError as error:
        raise ServerFailed(
            f"No server answers at {url}: {error}", "Start it, or check the address and the port"
        ) from error
    except (ValueError, LookupError, TypeError) as error:
        raise ServerFailed(
            f"{url} is not an OpenAI-compatible endpoint: /v1/models gave HTTP {response.status_code}",
            "Give the base URL, without /v1; or --model NAME if it lists no models",
        ) from error


def checked(url: str, target: Target) -> None:
    """Sends one small request, and refuses a server with which nothing could be counted.

    Raises:
        ServerFailed: It fails, or its stream has no token counts.
    """
    answer = asyncio.run(_one(url, target._replace(output_tokens=min(target.output_tokens, 4))))
    if answer.error == COUNTLESS:
        raise ServerFailed(
            f"{url} streams without token counts, and chunks of a stream are not tokens",
            "Use a server whose stream ends with `usage` (stream_options.include_usage), as vLLM, SGLang "
            "and llama.cpp do",
        )
    if answer.row is None:
        raise ServerFailed(
            f"{url}{target.path} gave no answer: {answer.error}",
            "Check the URL, --endpoint and --model with one request by hand",
        )


async def _one(url: str, target: Target) -> Answer:
    async with _client(url) as client:
        return await ask(client, target, "Say something.", "check")


def play(url: str, target: Target, prompts: Iterator[str], level: Level) -> Played:
    """Plays a level to its end. What fails is among its answers.

    Args:
        url: The base URL.
        target: What to ask.
        prompts: Prompts without end.
        level: How much, and for how long.
    """
    return asyncio.run(_Player(url, target, prompts, level).play())


def _client(url: str) -> Any:  # noqa: ANN401 - httpx's
    httpx = extra("httpx", "bench")
    # A connection of its own for each request: servers close kept ones when they like, amid a send.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    timeout = httpx.Timeout(_SILENT_S, connect=_CONNECT_S, pool=None)
    return httpx.AsyncClient(base_url=url, timeout=timeout, limits=limits)


class _Player:
    """One level, as it is played."""

    def __init__(self, url: str, target: Target, prompts: Iterator[str], level: Level) -> None:
        self._url, self._target, self._prompts, self._level = url, target, prompts, level
        self._answers: list[Answer] = []
        self._failed = 0  # in a row
        self._sent = 0

    async def play(self) -> Played:
        t0 = time.monotonic_ns()
        until = t0 + nanoseconds(self._level.for_s)
        async with _client(self._url) as client:
            if self._level.at_once:
                workers = (self._again(client, until) for _ in range(self._level.at_once))
                await asyncio.gather(*workers)
            else:
                await self._at_times(client, until)
        t2 = time.monotonic_ns()
        return Played(self._level, t0, min(until, t2), t2, tuple(self._answers))

    def _goes_on(self, until: int) -> bool:
        return time.monotonic_ns() < until and self._failed < _IN_A_ROW

    async def _again(self, client: Any, until: int) -> None:  # noqa: ANN401 - httpx's
        while self._goes_on(until):
            await self._ask(client)

    async def _at_times(self, client: Any, until: int) -> None:  # noqa: ANN401 - httpx's
        chance, tasks = random.Random(0), set[asyncio.Task[None]]()
        at = time.monotonic_ns()
        # What is due is sent, however late this program is: the rate is the one that was asked for.
        while at < until and self._failed < _IN_A_ROW and len(tasks) < MOST_AT_ONCE:
            await asyncio.sleep(max(seconds(at - time.monotonic_ns()), 0.0))
            task = asyncio.create_task(self._ask(client))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            at += nanoseconds(chance.expovariate(self._level.rate))
        await asyncio.gather(*tasks)

    async def _ask(self, client: Any) -> None:  # noqa: ANN401 - httpx's
        self._sent += 1
        answer = await ask(client, self._target, next(self._prompts), f"{self._level.words} #{self._sent}")
        self._failed = 0 if answer.row else self._failed + 1
        self._answers.append(answer)


Say = Callable[[str], None]
