"""A server under several loads while the machine is recorded: the whole of ``uj bench``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ServerFailed
from ..footprint.chosen_factors import Terms
from ..joules.energy_trace import Trace
from ..measuring.own_recorder import Recorder
from ..plugins.inference.chosen_counters import counters_of
from .figures import Measured, measured, plain
from .load import Level, Played, Say, play
from .streaming import Target

SCHEMA = "microjoule.bench/1"
Plain = dict[str, Any]


class Server(NamedTuple):
    """A server and what it is asked.

    Attributes:
        url: Its base URL.
        target: The endpoint.
        prompts: Prompts without end.
    """

    url: str
    target: Target
    prompts: Iterator[str]


def played(
    recorder: Recorder, server: Server, levels: Sequence[Level], idle_s: float, say: Say
) -> list[Played]:
    """Plays all levels while the machine is recorded, with idle seconds before, between and after them.

    A level during which the server stopped is the last one.
    """
    found: list[Played] = []
    with recorder:
        for number, level in enumerate(levels, 1):
            say(f"idle for {idle_s:g} s")
            time.sleep(idle_s)
            say(f"level {number} of {len(levels)}: {level.words} for {level.for_s:g} s")
            with recorder.window(level.words):
                found.append(play(server.url, server.target, server.prompts, level))
            if found[-1].is_cut:
                break
        say(f"idle for {idle_s:g} s")
        time.sleep(idle_s)
    return found


def results(
    trace: Trace, of: Sequence[Played], channels: Sequence[str], devices: Sequence[str], idle_s: float
) -> tuple[list[str], list[Measured]]:
    """The counters that were taken and are added, and each level's figures."""
    counters = counters_of(trace, channels, devices)
    return [each.channel.id for each in counters], [measured(counters, each, idle_s) for each in of]


def provenance(trace: Trace, channels: Sequence[str]) -> str:
    """``measured``, or what the least of the channels is."""
    found = {trace.channels[name].provenance for name in channels}
    return found.pop() if len(found) == 1 else min(found - {"measured"})


def document(
    server: Server, channels: Sequence[str], provenance: str, found: Sequence[Measured], terms: Terms
) -> Plain:
    """All of it as plain data."""
    return {
        "schema": SCHEMA,
        "url": server.url,
        "gen_ai.request.model": server.target.model,
        "channel": " + ".join(channels),
        "channels": list(channels),
        "provenance": provenance,
        "levels": [plain(each, terms) for each in found],
        "footprint": terms.to_json(),
    }


def stopped(found: Sequence[Measured], levels: Sequence[Level]) -> ServerFailed | None:
    """What to raise where the server stopped before all levels were played; None: it did not."""
    last = found[-1].played
    if len(found) == len(levels) and not last.is_cut:
        return None
    errors = [answer.error for answer in last.answers if answer.row is None]
    answered = len(last.answers) - len(errors)
    why = errors[-1] if errors else "no answer"
    return ServerFailed(
        f"The server stopped answering at {last.level.words}, after {answered} answers: {why}",
        "See its own log; the levels before that one are complete",
    )


def log_lines(found: Sequence[Measured]) -> Iterator[str]:
    """The requests as ``uj attribute`` reads them, a line each."""
    for each in found:
        for row in each.rows:
            line = {
                "id": row.name,
                "start_ns": row.start_ns,
                "first_token_ns": row.first_ns,
                "end_ns": row.end_ns,
                "gen_ai.usage.input_tokens": row.prompt,
                "gen_ai.usage.cache_read.input_tokens": row.cached,
                "gen_ai.usage.output_tokens": row.output,
                **({"prefill_ns": row.prefill_ns} if row.prefill_ns >= 0 else {}),
                "chunk_ns": list(row.pieces_ns),
            }
            yield json.dumps(line) + "\n"


def write_log(found: Sequence[Measured], path: Path) -> None:
    """Writes the log of the requests."""
    path.write_text("".join(log_lines(found)), encoding="utf-8")
