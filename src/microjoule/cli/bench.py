"""``uj bench URL``: the energy of an inference server by load, per request and per token."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from . import documents, options, quantities
from .progress import progress

if TYPE_CHECKING:
    from ..bench.benchmark import Server
    from ..bench.load import Level

_ENDPOINTS = {"chat": "/v1/chat/completions", "completions": "/v1/completions"}
_SEED = 1


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "bench",
        help="measure an inference server: energy per request and per token, by load",
        description=(
            "Sends requests to an OpenAI-compatible server on this machine, records the machine while "
            "they run, and reports joules per request and per token, speed, CO2e and cost at each load. "
            "Tokens are as the server counts them."
        ),
    )
    parser.add_argument(
        "url", type=_base_url, metavar="URL", help="base URL of the server: http://127.0.0.1:8000"
    )
    parser.add_argument(
        "-c",
        "--at-once",
        type=_counts,
        default="1,4,16",
        metavar="N,N",
        help="concurrent requests, one level each [1,4,16]",
    )
    parser.add_argument(
        "--request-rate",
        type=_rates,
        default="",
        metavar="R,R",
        help="requests per second instead, one level each",
    )
    parser.add_argument(
        "--duration",
        type=options.duration_s,
        default=30.0,
        metavar="TIME",
        help="duration of each level [30s]",
    )
    parser.add_argument(
        "--idle",
        type=options.duration_s,
        default=5.0,
        metavar="TIME",
        help="idle time before and after each level [5s]",
    )
    group = parser.add_argument_group("requests")
    group.add_argument(
        "--prompt-words", type=_lengths, default="10-1000", metavar="A-B", help="length of prompts [10-1000]"
    )
    group.add_argument("--prompts", type=Path, metavar="FILE", help="read prompts from FILE, one per line")
    group.add_argument(
        "--output-tokens", type=_positive, default=128, metavar="N", help="maximum tokens per answer [128]"
    )
    group.add_argument(
        "--ignore-eos", action="store_true", help="always generate that many (vLLM, SGLang, llama.cpp)"
    )
    group.add_argument("--model", default="", metavar="NAME", help="model to use [the first listed]")
    group.add_argument("--endpoint", choices=tuple(_ENDPOINTS), default="chat", help="API endpoint [chat]")
    parser.add_argument(
        "--channel",
        action="append",
        default=[],
        metavar="ID",
        help="read this counter (repeat to add several) [all GPUs', or the first]",
    )
    parser.add_argument(
        "--device",
        action="append",
        default=[],
        metavar="GPU",
        help="read this GPU's counter (repeat to add several)",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="TRACE", help="keep the trace")
    parser.add_argument("--log", type=Path, metavar="FILE", help="keep the requests, for `uj attribute`")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write JSON too; -: to stdout, instead of the text"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw J/token by load: .svg or .html")
    options.add_footprint(parser)
    options.add_sampling(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Plays the levels, and prints what they took.

    Raises:
        ServerFailed: The server does not answer, or stopped; then what was measured is printed before.
    """
    from ..bench import benchmark
    from ..measuring.record import record
    from ..report import bench_svg, bench_table
    from .meter import meter
    from .scratch import scratch

    if arguments.plot is not None:
        bench_svg.ready(arguments.plot)
    for output in (arguments.json, arguments.plot, arguments.log, arguments.output):
        quantities.refuse_unwritable(output)
    terms, levels = options.terms(arguments), _levels(arguments)
    server = _server(arguments)
    with progress() as say, scratch() as folder:
        recorder = record(arguments.output or folder / "bench.arrows", meter(arguments))
        played = benchmark.played(recorder, server, levels, arguments.idle, say)
        say("fitting")
        trace = recorder.trace
        channels, found = benchmark.results(
            trace, played, arguments.channel, arguments.device, arguments.idle
        )
    plain = benchmark.document(server, channels, benchmark.provenance(trace, channels), found, terms)
    if arguments.log is not None:
        benchmark.write_log(found, arguments.log)
    if arguments.json is not None:
        text = json.dumps(plain, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        documents.write_text(text, arguments.json)
    if arguments.plot is not None:
        documents.write_text(bench_svg.render(plain, arguments.plot), arguments.plot)
    if arguments.json != Path("-"):
        sys.stdout.write(bench_table.render(plain))
    failure = benchmark.stopped(found, levels)
    if failure is not None:
        sys.stdout.flush()
        raise failure
    return 0 if any(each.figures for each in found) else 1


def _base_url(text: str) -> str:
    """The server's address without its path; http is assumed, as curl does. An argparse type."""
    whole = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(whole)
        is_one = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of its port
        is_one = False
    if not is_one:
        raise argparse.ArgumentTypeError(f"{text!r} is not an HTTP address: write http://127.0.0.1:8000")
    return whole.rstrip("/").removesuffix("/v1")


def _server(arguments: argparse.Namespace) -> Server:
    """The server, after one small request."""
    from ..bench import load, prompts
    from ..bench.benchmark import Server
    from ..bench.streaming import Target

    url = arguments.url
    model = arguments.model or load.model_of(url)
    target = Target(_ENDPOINTS[arguments.endpoint], model, arguments.output_tokens, arguments.ignore_eos)
    if arguments.prompts is not None:
        asked = prompts.of_file(arguments.prompts)
    else:
        asked = prompts.of_length(arguments.prompt_words, _SEED)
    load.checked(url, target)
    return Server(url, target, asked)


def _levels(arguments: argparse.Namespace) -> list[Level]:
    from ..bench.load import Level

    if arguments.request_rate:
        return [Level(0, rate, arguments.duration) for rate in arguments.request_rate]
    return [Level(n, 0.0, arguments.duration) for n in arguments.at_once]


def _counts(text: str) -> list[int]:
    """``1,4,16``; an argparse type."""
    from ..bench.load import MOST_AT_ONCE

    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(1 <= n <= MOST_AT_ONCE for n in found):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of numbers from 1 to {MOST_AT_ONCE}: write 1,4,16"
        )
    return found


def _rates(text: str) -> list[float]:
    """``0.5,2``; an argparse type."""
    try:
        found = [float(part) for part in text.split(",")] if text else []
    except ValueError:
        found = [-1.0]
    if not all(0.0 < rate < 1e5 for rate in found):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of requests per second: write 0.5,2")
    return found


def _lengths(text: str) -> tuple[int, int]:
    """``100`` or ``10-1000``; an argparse type."""
    first, _, last = text.partition("-")
    try:
        found = int(first), int(last or first)
    except ValueError:
        found = (0, 0)
    if not 1 <= found[0] <= found[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length: write 100, or 10-1000")
    return found


def _positive(text: str) -> int:
    """A number of at least 1; an argparse type."""
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)
