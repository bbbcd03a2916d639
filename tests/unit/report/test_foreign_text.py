"""Names that others chose, as a report shows them."""

from xml.etree import ElementTree

import pytest

from microjoule.footprint.energy_label import Reading, label, label_set
from microjoule.report import (
    amounts,
    as_long_text,
    footprint_lines,
    label_html,
    label_svg,
    label_text,
)
from microjoule.report import (
    written_numbers as figures,
)
from microjoule.report.amortised_lines import _share
from microjoule.report.foreign_text import LONGEST, cut, safe

SET = label_set("luccioni2024-text-generation")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Größe × µ", "Größe × µ"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("two\nlines\t", r"two\nlines\t"),
        ("\u202eturned", r"\u202eturned"),
        ("\x9b31m", r"\x9b31m"),
    ],
)
def test_control_characters_are_written_out(text, shown):
    assert safe(text) == shown


def test_a_long_name_is_cut_and_says_so():
    assert cut("a" * LONGEST) == "a" * LONGEST
    assert cut("a" * 1000) == "a" * (LONGEST - 1) + "…"


@pytest.mark.parametrize("render", [label_svg.render, label_html.render, label_text.render])
def test_a_label_holds_no_control_character(render):
    reading = Reading(wh=30.0, per="1000 texts", hardware="a\x1b[31m\x00laptop", note="it was cut short")
    text = render(label(reading, SET, "my\x07 model <b>"))
    assert not any(character in text for character in "\x00\x07\x1b")
    assert "it was cut short" in text or render is label_html.render
    if render is label_svg.render:
        ElementTree.fromstring(text)


def window(name, channels):
    figure = {
        "energy_j": 1.0,
        "guaranteed_j": [1.0, 1.0],
        "U_j": None,
        "status": "ok",
        "provenance": "measured",
    }
    rest = {"mean_w": 1.0, "peak_w": 1.0, "accuracy": "unknown"}
    return {
        "name": name,
        "n_of_name": 1,
        "duration_s": 1.0,
        "is_open": False,
        "attributes": {"note": "\x1b[2J"},
        "channels": [{"channel": each, **figure, **rest} for each in channels],
        "total": {"channels": channels, **figure},
    }


def summary(*windows):
    engine = {"lanes": [], "failures": [], "stuck": [], "lost_marks": {}}
    parts = {"by_name": [], "engine": engine, "facts": {}, "is_truncated": False}
    return {"sentence": "a used 1 J", "whole": None, "windows": windows, **parts}


def test_a_window_of_any_name_leaves_the_terminal_alone():
    text = as_long_text.render(summary(window("\x1b[31m" + "a" * 500, ["package-0", "package-0/dram"])))
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 110


def test_a_total_of_many_channels_names_them_beneath():
    text = as_long_text.render(summary(window("a", [f"gpu-{number}/energy" for number in range(8)])))
    assert "total of 8 " in text
    assert "    of gpu-0/energy + gpu-1/energy" in text
    assert max(map(len, text.splitlines())) <= 110


def test_no_window_at_all_is_a_sentence():
    assert "There is no figure" in as_long_text.render(summary())


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (figures.quantity(1e15, "J"), "1.000e+15 J"),
        (figures.quantity(12.5, "J"), "12.50 J"),
        (figures.interval(1e15, 2e15, "J"), "1.000e+15 … 2.000e+15 J"),
        (figures.interval(1e15, None, "J"), "≥ 1.000e+15 J"),
        (figures.spread(1e15, "J"), "1.0e+15 J"),
        (amounts.plain(1.23456e12), "1.235e+12"),
        (amounts.plain(3_201_722), "3,201,722"),
        (amounts.span((1.0, 2.0), ""), "1 – 2"),
        (_share(0.99999), "> 99.9 %"),
        (_share(1.0), "100 %"),
    ],
)
def test_figures_of_any_size_can_be_read(shown, text):
    assert shown == text


def figure(value, provenance):
    amount = {"value": value, "unit": "g", "guaranteed": [1.0, 3.0], "choice": None, "U": None}
    return {"provenance": provenance, "co2e_location": amount}


TERMS = {"method": "default", "formula": "", "factors": {}, "remark": "", "data": "0"}


@pytest.mark.parametrize(("kind", "other"), [("measured", "estimated"), ("estimated", "measured")])
def test_the_foot_speaks_of_what_the_report_holds(kind, other):
    found = footprint_lines.lines(TERMS, [{"name": "a", "footprint": figure(2.0, kind)}])
    words = {"measured": "95 % uncertainty", "estimated": "from an idle device"}
    text = " ".join(found)
    assert words[kind] in text
    assert words[other] not in text


def test_without_a_figure_the_choice_of_factors_is_not_called_unknown():
    for nothing in (None, 0.0):
        assert "factors" not in footprint_lines.parts(figure(nothing, "measured"))[0]
    assert "counter alone ± 50 % (guaranteed)" in footprint_lines.parts(figure(2.0, "measured"))[0]
