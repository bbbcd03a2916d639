import math
import re
from dataclasses import replace
from html import unescape

import pytest
from scripted import machine
from steps import Steps

import microjoule as uj
from microjoule.footprint.chosen_factors import FactorOptions, terms
from microjoule.footprint.factor import Boundary, Origin
from microjoule.footprint.footprint import footprint
from microjoule.footprint.intensity_series import IntensitySeries, IntensityStep
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component
from microjoule.report import power_svg
from microjoule.report.in_notebook import table
from microjoule.units import NS_PER_S

ENERGY = Estimate(value=12.34, low=12.0, high=12.6, accuracy=0.05, components=(Component("edges", 0.1),))


def test_an_estimate_shows_both_intervals_and_what_it_is():
    page = ENERGY._repr_html_()
    for text in ("12.34 J", "200 mJ", "12.00 … 12.60 J", "5 %", "measured", "edges 100 %"):
        assert f"{text}" in page


@pytest.mark.parametrize("status", ["incomplete", "ambiguous", "reset", "failed"])
def test_a_status_stands_in_the_figure_s_place(status):
    page = replace(ENERGY, value=None, status=status, components=())._repr_html_()
    assert status.upper() in page
    assert "12.34" not in page
    assert "12.00 … 12.60 J" in page


def test_a_bound_that_nothing_bounds_is_left_open():
    page = replace(ENERGY, value=None, high=math.inf, status="reset", components=())._repr_html_()
    assert "≥ 12" in page
    assert "inf" not in page


def test_a_estimated_figure_says_so_and_a_ratio_has_no_unit():
    assert "estimated" in replace(ENERGY, provenance="estimated")._repr_html_()
    assert " J" not in (ENERGY / replace(ENERGY, value=6.17))._repr_html_()


def test_a_footprint_shows_what_was_asked_for_and_nothing_else():
    priced = footprint(ENERGY, terms(FactorOptions(zone="FR", price="0.12 USD/kWh")), 0.1)._repr_html_()
    plain = footprint(ENERGY, terms(FactorOptions()), 0.1)._repr_html_()
    assert "cost of electricity" in priced
    assert "USD" in priced
    assert "cost of electricity" not in plain
    assert "CO2e, location-based" in plain
    assert "12.34 J" in plain


def test_words_of_others_are_escaped():
    page = table(("<a>",), [("<script>",)], ["&"])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;a&gt;" in page
    assert "&amp;" in page


def test_a_picture_leaves_a_gap_where_nothing_is_known():
    page = power_svg.render([{"name": "p<", "edges_s": [0, 1, 2, 3], "power_w": [10.0, None, 20.0]}], "t&")
    (line,) = [part for part in page.split("<path ") if 'stroke-width="1.3"' in part]
    assert line.count("M") == 2
    assert "p&lt;" in page
    assert "t&amp;" in page
    assert power_svg.render([{"name": "p", "edges_s": [0, 1], "power_w": [None]}], "t") == ""


def test_a_picture_s_axis_holds_the_usual_power_and_names_the_peaks_beyond_it():
    """Constant 54 W with one update of 2 kW was a line along the bottom."""
    edges = [n / 1000 for n in range(1001)]
    watts = [2000.0 if n == 500 else 54.0 for n in range(1000)]
    page = power_svg.render([{"name": "p", "edges_s": edges, "power_w": watts}], "t")
    assert "100 W" in page
    assert ">2000 W<" not in page
    assert "(peaks up to 2000 W are cut off)" in page
    ys = [float(y) for y in re.findall(r"[MV](?:[\d.]+ )?([\d.]+)", page.split('stroke-width="1.3"')[0])]
    assert min(ys) >= 22, "above the frame"
    steady = power_svg.render([{"name": "p", "edges_s": edges, "power_w": [54.0] * 1000}], "t")
    assert "cut off" not in steady


def test_a_probe_and_a_series_show_themselves_as_tables(tmp_path):
    page = uj.probe(uj.Meter(root=machine(tmp_path), sources=["script"]))._repr_html_()
    assert "2 channels can be measured here" in page
    assert "package-0/dram" in page
    steps = [
        IntensityStep(n * 3600 * NS_PER_S, (n + 1) * 3600 * NS_PER_S, 100.0 + n, n == 0) for n in range(20)
    ]
    origin = Origin(source="a <test>", year=2026, licence="MIT")
    page = IntensitySeries("grid of GB", steps, Boundary(scope="direct"), origin)._repr_html_()
    assert page.count("g/kWh") == 12
    assert "1970-01-01T01:00:00Z" in page
    assert "8 more intervals" in page
    assert "a &lt;test&gt;; direct" in page


def test_no_colour_of_the_page_is_taken_for_granted():
    page = ENERGY._repr_html_() + power_svg.render([{"name": "p", "edges_s": [0, 1], "power_w": [1.0]}], "t")
    assert "currentColor" in page
    for fixed in ("background:#", "color:#", "white", "black"):
        assert fixed not in page


def test_everything_starts_with_its_sentence_and_has_one_small_table(tmp_path):
    """The headline of a trace was its first window."""
    steps = Steps(
        power_w={"decode": 60.0, "prefill": 90.0}, length_ms={"decode": 10.0, "prefill": 10.0}, n=60
    )
    trace = steps.trace(tmp_path)
    decode = trace.by_name()[0]
    shown = {
        str(trace): trace,
        str(trace.energy()): trace.energy(),
        str(trace.energy("decode")): trace.energy("decode"),
        str(ENERGY): ENERGY,
        f"decode used {decode.energy} in": decode,
        f"{ENERGY} come to": footprint(ENERGY, terms(FactorOptions()), 0.1),
    }
    for sentence, each in shown.items():
        page = each._repr_html_()
        assert page.startswith("<div")
        assert sentence in unescape(page.partition("</div>")[0])
        assert page.count("<tr>") <= 14
    rows = trace._repr_html_()
    assert all(f">{name}</td>" in rows for name in ("decode", "prefill"))
