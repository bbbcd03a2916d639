"""The page of a report: safe, whole, and in a browser what the JSON says."""

import base64
import json
import re
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from chromium import PROGRAM, Chromium
from ideal import MS, T0, Ideal, constant, rows, write
from reached import reached
from scripted import machine

import microjoule as uj
from microjoule.cli import main
from microjoule.joules.energy_trace import load
from microjoule.report import page_tables
from microjoule.report.html import packed
from microjoule.report.written_numbers import quantity
from microjoule.trace.window import Window

EVIL = "</script><script>document.title='stolen'</script><img src=x onerror=\"document.title='stolen'\">"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page, its JSON report and its trace; a window and its attributes mean harm."""
    folder = tmp_path_factory.mktemp("page")
    with (
        uj.record(folder / "t.arrows", uj.Meter(sources=["script"], root=machine(folder))) as recorder,
        recorder.window("all"),
        recorder.window(EVIL, note=EVIL),
    ):
        time.sleep(0.2)
    paths = folder / "t.html", folder / "t.json"
    command = ["report", str(folder / "t.arrows"), "--html", str(paths[0]), "--json", str(paths[1])]
    assert main(command) == 0
    return paths[0], json.loads(paths[1].read_text()), load(folder / "t.arrows")


@pytest.mark.parametrize(
    "array",
    [
        np.array([0, 5, 2**33, 2**52], np.int64),
        np.array([0, 7, 9], np.int64),
        np.array([-5, 2**31 - 1, -(2**31)], np.int32),
        np.array([1.5, np.nan, -0.0]),
        np.empty(0, np.int64),
    ],
)
def test_an_array_comes_back_from_its_text(array):
    told = packed(array)
    plain = zlib.decompress(base64.b64decode(told["data"]))
    size = int(told["type"][1:])
    rows = np.frombuffer(plain, np.uint8).reshape(size, told["n"]).T.tobytes()
    values = np.frombuffer(rows, "<" + told["type"])
    values = np.cumsum(values.astype(np.float64)) if told["delta"] else values
    np.testing.assert_array_equal(values, array)


def test_words_of_others_end_no_element(page):
    text = page[0].read_text()
    assert text.count("<script") == text.count("</script>") == 2
    assert "<img" not in text


def test_the_page_starts_with_the_sentence_of_the_report_and_has_a_row_a_name(page):
    """The headline was that of the first window, of 262 epochs the first epoch."""
    text, report, trace = page[0].read_text(), page[1], page[2]
    assert f'<p class="sentence">{report["sentence"]}</p>' in text
    assert report["sentence"] == str(trace)
    table = text[text.index('<table class="names">') :].partition("</table>")[0]
    assert table.count("<tr>") == 1 + len(report["by_name"])


def test_facts_are_a_line_each_and_what_is_empty_has_none():
    """Of GPUs the page had one line, in Python's braces and quotation marks; then Python's True and False."""
    gpus = [{"index": 0, "chip": "hopper", "settings": {"ecc": True, "persistence": False}}, {"index": 1}]
    table = page_tables.facts({"gpus": gpus, "misleading": [], "command": ["sleep", "4"]})
    assert dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', table)) == {
        "gpus.0.index": "0",
        "gpus.0.chip": "hopper",
        "gpus.0.settings.ecc": "yes",
        "gpus.0.settings.persistence": "no",
        "gpus.1.index": "1",
        "command": "sleep 4",
    }


def test_the_page_names_no_address(page):
    assert not re.search(r"https?://|url\(|@import|\bsrc=\"", page[0].read_text())


def test_five_traces_or_a_total_have_no_page(page, tmp_path, capsys):
    trace = str(page[2].path)
    html = ["--html", str(tmp_path / "o.html")]
    copies = [tmp_path / f"{i}.arrows" for i in range(5)]
    for copy in copies:
        copy.write_bytes(page[2].path.read_bytes())
    assert main(["report", *map(str, copies), *html]) == 2
    assert main(["report", trace, "--total", *html]) == 2
    assert main(["report", trace, "--html", trace]) == 2
    assert main(["report", trace, "--html", str(tmp_path / "none" / "o.html")]) == 1
    assert not (tmp_path / "o.html").exists()
    assert "page" in capsys.readouterr().err


def test_a_trace_is_drawn_for_a_paper(page, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    png, svg = tmp_path / "o.png", tmp_path / "o.svg"
    assert main(["report", str(page[2].path), "--png", str(png), "--svg", str(svg)]) == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in svg.read_text()
    assert main(["report", str(page[2].path), "--png", str(tmp_path / "o.gif")]) == 2
    assert "o.gif" in capsys.readouterr().err


@pytest.fixture(scope="module")
def browser(page, tmp_path_factory):
    if PROGRAM is None:
        pytest.skip("chromium is not installed")
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        browser.open(page[0])
        yield browser


def test_a_browser_has_no_complaint_and_asks_no_network(page, browser):
    assert browser.complaints == []
    assert browser.requests == [page[0].resolve().as_uri()]
    assert browser.value("document.title") == "t.arrows: energy"


def test_the_table_shows_the_figures_of_the_json(page, browser):
    rows = browser.value("[...document.querySelectorAll('table.windows tr')].map(row => row.innerText)")
    for window in page[1]["windows"]:
        for channel in window["channels"]:
            shown = [row for row in rows if row.startswith(channel["channel"] + "\t")]
            assert any(quantity(channel["mean_w"], "W") in row.split("\t") for row in shown)
            assert any(quantity(channel["energy_j"], "J", *channel["guaranteed_j"]) in row for row in shown)


def test_a_span_on_the_screen_is_the_energy_of_the_trace(page, browser):
    """To the raw unit, and with the same guaranteed bound."""
    _, report, trace = page
    origin = browser.value("JSON.parse(document.getElementById('data').textContent).origin_ns")
    one = report["windows"][0]
    for n, channel in enumerate(("package-0", "package-0/dram")):
        here = f"microjoule.channels[{n}]"
        # The nearest updates after both edges: there the page has whole counts.
        edges = [f"{here}.t[upTo({here}.t, {one[each] - origin})]" for each in ("t0_ns", "t1_ns")]
        said = browser.value(f"microjoule.energy({here}, {edges[0]}, {edges[1]})")
        told = trace.energy(Window("span", int(said["from"]) + origin, int(said["to"]) + origin))[channel]
        assert said["energy"] == pytest.approx(told.value, rel=1e-12)
        assert (said["low"], said["high"]) == pytest.approx((told.low, told.high), rel=1e-12)
        between = browser.value(
            f"microjoule.energy({here}, {one['t0_ns'] - origin}, {one['t1_ns'] - origin})"
        )
        truth = trace.energy(Window("span", one["t0_ns"], one["t1_ns"]))[channel]
        assert between["energy"] == pytest.approx(truth.value, rel=1e-2)
        assert between["low"] <= truth.value <= between["high"]


def test_a_span_that_ends_where_a_gap_begins_has_its_energy(browser):
    """Of the first update after its end no power is known there, and none of it is inside."""
    here = "{...microjoule.channels[0], value: [...microjoule.channels[0].value].fill(NaN, 3)}"
    said = browser.value(f"(c => microjoule.energy(c, c.t[0], c.t[3]))({here})")
    known = browser.value("(c => microjoule.energy(c, c.t[0], c.t[3]))(microjoule.channels[0])")
    assert said["energy"] == known["energy"]
    assert known["energy"] > 0


def test_wheel_drag_and_keys_zoom_measure_and_move(browser):
    left, top, width = browser.value(
        "(() => { const box = document.getElementById('screen').getBoundingClientRect();"
        " return [box.left, box.top, box.width]; })()"
    )
    x, y = left + width / 2, top + 100
    whole = browser.value("microjoule.view()")
    size = "JSON.stringify(document.getElementById('readout').getBoundingClientRect().toJSON())"
    before = browser.value(size)
    browser.mouse("mouseMoved", x, y)
    rows = browser.value("[...document.querySelectorAll('#readout tbody tr')].map(row => row.innerText)")
    assert [row.split("\t")[0] for row in rows] == ["package-0", "package-0/dram", "total"]
    # On a busy machine nothing was read there: then it is the mean, and says so.
    assert all(re.search(r" W( \(mean\))?$", row.split("\t")[1]) for row in rows[:2])
    assert browser.value(size) == before  # a table that moves the page cannot be read
    browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-500)
    near = browser.value("microjoule.view()")
    assert whole[0] < near[0] < near[1] < whole[1]
    browser.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    browser.mouse("mouseMoved", x + 150, y, button="left", buttons=1)
    browser.mouse("mouseReleased", x + 150, y, button="left", clickCount=1)
    assert browser.value("document.getElementById('where').innerText").startswith("span ")
    total = browser.value(
        "[...document.querySelectorAll('#readout tr.total td')].map(cell => cell.innerText)"
    )
    # On a busy machine the span may lie in one update: then it is at most so much, without a ±.
    assert [each[-1:] for each in total[1:]] in (["J", "J", "J", "W"], ["J", "", "J", "W"]), total
    browser.value("document.getElementById('screen').focus()")
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="0")
    assert browser.value("microjoule.view()") == whole


@pytest.mark.reaches(limit=3, figure=3)
def test_energy_that_is_less_than_its_uncertainty_is_at_most_so_much(browser):
    """As in every table: of a span inside one update only a limit is known."""
    cells = "[...document.querySelectorAll('#readout tr.total td')].map(cell => cell.innerText)"
    browser.value("document.getElementById('screen').focus()")
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="Escape")
    for _ in range(20):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key="+")
        _, joules, half, guaranteed, watts = browser.value(
            f"new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done({cells}))))"
        )
        if reached("limit", joules.startswith("at most ")):
            assert half == ""
            assert watts.startswith("at most ")
        if reached("figure", not joules.startswith("at most ")):
            assert half.removeprefix("≥ ")[0].isdigit(), (joules, half, guaranteed)
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="0")


def test_a_run_has_its_page_with_every_update(tmp_path):
    """And so the recording under it is not thinned out."""
    words = ["--html", "r.html", "--root", str(machine(tmp_path)), "--source", "script", "--", "sleep", "0.3"]
    subprocess.run([sys.executable, "-m", "microjoule", "run", *words], cwd=tmp_path, check=True, timeout=60)
    text = (tmp_path / "r.html").read_text()
    told = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])
    assert "<title>sleep 0.3: energy</title>" in text
    assert told["channels"][0]["t_ns"]["n"] > 100
    assert '<th scope="row">command</th><td>sleep 0.3</td>' in text


def test_the_keyboard_measures_a_span_and_a_screen_reader_hears_of_it(browser):
    browser.value("document.getElementById('screen').focus()")

    def press(key, *, shift=False):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=8 if shift else 0)
        browser.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    press("Escape")
    press(".")
    for _ in range(5):
        press("ArrowRight", shift=True)
    said = browser.value("document.getElementById('said').innerText")
    assert said.startswith("span ")
    assert re.search(r" m?J, .* W$", said)
    press("Enter")
    view = browser.value("microjoule.view()")
    assert view[1] - view[0] == pytest.approx(browser.value("JSON.parse(data.textContent).length_ns") / 20)
    press("Escape")
    press("0")


def test_windows_lie_in_rows_below_the_trace_and_the_inner_one_below_the_outer(browser):
    rows = browser.value("microjoule.rows.map(row => [...row.name].map(name => row.names[name]))")
    assert len(rows) == 2
    assert rows[0] == ["all"]
    left, bottom = browser.value(
        "(() => { const box = document.getElementById('screen').getBoundingClientRect();"
        " return [box.left, box.bottom]; })()"
    )
    browser.mouse("mouseMoved", left + 600, bottom - 26 - 30)
    assert "all" in browser.value("document.getElementById('where').innerText")


def test_a_single_update_of_thirty_times_the_usual_power_does_not_set_the_scale(browser):
    """Case: constant 54 W was drawn on an axis up to 2 kW."""
    scale = """(() => {
        const n = 20000, t = Float64Array.from({ length: n + 1 }, (_, i) => i * 1e5);
        const value = new Float64Array(n).fill(54);
        for (let i = 100; i < n; i += 997) value[i] = 2000;
        const c = summed({ t, n, value, quiet: new Uint8Array(n), gaps: [] });
        const far = seen(c, [0, n * 1e5], 1000), near = seen(c, [0, 150 * 1e5], 1000);
        return [axis([far], false), axis([near], false), axis([far], true)].map((each) => each.high);
    })()"""
    far, near, full = browser.value(scale)
    assert 54 < far <= 250
    assert 54 < near <= 100
    assert full >= 2000


def test_two_traces_have_one_time_axis(page, tmp_path, browser):
    other = tmp_path / "other.arrows"
    other.write_bytes(page[2].path.read_bytes())
    path = tmp_path / "both.html"
    assert main(["report", str(page[2].path), str(other), "--html", str(path)]) == 0
    browser.open(path)
    found = browser.value("microjoule.channels.map(c => [c.id, c.t[0], c.whole_ns[1]])")
    assert [each[0] for each in found] == [
        f"{name}: {channel}"
        for name in ("t.arrows", "other.arrows")
        for channel in ("package-0", "package-0/dram")
    ]
    assert found[0][1:] == found[2][1:]  # a copy lies exactly over what it is a copy of
    totals = browser.value("[...document.querySelectorAll('#readout tr.total')].map(row => row.innerText)")
    assert [row.split("\t")[0] for row in totals] == ["t.arrows: total", "other.arrows: total"]
    assert browser.value("document.querySelectorAll('p.sentence').length") == 2
    browser.open(page[0])


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_nothing_is_wider_than_a_phone_and_dark_is_dark(page, browser, width, scheme):
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
    )
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(page[0])
    assert browser.value("document.documentElement.scrollWidth") <= width
    ground = browser.value("getComputedStyle(document.body).backgroundColor")
    is_dark = max(map(int, re.findall(r"\d+", ground)[:3])) < 64
    assert is_dark == (scheme == "dark")
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.call("Emulation.setEmulatedMedia", features=[])
    browser.open(page[0])


def test_a_printed_page_is_short_and_opens_nothing(browser, tmp_path):
    """Case: 38 printed pages of 1,572 windows."""
    browser.pdf(tmp_path / "t.pdf")
    assert len(re.findall(rb"/Type ?/Page[^s]", (tmp_path / "t.pdf").read_bytes())) <= 4


def test_a_page_counts_the_windows_that_its_blocks_leave_out(tmp_path):
    """Of 25 windows the first 20 have a block: nothing was said of the others."""
    begins = [T0 + (2 + 10 * i) * MS for i in range(25)]
    marks = [(begin, "@begin", i, "step") for i, begin in enumerate(begins)]
    marks += [(begin + 5 * MS, "@end", i, "") for i, begin in enumerate(begins)]
    trace, html = write(tmp_path / "t.arrows", rows([Ideal(constant(54.0))], marks)), tmp_path / "t.html"
    assert main(["report", str(trace), "--zone", "DE", "--html", str(html)]) == 0
    assert re.findall(r"(\d+) more windows: ", html.read_text()) == ["5", "5"], "footprint and budget"


def test_twenty_thousand_windows_and_a_name_of_a_thousand_signs_are_a_short_page(tmp_path, browser, page):
    """A page of 1,572 windows was 40,863 pixels high."""
    n, name = 20_000, "\u0646\u0627\u0641\u0630\u0629" * 200
    ideal = Ideal(constant(54.0), n=4000)
    begins = [T0 + MS + i * 150_000 for i in range(n)]
    marks = [(begin, "@begin", i, name if i % 2 else "step") for i, begin in enumerate(begins)]
    marks += [(begin + 100_000, "@end", i, "") for i, begin in enumerate(begins)]
    trace, html = write(tmp_path / "many.arrows", rows([ideal], marks)), tmp_path / "many.html"
    assert main(["report", str(trace), "--brief", "--html", str(html)]) == 0
    assert html.stat().st_size < 1_500_000
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False
    )
    browser.open(html)
    assert browser.value("document.documentElement.scrollHeight") < 4000
    assert browser.value("document.documentElement.scrollWidth") <= 1280
    assert browser.value("microjoule.rows.map(row => row.t0.length).reduce((a, b) => a + b)") == n
    assert browser.complaints == []
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.open(page[0])
