"""The file of this host that ``uj overhead`` keeps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import probe_calibrate

if TYPE_CHECKING:
    from ..host.sampling_cost import Overhead

NO_FILE = "none"


def path_of(hostname: str) -> Path:
    """Where the overhead of a host is kept: in the user's XDG data folder."""
    return probe_calibrate.data_folder() / "overhead" / f"{hostname.replace('/', '_')}.json"


def stored(root: Path) -> Overhead | None:
    """What was measured on this host, if anything; a file that cannot be used is a warning."""
    from ..errors import OverheadError
    from ..host.key import host_key
    from ..host.sampling_cost import load
    from ..sources.machine import Machine

    host = host_key(Machine(root))
    path = path_of(host.hostname)
    if not host.is_known or not probe_calibrate.is_kept(path):
        return None
    try:
        return load(path, host)
    except OverheadError as error:
        print(f"uj: {error}. The trace will not contain the cost of sampling", file=sys.stderr)
        return None
