"""The tables that the package carries: every row has an origin, and known errors of others are not here."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter

import pytest

from microjoule.footprint import data_tables as tables

ROWS = [(name, row) for name in tables.names() for row in tables.rows(name)]
KEYS = {
    "zones": ("code", "signal"),
    "pue": ("code",),
    "fuels": ("fuel", "scope"),
    "mixes": ("mix", "fuel"),
    "tariffs": ("code", "sector"),
    "hardware": ("name",),
    "rentals": ("provider", "region", "offer", "hardware", "count"),
    "constants": ("name",),
    "paper": ("table", "row", "quantity"),
}
LICENCES = (
    "CC-BY-4.0",
    "public domain",
    "Apache-2.0",
    "MIT",
    "OGL",
    "facts",
    "not needed",
)


def table(name):
    return {tuple(row[key] for key in KEYS[name]): row for row in tables.rows(name)}


@pytest.mark.parametrize("name", KEYS)
def test_every_row_has_an_origin_a_unit_and_a_range_in_order(name):
    for row in tables.rows(name):
        assert row["source"], row
        assert row["licence"].startswith(LICENCES), row
        assert row["unit"], row
        assert row["year"] or row["source"] == "convention", row
        assert 0 <= float(row["low"]) <= float(row["value"]) <= float(row["high"]) < math.inf, row
        assert None not in row, f"more cells than columns: {row}"
        assert tables.factor(row, name).value == float(row["value"])


@pytest.mark.parametrize("name", KEYS)
def test_no_key_is_there_twice(name):
    keys = Counter(tuple(row[key] for key in KEYS[name]) for row in tables.rows(name))
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("name", KEYS)
def test_the_columns_end_alike(name):
    assert tuple(tables.rows(name)[0])[-len(tables.COMMON) :] == tables.COMMON


def test_as_many_places_are_there_as_the_issue_asks():
    zones = [row for row in tables.rows("zones") if row["signal"] == "average"]
    kinds = Counter(row["kind"] for row in zones)
    assert kinds["country"] >= 210
    assert kinds["subregion"] == 27
    assert kinds["state"] == 52
    assert kinds["province"] >= 30
    assert kinds["bidding zone"] >= 9
    clouds = Counter(row["code"].partition(":")[0] for row in zones if row["kind"] == "cloud")
    assert set(clouds) == {"aws", "gcp", "azure"}
    assert sum(clouds.values()) >= 100
    assert len(tables.rows("pue")) >= 70


def test_every_parent_is_a_zone_and_every_alias_belongs_to_one():
    rows = [row for row in tables.rows("zones") if row["signal"] == "average"]
    codes = {row["code"] for row in rows}
    assert {row["parent"] for row in rows if row["parent"]} <= codes
    words = Counter(word.casefold() for row in rows for word in (row["code"], row["alias"]) if word)
    assert [word for word, count in words.items() if count > 1] == []


def test_every_unit_has_one_spelling():
    units = {name: {row["unit"] for row in tables.rows(name)} for name in KEYS}
    assert units["zones"] == units["fuels"] == {"g/kWh"}
    assert units["pue"] == {"1"}
    assert units["tariffs"] == {"USD/kWh", "EUR/kWh"}
    assert units["rentals"] == {"USD/h"}
    assert units["hardware"] == {"W"}
    assert units["mixes"] == {"%"}


def test_the_pound_and_the_kilogram_of_egrid_are_one_figure():
    """EPA prints 775.239 lb/MWh for the United States, which is the low end of their row here."""
    row = table("zones")[("US", "average")]
    assert float(row["low"]) == pytest.approx(775.239 * 0.45359237, abs=0.001)


def test_known_errors_of_popular_tables_are_not_here():
    """footprint.md 3.9, each by name."""
    hardware = table("hardware")
    assert ("GTX-750",) not in hardware  # 250 W in mlco2/impact; the board is a 55 W one
    assert float(hardware[("V100-PCIe",)]["value"]) == 250  # swapped there
    assert float(hardware[("V100-SXM2",)]["value"]) == 300
    for name in ("TPUv2", "TPUv3"):
        row = hardware[(name,)]
        assert "not a TDP" in row["note"]
        assert float(row["low"]) < float(row["high"])
    assert not any(float(row["value"]) == 743 for row in tables.rows("fuels"))  # codecarbon's gas
    assert not any(float(row["value"]) == 475 for row in tables.rows("zones"))  # its world of 2019
    assert not any(float(row["high"]) >= 700 for row in tables.rows("rentals"))  # a placeholder elsewhere
    zones = table("zones")
    for code in ("TM", "UZ"):
        assert "implausible" in zones[(code, "average")]["note"]
    assert ("CF", "average") not in zones  # published as zero
    assert not any(float(row["value"]) == 0 for row in tables.rows("zones"))
    clouds = [row for row in tables.rows("rentals") if row["provider"] == "gcp" and row["hardware"] == "P100"]
    assert [(row["low"], row["high"]) for row in clouds] == [("0.43", "1.46")]  # "$41 - $410" in some docs


def test_what_may_not_be_passed_on_is_not_here():
    text = json.dumps([row for _, row in ROWS])
    for word in ("ODbL", "AGPL", "Electricity Maps yearly", "IEA 2019", "SPECpower"):
        assert word not in text


def test_every_licence_is_printed():
    said = {(each.source, each.licence, each.table) for each in tables.attributions()}
    assert {(row["source"], row["licence"], name) for name, row in ROWS} == said


def test_the_hash_is_of_all_tables_and_the_same_in_every_process():
    program = "from microjoule.footprint import data_tables as tables; print(tables.digest(), end='')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == tables.digest()
    assert len(tables.digest()) == 12
