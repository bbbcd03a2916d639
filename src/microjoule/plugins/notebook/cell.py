"""A cell recorded while it runs once, and code measured by repeating it."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...joules.energy_trace import Trace
from ...joules.estimates.energies import Energies
from ...late import shown
from ...measuring.record import record
from ...recording.gpu_wait import wait_for_all
from ...recording.meter import Meter
from ...units import NS_PER_S
from ...value_class import dataclass

if TYPE_CHECKING:
    from ...measuring.measurement import Measurement
    from ...trace.window import Window

BINS = 320  # of a picture 640 points wide


@dataclass(frozen=True)
class CellEnergy:
    """What one run of a cell used.

    Attributes:
        name: What it is called.
        trace: The recording, with the windows that the cell itself marked.
        window: From the cell's first instant to its last.
    """

    name: str
    trace: Trace
    window: Window

    _repr_html_ = shown("cell")

    @cached_property
    def energy(self) -> Energies:
        """The energy of each channel, in joules, with ``.total``."""
        return self.trace.energy(self.window)

    @cached_property
    def power(self) -> list[dict[str, Any]]:
        """The power of the channels of the total over time, as plain data of at most 320 steps each.

        ``name``; ``edges_s`` from the cell's beginning; ``power_w``, one between two edges, None where
        nothing is known. Steps are means: their energies add up to the cell's.
        """
        return [self._steps(name) for name in self.energy.total.channels]

    def _steps(self, channel: str) -> dict[str, Any]:
        power = self.trace.power(channel, self.window)
        n = len(power.energy_j)
        starts = np.arange(0, n, max(1, -(-n // BINS)))
        edges_ns = power.edges_ns[np.append(starts, n)] if n else power.edges_ns[:0]
        energy_j = np.add.reduceat(power.energy_j, starts) if n else power.energy_j
        watts = energy_j * NS_PER_S / np.diff(edges_ns) if n else energy_j
        return {
            "name": channel,
            "edges_s": ((edges_ns - self.window.t0_ns) / NS_PER_S).tolist(),
            "power_w": [None if np.isnan(each) else each for each in watts.tolist()],
        }

    def __repr__(self) -> str:
        return f"{self.name}: {self.energy.total}"


def recorded(run: Callable[[], object], given: argparse.Namespace) -> CellEnergy:
    """Runs something once under a recorder of its own, GPU work to its end.

    Args:
        run: What runs.
        given: The options.

    Raises:
        NothingToMeasure, SourceUnavailable, PermissionDenied: Nothing can be read.
    """
    name = given.name or "cell"
    with tempfile.TemporaryDirectory(prefix="microjoule-") as folder:
        path = given.trace or Path(folder) / "cell.arrows"
        meter = Meter(rate=given.rate, sources=given.source, root=given.root)
        with record(path, meter) as recorder, recorder.window(name):
            run()
            wait_for_all()
        trace = recorder.trace  # of what the cell recorded, wherever it went; in a job, of this rank's part
    return CellEnergy(name, trace, trace.named(name)[0])  # the cell may mark windows of this name, later


def repeated(run: Callable[[], object], name: str, given: argparse.Namespace) -> Measurement:
    """The energy of one run, by repeating it.

    Args:
        run: What runs.
        name: What it is called.
        given: The options.

    Raises:
        OnlyEstimated: No channel here measures.
        NothingToMeasure, SourceUnavailable, PermissionDenied: Nothing can be read.
        BadRequest, TooLong, TooCoarse: The target cannot be reached.
    """
    from ...measuring.measure import measure_task
    from ...measuring.task import Task, of_function
    from ...measuring.window_plan import Ask

    meter = Meter(channel=given.channel, sources=given.source, root=given.root)
    ask = Ask(rel=0.01 if given.rel is None else given.rel, max_time_s=given.max_time)
    return measure_task(Task(given.name or name, of_function(run).run), ask, meter)
