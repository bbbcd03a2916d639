"""`uj zones` and `uj data`."""

import json

import pytest

from microjoule.cli import main
from microjoule.footprint import data_tables as tables


def test_a_text_is_searched_and_the_source_is_shown(capsys):
    assert main(["zones", "virginia"]) == 0
    out = capsys.readouterr().out
    for word in ("US-SRVC", "aws:us-east-1", "gcp:us-east4", "269 – 343 ", "uj zones US-VA"):
        assert word in out
    assert "Germany" not in out


@pytest.mark.parametrize("words", [[], ["azure"], ["gcp:us-east7"], ["FR"], ["aws:us-east-1"]])
def test_every_line_fits_80_columns_but_a_url(words, capsys):
    assert main(["zones", *words]) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines() if "http" not in line) < 80


@pytest.mark.parametrize("text", ["montreal", "MONTRÉAL", "sao paulo", "gavle"])
def test_a_place_is_found_without_its_accents(text, capsys):
    assert main(["zones", text]) == 0
    assert "uj zones" not in capsys.readouterr().err


def test_one_place_shows_every_figure_with_its_source(capsys):
    assert main(["zones", "aws:us-east-1"]) == 0
    out = capsys.readouterr().out
    for word in (
        "269 g/kWh [269 – 343.5]",
        "US EPA eGRID2023, 2023",
        "https://www.epa.gov/egrid",
        "region-carbon-info 2025",
        "marginal: 586.6 g/kWh",
        "PUE: 1.15",
        "water: 0.06 L/kWh",
        "no open figure: residual mix, upstream",
    ):
        assert word in out


def test_a_code_or_an_alias_is_one_place(capsys):
    assert main(["zones", "FRA"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("FR: France, country in WORLD")
    assert "no open figure: marginal, residual mix" in out


def test_all_zones_are_listed_without_a_text(capsys):
    assert main(["zones"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 400


def test_a_text_that_nothing_holds_names_the_nearest(capsys):
    assert main(["zones", "germny"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Germany" in captured.err


def test_json_has_the_origin_of_each(capsys):
    assert main(["zones", "--json", "aws:us-east-1"]) == 0
    (zone,) = [row for row in json.loads(capsys.readouterr().out) if row["code"] == "aws:us-east-1"]
    assert zone["intensity"]["value"] == 269.016
    assert zone["intensity"]["range"] == [269.016, 343.48]
    assert zone["intensity"]["scope"] == "direct"
    assert zone["pue"]["value"] == 1.15


def test_attributions_are_printed(capsys):
    assert main(["data", "licences"]) == 0
    out = capsys.readouterr().out
    for word in ("Ember", "CC-BY-4.0", "Apache-2.0", "Eurostat", tables.digest()):
        assert word in out


def test_the_hash_is_printed(capsys):
    assert main(["data", "hash"]) == 0
    assert capsys.readouterr().out.strip() == tables.digest()


def test_old_figures_are_listed_with_what_to_do_and_exit_0_while_they_are_looked_up(capsys):
    assert main(["data", "check"]) == 0
    out = capsys.readouterr().out
    assert "rentals: 8 figures of 2023, limit 1 year; AWS" in out
    assert "https://" in out
    assert "no newer figure was found on 2026-11" in out
    assert "to use another one: --price '0.12 USD/kWh'" in out
    assert "none of them must be looked up again" in " ".join(out.split())
    assert max(len(line) for line in out.splitlines() if "https://" not in line) < 80


def test_the_tables_are_counted(capsys):
    assert main(["data", "tables"]) == 0
    assert "zones: " in capsys.readouterr().out


def test_nothing_else_is_data():
    with pytest.raises(SystemExit) as caught:
        main(["data", "nonsense"])
    assert caught.value.code == 2
