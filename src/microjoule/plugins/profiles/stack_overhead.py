"""What sampling stacks takes from a program: the same work alone, under bare perf, and under uj flame.

The work is a loop in a process that lives through all rounds and takes its own CPU time. In each round it
does the work once in each way, in random order: perf is attached to it twice, as it is used bare and as
``uj flame`` uses it, and is switched on and off between pieces of work; the recorder of ``uj flame`` is
stopped and continued. So no start of a process is in it and no layout of one in memory, and what other
programs do meanwhile is in all ways alike.

A loss is the median CPU time of the work in a way over that alone, less one. Its interval, and that of the
ratio of two losses, is of the rounds drawn again and again (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13).
"""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import SourceUnavailable
from .samplers import PerfRecord, flame_options, perf_obstacle

ALONE, BARE, FLAME = "alone", "perf record", "uj flame"
_WORK = (
    "import sys, time\n"
    "def work(n):\n"
    "    x = 1\n"
    "    for i in range(n): x = (x * 69069 + i) & 0xFFFFFFFF\n"
    "    return x\n"
    "work(200_000)\n"
    "for line in sys.stdin:\n"
    "    t = time.process_time_ns()\n"
    "    work(200_000)\n"  # about 15 ms
    "    print(time.process_time_ns() - t, flush=True)\n"
)
ROUNDS, QUICK_ROUNDS = 500, 20
_DRAWS = 2000
_OF_INTERVAL = (0.025, 0.975)
_READY_S = 60.0  # within which a recorder starts, even where the machine is busy
_LOOK_S = 0.05

F64 = npt.NDArray[np.float64]


class Loss(NamedTuple):
    """What a way of sampling took.

    Attributes:
        rate_hz: Stacks a second.
        way: ``perf record`` or ``uj flame``.
        share: The loss, as a share of the work's time.
        low: The smallest that it may be, at 95 %.
        high: The largest.
        rounds: Of how many rounds.
        has_recorder: Whether readings were recorded meanwhile, as ``uj flame`` does.
        of_bare: Of ``uj flame``, its loss by that of bare perf; None: of that itself, or where that is none.
        of_bare_low: The smallest that this may be, at 95 %.
        of_bare_high: The largest.
    """

    rate_hz: float
    way: str
    share: float
    low: float
    high: float
    rounds: int
    has_recorder: bool = False
    of_bare: float | None = None
    of_bare_low: float | None = None
    of_bare_high: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return self._asdict()


def measured(rate_hz: float, folder: Path, say: Callable[[str], None], rounds: int = ROUNDS) -> list[Loss]:
    """The losses at a rate.

    Args:
        rate_hz: Stacks a second.
        folder: For perf's files.
        say: Takes what is under way, in words.
        rounds: How often each way has its turn.

    Raises:
        SourceUnavailable: perf may not sample here.
    """
    obstacle = perf_obstacle()
    if obstacle:
        raise SourceUnavailable(
            f"No stacks can be sampled: {obstacle}", "Run `sudo sysctl kernel.perf_event_paranoid=1`"
        )
    taken: dict[str, list[int]] = {ALONE: [], BARE: [], FLAME: []}
    order, rng = list(taken), random.Random(0)
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(_worker())
        recorder = stack.enter_context(_recorder(folder / "readings.arrows"))
        ways = {
            ALONE: _Switch(),
            BARE: _Switch(stack.enter_context(_perf(work, _bare_options(rate_hz), folder / "bare.data"))),
            FLAME: _Switch(
                stack.enter_context(_perf(work, flame_options(rate_hz, "fp"), folder / "flame.data")),
                recorder,
            ),
        }
        for number in range(rounds):
            if number % 10 == 0:
                say(f"stacks at {rate_hz:g} Hz, round {number + 1} of {rounds}")
            rng.shuffle(order)
            for way in order:
                with ways[way].on():
                    taken[way].append(_once(work))
    return losses(rate_hz, {way: np.array(each, float) for way, each in taken.items()}, recorder is not None)


