"""Every form of profile that can be read. A form is a file here with ``NAME``, ``is_mine`` and ``read``."""

from __future__ import annotations

import zlib
from pathlib import Path
from types import ModuleType

from ...errors import ProfileError
from . import chrome_calls, jax, kineto, perf_script, py_spy, viztracer
from .chrome import REMEDY, opened
from .profile import Profile
from .stacks import Samples

# In this order each is asked whether a file is its own: any Chrome trace is the last one's.
READERS: dict[str, ModuleType] = {
    "kineto": kineto,
    "jax": jax,
    "viztracer": viztracer,
    "py-spy": py_spy,
    "perf": perf_script,
    "chrome": chrome_calls,
}
_OPENING = 1 << 16
_TAIL = 1 << 14
_PIECE = 1 << 9  # of what is unpacked at once: before a cut all that there is is read
_PERF_DATA = "PERFILE2"


def read(path: Path, form: str = "") -> Profile | Samples:
    """The profile in a file.

    Args:
        path: The file, plain or packed by gzip.
        form: The name of its reader; empty: as its beginning and its end say.

    Raises:
        ProfileError: It cannot be opened or read, or is of no form that is known.
    """
    if form:
        return _by(READERS[form], path)
    opening = _opening(path)
    if opening.startswith(_PERF_DATA):
        raise ProfileError(
            f"{path} is perf's own file", f"Convert it to text: perf script --ns -i {path} > FILE"
        )
    for reader in READERS.values():
        if reader.is_mine(opening):
            return _by(reader, path)
    if not opening.strip():
        raise ProfileError(f"{path} is empty", REMEDY)
    raise ProfileError(f"{path} is not a profile: neither a Chrome trace nor the text of perf script", REMEDY)


def _by(reader: ModuleType, path: Path) -> Profile | Samples:
    found: Profile | Samples = reader.read(path)
    return found


def _opening(path: Path) -> str:
    """The first signs of a file, and its last ones where it is not packed: some say there what they are."""
    opening = b""
    with opened(path) as stream:
        try:
            while len(opening) < _OPENING and (more := stream.read(_PIECE)):
                opening += more
            if path.stat().st_size > _OPENING and _is_plain(path):
                stream.seek(-_TAIL, 2)
                opening += b"\n" + stream.read()
        except (OSError, EOFError, zlib.error):  # a packed file that is cut: its reader says so
            opening = opening or b"{"
    return opening.decode("latin-1")


def _is_plain(path: Path) -> bool:
    with path.open("rb") as raw:
        return raw.read(2) != b"\x1f\x8b"
