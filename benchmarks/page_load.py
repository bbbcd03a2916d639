"""How long a browser takes from opening a page of a million readings until it is drawn.

The yardstick is the same file without its script: what the browser needs to read and parse the same bytes,
and to lay out the same tables. Both are opened in turns in one browser; the figure is the ratio of the
medians.

    python benchmarks/page_load.py            # needs chromium
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from chromium import PROGRAM, Chromium
from ideal import Ideal, constant, rows, write

from microjoule.cli import main

READINGS, TURNS = 1_000_000, 7
READY = "document.documentElement.dataset.ready"
OPENED = "document.readyState === 'complete'"
WHEN = "new Promise(done => {{ const look = () => {} && {} ? done(1) : setTimeout(look, 1); look(); }})"


def opened_s(browser: Chromium, path: Path, condition: str) -> float:
    """Seconds from asking for a page until a condition holds in it."""
    begun_s = time.perf_counter()
    browser.call("Page.navigate", url=path.as_uri())
    browser.value(WHEN.format(OPENED, condition))
    return time.perf_counter() - begun_s


def measured(folder: Path) -> dict[str, float]:
    """Medians in seconds, and their ratio."""
    # Every reading is an update of the counter, so that each is a step of the picture.
    ideal = Ideal(constant(54.0), update_ns=100_000, poll_ns=100_000, n=READINGS)
    trace = write(folder / "million.arrows", rows([ideal]))
    page, plain = folder / "page.html", folder / "plain.html"
    main(["report", str(trace), "--brief", "--html", str(page)])
    text = page.read_text()
    plain.write_text(re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL))
    with Chromium(folder / "chromium") as browser:
        pairs = [(opened_s(browser, plain, "true"), opened_s(browser, page, READY)) for _ in range(TURNS)]
    parsed, drawn = (statistics.median(each) for each in zip(*pairs, strict=True))
    return {"bytes": len(text.encode()), "parsed_s": parsed, "drawn_s": drawn, "ratio": drawn / parsed}


if __name__ == "__main__":
    if PROGRAM is None:
        sys.exit("chromium is not installed")
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(Path(folder)), indent=2))
