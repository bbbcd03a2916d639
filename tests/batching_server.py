"""A scripted server that batches continuously, and beside it a counter whose power its batches decide.

``python batching_server.py FOLDER [SETTINGS]`` serves OpenAI's streaming endpoints on a free port, which it
prints. FOLDER becomes the root of a machine with one energy counter, ``gpu-0/energy`` in µJ, that a
recorder reads as text. A step computes a token of each answer under way and up to ``budget`` tokens of
prompts; its energy is what the settings say, over the time that it really took. So a busy machine delays it,
and changes no truth. SIGTERM writes ``truth.json``: each request's counts and energies.

``busy`` names the file of an NVML stand-in (standin/nvml_standin.c) whose GPUs draw ``busy_w`` more while
they are busy: each step then makes them busy for as long as its energy takes. ``tokens.json`` has each
token's time.

The settings that break it: ``usage`` false: no counts; ``burst``: that many tokens a piece; ``dies_after``:
it ends after so many requests; ``fails``: every n-th request is answered with HTTP 500; ``garbled``: streams
that are no JSON.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import signal
import sys
import time
from fractions import Fraction
from pathlib import Path

SETTINGS = {
    "idle_w": 50.0, "running_w": 1.0, "prefill_j": 0.02, "decode_j": 0.1,
    "step_s": 0.004, "prompt_token_s": 4e-5, "budget": 512,
    "busy": "", "busy_w": 600.0, "usage": True, "burst": 1, "dies_after": 0, "fails": 0, "garbled": False,
}  # fmt: skip
TICK_S = 0.002


class Served:
    """A request under way."""

    def __init__(self, prompt: int, output: int) -> None:
        self.prompt, self.output = prompt, output
        self.left, self.given = prompt, 0
        self.prefill_j = self.decode_j = self.running_j = 0.0
        self.pieces: asyncio.Queue[int] = asyncio.Queue()


class Engine:
    """The steps, and the counter."""

    def __init__(self, folder: Path, settings: dict) -> None:
        self.set = settings
        self.file = (folder / "energy_uj").open("r+b", buffering=0)
        self.joules, self.since = 0.0, time.monotonic()
        self.waiting: list[Served] = []
        self.answering: list[Served] = []
        self.done: list[Served] = []
        self.tokens_ns: list[int] = []
        self.pulses: memoryview | None = None
        if settings["busy"]:
            with Path(settings["busy"]).open("r+b") as file:
                self.pulses = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
        self.n_pulses = 0

    def pulse(self, joules: float) -> float:
        """Makes the stand-in's GPUs busy for as long as an energy takes; that time in s."""
        took = joules / self.set["busy_w"]
        if self.pulses is None or not joules:
            return 0.0
        now, at = time.monotonic_ns(), 2 * self.n_pulses
        self.pulses[at + 1] = now + round(took * 1e9)
        self.pulses[at] = now  # last: the stand-in looks at beginnings
        self.n_pulses += 1
        return took

    def pass_time(self, busy_j: float = 0.0) -> float:
        """Counts what idle, requests and a step took since the last time; the seconds that passed."""
        now = time.monotonic()
        took, self.since = now - self.since, now
        for each in (*self.waiting, *self.answering):
            each.running_j += self.set["running_w"] * took
        running = len(self.waiting) + len(self.answering)
        self.joules += (self.set["idle_w"] + self.set["running_w"] * running) * took + busy_j
        self.file.seek(0)
        self.file.write(b"%018d\n" % int(self.joules * 1e6))
        return took

    async def run(self) -> None:
        """Steps for ever. A step's energy is counted evenly over it, tick by tick."""
        while True:
            if not self.waiting and not self.answering:
                await asyncio.sleep(TICK_S)
                self.pass_time()
                continue
            left, parts = self.set["budget"], []
            for each in self.waiting:
                parts.append((each, min(each.left, left)))
                left -= parts[-1][1]
            tokens = self.set["budget"] - left
            answering = list(self.answering)
            length = self.set["step_s"] + self.set["prompt_token_s"] * tokens
            whole = self.set["prefill_j"] * tokens + self.set["decode_j"] * len(answering)
            self.pass_time()
            length = max(length, self.pulse(whole))
            begun, counted = self.since, 0.0
            while counted < whole * (1 - 1e-9) or self.since - begun < length:
                await asyncio.sleep(min(TICK_S, length))
                share = min((time.monotonic() - begun) / length, 1.0)
                self.pass_time(whole * share - counted)
                counted = whole * share
            self._end(parts, answering)

    def _end(self, parts: list[tuple[Served, int]], answering: list[Served]) -> None:
        for each, tokens in parts:
            each.left -= tokens
            each.prefill_j += self.set["prefill_j"] * tokens
        for each in answering:
            each.decode_j += self.set["decode_j"]
        for each in [*answering, *(each for each, _ in parts if not each.left)]:
            each.given += 1
            each.pieces.put_nowait(each.given)
            self.tokens_ns.append(time.monotonic_ns())
        begun = [each for each in self.waiting if not each.left]
        self.waiting = [each for each in self.waiting if each.left]
        both = [*answering, *begun]
        self.answering = [each for each in both if each.given < each.output]
        self.done += [each for each in both if each.given >= each.output]


