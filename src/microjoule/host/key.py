"""Whose calibration and overhead it is: the name, CPU and kernel of the machine under a root folder."""

from __future__ import annotations

from pathlib import Path

from .calibration import Calibration, load
from .files import UNKNOWN, HostKey
from .sampling_cost import Overhead
from .sampling_cost import load as load_overhead


def host_key(root: Path = Path("/")) -> HostKey:
    """The key of this host; parts that no file tells are ``unknown``."""
    from ..sources.host import read_host, text_of

    host = read_host(root)
    parts = (host.cpu_vendor, host.cpu_family, host.cpu_model, host.cpu_stepping)
    return HostKey(
        hostname=text_of(root / "proc/sys/kernel/hostname") or UNKNOWN,
        cpu=" ".join("?" if part is None else str(part) for part in parts),
        kernel=host.kernel or UNKNOWN,
    )


def of_this_host(calibration: Calibration | Path | str | None, root: Path) -> Calibration | None:
    """A calibration as it is given to ``record``: itself, or from its file if it is this host's.

    Raises:
        CalibrationError: The file cannot be read, or is another host's.
    """
    if calibration is None or isinstance(calibration, Calibration):
        return calibration
    return load(calibration, host_key(root))


def overhead_of_this_host(overhead: Overhead | Path | str | None, root: Path) -> Overhead | None:
    """An overhead as it is given to ``record``: itself, or from its file if it is this host's.

    Raises:
        OverheadError: The file cannot be read, or is another host's.
    """
    if overhead is None or isinstance(overhead, Overhead):
        return overhead
    return load_overhead(overhead, host_key(root))
