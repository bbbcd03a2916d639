"""How ``uj flame`` samples stacks: with which profiler, how often, and how Python's frames are seen."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..units import three_digits

if TYPE_CHECKING:
    from ..plugins.profiles.samplers import Perf, PySpy

SAMPLERS = ("auto", "perf", "py-spy")
RATE_HZ = 997.0  # no multiple of a usual period: a program in step with its sampler shows one phase only
PY_SPY_HZ = 97.0  # at more it falls behind, because it stops the program for each stack
_RANGE_HZ = (10.0, 10_000.0)
_PERMIT = "Run `sudo sysctl kernel.perf_event_paranoid=1`"
_INSTALL = "Install perf (Debian: linux-perf; Ubuntu: linux-tools-generic; Fedora: perf)"
_SEEN, _LEAST_S = 0.7, 1.0  # of the CPU time, and seconds that may be missing, before it is said
_HAS_MAPS, _HAS_UNWINDING = 12, 13  # minor versions of Python 3


def rate_hz(text: str) -> float:
    """Stacks a second; an argparse type."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not _RANGE_HZ[0] <= found <= _RANGE_HZ[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate: write a number from 10 to 10000")
    return found


def cpu_time_s() -> float:
    """The CPU time that commands which have ended used, with what they started."""
    import resource  # which Windows does not have

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def not_sampled(cpu_s: float, samples: int, period_s: float) -> list[str]:
    """What is to be said where stacks are missing of much of the CPU time that a command used.

    Args:
        cpu_s: Its CPU time.
        samples: Its stacks.
        period_s: What each stands for.
    """
    seen_s = samples * period_s
    if seen_s >= _SEEN * cpu_s or cpu_s - seen_s < _LEAST_S:
        return []
    return [
        f"The stacks are of {three_digits(seen_s)} s of the {three_digits(cpu_s)} s of CPU time "
        f"that the command used; energy of "
        "the rest is in (idle). The kernel or a virtual machine's host was too busy: use a quiet one"
    ]


def chosen(arguments: argparse.Namespace, command: list[str], folder: Path) -> tuple[Perf | PySpy, list[str]]:
    """The sampler, and what is to be said of it.

    Raises:
        SourceUnavailable: Neither may sample here.
    """
    from ..errors import SourceUnavailable
    from ..plugins.profiles.samplers import PySpy, perf_obstacle, py_spy_path, python_facts

    python = python_facts(command[0])
    has_spy = py_spy_path() is not None
    is_old = python is not None and (python[0] < _HAS_MAPS or (python[0] < _HAS_UNWINDING and not python[1]))
    if arguments.sampler == "py-spy" and not has_spy:
        raise SourceUnavailable("py-spy is not installed", "Install it: pip install 'microjoule[flame]'")
    obstacle = "" if arguments.sampler == "py-spy" else perf_obstacle()
    spy = PySpy(folder, min(arguments.stacks, PY_SPY_HZ) if arguments.stacks == RATE_HZ else arguments.stacks)
    if arguments.sampler == "py-spy" or (arguments.sampler == "auto" and is_old and has_spy):
        return spy, []
    if not obstacle:
        notes = (
            ["This Python shows perf its C functions only. For Python functions: pip install "
             "'microjoule[flame]', or use Python 3.13 or later"]
            if is_old
            else []
        )  # fmt: skip
        return _perf(arguments, python, folder), notes
    if arguments.sampler == "auto" and has_spy and python is not None:
        return spy, [f"{obstacle}; stacks are of py-spy, Python functions only"]
    remedy = _PERMIT if shutil.which("perf") else _INSTALL
    raise SourceUnavailable(
        f"No stacks can be sampled: {obstacle}", f"{remedy}, or for Python: pip install 'microjoule[flame]'"
    )


def _perf(arguments: argparse.Namespace, python: tuple[int, bool] | None, folder: Path) -> Perf:
    from ..plugins.profiles.samplers import Perf

    is_jit = (
        python is not None
        and python[0] >= _HAS_UNWINDING
        and not python[1]
        and arguments.call_graph in ("", "dwarf")
    )
    return Perf(folder, arguments.stacks, arguments.call_graph or ("dwarf" if is_jit else "fp"), is_jit)
