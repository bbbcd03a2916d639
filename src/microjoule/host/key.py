"""Whose calibration and overhead it is: the name, CPU and kernel of the machine under a root folder."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from .calibration import Calibration, usable
from .files import UNKNOWN, HostKey
from .sampling_cost import Overhead
from .sampling_cost import load as load_overhead

if TYPE_CHECKING:
    from pathlib import Path

    from ..sources.machine import Machine


def host_key(machine: Machine) -> HostKey:
    """The key of this host; parts that no file tells are ``unknown``."""
    host = machine.host
    parts = (host.cpu_vendor, host.cpu_family, host.cpu_model, host.cpu_stepping)
    return HostKey(
        hostname=host.hostname or UNKNOWN,
        cpu=" ".join("?" if part is None else str(part) for part in parts),
        kernel=host.kernel or UNKNOWN,
    )


def of_this_host(calibration: Calibration | Path | str | None, machine: Machine) -> Calibration | None:
    """A calibration as it is given to ``record``: itself, or from its file if it is this host's.

    That of another host or kernel is a ``RuntimeWarning``, and None.

    Raises:
        CalibrationError: The file cannot be read.
    """
    if calibration is None or isinstance(calibration, Calibration):
        return calibration
    found, why_not = usable(calibration, host_key(machine))
    if why_not:
        warnings.warn(why_not, RuntimeWarning, stacklevel=2)
    return found


def overhead_of_this_host(overhead: Overhead | Path | str | None, machine: Machine) -> Overhead | None:
    """An overhead as it is given to ``record``: itself, or from its file if it is this host's.

    Raises:
        OverheadError: The file cannot be read, or is another host's.
    """
    if overhead is None or isinstance(overhead, Overhead):
        return overhead
    return load_overhead(overhead, host_key(machine))
