"""``uj watch``: what every channel draws now, four times a second, until ``q``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NoTerminal, TraceError
from . import activity, options

if TYPE_CHECKING:
    from ..live.level import Level
    from ..live.session import Session

FRAME_S = 0.25
QUIET_S = 5.0  # a recorder writes once a second
_DESCRIPTION = """\
Shows each channel's power now and before, its energy so far, and missed
ticks, four times a second. It works over ssh. q quits; r starts and
stops a recording.

With TRACE it follows a file that `uj run -o` or `uj record` is writing in
another process.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "watch", help="show the power of every channel now, in the terminal", description=_DESCRIPTION
    )
    parser.add_argument(
        "trace", nargs="?", type=Path, metavar="TRACE", help="follow this file, which another process records"
    )
    activity.add_by(parser)
    options.add_channels(options.add_sampling(parser))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Watches until ``q``."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NoTerminal(
            "uj watch needs a terminal, and standard output is not one",
            "Use `uj run` for a command, `uj record -o TRACE` for a file, or `uj serve` for metrics",
        )
    return _follow(arguments.trace) if arguments.trace else _sample(arguments)


def _sample(arguments: argparse.Namespace) -> int:
    """What this machine draws."""
    from ..live.session import Session
    from ..recording.plan import plan
    from .meter import meter

    planned = plan("/dev/null", meter(arguments, arguments.only))
    planned = replace(
        planned,
        facts={**planned.facts, "by": arguments.by},
        activity=activity.plan(arguments, has_command=False),
    )
    with _screen() as (show, key), Session(planned) as session:
        tapes: list[Path] = []

        def words() -> Mapping[str, Any]:
            return {**_live(state)(), "tenants": session.tenants()}

        def state() -> str:
            if session.failure is not None:
                return str(session.failure)
            return f"● recording {session.recording}" if session.recording else _made(tapes)

        for pressed, seen in _frames(show, key, session.levels, words):
            if pressed == "q":
                last = seen
                break
            if pressed == "r":
                _toggle(session, tapes)
    _say_goodbye(last)
    for path in tapes:
        print(path)
    for channel, why in session.recorder.left_out.items():
        print(f"uj: {channel} was left out: {why}", file=sys.stderr)
    return 0


def _live(state: Callable[[], str]) -> Callable[[], Mapping[str, str]]:
    return lambda: {
        "title": "uj watch",
        "subject": "the machine",
        "state": state(),
        "keys": "q quits, r records" if not state().startswith("●") else "q quits, r stops",
    }


def _say_goodbye(seen: Mapping[str, Any]) -> None:
    """Leaves one sentence in the terminal, which the screen of bars has left."""
    from ..report.live_view import farewell

    sentence = farewell(seen)
    if sentence:
        print(sentence)


def _made(tapes: list[Path]) -> str:
    return f"recorded {tapes[-1]}" if tapes else ""


def _toggle(session: Session, tapes: list[Path]) -> None:
    """Begins a recording, or ends the one that there is."""
    if session.recording is not None:
        session.stop()
        return
    path = _free(Path(time.strftime("watch-%Y%m%d-%H%M%S.arrows")))
    try:
        session.record(path, "watch")
    except TraceError as error:
        session.failure = error
    else:
        tapes.append(path)


def _free(path: Path) -> Path:
    """The path, or the next one that no file has."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found


def _follow(path: Path) -> int:
    """What another process writes."""
    from ..live.totals import Totals
    from ..trace.tail import Tail

    tail = Tail(path)
    totals = Totals(tail.channels)
    grown_s = time.monotonic()

    def look() -> tuple[Level, ...]:
        nonlocal grown_s
        for batch in tail.read():
            totals.add(batch)
            grown_s = time.monotonic()
        return totals.levels()

    def state() -> str:
        if tail.damage:
            return f"{len(tail.damage)} damaged batches left out: {tail.damage[-1]}"
        if tail.is_ended:
            return "the recording has ended"
        quiet_s = time.monotonic() - grown_s
        return f"no reading for {quiet_s:.0f} s: its writer may be gone" if quiet_s > QUIET_S else "following"

    head = {"title": f"uj watch {path.name}", "subject": path.name, "keys": "q quits"}
    with _screen() as (show, key):
        for pressed, seen in _frames(show, key, look, lambda: {**head, "state": state()}):
            if pressed == "q":
                last = seen
                break
    _say_goodbye(last)
    for why in tail.damage:
        print(f"uj: a batch was left out: {why}", file=sys.stderr)
    return 0


def _frames(
    show: Callable[[Mapping[str, Any]], None],
    key: Callable[[float], str],
    look: Callable[[], tuple[Level, ...]],
    words: Callable[[], Mapping[str, Any]],
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Shows a frame, waits for its time to pass or for a key, and gives that key with what was shown."""
    from ..live.scene import Scene, read_s, total

    scene = Scene()
    next_s = time.monotonic()
    rows: list[Mapping[str, Any]] = []
    elapsed_s = 0.0
    while True:
        now_s = time.monotonic()
        if now_s >= next_s:
            next_s = max(next_s + FRAME_S, now_s)
            levels = look()
            rows, elapsed_s = scene.look(levels), read_s(levels)
        seen = {
            **words(), "rows": rows, "total": total(rows), "elapsed_s": elapsed_s, "look_s": FRAME_S,
        }  # fmt: skip
        show(seen)
        yield key(max(next_s - time.monotonic(), 0.0)), seen


@contextmanager
def _screen() -> Iterator[tuple[Callable[[Mapping[str, Any]], None], Callable[[float], str]]]:
    """The terminal to draw on, and its keys; as it was afterwards, whatever ends it."""
    import select
    import signal
    import termios
    import tty

    from ..late import extra
    from ..report import live_view

    console = extra("rich.console").Console(highlight=False, markup=False, emoji=False)
    live = extra("rich.live").Live(console=console, screen=True, auto_refresh=False)
    text = extra("rich.text").Text
    before = termios.tcgetattr(sys.stdin)

    def show(scene: Mapping[str, Any]) -> None:
        width, height = console.size
        drawn = text(no_wrap=True)
        for number, line in enumerate(live_view.lines(scene, width, height)):
            one = text(f"{line}\n")
            one.highlight_regex(live_view.BARS, live_view.COLOURS[number % len(live_view.COLOURS)])
            drawn.append_text(one)
        drawn.right_crop(1)
        live.update(drawn, refresh=True)

    def key(wait_s: float) -> str:
        keyboard = sys.stdin.fileno()
        ready, _, _ = select.select([keyboard], [], [], wait_s)
        # Not through sys.stdin, whose buffer select does not see. A terminal that went away reads nothing.
        return (os.read(keyboard, 1).decode(errors="replace").lower() or "q") if ready else ""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    old = {one: signal.signal(one, end) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        tty.setcbreak(sys.stdin)
        with live:
            yield show, key
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        for one, handler in old.items():
            signal.signal(one, handler)
