"""Faults, and what becomes of a recording that meets them: `make faults` writes docs/reliability.md."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[0] = str(HERE.parent)  # where the tests' own modules are

from faults import of_counters, of_files, of_limits, of_processes  # noqa: E402 - once their folder is there
from faults.play import Fault, NotHere, left_behind  # noqa: E402

GROUPS: dict[str, dict[str, Fault]] = {
    "The file, its disk, its pipe": of_files.FAULTS,
    "The counters and the clocks": of_counters.FAULTS,
    "The recorder and the command": of_processes.FAULTS,
    "What the machine does not grant": of_limits.FAULTS,
}
FAULTS = {name: fault for group in GROUPS.values() for name, fault in group.items()}
# Played by `make faults` alone: each is nearly another one.
LONG = (
    *("EINTR", "EACCES", "ENODEV", "letters", "empty reads", "FUSE short reads"),
    *("SIGHUP", "SIGHUP of uj run", "no /dev/shm"),
)

HEAD = """# Reliability

What happens to a recording when something goes wrong. `make faults` causes each of these faults in the
installed `uj` and writes this page; the tests run a short form. Each fault checks that the recorded data can
be read, that its guaranteed interval contains the true energy, that missing data is named, that the exit
code is right, and that no temporary file and no process is left. *Held* means that all of this was so.

A library that is preloaded into `uj` (`tests/faults/unruly.c`) simulates counter files, a failing disk and
the wall clock. Everything else is real, and two faults of counters come from a real file system (FUSE) too.
"""


def played(fault: Fault, folder: Path) -> None:
    """Plays a fault in a folder, which must then hold no temporary files and no process."""
    fault(folder)
    left = left_behind(folder)
    assert not left, f"left behind: {left}"


def outcome(fault: Fault) -> str:
    """What a fault's row in the page says of this time."""
    with tempfile.TemporaryDirectory(prefix="uj-faults-") as folder:
        try:
            played(fault, Path(folder))
        except NotHere as error:
            return f"not played: {error}"
        except Exception as error:
            return f"**failed**: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    return "held"


def main() -> int:
    """Plays all faults, writes the page, and says whether all held."""
    page, failed = [HEAD], 0
    for title, faults in GROUPS.items():
        page.append(f"\n## {title}\n\n| fault | what happens | played |\n|---|---|---|\n")
        for name, fault in faults.items():
            found = outcome(fault)
            failed += found.startswith("**")
            print(f"{name}: {found}", flush=True)
            words = " | ".join(part.strip() for part in (fault.__doc__ or name).split(" | "))
            page.append(f"| {words} | {found} |\n")
    (HERE.parent.parent / "docs" / "reliability.md").write_text("".join(page))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
