"""Keeps cores busy: a process on each, which ends on request or when its parent is gone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator

# A process and no thread: this one's GIL and CPU time stay out of it.
_SPIN = (
    "import os\n"
    "os.sched_setaffinity(0, [{cpu}])\n"
    "print(flush=True)\n"
    "while os.getppid() == {parent}:\n"
    "    for _ in range(1000000): pass\n"
)


@contextlib.contextmanager
def busy(cpus: Iterable[int]) -> Iterator[None]:
    """Each of these CPUs has something to do meanwhile."""
    with contextlib.ExitStack() as stack:
        for cpu in cpus:
            command = [sys.executable, "-S", "-E", "-c", _SPIN.format(cpu=cpu, parent=os.getpid())]
            # A session of its own: a terminal's Ctrl-C is for the parent, which ends it.
            spinner = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
            stack.callback(_end, spinner)
            if spinner.stdout is not None:
                spinner.stdout.readline()  # it runs
        yield


def _end(spinner: subprocess.Popen[bytes]) -> None:
    spinner.kill()
    spinner.wait()
    if spinner.stdout is not None:
        spinner.stdout.close()
