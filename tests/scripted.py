"""A scripted machine of known power: every layer of the program over it is the real one.

The package draws exactly 40 W and its DRAM 5 W, in steps of a millijoule, from the moment that the
sampler opens; the package's counter starts just below its modulus, so that it wraps on the way.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from places import identity

from microjoule.channel import Access, Channel, Scale, Timing, Trust
from microjoule.sources.script import Entry, Repeat, script_text, write_machine

PACKAGE_W, DRAM_W = 40, 5
MODULUS = 1 << 32
MS = 1_000_000
UPDATE = Timing(update_ns=MS, update_max_ns=2 * MS)


def channel(channel_id: str, name: str, *, lane: str = "package-0", timing: Timing = UPDATE) -> Channel:
    """A counter of millijoules that the script of that name plays."""
    return Channel(
        **identity(channel_id),
        source="script",
        lane=lane,
        scale=Scale(quantity="J", unit=Fraction(1, 1000), unit_source="interface", modulus=MODULUS),
        timing=timing,
        trust=Trust(power_limit_w=100.0, power_limit_source="script"),
        access=Access(reader="script", path=name),
    )


def steady(power_w: int, start: int) -> str:
    """The script of a counter of millijoules that rises by ``power_w`` counts each millisecond."""
    return script_text([Entry(raw=start)], Repeat(MS, power_w, MODULUS))


def machine(root: Path) -> Path:
    """Writes the machine under ``root`` and gives ``root`` back."""
    write_machine(root, [channel("package-0", "package.txt"), channel("package-0/dram", "dram.txt")])
    (root / "package.txt").write_text(steady(PACKAGE_W, MODULUS - 4000))
    (root / "dram.txt").write_text(steady(DRAM_W, 7))
    return root
