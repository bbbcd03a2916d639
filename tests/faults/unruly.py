"""Counters, a disk and a wall clock that misbehave under a real `uj`: unruly.c, compiled and preloaded."""

from __future__ import annotations

import mmap
import os
import shlex
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from machines import Cpu, Machine, Zone, write

from faults.play import NotHere

HERE = Path(__file__).resolve().parent
CC = shlex.split(os.environ.get("CC", "cc"))

# As in unruly.c: its words, and its answers that are no errno.
COUNTER, WRITES, AHEAD_S, ANSWERED, REMOVALS = range(5)
CUT, LETTERS, EMPTY, STUCK, NOISE, GONE = range(1000, 1006)

MACHINE = Machine(
    name="one package with DRAM",
    cpu=Cpu(model=0x55, name="Intel(R) Xeon(R) Gold 6248", placement=((0, 0), (0, 0))),
    zones=(
        Zone(id="0", name="package-0", unit_nj=61_035, limits_w=(100.0,)),
        Zone(id="0:0", name="dram", unit_nj=15_300, limits_w=(100.0,)),
    ),
    registers={0: {0x606: 0xA0E03, 0x611: 11}},
)


class Control:
    """The words that the library looks at."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(4 * 5))
        with path.open("r+b") as opened:
            self._words = mmap.mmap(opened.fileno(), 0)

    def set(self, word: int, value: int) -> None:
        """Writes a word."""
        struct.pack_into("i", self._words, 4 * word, value)

    def get(self, word: int) -> int:
        """Reads a word."""
        value: int = struct.unpack_from("i", self._words, 4 * word)[0]
        return value


@contextmanager
def unruly(folder: Path, counter: str = "intel-rapl:0/energy_uj") -> Iterator[tuple[Control, dict[str, Any]]]:
    """The control, and what a program that is to be under it is started with.

    Args:
        folder: Where the library is put.
        counter: What the path of the counters holds that are to misbehave.
    """
    if shutil.which(CC[0]) is None:
        raise NotHere("there is no C compiler")
    library = folder / "unruly.so"
    command = [*CC, "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run([*command, str(HERE / "unruly.c"), "-o", str(library), "-ldl"], check=True)
    control = Control(folder / "control")
    names = {"UNRULY": str(folder / "control"), "UNRULY_COUNTER": counter}
    yield control, {"env": {"LD_PRELOAD": str(library), **names}}


def tree(folder: Path, source: str = "powercap") -> list[str]:
    """The words that make `uj` read the files of a machine with RAPL."""
    root = folder / "tree"
    root.mkdir()
    write(MACHINE, root)
    return ["--source", source, "--root", str(root)]
