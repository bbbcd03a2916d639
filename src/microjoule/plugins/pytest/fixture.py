"""What a test is handed as ``energy``."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from itertools import repeat
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import pytest

from ...errors import MicrojouleError, NothingToMeasure, PermissionDenied, SourceUnavailable
from .options import EnergyOptions

if TYPE_CHECKING:
    from ...measuring.fitted import Fitted
    from ...measuring.measurement import Measurement
    from ...measuring.rounds import Rounds
    from ...measuring.task import Task
    from ...recording.meter import Meter
    from .verdict import Verdict

P = ParamSpec("P")
R = TypeVar("R")

ROUNDS_BY_MODEL = 10
WORKER = (
    "Energy is measured for whole packages, so the shares of several workers of pytest-xdist cannot be "
    "separated. Run these tests without -n, or with --energy-disable."
)


class MeasuredTest:
    """One run of pytest: what was wanted, what was measured, what it is compared with.

    Attributes:
        wishes: The options.
        is_worker: Whether this process is one of several.
        rows: Of each measured test, as they are saved.
        found: Of each measured test, in the order of ``rows``.
        unmeasured: By test why its energy was not measured.
        failed: The tests that failed, whose energy enters no saved run.
        compared: The file it is compared with; empty: with none.
        earlier: What that file holds.
    """

    def __init__(self, wishes: EnergyOptions, is_worker: bool) -> None:
        self.wishes = wishes
        self.is_worker = is_worker
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.rows: list[dict[str, Any]] = []
        self.found: list[Measurement] = []
        self.verdicts: list[Verdict | None] = []
        self.failures: dict[str, str] = {}
        self.compared = ""
        self.earlier: Mapping[str, Any] | None = None
        self.facts: Mapping[str, Any] = {}
        self.said: list[str] = []
        self.unmeasured: dict[str, str] = {}
        self.failed: set[str] = set()

    def meter(self) -> Meter:
        """What to read."""
        from ...recording.meter import Meter

        return Meter(channel=self.wishes.channel, sources=self.wishes.sources or None, root=self.wishes.root)

    def warm_up(self) -> None:
        """Imports what measures and opens what is to be read, so that the first test is not charged for it.

        What cannot be read is left to the tests, which say so.
        """
        if self.is_worker or self.wishes.is_disabled or self.wishes.is_skip:
            return
        with suppress(MicrojouleError):
            for name in ("measure", "rounds"):
                import_module(f"...measuring.{name}", __package__)
            from ...measuring.fitted import fit

            fit(self.meter())

    @property
    def is_elsewhere(self) -> bool:
        """Whether the earlier run is of another machine, or of one that nobody can name."""
        name = self.facts.get("host", {}).get("hostname")
        return bool(self.earlier) and (name is None or self.earlier["machine"]["name"] != name)  # type: ignore[index]

    @property
    def other_state(self) -> str:
        """Why this run cannot be compared with the earlier one: its machine is set otherwise; or empty."""
        if self.earlier is None or self.is_elsewhere or self.wishes.is_any_state:
            return ""
        from .verdict import other_state

        return other_state(self.facts, self.earlier)


class Called:
    """A function that runs n times, keeps what it gave last, and knows its own errors."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function = function
        self.result: object = None
        self.has_run = False
        self.error: BaseException | None = None

    def __call__(self, n: int) -> None:
        """Runs it so many times; GPU work is waited for."""
        from ...recording.gpu_wait import wait_for_all

        function, result = self.function, None
        try:
            for _ in repeat(None, n):
                result = function()
            wait_for_all()
        except BaseException as error:
            self.error = error
            raise
        self.result, self.has_run = result, True