class Server:
    """HTTP over the engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.n = engine, 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                line, *headers = head.split("\r\n")
                length = next((int(h[15:]) for h in headers if h.lower().startswith("content-length:")), 0)
                body = json.loads(await reader.readexactly(length) or b"{}")
                await self._answer(line.split()[1], body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, body: dict, writer: asyncio.StreamWriter) -> None:
        of = self.engine.set
        if path == "/v1/models":
            return await _plain(writer, 200, {"data": [{"id": "scripted"}]})
        if not path.endswith("/completions"):
            return await _plain(writer, 404, {"error": {"message": "no such path"}})
        self.n += 1
        if of["dies_after"] and self.n > of["dies_after"]:
            raise SystemExit(1)
        if of["fails"] and self.n > 1 and self.n % of["fails"] == 0:
            return await _plain(writer, 500, {"error": {"message": "out of memory"}})
        text = body["prompt"] if "prompt" in body else body["messages"][0]["content"]
        one = Served(len(text.split()), int(body["max_tokens"]))
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        self.engine.waiting.append(one)
        given = 0
        while given < one.output:
            given = await one.pieces.get()
            if given % of["burst"] == 0 or given == one.output:
                _chunk(writer, "{" if of["garbled"] else {"choices": [{"delta": {"content": "x"}}]})
                await writer.drain()
        if of["usage"]:
            _chunk(
                writer, {"choices": [], "usage": {"prompt_tokens": one.prompt, "completion_tokens": given}}
            )
        _chunk(writer, "[DONE]")
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return None


def _chunk(writer: asyncio.StreamWriter, said: object) -> None:
    data = f"data: {said if isinstance(said, str) else json.dumps(said)}\n\n".encode()
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


async def _plain(writer: asyncio.StreamWriter, status: int, said: dict) -> None:
    data = json.dumps(said).encode()
    writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(data), data))
    await writer.drain()


def write_machine(folder: Path) -> None:
    """The machine that a recorder reads."""
    from places import identity

    from microjoule.channel import Access, Channel, Scale, Timing, Trust
    from microjoule.sources import script

    channel = Channel(
        **identity("gpu-0/energy"),
        source="script",
        lane="gpu-0",
        scale=Scale(quantity="J", unit=Fraction(1, 1_000_000), unit_source="interface"),
        timing=Timing(update_ns=2_000_000, update_max_ns=20_000_000),
        trust=Trust(power_limit_w=2000.0, power_limit_source="script"),
        access=Access(reader="text", path="energy_uj"),
    )
    script.write_machine(folder, [channel])
    (folder / "energy_uj").write_bytes(b"%018d\n" % 0)


async def serve(folder: Path, settings: dict) -> None:
    engine = Engine(folder, {**SETTINGS, **settings})
    steps = asyncio.create_task(engine.run())
    server = await asyncio.start_server(Server(engine).handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    steps.cancel()
    served = [
        {name: getattr(each, name) for name in ("prompt", "output", "prefill_j", "decode_j", "running_j")}
        for each in engine.done
    ]
    (folder / "truth.json").write_text(json.dumps(served))
    (folder / "tokens.json").write_text(json.dumps(engine.tokens_ns))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    write_machine(Path(sys.argv[1]))
    asyncio.run(serve(Path(sys.argv[1]), json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}))
