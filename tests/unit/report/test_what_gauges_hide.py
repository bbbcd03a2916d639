"""What ± of a gauge leaves out stands in the text, the JSON and the page of a recording, for every sensor."""

import html
import json
import re
from types import SimpleNamespace

import gauges
import pytest
from ideal import T0, S, rows, write

from microjoule.cli import main

SAID = {
    "100 of 100 ms": "gpu-0/power averages 100 ms: a load that repeats",
    "mean of 1 s": "gpu-0/power averages 1 s: a load that repeats",
    "mean of 1 s, frozen at idle": "gpu-0/power averages 1 s: a load that repeats",
    "25 of 100 ms": "gpu-0/power measures 25 ms of each 100 ms: it misses a load",
    "20 of 100 ms": "gpu-0/power measures 20 ms of each 100 ms: it misses a load",
    "10 of 20 ms": "gpu-0/power measures 10 ms of each 20 ms: it misses a load",
    "capacitor of 50 ms": "gpu-0/power follows the power late, as a capacitor does: a load in step",
}


@pytest.mark.parametrize("sensor", SAID)
def test_it_says_what_its_gauge_hides(tmp_path, capsys, sensor):
    """Windows of 30 ms under a load of 20 ms, which each of these sensors sees as nearly steady."""
    one, load = gauges.SENSORS[sensor], gauges.square(0.02, 8.0, 1)
    begins = [T0 + round((5 + at) * S) for at in range(3)]
    marks = [(t, "@begin", at, "step") for at, t in enumerate(begins)]
    marks += [(t + 3 * S // 100, "@end", at, "step") for at, t in enumerate(begins)]
    read = SimpleNamespace(
        channel=gauges.channel(one.timing), series=gauges.series(load, one, gauges.Poll(), 1)
    )
    path = write(tmp_path / "gauge.arrows", rows([read], marks))
    page, data = tmp_path / "page.html", tmp_path / "report.json"
    assert main(["report", str(path), "--html", str(page), "--json", str(data)]) == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert SAID[sensor] in text
    said = json.loads(data.read_text())
    assert any(note.startswith(SAID[sensor]) for note in said["sensors"])
    assert said["sensors_beside"] == []  # the gauge is in the total
    assert SAID[sensor] in html.unescape(page.read_text())
