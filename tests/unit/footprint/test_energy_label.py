"""The energy label: its letter, and what it never leaves out."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microjoule.errors import BadLabel
from microjoule.footprint import data_tables as tables
from microjoule.footprint.energy_label import LETTERS, Reading, label, label_set, label_sets, stars
from microjoule.report import as_json, label_html, label_svg, label_text

IMAGES = "luccioni2024-image-generation"
RENDERERS = [
    label_svg.render,
    label_text.render,
    label_text.render_in_colour,
    label_html.render,
    as_json.render,
]


def reading(wh=900.0, low=None, high=None, per="1000 images", hardware="1 × H200", provenance="measured"):
    return Reading(wh=wh, low=low, high=high, per=per, hardware=hardware, provenance=provenance)


def made(title="a model", **more):
    return label(reading(**more), label_set(IMAGES), title)


@pytest.mark.parametrize(
    ("wh", "count"),
    [(1.0, 5), (2.0, 5), (2.0001, 4), (4.0, 4), (6.0, 3), (8.0, 2), (10.0, 1), (0.5, 5), (99.0, 1)],
)
def test_stars_are_five_equal_parts_of_the_range_of_a_leaderboard(wh, count):
    """FAQ of AI Energy Score: the range in five equal sections, the highest 20 % get 1 star."""
    assert stars(wh, (1e-12, 10.0)) == count


@pytest.mark.parametrize("bad", [(0, 1), (2, 1), (1, 1), (1, float("inf")), (float("nan"), 1)])
def test_a_leaderboard_without_a_range_is_refused(bad):
    with pytest.raises(BadLabel, match="has no range"):
        stars(1.0, bad)


def test_stars_name_their_range_their_hardware_and_that_they_are_not_official():
    of = label(reading(wh=5.0, low=3.0, high=7.0), label_set(IMAGES), "", (0.1, 10.0))
    assert (of["stars"]["count"], of["stars"]["ends"]) == (3, [2, 4])
    assert "not comparable" in of["stars"]["note"]
    same = label(reading(wh=5.0, hardware="1 × NVIDIA H100"), label_set(IMAGES), "", (0.1, 10.0))
    assert same["stars"]["note"] == ""
    assert made()["stars"] is None
    for render in RENDERERS[:-1]:
        assert "stars" in render(of)
        assert "not official" in " ".join(render(of).split())
    assert max(map(len, label_text.render(of).splitlines())) < 80


@pytest.mark.parametrize("of", label_sets(), ids=lambda of: of.key)
def test_a_border_belongs_to_the_class_that_it_closes(of):
    assert len(of.borders_wh) == len(LETTERS) - 1
    assert list(of.borders_wh) == sorted(set(of.borders_wh))
    for letter, after, border in zip(LETTERS, LETTERS[1:], of.borders_wh, strict=False):
        assert of.letter(border) == letter
        assert of.letter(border * (1 + 1e-12)) == after


@pytest.mark.parametrize("of", label_sets(), ids=lambda of: of.key)
def test_the_reference_itself_is_a_d_and_half_of_it_a_c(of):
    assert of.letter(of.reference.value) == "D"
    assert of.letter(of.reference.value / 2) == "C"


def test_every_row_of_the_table_says_who_says_so():
    for row in tables.rows("label_sets"):
        assert all(row[column] for column in ("set", "per", "hardware", "source", "licence", "year", "note"))


@given(st.floats(1e-6, 1e9), st.floats(1, 1e3))
def test_more_energy_never_has_a_better_letter(wh, times):
    of = label_set(IMAGES)
    assert LETTERS.index(of.letter(wh)) <= LETTERS.index(of.letter(wh * times))


def test_the_classes_that_the_uncertainty_reaches_are_all_named():
    found = made(wh=900.0, low=300.0, high=3000.0)
    assert (found["letter"], found["letters"]) == ("C", ["A", "B", "C", "D", "E"])
    assert made(wh=900.0)["letters"] == ["C"]


@pytest.mark.parametrize("render", RENDERERS, ids=lambda render: f"{render.__module__}.{render.__name__}")
def test_set_hardware_and_uncertainty_are_on_every_rendering(render):
    text = render(made(low=850.0, high=1500.0))
    for words in (IMAGES, "1 × H200", "a model", "measured"):
        assert words in text
    in_words = render is not as_json.render
    assert ("850 Wh … 1.5 kWh, classes C to D" in text) == in_words
    assert ("not stated" in render(made())) == in_words
    assert "Luccioni, Jernite, Strubell 2024" in " ".join(text.split())


def test_the_svg_is_xml_with_one_arrow_a_class_and_survives_any_title():
    text = label_svg.render(made(title="<script>\"&'", hardware="a < b & c"))
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    fills = [path.get("fill") for path in root.iter() if path.tag.endswith("path")]
    assert [fill for fill in fills if fill in label_svg.COLOURS] == list(label_svg.COLOURS)
    assert "<script>" not in text
    assert "<script>" not in label_html.render(made(title="<script>"))


@pytest.mark.parametrize("title", ["", "x", "a name " * 30, "w" * 200])
def test_titles_of_any_length_stay_on_the_card(title):
    root = ElementTree.fromstring(label_svg.render(made(title=title)))
    big = [text for text in root.iter() if text.get("font-size") == "24"]
    assert 1 <= len(big) <= 2
    assert all(len(text.text) <= 26 for text in big)


def test_a_estimated_label_says_so():
    assert "estimated, not measured" in label_text.render(made(provenance="estimated"))
    assert "as stated, not checked" in label_svg.render(made(provenance="stated"))


def test_thousands_may_be_written_with_a_comma():
    assert made(per="1,000 Images")["per"] == "1000 images"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"per": "1 image"}, "not the functional unit of the set"),
        ({"per": ""}, "not the functional unit"),
        ({"hardware": " "}, "--hardware"),
        ({"wh": 0.0}, "Nothing uses 0 Wh"),
        ({"wh": -1.0}, "cannot be the energy"),
        ({"wh": float("nan")}, "cannot be the energy"),
        ({"low": 901.0}, "cannot be the energy"),
    ],
)
def test_what_cannot_be_labelled_is_refused(more, says):
    with pytest.raises(BadLabel, match=says):
        made(**more)


def test_an_unknown_set_is_answered_with_the_nearest():
    with pytest.raises(BadLabel, match=IMAGES):
        label_set("image-generation")


def test_the_plain_label_is_json():
    assert json.loads(as_json.render(made()))["schema"] == "microjoule.trace.label/1"
