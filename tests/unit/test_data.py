"""The tables that the package carries: every row has an origin, and known errors of others are not here."""

from __future__ import annotations

import datetime
import json
import math
import re
import subprocess
import sys
from collections import Counter

import pytest

from microjoule.errors import UnknownHardware
from microjoule.footprint import data_tables as tables
from microjoule.footprint.hardware import _words as hardware_words
from microjoule.footprint.hardware import device

ROWS = [(name, row) for name in tables.names() for row in tables.rows(name)]
KEYS = {
    "intensities": ("code", "signal", "source", "year"),
    "losses": ("code",),
    "wue": ("code",),
    "embodied": ("name",),
    "pue": ("code",),
    "fuels": ("fuel", "scope"),
    "mixes": ("mix", "fuel"),
    "tariffs": ("code", "sector"),
    "hardware": ("name",),
    "rentals": ("provider", "region", "offer", "hardware", "count"),
    "constants": ("name",),
    "equivalents": ("key",),
    "label_sets": ("set", "letter"),
    "lacoste2019": ("code",),
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
        assert row["year"] or row["source"].startswith(("convention", "commonly quoted")), row
        assert re.fullmatch(r"https?://\S+", row["url"]), row
        assert "2026-11-01" <= row["retrieved"] <= "2099-12-31", row
        datetime.date.fromisoformat(row["retrieved"])

        assert 0 <= float(row["low"]) <= float(row["value"]) <= float(row["high"]) < math.inf, row
        assert None not in row, f"more cells than columns: {row}"
        assert tables.factor(row, name).value == float(row["value"])


def test_every_place_has_an_origin_too():
    assert len(tables.rows("zones")) > 600
    for row in tables.rows("zones"):
        assert all(row[column] for column in ("code", "name", "kind", "source", "licence")), row
        assert row["url"].startswith("http"), row
        datetime.date.fromisoformat(row["retrieved"])


def test_every_table_is_tested():
    assert set(tables.names()) == {*KEYS, "zones"}


@pytest.mark.parametrize("name", KEYS)
def test_no_key_is_there_twice(name):
    keys = Counter(tuple(row[key] for key in KEYS[name]) for row in tables.rows(name))
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("name", KEYS)
def test_the_columns_end_alike(name):
    assert tuple(tables.rows(name)[0])[-len(tables.COMMON) :] == tables.COMMON


def test_as_many_places_are_there_as_the_issue_asks():
    zones = tables.rows("zones")
    kinds = Counter(row["kind"] for row in zones)
    assert kinds["country"] >= 210
    assert kinds["subregion"] == 27
    assert kinds["state"] == 51
    assert kinds["region"] == 7
    assert kinds["province"] >= 43
    assert kinds["bidding zone"] >= 9
    clouds = Counter(row["code"].partition(":")[0] for row in zones if row["kind"] == "cloud")
    assert set(clouds) == {"aws", "gcp", "azure"}
    assert (clouds["aws"], clouds["azure"], clouds["gcp"]) == (38, 60, 46)
    assert len(tables.rows("pue")) >= 70


def test_every_parent_is_a_zone_and_every_alias_belongs_to_one():
    rows = tables.rows("zones")
    codes = {row["code"] for row in rows}
    assert {row["parent"] for row in rows if row["parent"]} <= codes
    assert {part for row in rows for part in row["within"].split("|") if part} <= codes
    assert {row["code"] for row in tables.rows("intensities")} <= codes
    words = Counter(
        word.casefold() for row in rows for word in (row["code"], *row["alias"].split("|")) if word
    )
    assert [word for word, count in words.items() if count > 1] == []


def test_every_unit_has_one_spelling():
    units = {name: {row["unit"] for row in tables.rows(name)} for name in KEYS}
    assert units["intensities"] == units["fuels"] == {"g/kWh"}
    assert units["pue"] == {"1"}
    assert all(re.fullmatch("[A-Z]{3}/kWh", unit) for unit in units["tariffs"])
    assert len(units["tariffs"]) == 7
    assert units["rentals"] == {"USD/h"}
    assert units["hardware"] == {"W"}
    assert units["mixes"] == {"%"}


def test_the_pound_and_the_kilogram_of_egrid_are_one_figure():
    """EPA prints 775.239 lb/MWh for the United States, which is the low end of their row here."""
    rows = [row for row in tables.rows("intensities") if row["code"] == "US" and row["scope"] == "direct"]
    (row,) = [row for row in rows if row["signal"] == "average"]
    assert float(row["value"]) == pytest.approx(775.239 * 0.45359237, abs=0.001)


def test_known_errors_of_popular_tables_are_not_here():
    """footprint.md 3.9, each by name."""
    hardware = table("hardware")
    assert ("GTX-750",) not in hardware  # 250 W in mlco2/impact; the board is a 55 W one
    assert float(hardware[("V100-PCIe",)]["value"]) == 250  # swapped there
    assert float(hardware[("V100-SXM2",)]["value"]) == 300
    for name in ("TPUv2", "TPUv3"):
        row = hardware[(name,)]
        assert row["power"] == "measured mean"
        assert float(row["low"]) < float(row["high"])
    assert not any(float(row["value"]) == 743 for row in tables.rows("fuels"))  # codecarbon's gas
    assert not any(float(row["value"]) == 475 for row in tables.rows("intensities"))  # its world of 2019
    assert not any(float(row["high"]) >= 700 for row in tables.rows("rentals"))  # a placeholder elsewhere
    figures = {(row["code"], row["signal"]): row for row in reversed(tables.rows("intensities"))}
    for code in ("TM", "UZ"):
        assert "implausible" in figures[(code, "average")]["note"]
    assert ("CF", "average") not in figures  # published as zero
    assert not any(float(row["value"]) == 0 for row in tables.rows("intensities"))
    assert not any(row["code"].casefold() == "us-usa" for row in tables.rows("zones"))
    clouds = [row for row in tables.rows("rentals") if row["provider"] == "gcp" and row["hardware"] == "P100"]
    assert [(row["low"], row["high"]) for row in clouds] == [("0.43", "1.46")]  # "$41 - $410" in some docs
    assert float(hardware[("A10G",)]["value"]) == 300  # 150 W elsewhere, which is the A10
    assert (hardware[("TPUv4",)]["power"], hardware[("TPUv4",)]["value"]) == ("measured mean", "170")
    assert float(hardware[("AMD Ryzen 9 3900X",)]["value"]) == 105  # 125 in Green Algorithms
    assert float(hardware[("Intel Xeon E5-2650",)]["value"]) == 95  # 105 in mlco2/impact: the v3


def test_a_price_and_a_power_are_of_one_thing():
    """A cloud rents a GPU and a datasheet has the board: two GPUs of a K80, four chips of a TPU board."""
    compared = 0
    for row in tables.rows("rentals"):
        try:
            of = device(row["hardware"])
        except UnknownHardware:
            assert row["hardware"] == "TPUv2-32", row
            continue
        compared += 1
        is_board_of_several = "of" in of.part
        assert is_board_of_several == row["hardware"].endswith("-8"), row
    assert compared > 30
    for board, one, count in (("K80-board", "K80", 2), ("M60-board", "M60", 2), ("TPUv2-8", "TPUv2", 4)):
        assert device(board).power.value == count * device(one).power.value
    assert device("TPUv2").power.value == 2 * device("TPUv2-core").power.value


def test_no_two_devices_have_one_name():
    words = [(word, row["name"]) for row in tables.rows("hardware") for word in hardware_words(row)]
    by_word = {}
    for word, name in words:
        by_word.setdefault(word, set()).add(name)
    assert {word: names for word, names in by_word.items() if len(names) > 1} == {}


REPORTED = [
    ("NVIDIA A100-SXM4-80GB", 400),
    ("NVIDIA A100 80GB PCIe", 300),
    ("NVIDIA H100 80GB HBM3", 700),
    ("NVIDIA H100 PCIe", 350),
    ("NVIDIA H100 NVL", 400),
    ("NVIDIA B200", 1000),
    ("NVIDIA L40S", 350),
    ("NVIDIA L40", 300),
    ("NVIDIA A10G", 300),
    ("NVIDIA A10", 150),
    ("Tesla T4", 70),
    ("Tesla V100-SXM2-16GB", 300),
    ("Tesla P100-PCIE-16GB", 250),
    ("Tesla K80", 150),
    ("NVIDIA GeForce RTX 4090", 450),
    ("NVIDIA GeForce RTX 5090", 575),
    ("NVIDIA RTX A6000", 300),
    ("NVIDIA RTX 6000 Ada Generation", 300),
    ("NVIDIA RTX PRO 6000 Blackwell Server Edition", 600),
    ("AMD Instinct MI300X", 750),
    ("AMD Instinct MI250X / MI250", 500),
    ("AMD EPYC 7763 64-Core Processor", 280),
    ("AMD EPYC 9654 96-Core Processor", 360),
    ("AMD EPYC 9755 128-Core Processor", 500),
    ("AMD Ryzen 9 5950X 16-Core Processor", 105),
    ("AMD Ryzen 7 7840U w/ Radeon 780M Graphics", 28),
    ("Intel(R) Xeon(R) CPU E5-2650 v2 @ 2.60GHz", 95),
    ("Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", 150),
    ("Intel(R) Xeon(R) Platinum 8480+", 350),
    ("Intel(R) Xeon(R) 6780E", 330),
    ("13th Gen Intel(R) Core(TM) i9-13900K", 125),
    ("Intel(R) Core(TM) Ultra 9 285K", 125),
    ("Apple M2 Pro", 35),
    ("NVIDIA GB200", 1200),
    ("NVIDIA GB300", 1400),
    ("NVIDIA B300 SXM6 AC", 1400),
    ("NVIDIA GH200 480GB", 700),
    ("NVIDIA H20", 400),
    ("Grace CPU Superchip", 500),
    ("HL-225", 600),
    ("Intel Gaudi 3", 900),
    ("AWS Trainium2", 500),
    ("TPU v5 lite", 225),
    ("TPU v5p", 540),
    ("TPU v6e", 380),
    ("TPU7x", 960),
    ("Google TPU v7 Ironwood", 960),
    ("Intel(R) Core(TM) i9-14900K", 125),
    ("12th Gen Intel(R) Core(TM) i7-12700K", 125),
    ("Intel(R) Core(TM) Ultra 7 258V", 17),
    ("AMD Ryzen Threadripper PRO 7995WX 96-Cores", 350),
]


@pytest.mark.parametrize(("name", "watts"), REPORTED)
def test_names_are_found_as_machines_report_them(name, watts):
    assert device(name).power.value == watts


UNPUBLISHED = [
    ("AWS Graviton3", "Amazon publishes none.*Grace"),
    ("Trainium", "first Trainium.*Trainium2"),
    ("trn1", "first Trainium"),
    ("AWS Inferentia2", "Inferentia.*L4"),
    ("Google Axion", "publish no power"),
    ("Neoverse-V2", "several processors"),
    ("AMD EPYC 9R14", "made for one cloud"),
    ("Intel(R) Xeon(R) Platinum 8488C", "made for one cloud"),
    ("Intel(R) Xeon(R) CPU @ 2.20GHz", "hides which processor"),
    ("NVIDIA GeForce RTX 5090 Laptop GPU", "maker of the laptop"),
]


@pytest.mark.parametrize(("name", "why"), UNPUBLISHED)
def test_a_power_that_nobody_publishes_is_refused_with_the_reason_and_the_nearest_rows(name, why):
    with pytest.raises(UnknownHardware, match=rf"is not published: .*{why}"):
        device(name)


@pytest.mark.parametrize("power", ["estimate", "measured mean"])
def test_a_power_that_is_no_design_power_is_called_what_it_is(power):
    rows = [row for row in tables.rows("hardware") if row["power"] == power]
    assert len(rows) > 5
    for row in rows:
        assert device(row["name"]).power.name.startswith(("estimated power", "measured mean power")), row
        assert row["note"], row


@pytest.mark.parametrize("name", ["H2", "A1004", "L4000", "V10", "EPYC 77", "Xeon Gold 61", "RTX 60"])
def test_a_part_of_a_name_is_a_suggestion_and_no_match(name):
    with pytest.raises(UnknownHardware, match=r"\(\d+(\.\d+)? W\)"):
        device(name)
    assert device("L40").power.value == 300  # not the 350 W of the L40S


def test_what_may_not_be_passed_on_is_not_here():
    text = json.dumps([row for _, row in ROWS])
    for word in ("ODbL", "AGPL", "Electricity Maps yearly", "SPECpower"):
        assert word not in text


def test_every_licence_is_printed():
    said = {(each.source, each.licence, each.table) for each in tables.attributions()}
    assert {(row["source"], row["licence"], name) for name, row in ROWS} == said


def test_the_hash_is_of_all_tables_and_the_same_in_every_process():
    program = "from microjoule.footprint import data_tables as tables; print(tables.digest(), end='')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == tables.digest()
    assert len(tables.digest()) == 12
