"""A library with NVML's ABI that plays a scripted machine: ``machine(tmp_path, "device GPU-0")``.

And one with that of AMD's: ``amd_machine(tmp_path, "device 0000:03:00.0")``.

Everything under test loads it with ``dlopen`` as it would load NVIDIA's. The script's keys stand at
the top of ``nvml_standin.c``; the wave's truth is computed here a second time, in whole numbers.
"""

from __future__ import annotations

import atexit
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import pytest

LIBRARY = "libnvidia-ml.so.1"
AMD_SMI, ROCM_SMI = "libamd_smi.so", "librocm_smi64.so"
HERE = Path(__file__).parent
CSRC = HERE.parent.parent / "csrc"


def compiler() -> str | None:
    """The C compiler, or None where there is none and the stand-in cannot be built."""
    return shutil.which(os.environ.get("CC", "cc"))


def nvml_header() -> Path | None:
    """The folder of NVIDIA's own ``nvml.h`` (PyPI: nvidia-nvml-dev-cu12); None: not installed."""
    found = find_spec("nvidia")
    places = list(found.submodule_search_locations or ()) if found else []
    headers = (header for place in places for header in Path(place).glob("*/include/nvml.h"))
    return next((header.parent for header in headers), None)


@cache
def _built(name: str, source: str, defines: tuple[str, ...]) -> Path:
    folder = Path(mkdtemp(prefix="uj-standin-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = folder / name
    command = [compiler() or "cc", "-std=gnu11", "-O1", "-shared", "-fPIC", f"-Wl,-soname,{name}"]
    command += [f"-D{define}" for define in defines]
    subprocess.run([*command, "-o", library, HERE / source, "-ldl"], check=True)
    return library


def machine(folder: Path, script: str, without: Sequence[str] = ()) -> Path:
    """Puts a machine into a folder and gives the library's path.

    Args:
        folder: Of its own for each machine: the loader tells libraries apart by file.
        script: Lines of keys; indentation is passed over.
        without: ``FIELD_VALUES``, ``UTILIZATION``: symbols to leave out.
    """
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("NVIDIA has no driver for musl, whose loader finds no library by the name that it states")
    built = _built(LIBRARY, "nvml_standin.c", tuple(f"WITHOUT_{name}" for name in without))
    return _placed(folder, built, script)


def amd_machine(folder: Path, script: str, *, library: str = AMD_SMI) -> Path:
    """Puts a machine with AMD GPUs into a folder and gives the path of its library.

    Args:
        folder: Of its own for each machine.
        script: Lines of the keys at the top of ``amd_standin.c``.
        library: ``AMD_SMI`` or ``ROCM_SMI``.
    """
    built = _built(library, "amd_standin.c", ("ROCM",) if library == ROCM_SMI else ())
    return _placed(folder, built, script)


def _placed(folder: Path, built: Path, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / built.name
    shutil.copy(built, library)
    lines = (line.strip() for line in script.splitlines())
    (folder / "machine").write_text("\n".join(line for line in lines if line) + "\n")
    return library


@dataclass(frozen=True)
class Wave:
    """The power of a scripted GPU, and its exact integral."""

    kind: str
    base_mw: int
    peak_mw: int
    period_ns: int
    start_ns: int

    @property
    def line(self) -> str:
        """The line of the script."""
        return f"wave {self.kind} {self.base_mw} {self.peak_mw} {self.period_ns} {self.start_ns}"

    def integral(self, t_ns: int) -> int:
        """Energy since the start in mW ns; negative before it."""
        x = t_ns - self.start_ns
        if x < 0:
            return self.base_mw * x
        whole, part = divmod(x, self.period_ns)
        return self.base_mw * x + whole * self._above(self.period_ns) + self._above(part)

    def mean_mw(self, edge_ns: int, window_ns: int) -> int:
        """What a sensor says at an update that averages the window before it."""
        return (self.integral(edge_ns) - self.integral(edge_ns - window_ns)) // window_ns

    def energy_mj(self, edge_ns: int) -> int:
        """What a counter says at an update, from a start at 0."""
        return self.integral(edge_ns) // 1_000_000_000

    def _above(self, x: int) -> int:
        height = self.peak_mw - self.base_mw
        if self.kind == "square":
            return height * min(x, self.period_ns // 2)
        if self.kind == "saw":
            return height * x * x // (2 * self.period_ns)
        return height * x
