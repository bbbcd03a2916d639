"""Draws the pictures of a report that README and gallery show, from a simulated training run.

    python docs/pictures.py        # writes _static/page.png, two.png and power.png, and prints the report

The package of the simulation draws 62 W in an epoch, 38 W in a validation and 20 W otherwise; updates and
reads of its counter jitter as real ones do. Needs Chromium and matplotlib.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from chromium import Chromium  # noqa: E402
from ideal import MS, T0, Ideal, constant, rows, write  # noqa: E402
from steps import Steps  # noqa: E402

from microjoule.channel import Channel, SensorError, Trust  # noqa: E402
from microjoule.trace import schema  # noqa: E402

STATIC = HERE / "_static"
INTEL = Trust(power_limit_w=150.0, sensor=SensorError(gain=0.026, form="normal", source="judgement"))
FACTS = {
    "command": ["python", "train.py"],
    "host": {"hostname": "host-a", "cpu": {"name": "Intel(R) Core(TM) i7-9750H"}},
    "started_realtime_ns": 1_795_860_000_000_000_000,
}
SIZE, SIZE_OF_TWO = (1100, 987), (1100, 1107)


@dataclass(frozen=True)
class Package(Ideal):
    """The simulated counter, with the accuracy that is assumed for an Intel package."""

    @property
    def channel(self) -> Channel:
        """The counter's description."""
        return replace(super().channel, trust=INTEL)


def recorded(path: Path, epoch_w: float, seed: int) -> Path:
    """A trace of twelve epochs, each with its validation."""
    base = Package(constant(1.0), update_ns=976_562, poll_ns=MS // 2, limit_w=150.0)
    run = Steps(
        power_w={"epoch": epoch_w, "validate": 38.0},
        length_ms={"epoch": 150.0, "validate": 50.0},
        idle_ms=(8.0, 20.0),
        n=24,
        vary=0.15,
        scatter=0.03,
        seed=seed,
        base=base,
    )
    last = run.windows[-1][2] + 20 * MS
    every = [("run", 20 * MS, last), *((name, t0, t1) for name, t0, t1, _ in run.windows)]
    marks = []
    for number, (name, t0, t1) in enumerate(every):
        marks += [(T0 + t0, "@begin", number, name), (T0 + t1, "@end", number, None)]
    table = rows([run.ideal], marks)
    facts = schema.schema([run.ideal.channel], FACTS).metadata
    return write(path, table.replace_schema_metadata(facts), batch_rows=5000)


def photographed(page: Path, picture: Path, size: tuple[int, int], scheme: str) -> None:
    """The top of a page as a person sees it, ``light`` or ``dark``."""
    with tempfile.TemporaryDirectory() as folder, Chromium(Path(folder), size) as browser:
        browser.call(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        browser.open(page)
        browser.screenshot(picture)


def main() -> int:
    """Makes the pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before, after = (
            recorded(folder / "before.arrows", 62.0, 1),
            recorded(folder / "after.arrows", 51.0, 2),
        )

        def uj(*words: object) -> None:
            subprocess.run([sys.executable, "-m", "microjoule", *map(str, words)], check=True)

        uj("report", before, "--html", folder / "page.html", "--png", STATIC / "power.png")
        uj("report", before, after, "--brief", "--html", folder / "both.html")
        photographed(folder / "page.html", STATIC / "page.png", SIZE, "light")
        photographed(folder / "both.html", STATIC / "two.png", SIZE_OF_TWO, "dark")
    return 0


if __name__ == "__main__":
    sys.exit(main())
