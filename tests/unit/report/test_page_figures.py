"""The screen of a report's page shows the figures of its tables."""

import json
from dataclasses import replace
from types import SimpleNamespace

import gauges
import pytest
from chromium import PROGRAM, Chromium
from ideal import MS, T0, Ideal, S, constant, rows, write

from microjoule.channel import FLAGS
from microjoule.cli import main

JOULES = {"J": 1.0, "mJ": 1e-3, "µJ": 1e-6}
DIGITS = 0.06  # relative: ± has two of them


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if PROGRAM is None:
        pytest.skip("chromium is not installed")
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


def reported(folder, table, browser):
    """The JSON report of a trace, whose page is open."""
    path, files = write(folder / "t.arrows", table), (folder / "t.html", folder / "t.json")
    assert main(["report", str(path), "--brief", "--html", str(files[0]), "--json", str(files[1])]) == 0
    browser.open(files[0])
    return json.loads(files[1].read_text())


def marks(spans_s):
    for number, (begin_s, end_s) in enumerate(spans_s):
        yield T0 + round(begin_s * S), "@begin", number, "step"
        yield T0 + round(end_s * S), "@end", number, "step"


def spreads(browser):
    """The ± of each row of the readout, in joules."""
    cells = "[...document.querySelectorAll('#readout tbody tr')].map(row => row.innerText.split('\\t'))"
    drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done({}))))"
    said = {row[0]: row[3].removeprefix("≥ ").split() for row in browser.value(drawn.format(cells))}
    return {name: float(words[0]) * JOULES[words[1]] for name, words in said.items() if len(words) == 2}


def tabled(window):
    found = {row["channel"]: row["U_j"] for row in window["channels"]}
    return found | ({"total": window["total"]["U_j"]} if len(found) > 1 else {})


def show(browser, number):
    browser.value(f"document.querySelectorAll('table.windows button')[{number}].click()")


def gauge(sensor, length_s=8.0):
    one, load = gauges.SENSORS[sensor], gauges.square(0.5, length_s, 1)
    return SimpleNamespace(
        channel=gauges.channel(one.timing), series=gauges.series(load, one, gauges.Poll(), 1)
    )


def test_the_screen_has_the_uncertainty_of_a_window_that_its_table_has(browser, tmp_path):
    """Of counters it had one by their guaranteed intervals, which a lag makes many times as wide."""
    late = [
        Ideal(constant(54.0 - 20 * n), n=3000, id=f"gpu-{n}/energy", update_ns=20 * MS, lag_ns=100 * MS)
        for n in range(2)
    ]
    spans = [(0.3, 0.8), (1.0, 1.7), (0.2, 1.9)]
    report = reported(tmp_path, rows(late, marks(spans)), browser)
    assert len(report["windows"]) == len(spans)
    for number, window in enumerate(report["windows"]):
        show(browser, number)
        assert spreads(browser) == pytest.approx(tabled(window), rel=DIGITS)


@pytest.mark.parametrize("sensor", ["100 of 100 ms", "25 of 100 ms", "mean of 1 s"])
def test_a_gauge_on_the_screen_is_as_unsure_as_in_its_table(browser, tmp_path, sensor):
    """The screen had the sensor's own error alone: of 25 of 100 ms a small part of what is not known."""
    report = reported(tmp_path, rows([gauge(sensor)], marks([(3.03, 3.9), (2.0, 6.0)])), browser)
    for number, window in enumerate(report["windows"]):
        show(browser, number)
        assert spreads(browser) == pytest.approx(tabled(window), rel=DIGITS)


def test_other_spans_of_a_gauge_are_as_unsure_as_the_ends_of_all_of_it(browser, tmp_path):
    report = reported(tmp_path, rows([gauge("25 of 100 ms")]), browser)
    (whole,) = tabled(report["windows"][0]).values()
    assert spreads(browser) == pytest.approx({"gpu-0/power": whole}, rel=DIGITS)
    browser.value("microjoule.show(3e9, 5e9)")
    (part,) = spreads(browser).values()
    assert 0.3 * whole < part < whole


def test_readings_whose_bits_mean_something_each_have_no_line(browser, tmp_path):
    """The mean of a bit mask means nothing, and 64 was drawn beside shares of one."""
    one = gauge("100 of 100 ms")
    scale = replace(one.channel.scale, quantity=FLAGS)
    channel = replace(one.channel, id="gpu-0/clock_reasons", scale=scale)
    bits = SimpleNamespace(channel=channel, series=one.series)
    reported(tmp_path, rows([one, bits], marks([(2.0, 6.0)])), browser)
    assert browser.value("microjoule.channels.map(channel => channel.id)") == ["gpu-0/power"]