class EnergyFixture:
    """The energy of one call of a function, in a test.

    ``energy(function, *args, **kwargs)`` calls the function as often as its target takes, records the
    energy of one call, and gives back what the last call gave. Where nothing can be measured it calls the
    function once and the summary says why; where a source or a channel was asked for, the test fails.

    Attributes:
        name: What the row is called; the test's name.
        group: Rows of one group stand together in the table, each beside the least of them.
        rel: Half of the 95 % interval that is wanted, as a share of the energy.
        max_time_s: What the measurement may take, in seconds.
        extra_info: JSON values to save with it.
        measurement: What came of it, a :class:`microjoule.measuring.Measurement`; None: nothing yet, or
            ``--energy-disable``.
    """

    def __init__(self, run: MeasuredTest, node: pytest.Item) -> None:
        self.name = node.name
        self.group = ""
        self.rel = run.wishes.rel
        self.max_time_s = run.wishes.max_time_s
        self.extra_info: dict[str, Any] = {}
        self.measurement: Measurement | None = None
        self._run = run
        self._node = node
        self._is_used = False
        self._marked()

    def _marked(self) -> None:
        marker = self._node.get_closest_marker("energy")
        told = dict(marker.kwargs) if marker is not None else {}
        self.group = str(told.pop("group", ""))
        self.rel = told.pop("rel", self.rel)
        self.max_time_s = told.pop("max_time", self.max_time_s)
        if told or (marker is not None and marker.args):
            pytest.fail(
                "@pytest.mark.energy takes group=, rel= and max_time=, and nothing else.", pytrace=False
            )

    def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Measures calls of the function, and gives back what the last one gave.

        Args:
            function: What is called; it must be able to run many times.
            *args: Its arguments.
            **kwargs: Its named arguments.

        Raises:
            Exception: Whatever the function raises.
        """
        _refuse_coroutines(function)
        called = Called(partial(function, *args, **kwargs) if args or kwargs else function)
        return self._measured(called, self._planned)  # type: ignore[return-value]

    def pedantic(
        self,
        target: Callable[..., R],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        setup: Callable[[], Any] | None = None,
        rounds: int = 1,
        iterations: int = 1,
        warmup_rounds: int = 0,
    ) -> R:
        """Measures just so many rounds of just so many calls, apart by a pause in which the machine idles.

        Args:
            target: What is called.
            args: Its arguments.
            kwargs: Its named arguments.
            setup: Called before each round, outside of what is measured. Where it gives a pair ``(args,
                kwargs)``, the round is called with these.
            rounds: Windows; of one alone nobody can tell how it would scatter.
            iterations: Calls in each.
            warmup_rounds: Rounds before, which are not measured.

        Raises:
            Exception: Whatever the function or the setup raises.
        """
        _refuse_coroutines(target)
        given: list[Callable[[], object]] = [partial(target, *args, **(kwargs or {}))]
        called = Called(lambda: given[0]())

        def prepare() -> None:
            told = setup() if setup is not None else None
            if told is not None:
                given[0] = partial(target, *told[0], **told[1])

        def of_rounds(task: Task, fitted: Fitted) -> Measurement:
            from ...measuring.rounds import Rounds

            asked = Rounds(rounds=rounds, iterations=iterations, warmup_rounds=warmup_rounds, setup=guarded)
            return self._in_rounds(task, asked, fitted)

        def guarded() -> None:
            try:
                prepare()
            except BaseException as error:
                called.error = error
                raise

        if self._run.wishes.is_disabled:
            prepare()
        return self._measured(called, of_rounds)  # type: ignore[return-value]

    def _measured(self, called: Called, how: Callable[[Task, Fitted], Measurement]) -> object:
        from ...measuring.task import Task

        if self._is_used:
            pytest.fail(
                "A test measures one thing: `energy` was called before. Write a second test.", pytrace=False
            )
        self._is_used = True
        if self._run.wishes.is_disabled:
            called(1)
            return called.result
        if self._run.is_worker:
            pytest.fail(WORKER, pytrace=False)
        refusal: MicrojouleError | None = None
        try:
            from ...measuring.fitted import fit

            fitted = fit(self._run.meter())
            self._run.facts = self._run.facts or fitted.facts
            self.measurement = how(Task(self.name, called), fitted)
        except MicrojouleError as error:
            if error is called.error:
                raise
            refusal = error
        if self.measurement is None:
            self._refuse(refusal or MicrojouleError("No window was measured"))
            if not called.has_run:
                called(1)
            return called.result
        self._record(self.measurement)
        return called.result

    def _planned(self, task: Task, fitted: Fitted) -> Measurement:
        from ...measuring.measure import measure_task
        from ...measuring.rounds import calls_for
        from ...measuring.window_plan import Ask

        ask = Ask(rel=self.rel, max_time_s=self.max_time_s)
        if fitted.is_estimated and self._run.wishes.is_estimated:
            return self._in_rounds(task, calls_for(task, self.max_time_s, ROUNDS_BY_MODEL), fitted)
        return measure_task(task, ask, self._run.meter())

    def _in_rounds(self, task: Task, asked: Rounds, fitted: Fitted) -> Measurement:
        from ...measuring.rounds import counted, counted_by_model

        if fitted.is_estimated and self._run.wishes.is_estimated:
            return counted_by_model(task, asked, fitted, time.process_time_ns)
        return counted(task, asked, fitted)

    def _refuse(self, error: MicrojouleError) -> None:
        """Notes why nothing was measured; fails the test where what was asked for cannot be had.

        Where no counter can be read the test passes or fails by its assertions: a suite must lose no test on
        a machine without counters.
        """
        is_absent = isinstance(error, NothingToMeasure | SourceUnavailable | PermissionDenied)
        if not is_absent or self._run.wishes.is_demanded:
            sentence = f"no energy was measured: {MicrojouleError(error.what, _remedy(error))}"
            raise pytest.fail.Exception(sentence, pytrace=False)
        self._run.unmeasured[self._node.nodeid] = str(MicrojouleError(error.what, _remedy(error)))

    def _record(self, found: Measurement) -> None:
        from ...measuring.estimate_json import to_json
        from .verdict import earlier, judged

        run, node = self._run, self._node
        parts = {"energy": found.energy, "time": found.time, "power": found.power}
        callspec = getattr(node, "callspec", None)
        run.rows.append(
            {
                "name": self.name,
                "fullname": node.nodeid,
                "group": self.group,
                "params": {name: repr(value) for name, value in getattr(callspec, "params", {}).items()},
                "extra_info": self.extra_info,
                "measurement": found.to_json(),
                "kept": {name: to_json(figure) for name, figure in parts.items()},
            }
        )
        run.found.append(found)
        verdict = None
        if run.earlier is not None:
            then = earlier(run.earlier, node.nodeid)
            verdict = judged(
                found,
                then,
                run.is_elsewhere,
                run.wishes.limits,
                is_same_code=run.wishes.is_same_code,
                other_state=run.other_state,
            )
            if verdict.failure:
                run.failures[node.nodeid] = verdict.failure
        run.verdicts.append(verdict)


def _refuse_coroutines(function: Callable[..., object]) -> None:
    if inspect.iscoroutinefunction(function):
        pytest.fail(
            f"{getattr(function, '__qualname__', function)} is a coroutine function: a call of it only makes "
            "the coroutine. Measure `lambda: asyncio.run(function())`.",
            pytrace=False,
        )


def _remedy(error: MicrojouleError) -> str:
    """What to do, in the options of pytest."""
    from ...errors import OnlyEstimated, TooLong

    if isinstance(error, OnlyEstimated):
        return (
            "--energy-estimated measures with a model of the power and marks the figures; --energy-disable "
            "only runs the functions; `uj probe` says how to open a counter"
        )
    remedy = re.sub(r"--(channel|max-time)\b", r"--energy-\1", error.remedy)
    if isinstance(error, TooLong):
        remedy = f"{remedy.partition(', or ')[0]}, or count the calls out with `energy.pedantic`"
    return remedy
