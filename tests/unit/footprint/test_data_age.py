"""What is old, what must be looked up again, and what never ages."""

from __future__ import annotations

from datetime import date

import pytest

from microjoule.footprint import data_tables as tables
from microjoule.footprint.data_age import LIMIT_YEARS, judged, old_figures
from microjoule.report.data_lines import lines

NOW = date(2026, 11, 29)


def test_nothing_was_old_when_the_oldest_figure_was_new():
    assert old_figures(date(2008, 1, 1)) == ()


def test_in_a_century_every_figure_is_old_and_must_be_looked_up():
    found = old_figures(date(2126, 1, 1))
    assert sum(group.figures for group in found) == judged()
    assert not any(group.is_looked_up for group in found)
    assert f"{judged()} of them must be looked up again" in " ".join(lines(found, judged())[-2:])
    assert any("LOOK UP" in line for line in lines(found, judged()))


@pytest.mark.parametrize(("day", "must"), [(NOW, False), (date(2027, 11, 24), True)])
def test_an_old_figure_is_due_a_year_after_it_was_looked_up(day, must):
    """The lookup of 2026-11-23 holds for a year, and the process then exits 1."""
    found = [group for group in old_figures(day) if group.table == "intensities" and group.year == 2022]
    assert found
    assert any(not group.is_looked_up for group in found) == must


def test_a_figure_is_old_only_beyond_the_limit_of_its_table():
    for group in old_figures(NOW):
        assert group.limit_years == LIMIT_YEARS[group.table]
        assert NOW.year - group.year > group.limit_years
        assert group.url.startswith("http")


def test_what_only_widens_a_range_names_its_edition_or_serves_a_published_method_is_not_judged():
    codes = {(group.table, code) for group in old_figures(date(2126, 1, 1)) for code in group.codes}
    assert ("pue", "uptime2020") not in codes
    assert ("pue", "strubell2019") not in codes
    assert ("rentals", "P100") not in codes
    assert ("pue", "aws:us-east-1") in codes
    newest = [
        group for group in old_figures(date(2126, 1, 1)) if "FR" in group.codes and "Ember" in group.source
    ]
    assert {group.year for group in newest} == {2025}
    assert {
        row["year"] for row in tables.rows("intensities") if row["code"] == "FR" and "Ember" in row["source"]
    } == {
        "2024",
        "2025",
    }


def test_those_to_look_up_come_first():
    states = [group.is_looked_up for group in old_figures(date(2027, 11, 26))]
    assert states == sorted(states)
    assert len(set(states)) == 2