def losses(rate_hz: float, taken_ns: Mapping[str, F64], has_recorder: bool) -> list[Loss]:
    """The losses of bare perf and of ``uj flame``, and their ratio.

    Args:
        rate_hz: Stacks a second.
        taken_ns: By way, float64[rounds]: the CPU time of the work.
        has_recorder: Whether ``uj flame`` recorded readings.
    """
    n = len(taken_ns[ALONE])
    some = np.random.default_rng(0).integers(0, n, (_DRAWS, n))
    drawn = {way: np.median(each[some], axis=1) for way, each in taken_ns.items()}
    middle = {way: float(np.median(each)) for way, each in taken_ns.items()}
    found = []
    for way in (BARE, FLAME):
        low, high = (float(each) for each in np.quantile(drawn[way] / drawn[ALONE] - 1.0, _OF_INTERVAL))
        share = middle[way] / middle[ALONE] - 1.0
        found.append(Loss(rate_hz, way, share, low, high, n, has_recorder and way == FLAME))
    of_bare, of_flame = (drawn[way] - drawn[ALONE] for way in (BARE, FLAME))
    if found[1].share > 0 and (of_bare > 0).all():
        low, high = (float(each) for each in np.quantile(of_flame / of_bare, _OF_INTERVAL))
        ratio = found[1].share / found[0].share
        found[1] = found[1]._replace(of_bare=ratio, of_bare_low=low, of_bare_high=high)
    return found


class _Switch:
    """What is on in a way, and off in the others.

    Args:
        perf: perf, attached to the work and off; None: none.
        recorder: A recording, which is stopped; None: none.
    """

    def __init__(
        self, perf: PerfRecord | None = None, recorder: subprocess.Popen[bytes] | None = None
    ) -> None:
        self._perf, self._recorder = perf, recorder

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """With all of it on."""
        if self._recorder is not None:
            self._recorder.send_signal(signal.SIGCONT)
        if self._perf is not None:
            self._perf.say("enable")
        yield
        if self._perf is not None:
            self._perf.say("disable")
        if self._recorder is not None:
            self._recorder.send_signal(signal.SIGSTOP)


@contextlib.contextmanager
def _worker() -> Iterator[subprocess.Popen[str]]:
    line = [sys.executable, "-S", "-c", _WORK]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as work:
        _once(work)  # it runs, then, and has read what it needs
        try:
            yield work
        finally:
            if work.stdin is not None:
                work.stdin.close()  # it ends


def _once(work: subprocess.Popen[str]) -> int:
    """Does the work once; the nanoseconds of CPU time that it took."""
    if work.stdin is None or work.stdout is None:
        raise AssertionError("pipes were asked for")
    work.stdin.write("once\n")
    work.stdin.flush()
    return int(work.stdout.readline())


@contextlib.contextmanager
def _perf(work: subprocess.Popen[str], options: list[str], data: Path) -> Iterator[PerfRecord]:
    perf = PerfRecord(work.pid, options, data)
    try:
        perf.say("disable")
        yield perf
    finally:
        perf.stop()  # the work may go on
        perf.ended()


def _bare_options(rate_hz: float) -> list[str]:
    return ["-e", "cpu-clock", "-F", f"{rate_hz:g}", "-g"]


@contextlib.contextmanager
def _recorder(trace: Path) -> Iterator[subprocess.Popen[bytes] | None]:
    """A recording as that of ``uj flame``, stopped; None: nothing can be recorded here."""
    line = [sys.executable, "-m", "microjoule", "record", "-o", str(trace)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(line, stdin=quiet, stdout=quiet, stderr=quiet) as recorder:
        latest = time.monotonic() + _READY_S
        while recorder.poll() is None and not trace.exists() and time.monotonic() < latest:
            time.sleep(_LOOK_S)
        is_on = recorder.poll() is None and trace.exists()
        try:
            if is_on:
                recorder.send_signal(signal.SIGSTOP)
            yield recorder if is_on else None
        finally:
            recorder.send_signal(signal.SIGCONT)
            recorder.terminate()
