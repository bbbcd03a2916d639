"""A powercap tree at its real path whose counters follow a known power, for this process tree alone.

``enter`` is run inside a private mount namespace (``unshare --mount``): it lays a tmpfs over
``/sys/class`` and ``/sys/devices/virtual`` into which all that was there is bound back, and a
powercap tree beside it. Nobody outside sees it, and it is gone with the last process inside.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLASS, VIRTUAL = Path("/sys/class"), Path("/sys/devices/virtual")
ZONES = {"0": "package-0", "0:0": "core", "0:1": "uncore", "0:2": "dram"}
COUNTS = 1 << 32


@dataclass(frozen=True)
class Node:
    """A machine: the power of each zone in watts, and the register's unit.

    ``unit_nj`` is what the driver takes the unit for, 2^-``esu`` J cut off to whole nanojoules.
    """

    watts: Mapping[str, float]
    esu: int = 14
    unit_nj: int = 61_035

    @property
    def range_j(self) -> float:
        """What the counter holds before it wraps, in joules."""
        return COUNTS / (1 << self.esu)


DESKTOP = Node({"0": 60.0, "0:0": 40.0, "0:1": 2.0, "0:2": 5.0})
# A node of a kilowatt whose counters hold 1024 J: they wrap once a second.
WRAPPING = Node({"0": 1000.0, "0:0": 600.0, "0:1": 20.0, "0:2": 50.0}, esu=22, unit_nj=238)


def enter() -> None:
    """Lays the two folders over the kernel's own; in a mount namespace of its own only."""
    for place in (CLASS, VIRTUAL):
        _shadow(place)
        (place / "powercap").mkdir()


def _shadow(place: Path) -> None:
    """A tmpfs in place of a folder, with all that was in it but powercap."""
    kept = Path(tempfile.mkdtemp())
    subprocess.run(["mount", "--rbind", place, kept], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "peers", place], check=True)
    for entry in sorted(kept.iterdir()):
        there = place / entry.name
        if entry.name == "powercap":
            continue
        if entry.is_symlink():
            there.symlink_to(entry.readlink())
        elif entry.is_dir():
            there.mkdir()
            subprocess.run(["mount", "--rbind", entry, there], check=True)


@contextmanager
def running(program: Path, node: Node, cpu: int) -> Iterator[Path]:
    """The node's counters at work; gives the package's ``energy_uj``.

    Args:
        program: ``counter.c``, built.
        node: The powers.
        cpu: Where the counters are kept up to date.
    """
    files = {zone: _lay(zone, node) for zone in node.watts}
    arguments = [f"{path}={node.watts[zone]}={COUNTS // 3}" for zone, path in files.items()]
    command = [program, str(node.unit_nj), str(node.esu), str(cpu), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        try:
            yield files["0"]
        finally:
            told, _ = writer.communicate("\n")
            met, missed = (int(word) for word in told.split())
            if missed > met / 100:
                print(f"  the counters missed {missed} of {met + missed} updates: the machine is busy")


def _lay(zone: str, node: Node) -> Path:
    """One zone's files, laid as the kernel lays them; gives its ``energy_uj``."""
    names = ["intel-rapl:" + ":".join(zone.split(":")[: end + 1]) for end in range(len(zone.split(":")))]
    control = VIRTUAL / "powercap" / "intel-rapl"
    folder = control.joinpath(*names)
    folder.mkdir(parents=True, exist_ok=True)
    range_uj = (COUNTS - 1) * node.unit_nj // 1000
    texts = {"name": ZONES[zone], "max_energy_range_uj": str(range_uj), "energy_uj": "0" * 12, "enabled": "1"}
    if zone == "0":
        texts |= {"constraint_0_name": "long_term", "constraint_0_power_limit_uw": f"{1_500_000_000}"}
        texts |= {"constraint_0_max_power_uw": f"{1_500_000_000}"}
    for name, text in texts.items():
        (folder / name).write_text(text + "\n")
    for link, target in (
        (CLASS / "powercap" / names[-1], folder),
        (CLASS / "powercap" / "intel-rapl", control),
        (control / "subsystem", CLASS / "powercap"),
    ):
        if not link.is_symlink():
            link.symlink_to(target)
    return folder / "energy_uj"
