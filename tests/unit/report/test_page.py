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
from scripted import machine

import microjoule as uj
from microjoule.cli import main
from microjoule.joules.energy_trace import load
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
    table = text[text.index('<table id="names">') :].partition("</table>")[0]
    assert table.count("<tr>") == 1 + len(report["by_name"])


def test_the_page_names_no_address(page):
    assert not re.search(r"https?://|url\(|@import|\bsrc=\"", page[0].read_text())


def test_several_traces_or_a_total_have_no_page(page, tmp_path, capsys):
    trace = str(page[2].path)
    (tmp_path / "b.arrows").write_bytes(page[2].path.read_bytes())
    html = ["--html", str(tmp_path / "o.html")]
    assert main(["report", trace, str(tmp_path / "b.arrows"), "--each", *html]) == 2
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
    rows = browser.value("[...document.querySelectorAll('#windows tr')].map(row => row.innerText)")
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
    at = [one["t0_ns"] - origin, one["t1_ns"] - origin]
    for n, channel in enumerate(("package-0", "package-0/dram")):
        said = browser.value(f"microjoule.energy(microjoule.channels[{n}], {at[0]}, {at[1]})")
        told = trace.energy(Window("span", int(said["from"]) + origin, int(said["to"]) + origin))[channel]
        assert said["energy"] == pytest.approx(told.value, rel=1e-12)
        assert (said["low"], said["high"]) == pytest.approx((told.low, told.high), rel=1e-12)


def test_wheel_drag_and_keys_zoom_measure_and_move(browser):
    left, top, width = browser.value(
        "(() => { const box = document.getElementById('screen').getBoundingClientRect();"
        " return [box.left, box.top, box.width]; })()"
    )
    x, y = left + width / 2, top + 100
    whole = browser.value("microjoule.view()")
    browser.mouse("mouseMoved", x, y)
    assert "W from" in browser.value("document.getElementById('readout').innerText")
    browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-500)
    near = browser.value("microjoule.view()")
    assert whole[0] < near[0] < near[1] < whole[1]
    browser.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    browser.mouse("mouseMoved", x + 150, y, button="left", buttons=1)
    browser.mouse("mouseReleased", x + 150, y, button="left", clickCount=1)
    assert "guaranteed" in browser.value("document.getElementById('readout').innerText")
    browser.value("document.getElementById('screen').focus()")
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="0")
    assert browser.value("microjoule.view()") == whole


def test_a_run_has_its_page_with_every_update(tmp_path):
    """And so the recording under it is not thinned out."""
    words = ["--html", "r.html", "--root", str(machine(tmp_path)), "--source", "script", "--", "sleep", "0.3"]
    subprocess.run([sys.executable, "-m", "microjoule", "run", *words], cwd=tmp_path, check=True, timeout=60)
    text = (tmp_path / "r.html").read_text()
    told = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])
    assert "<title>sleep 0.3: energy</title>" in text
    assert told["channels"][0]["t_ns"]["n"] > 100
