"""``uj.record``: a recorder of this process, or its part of the recorder of its node."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..recording import job_paths
from ..recording.launch import launch
from ..recording.meter import Meter
from ..recording.plan import plan
from .own_recorder import Recorder, unnamed


def record(path: Path | str | None = None, meter: Meter | None = None) -> Recorder:
    """A recorder of this machine, to be opened with ``with``.

    ``with uj.record() as rec: …`` samples in the background. Mark windows with ``rec.window(name)`` or
    ``uj.window(name)``; afterwards ``rec.energy`` is what all of it used, and ``rec.trace`` has the rest.

    Args:
        path: Where the trace goes, for ``uj.load`` and ``uj report``; an existing one is replaced.
            ``{job}``, ``{node}``, ``{rank}`` and ``{local_rank}`` in it are filled in, and no trace of a job
            is replaced. None: into a temporary file without a name, which is gone with the recorder, or with
            the process. Away from marks it keeps ten readings a second, which leaves every energy as it is.
        meter: What to read and how often; None: ``Meter()``.

    In a job (torchrun, Slurm, MPI, Ray) the ranks of a node that record into one path share one recorder, a
    process of its own, so that counters are read once. The trace in the file has the windows of all ranks;
    ``rec.trace`` those of this rank, and what the node used from its beginning to its end.

    Raises:
        BadPath: A place in the path cannot be filled in.
        CalibrationError, OverheadError: What was learnt cannot be read, or is another host's.
        NothingToMeasure, SourceUnavailable, PermissionDenied: Nothing, or not what was asked for, can
            be measured; the message says what to do.
        UnknownSource: No source has one of the names.
        TraceError: There is no folder for temporary files.
    """
    meter, found = meter or Meter(), launch()
    has_places = path is not None and job_paths.has_places(Path(path))
    if path is not None and has_places:
        path = job_paths.made(job_paths.filled(Path(path), found))
    if found.is_shared:
        from .rank_recorder import rank_recorder

        return rank_recorder(path, meter, found, replaces=not has_places)
    if path is None:
        return unnamed(meter)
    return Recorder(replace(plan(path, meter), keeps_others=has_places and found.job is not None))
