"""What sampling takes here: ``python benchmarks/overhead.py [MINUTES]`` writes results/overhead.md and .svg.

It is what ``uj overhead`` measures and nothing else, with one lane more where it can be had: the `msr`
PMU's `tsc`, four times in one group, which takes the path of a package's energy events through the kernel
but for the register, and which virtual machines have too. So the table can be compared between machines.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for floor.py

import floor
import pytest

from microjoule.learning import CostOptions, site_of, take
from microjoule.report import overhead_plot, overhead_table
from microjoule.units import S_PER_MIN

RESULTS = Path(__file__).resolve().parent / "results"
MINUTES = 5.0
EVENTS = 4
HEAD = """# What sampling takes

Taken by `python benchmarks/overhead.py`, which is `uj overhead` with a group of four `tsc` events beside the
machine's own sources ([how](../README.md)), on {taken}.

```text
{table}
```

![the same, drawn](overhead.svg)
"""


def main(minutes: float) -> None:
    """Writes the table and the picture."""
    site = site_of(Path("/"), None, None)
    try:
        group = tuple(replace(channel, source="tsc × 4") for channel in floor.tsc_channels(EVENTS))
    except pytest.skip.Exception as why:
        print(f"without the group of tsc events: {why}", file=sys.stderr)
        group = ()
    site = replace(site, listed=group + site.listed)
    found = take(site, CostOptions(for_s=minutes * S_PER_MIN), lambda words: print(words, file=sys.stderr))
    plain = found.to_json()
    table = "\n".join(overhead_table.lines(plain))
    taken = datetime.now(UTC).isoformat(timespec="minutes")
    (RESULTS / "overhead.md").write_text(HEAD.format(taken=taken, table=table))
    overhead_plot.draw(plain, RESULTS / "overhead.svg")
    print(table)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES)
