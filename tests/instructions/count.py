"""Counts the instructions of the hot paths."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
CSRC = HERE.parents[1] / "csrc"
COUNTS = HERE / "counts.json"
CC = shlex.split(os.environ.get("CC", "cc"))
FLAGS = ["-std=c11", "-O2"]  # as setup.py builds the extension
HEADER = Path("/usr/include/valgrind/callgrind.h")
TIMES = 2000
INTEGRATE = "integrate a million readings, as a multiple of numpy's plain passes"
TICKS = {"text": "123456789\n", "script": "by reads\nrepeat 0 61 4294967296\n7\n", "msr": "\0" * 64}
NATIVE = {"push a row": "push", "drain a row": "drain"} | {
    f"tick of 4 channels, {reader}": reader for reader in TICKS
}
TOLERANCE = dict.fromkeys(NATIVE, 0.25) | {INTEGRATE: 0.2}


class Count(NamedTuple):
    """What a path may take: ``of`` instructions, or multiples, and ``tolerance`` of that more."""

    of: float
    tolerance: float

    @property
    def most(self) -> float:
        """What it may take at most."""
        return self.of * (1 + self.tolerance)


def missing() -> str:
    """Why nothing can be counted here; empty: it can."""
    if not sys.platform.startswith("linux"):
        return "csrc is for Linux"
    if shutil.which("valgrind") is None:
        return "no valgrind (Debian: apt-get install valgrind)"
    if shutil.which(CC[0]) is None:
        return f"no C compiler {CC[0]!r}"
    if platform.machine() not in json.loads(COUNTS.read_text()):
        return f"no counts are kept for {platform.machine()}"
    return ""


def kept() -> dict[str, Count]:
    """The counts in ``counts.json`` for this kind of processor."""
    found = json.loads(COUNTS.read_text())[platform.machine()]
    return {path: Count(of, TOLERANCE[path]) for path, of in found.items()}


def renew(folder: Path) -> dict[str, float]:
    """Counts all paths and keeps that."""
    found = native(folder, FLAGS) | {INTEGRATE: integration(folder)}
    every = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    every[platform.machine()] = {path: round(count, 2) for path, count in found.items()}
    COUNTS.write_text(json.dumps(every, indent=2) + "\n")
    return found


def native(folder: Path, flags: list[str], names: Iterable[str] = NATIVE) -> dict[str, float]:
    """Instructions of native paths, compiled with these flags."""
    program = folder / "counted"
    sources = [HERE / "counted.c", *sorted(CSRC.glob("*.c"))]
    command = [*CC, *flags, f"-I{CSRC}", *map(str, sources), "-ldl", "-pthread"]
    subprocess.run([*command, "-o", str(program)], check=True)
    found = {}
    for name in names:
        path = NATIVE[name]
        arguments = []
        if path in TICKS:
            (folder / path).write_text(TICKS[path])
            arguments = [str(folder / path)]
        once, twice = (_total(folder, [program, path, str(n), *arguments]) for n in (TIMES, 2 * TIMES))
        found[name] = (twice - once) / TIMES
    return found


def integration(folder: Path) -> float:
    """Instructions of integrating a million readings, as a multiple of numpy's plain passes over them."""
    switch = folder / "switch.so"
    subprocess.run([*CC, "-O2", "-shared", "-fPIC", str(HERE / "switch.c"), "-o", str(switch)], check=True)
    out = folder / "python.out"
    options = ["--instr-atstart=no", f"--callgrind-out-file={out}"]
    _run(options, [sys.executable, HERE / "integrate.py", switch])
    counts = {}
    for file in folder.glob("python.out.*"):
        text = file.read_text()
        name = re.search(r"^desc: Trigger: Client Request: (\w+)$", text, re.MULTILINE)
        total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
        if name and total:
            counts[name[1]] = int(total[1])
    return counts["integrate"] / counts["floor"]


def _total(folder: Path, command: list[object]) -> int:
    said = _run([f"--callgrind-out-file={folder / 'native.out'}"], command)
    found = re.search(r"Collected : (\d+)", said)
    assert found, said
    return int(found[1])


def _run(options: list[str], command: list[object]) -> str:
    whole = ["valgrind", "--tool=callgrind", *options, *map(str, command)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}  # of the tests' own modules
    ran = subprocess.run(whole, capture_output=True, text=True, check=False, env=environment)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr
