"""The tools that are compared, and an environment for each."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OURS = "microjoule"


@dataclass(frozen=True)
class Tool:
    """A tool: its adapter, what PyPI calls it (ours: nothing), and the module whose import is timed."""

    name: str
    package: str
    module: str


TOOLS = (
    Tool(OURS, "", "microjoule"),
    Tool(f"{OURS}@4000", "", "microjoule"),
    Tool("joule_profiler", "joule-profiler", "joule_profiler"),
    Tool("pyRAPL", "pyRAPL", "pyRAPL"),
    Tool("pyJoules", "pyJoules", "pyJoules.energy_meter"),
    Tool("wattameter", "wattameter", "wattameter"),
    Tool("zeus", "zeus", "zeus.monitor"),
    Tool("codecarbon", "codecarbon", "codecarbon"),
)


def environment(tool: Tool, folder: Path) -> Path:
    """The interpreter of the tool's own environment, made where it is not there yet.

    Ours is the one that runs this.
    """
    if not tool.package:
        return Path(sys.executable)
    home = folder / tool.name
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        print(f"installing {tool.package}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        subprocess.run([*pip, tool.package, "setuptools<81"], check=True)
        (home / "ready").touch()
    return python


def version(tool: Tool, python: Path) -> str:
    """What the environment has of the tool."""
    program = f"from importlib.metadata import version; print(version({(tool.package or OURS)!r}))"
    done = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True)
    return done.stdout.strip()
