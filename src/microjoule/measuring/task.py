"""What can be measured: functions and statements that run n times, commands that run once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator
from itertools import repeat
from typing import Any

from ..errors import CommandFailed
from ..recording.gpu_wait import wait_for_all
from ..units import nanoseconds
from ..value_class import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """Something to measure.

    Attributes:
        name: What it is called in reports.
        run: Runs it so many times and returns when all of it is done, on GPUs too.
    """

    name: str
    run: Callable[[int], None]


def of_function(function: Callable[[], object]) -> Task:
    """A task of a function without arguments."""

    def run(n: int) -> None:
        for _ in repeat(None, n):
            function()
        wait_for_all()

    return Task(str(getattr(function, "__qualname__", repr(function))), run)


# As in timeit, set-up and statement are one function's body, so that names are fast locals; here a
# generator's, so that the set-up runs once.
_TEMPLATE = """\
def program():
    from itertools import repeat as _repeat
{setup}
    _n = yield
    while True:
        for _ in _repeat(None, _n):
{statement}
        _n = yield
"""


def of_statement(statement: str, setup: str = "pass") -> Task:
    """A task of Python text, as ``python -m timeit`` understands it.

    Raises:
        SyntaxError: A text is no statement, by itself or in a function's body.
    """
    compile(setup, "<setup>", "exec")
    compile(statement, "<statement>", "exec")
    text = _TEMPLATE.format(setup=_indented(setup, 4), statement=_indented(statement, 12))
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, "<statement>", "exec"), names)
    program: Generator[None, int, None] = names["program"]()
    next(program)

    def run(n: int) -> None:
        program.send(n)
        wait_for_all()

    return Task(statement, run)


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + each for each in text.splitlines())


def of_command(command: str) -> Task:
    """A task of a shell command; its output is thrown away.

    Raises:
        CommandFailed: When run: it ends with an exit code that is not 0.
    """

    def run(n: int) -> None:
        for _ in repeat(None, n):
            done = subprocess.run(
                ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, check=False,
            )  # fmt: skip
            if done.returncode:
                said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
                raise CommandFailed(
                    f"`{command}` ended with exit code {done.returncode}{': ' + said if said else ''}",
                    "Fix it, or add `|| true` to compare it anyway",
                )

    return Task(command, run)


def command_cpu_ns() -> int:
    """CPU time of all commands that this process has waited for."""
    import resource  # which Windows, whose commands have this file in their imports, does not have

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return nanoseconds(used.ru_utime + used.ru_stime)
