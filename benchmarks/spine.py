"""Takes every figure anew and writes them to ``results/spine.md``: ``python benchmarks/spine.py``.

Arguments are handed on to pytest: ``-k bench_import`` takes some figures only, and then nothing is
written but to the terminal.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "spine.md"
HEAD = """# The spine's figures

Taken by `python benchmarks/spine.py`; [how](../README.md). Median of interleaved pairs, and the range
of their middle eight tenths. *Beside* is the floor of the same run.

"""


def run(arguments: list[str]) -> dict[str, Any]:
    """What pytest-benchmark wrote of one run of all benchmarks."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "benchmarks.json"
        command = [sys.executable, "-m", "pytest", str(HERE), "--benchmark-only", "--benchmark-quiet", "-q"]
        subprocess.run([*command, f"--benchmark-json={target}", *arguments], check=False, cwd=HERE.parent)
        found: dict[str, Any] = json.loads(target.read_text())
    return found


def number(value: float) -> str:
    """Three significant digits; four of a percentage that is nearly whole."""
    return f"{value:.2f}" if 10 <= value < 1000 else f"{value:.3g}"


def rows(found: dict[str, Any]) -> list[str]:
    """The table's lines."""
    lines = ["| what | target | median | range | beside |", "|---|---|---|---|---|"]
    for benchmark in found["benchmarks"]:
        extra = benchmark["extra_info"]
        for figure in extra.get("figures", []):
            median, low, high = (number(figure[key]) for key in ("median", "low", "high"))
            lines.append(
                f"| {figure['what']} | {figure['target'] or '–'} | {median} {figure['unit']} "
                f"| {low} – {high} (n = {figure['n']}) | {figure['beside'] or '–'} |"
            )
        for key, value in extra.items():  # benchmarks that keep bare numbers
            if key != "figures":
                lines.append(f"| {benchmark['name']}: {key} | – | {number(value)} | – | – |")
    return lines


def machine(found: dict[str, Any]) -> list[str]:
    """The machine's facts as a list."""
    facts = found["machine_info"]["microjoule"]
    moment = datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes")
    return [f"- taken: {moment}", *[f"- {key.replace('_', ' ')}: {value}" for key, value in facts.items()]]


def main(arguments: list[str]) -> None:
    found = run(arguments)
    text = HEAD + "\n".join([*rows(found), "", "The machine:", "", *machine(found)]) + "\n"
    print(text)
    if not arguments:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
