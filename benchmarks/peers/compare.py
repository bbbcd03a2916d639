"""Every tool and ours on one powercap tree: ``make peers``, or ``python benchmarks/peers/compare.py``.

Needs root (or user namespaces), a C compiler and PyPI. It installs each tool in an environment of its
own, asks each the same questions in turn (``trial.py``), and writes ``results/peers.md``. The counters
are of known power, so that every answer has its truth.

Arguments: a folder for the environments, default ``.venv-peers``; then names of tools, default all.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import machine
import tables
from tools import TOOLS, Tool, environment, version

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results" / "peers.md"
INSIDE = "--inside"  # the mount namespace; this program starts itself in one
LIMIT_S = 120
IMPORT_ROUNDS = 9
WINDOWS = (("1 ms", 0.001, 60), ("10 ms", 0.01, 40), ("100 ms", 0.1, 12), ("1 s", 1.0, 3))
WRAPS = (("one wrap", 0.4, 3), ("three wraps", 3.3, 2))
WORK = ("asleep", "pure Python", "C without the GIL")
RATE_S = 3.0
LATENCIES = 200


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0] if arguments else ".venv-peers").resolve()
    chosen = [tool for tool in TOOLS if not arguments[1:] or tool.name in arguments[1:]]
    pythons = {tool: environment(tool, folder) for tool in chosen}
    counter = folder / "counter"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-o", counter, HERE / "counter.c"], check=True)
    machine.enter()
    found: dict[str, dict[str, Any]] = {tool.name: {} for tool in chosen}
    for tool, python in pythons.items():
        found[tool.name]["version"] = version(tool, python)
    imports(pythons, found)
    with questions(counter, machine.DESKTOP, pythons) as ask:
        for tool in chosen:
            found[tool.name]["latency"] = ask(tool, "latency", LATENCIES)
            for label, seconds, n in WINDOWS:
                found[tool.name][label] = ask(tool, "windows", seconds, n)
            for work in WORK:
                found[tool.name][work] = ask(tool, "rate", work, RATE_S)
    with questions(counter, machine.WRAPPING, pythons) as ask:
        for tool in chosen:
            for label, seconds, n in WRAPS:
                found[tool.name][label] = ask(tool, "wraps", seconds, n)
    text = tables.page(found, machine.DESKTOP, machine.WRAPPING, facts())
    print(text)
    if len(chosen) == len(TOOLS):
        RESULTS.write_text(text)


def imports(pythons: dict[Tool, Path], found: dict[str, dict[str, Any]]) -> None:
    """What an import takes above the bare interpreter of the same environment, in turns."""
    taken: dict[str, list[float]] = {tool.name: [] for tool in pythons}
    for _ in range(IMPORT_ROUNDS):
        for tool, python in pythons.items():
            taken[tool.name].append(_process_s(python, f"import {tool.module}") - _process_s(python, "pass"))
    for name, values in taken.items():
        found[name]["import_s"] = statistics.median(values)


def _process_s(python: Path, program: str) -> float:
    start = time.perf_counter()
    subprocess.run([python, "-W", "ignore", "-c", program], check=True, capture_output=True)
    return time.perf_counter() - start


@contextmanager
def questions(counter: Path, node: machine.Node, pythons: dict[Tool, Path]) -> Iterator[Any]:
    """A function that puts a question to a tool while the node's counters run.

    An answer is that of ``trial.py``, with ``watts``; or ``error``, the last line of what it said.
    """
    surroundings = {**os.environ, "WATTS": str(node.watts["0"]), "RANGE_J": str(node.range_j)}

    def ask(tool: Tool, *question: object) -> dict[str, Any]:
        print(f"{tool.name}: {' '.join(map(str, question))}", file=sys.stderr)
        command = [pythons[tool], HERE / "trial.py", tool.name, *map(str, question)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LIMIT_S, env=surroundings, check=True
            )
        except subprocess.TimeoutExpired:
            return {"error": f"no answer in {LIMIT_S} s"}
        except subprocess.CalledProcessError as error:
            return {"error": (error.stderr.strip().splitlines() or ["no answer"])[-1]}
        return {**json.loads(done.stdout.splitlines()[-1]), "watts": node.watts["0"]}

    with machine.running(counter, node, (os.cpu_count() or 1) - 1):
        time.sleep(0.2)
        yield ask


def facts() -> dict[str, object]:
    """The machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return {
        "taken": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "cpu": f"{fields.get('model name')}, family {fields.get('cpu family')} model {fields.get('model')}",
        "cores": os.cpu_count(),
        "virtual": "hypervisor" in fields.get("flags", ""),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load at end": [round(load, 2) for load in os.getloadavg()],
    }


if __name__ == "__main__":
    if INSIDE in sys.argv:
        main([argument for argument in sys.argv[1:] if argument != INSIDE])
    else:
        rooted = "--mount" if os.geteuid() == 0 else "--mount --map-root-user"
        command = ["unshare", *rooted.split(), sys.executable, __file__, INSIDE, *sys.argv[1:]]
        sys.exit(subprocess.run(command, check=False).returncode)
