"""Mutants of functions, each in a fork of one process that has collected the tests already.

A fork exchanges the code of the function and runs the tests of the changed line: no import and no collection
for each mutant, which is most of what one costs otherwise. What survives is no verdict where the line runs
at import, too: what it made then hides the mutant. That one is tried again from the beginning.
"""

from __future__ import annotations

import gc
import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple

import pytest
import trial

_NOTICED = (1, -signal.SIGXCPU)  # exit codes of a fork: a test failed, or the mutant has no end
_UNNOTICED = 0


class Change(NamedTuple):
    """A function's new code, and the tests that run it.

    Attributes:
        number: Of the mutant, among all.
        path: The file that is imported.
        source: The file with the change.
        function: With its class, and with the function that it is inside of.
        tests: Their ids.
        limit_s: How much CPU time they may take.
    """

    number: int
    path: Path
    source: str
    function: str
    tests: tuple[str, ...]
    limit_s: float


def exchanged(change: Change) -> bool:
    """Puts the new code in place; False where the change is in no function of this process."""
    new = functions(change.source, str(change.path))
    wanted = outermost(change.function, new)
    if not wanted:
        return False
    old = [
        each
        for each in gc.get_objects()
        if isinstance(each, FunctionType)
        and each.__code__.co_filename == str(change.path)
        and each.__code__.co_qualname == wanted
        and each.__code__.co_freevars == new[wanted].co_freevars
    ]
    for each in old:
        each.__code__ = new[wanted]
    return bool(old)


def functions(source: str, path: str) -> dict[str, CodeType]:
    """The functions of a module and of its classes by their names, without those inside functions."""
    return {each.co_qualname: each for each in _functions(compile(source, path, "exec"))}


def outermost(name: str, among: Mapping[str, CodeType]) -> str:
    """The function that a name is that of, or of what is inside it; empty: of a module or a class."""
    names = name.split(".")
    return next((n for i in range(len(names)) if (n := ".".join(names[: i + 1])) in among), "")


def _functions(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            is_class = (
                not each.co_flags & 0x1
            )  # CO_OPTIMIZED: a class body looks its names up in a dictionary
            if is_class:
                yield from _functions(each)
            else:
                yield each


class Forks:
    """Runs the changes in place of the tests, once these are collected."""

    def __init__(
        self,
        changes: Sequence[Change],
        jobs: int,
        until_s: float,
        ended: Callable[..., list[tuple[int, int]]],
    ) -> None:
        self.changes, self.jobs, self.until_s, self.ended = list(changes), jobs, until_s, ended
        self.noticed: list[int] = []
        self.unnoticed: list[int] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """One fork a change; those that a test notices are remembered."""
        items = {item.nodeid: item for item in session.items}
        waiting = self.changes[::-1]
        running: dict[int, tuple[Change, float]] = {}
        while running or (waiting and time.monotonic() < self.until_s):
            while waiting and len(running) < self.jobs and time.monotonic() < self.until_s:
                one = waiting.pop()
                child = trial.forked(lambda one=one: _tried(session, items, one), one.limit_s)
                running[child] = one, time.monotonic() + trial.PATIENCE * one.limit_s
            for child, code in self.ended(running):
                one, _ = running.pop(child)
                if code in _NOTICED:
                    self.noticed.append(one.number)
                elif code == _UNNOTICED:
                    self.unnoticed.append(one.number)
            time.sleep(0.005)
        return True


def _tried(session: pytest.Session, items: dict[str, pytest.Item], change: Change) -> int:
    """1: a test failed; 0: none did; anything else: the change cannot be put in place."""
    if not exchanged(change):
        return 2
    wanted = [items[each] for each in change.tests if each in items]
    for item, following in zip(wanted, [*wanted[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return 0


def noticed(forks: Forks, tests: Sequence[str], result: Path) -> int:
    """Collects the tests and runs the changes; writes the numbers of those that a test notices, or none."""
    code = pytest.main(["-s", *trial.OPTIONS, *tests], plugins=[trial.Quick(), forks])
    result.write_text(json.dumps([forks.noticed, forks.unnoticed]), encoding="utf-8")
    return int(code)
