"""A comparison for a terminal: every line fits, and no figure is cut."""

import pytest

from microjoule.report.compared_lines import lines, markdown, rows

NOTE = "4 runs of each, not 3: a block of order abba runs each twice; order random runs exactly 3"


def figure(value, u, unit):
    return {"value": value, "U": u, "unit": unit, "guaranteed": [None, None], "status": "ok"}


def side(name, outliers=()):
    return {
        "name": name,
        "provenance": "measured",
        "outliers": outliers,
        "energy": figure(2.407, 0.054, "J"),
        "time": figure(0.0535, 0.0012, "s"),
        "power": figure(45.0, 0.31, "W"),
        "n": 4,
    }


def compared(*names, outliers=()):
    return {
        "sides": [side(name, outliers) for name in names],
        "ratios": [
            {"name": name, "energy": figure(1.96, 0.2, ""), "verdict": f"{name} uses 96 % more energy than A"}
            for name in names[1:]
        ],
        "blocks": 2,
        "channels": ["package-0", "package-0/dram"],
        "order": "abba",
        "notes": [NOTE],
    }


@pytest.mark.parametrize("outliers", [(), (1,)])
@pytest.mark.parametrize(
    "names", [("a", "b"), ("sleep 0.05", "sleep 0.1"), ("x" * 18, "y" * 60), ("é " * 99, "b")]
)
def test_every_line_fits_80_columns_and_every_figure_shown_is_whole(names, outliers):
    found = compared(*names, outliers=outliers)
    shown = lines(found)
    words = [line for line in shown if " " in line]
    assert max(map(len, words)) <= 79
    table = shown[: len(names) + 1]
    for line, row in zip(table[1:], rows(found), strict=True):
        assert row[1] in line  # energy and ratio stay, whatever else goes
        assert row[4] in line
    text = " ".join(" ".join(shown).split())
    assert NOTE in text
    assert text.count("1 outlier, kept") == (len(names) if outliers else 0)
    assert "45.00 W" in markdown(found)  # a page has room


def test_a_table_that_fits_has_all_of_its_columns():
    found = compared("a", "b")
    for each in found["sides"]:
        each["time"]["U"] = each["power"]["U"] = None
    table = lines(found)[:3]
    assert "power" in table[0]
    assert "runs" in table[0]
