"""The report for a terminal."""

from __future__ import annotations

import re
from io import BytesIO, TextIOWrapper
from itertools import pairwise

import pytest
from steps import Steps

from microjoule.cli import signs
from microjoule.footprint.chosen_factors import FactorOptions, terms
from microjoule.footprint.footprint import attached
from microjoule.joules.profiling.by_name import METHODS
from microjoule.joules.profiling.reserved_names import NO_WINDOW
from microjoule.joules.summary import summary
from microjoule.report import as_long_text, as_text, written_numbers
from microjoule.report.amounts import amount, span, with_half
from microjoule.text_width import cells, on_terminal

WORDS = {"decode": 60.0, "prefill": 90.0}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    steps = Steps(power_w=WORDS, length_ms=dict.fromkeys(WORDS, 10.0), n=60)
    return summary(steps.trace(tmp_path_factory.mktemp("steps")))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_report_fits_the_terminal_and_starts_with_the_sentence(found, width) -> None:
    """Twenty lines at eighty columns; each name has its row."""
    text = as_text.render(attached(found, terms(FactorOptions(zone="DE"))), width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert text.replace("\n", " ").startswith(found["sentence"])
    assert len(lines) <= (20 if width >= 80 else 30)
    assert all(any(line.startswith(name) for line in lines) for name in WORDS)
    assert "CO2e" in text


def test_report_without_a_zone_says_how_to_get_co2e(found) -> None:
    text = as_text.render(attached(found, terms(FactorOptions())))
    assert "--zone" in text
    assert text.count("CO2e") == 1


@pytest.mark.parametrize(("code", "says"), [("JP", "no open electricity price of Japan"), ("TD", "of Chad")])
def test_a_place_without_a_price_has_its_co2e_and_says_what_is_missing(found, code, says) -> None:
    scope = "scope2" if code == "TD" else ""
    text = as_text.render(attached(found, terms(FactorOptions(zone=code, scope=scope))), 80)
    assert "CO2e " in text
    assert says in text
    assert "add --zone CODE" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_terminal_of_ascii_gets_letters_and_straight_columns(found) -> None:
    """Case: PYTHONIOENCODING=ascii printed \\xb1 and \\u2026, and shifted the columns."""
    signs.register()
    stream = TextIOWrapper(BytesIO(), "ascii", signs.ERRORS)
    text = as_text.render(found, 80, lambda words: signs.shown_on(stream, words))
    assert text.isascii()
    assert "+/-" in text
    assert "\\" not in text
    head, *rows = [line for line in text.splitlines() if line.startswith(("window", *WORDS))]
    end = head.index("energy") + len("energy")
    assert len(rows) == len(WORDS)
    assert all(row[end - 1] == "J" for row in rows)


def test_a_name_of_a_thousand_characters_leaves_its_figures_in_view(found) -> None:
    name = "\u0646\u0627\u0641\u0630\u0629" * 200
    rows = [{**row, "name": name} if row["name"] == "decode" else row for row in found["by_name"]]
    lines = as_text.render({**found, "by_name": rows}).splitlines()
    (line,) = [line for line in lines if line.startswith("\u0646")]
    assert len(line) <= 80
    assert " J ± " in line


@pytest.mark.parametrize("n", [7, 8, 9, 10])
def test_names_that_are_left_out_are_counted_and_the_time_outside_all_is_none_of_them(found, n) -> None:
    """It is the last row, and here the one with the most energy."""
    one, *_, outside = found["by_name"]
    assert outside["name"] == NO_WINDOW
    rows = [*({**one, "name": f"name {i}"} for i in range(n)), outside]
    text = as_text.render({**found, "by_name": rows})
    assert text.count("\nname ") == min(n, as_text.ROWS_MAX)
    assert f"\n{NO_WINDOW} " in text
    assert ("… and" in text) == (n > as_text.ROWS_MAX)
    assert ("… and 1 more name: -v shows it\n" in text) == (n == 9)
    assert ("… and 2 more names: -v shows them\n" in text) == (n == 10)


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize("letter", ["a", "é", "漢", "e\u0301"])
def test_a_long_name_of_any_letters_fits_the_terminal_and_its_figures_stay_in_line(
    found, columns, letter
) -> None:
    name = letter * 60
    rows = [{**row, "name": name} if row["name"] == "decode" else row for row in found["by_name"]]
    windows = [{**found["windows"][0], "name": name, "n_of_name": 1}]
    renamed = attached({**found, "by_name": rows, "windows": windows}, terms(FactorOptions()))
    lines = as_text.render(renamed, columns).splitlines()
    (heading,) = (line for line in lines if line.startswith("window "))
    (line,) = (line for line in lines if line.startswith(letter * 3))
    assert cells(line) == cells(heading)
    with on_terminal(columns):
        lines += [line for line in as_long_text.render(renamed).splitlines() if letter * 3 in line]
    assert max(map(cells, lines)) <= columns


@pytest.mark.parametrize("method", METHODS)
def test_what_the_figure_of_a_name_rests_on_is_a_phrase_and_no_word_of_the_file(found, method) -> None:
    """It ended with "(regression)"."""
    said = {as_long_text.named({**found["by_name"][0], "method": each}).split("; ")[-1] for each in METHODS}
    assert len(said) == len(METHODS)
    text = as_long_text.named({**found["by_name"][0], "method": method})
    assert f"({method})" not in text
    assert len(text.split("; ")[-1].split()) > 3


def test_brief_is_the_sentence(found) -> None:
    assert as_text.brief(found) == f"{found['sentence']}\n"


def test_an_uncertainty_without_the_sensor_s_error_says_so_wherever_it_is_shown(found) -> None:
    """Core, uncore and psys showed ± 30 mJ beside their package's ± 5.3 J: no gain is known of them."""
    assert not any(row["is_sensor_assessed"] for row in found["by_name"])
    assert as_text.UNASSESSED in as_text.render(found)
    assessed = [{**row, "is_sensor_assessed": True} for row in found["by_name"]]
    assert as_text.UNASSESSED not in as_text.render({**found, "by_name": assessed})
    totals = [row for window in found["windows"] for row in (window["total"], *window["channels"])]
    assert not any(row["is_sensor_assessed"] for row in totals)
    rows = [row for window in found["windows"] for row in as_long_text.rows_of(window)]
    assert {row[2][0] for row in rows} == {"≥"}


def test_estimated_figures_have_no_guaranteed_interval(found) -> None:
    """Case: "1.1 J, guaranteed 0.0 … 3.8" where the registers held 34 J."""
    window = found["windows"][0]
    row = {**window["channels"][0], "provenance": "estimated"}
    ((*_, guaranteed, _, _, _, remark),) = as_long_text.rows_of({**window, "channels": [row]})[:1]
    assert (guaranteed, remark) == ("–", "estimated")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.26, "0.26 EUR"),
        (0.00312, "0.00312 EUR"),
        (3.12e-4, "312 µEUR"),
        (1.9e-6, "1.9 µEUR"),
        (7.1e-9, "7.1 nEUR"),
        (0.0, "0 EUR"),
        (None, "–"),
    ],
)
def test_no_price_has_an_exponent(value, words) -> None:
    assert amount({"value": value, "unit": "EUR"}) == words


def test_a_range_and_an_uncertainty_of_a_small_price_share_its_unit() -> None:
    assert span((7.13e-6, 1.84e-5), "EUR") == "7.13 – 18.4 µEUR"
    assert with_half({"value": 7.13e-6, "U": 4.2e-7, "unit": "EUR"}) == "7.13 ± 0.42 µEUR"
    assert with_half({"value": 0.26, "U": 0.012, "unit": "EUR"}) == "0.260 ± 0.012 EUR"


@pytest.mark.parametrize("unit", ["EUR", "g", "kWh", "L"])
@pytest.mark.parametrize("exponent", range(-9, 6))
def test_no_amount_has_an_exponent(unit, exponent) -> None:
    assert not re.search(r"\de[+-]?\d", amount({"value": 1.9 * 10.0**exponent, "unit": unit}))


@pytest.mark.parametrize("half", [0.0371, 0.5, 7.3, 96.0])
@pytest.mark.parametrize("value", [141.2394, 12.1, 0.0317, 2402.26])
def test_an_energy_and_its_uncertainty_have_one_unit_and_end_at_one_digit(value, half) -> None:
    energy, spread = written_numbers.energy(value, half, (-1e9, 1e9))
    (figure, unit), (width, same) = energy.split(), spread.split()
    assert unit == same
    assert len(figure.partition(".")[2]) == len(width.partition(".")[2])


def test_what_a_total_covers_is_below_its_row_and_widens_no_column(found) -> None:
    """Beside the total's name the sentence of two meters of a machine made the table 160 columns wide."""
    covers = "one of 2 meters of a machine; machine-1/power is not added: either may hold the other"
    window = found["windows"][0]
    rows = [window["channels"][0], window["channels"][0]]
    total = {**window["total"], "covers": covers}
    of = {**window, "n_of_name": 1, "channels": rows, "total": total}
    text = as_long_text.render({**found, "windows": [of], "by_name": []})
    assert covers in " ".join(text.split())
    assert max(len(line) for line in text.splitlines() if "total" in line or "meter" in line) <= 80


@pytest.mark.parametrize("status", ["ok", "incomplete"])
@pytest.mark.parametrize("terminal", [40, 80, 100])
def test_the_long_table_fits_the_terminal_with_its_remarks(found, terminal, status) -> None:
    """Rows of estimates with ``INCOMPLETE, estimated`` beside their peaks had 81 to 92 characters at 80."""
    window = found["windows"][0]
    of_channel = {"energy_j": 0.19, "U_j": 0.04, "guaranteed_j": (0.141, 0.252), "mean_w": 0.01311}
    row = {**window["channels"][0], **of_channel, "peak_w": 0.05189, "status": status, "accuracy": "± 12 %"}
    rows = [
        {**row, "channel": f"cpu_time/{name}", "provenance": "estimated"} for name in ("system", "command")
    ]
    of = {**window, "n_of_name": 1, "channels": [row, *rows]}
    with on_terminal(terminal):
        text = as_long_text.render({**found, "windows": [of], "by_name": []})
    table = text[text.index(window["name"], len(found["sentence"])) : text.index("± is the")]
    assert max(map(cells, table.splitlines())) < terminal
    remarks = (status == "incomplete") * ["INCOMPLETE"] + ["estimated"]
    assert table.count(", ".join(remarks)) == 2


def test_a_name_that_leaves_its_figures_no_room_stands_above_them(found) -> None:
    """Two power supplies and a meter: each row of the table was 101 columns wide."""
    window = found["windows"][0]
    long = {**window["channels"][0], "channel": 'my sensor, "quoted"-0/gr_e_a_0_power2'}
    of = {**window, "n_of_name": 1, "channels": [long, *window["channels"]]}
    with on_terminal(80):
        lines = as_long_text.render({**found, "windows": [of], "by_name": []}).splitlines()
    assert max(map(cells, lines)) <= 80
    own = next(line for line in lines if line.strip().startswith(window["channels"][0]["channel"]))
    above = lines.index(f"  {long['channel']}")
    assert lines[above + 1].split() == own.split()[1:], "the same figures as under its short name"


def singly(found):
    """The report of one window in a table of its own."""
    return {**found, "windows": [{**found["windows"][0], "n_of_name": 1}], "by_name": []}


@pytest.mark.parametrize("terminal", [40, 60, 80])
def test_what_the_columns_mean_is_broken_only_where_the_terminal_ends(found, terminal) -> None:
    """At 40 columns a line held one word: sentences were broken for 80 columns and then again."""
    with on_terminal(terminal):
        text = as_long_text.render(singly(found))
    lines = text[text.index("guaranteed: whatever") : text.index("sensor: no accuracy")].splitlines()
    for line, following in pairwise(lines):
        assert cells(f"{line} {following.split()[0]}") >= terminal


def test_how_a_lag_is_measured_is_said_once_for_all_counters_of_which_it_is_assumed(found) -> None:
    lags = [
        f"gpu-{n}/energy: its counter may show energy up to 100 ms late (assumed, not measured)"
        for n in (0, 1)
    ]
    text = " ".join(as_long_text.render(singly(found) | {"lags": lags}).split())
    assert text.count("uj probe --calibrate") == 1
    measured = singly(found) | {"lags": ["gpu-0/energy: lag 0 to 7 ms, measured at its power steps"]}
    assert "To measure a lag" not in as_long_text.render(measured)


def test_one_channel_has_no_line_of_what_its_total_adds(found) -> None:
    window = {**found["windows"][0], "n_of_name": 1}
    total = {**window["total"], "channels": ["a-long-name-of-a-device-0/energy-of-all-its-parts"]}
    one = {**window, "channels": window["channels"][:1], "total": total}
    assert "a-long-name" not in as_long_text.render({**found, "windows": [one], "by_name": []})


@pytest.mark.parametrize("more", [1, 2])
def test_warnings_that_are_left_out_are_counted(found, more) -> None:
    lanes = [{**found["engine"]["lanes"][0], "lane": f"l{i}", "missed": 1} for i in range(3 + more)]
    text = as_text.render({**found, "engine": {**found["engine"], "lanes": lanes}})
    assert f"… and {more} more warning{'s: -v shows them' if more > 1 else ': -v shows it'}" in text


@pytest.mark.parametrize(
    ("n", "says"), [(1, "1 read failed: the GPU is busy."), (1234, "1,234 reads failed: the GPU is busy.")]
)
def test_failed_reads_are_counted_and_named(found, n, says) -> None:
    failures = [{"channel": "gpu-0/power", "why": "the GPU is busy", "n": n}]
    text = " ".join(as_text.render({**found, "engine": {**found["engine"], "failures": failures}}).split())
    assert f"gpu-0/power: {says}" in text


def test_what_was_not_read_for_one_cause_is_one_sentence(found) -> None:
    """A GPU that is lost had a sentence for each of its seven channels, and others no room."""
    gpu = [f"gpu-0/{name}" for name in ("energy", "power", "sm_clock", "temperature", "utilization")]
    lost = "the GPU has fallen off the bus (NVML_ERROR_GPU_IS_LOST)"
    rows = [{"channel": name, "why": lost, "n": 1000} for name in gpu]
    rows += [
        {"channel": "gpu-1/energy", "why": lost, "n": 1},
        {"channel": "gpu-1/power", "why": "Input/output error", "n": 2},
    ]
    facts = {**found["facts"], "left_out": {"a": "Shut.", "b": "Shut.", "c": "Lost.", "d": "Shut."}}
    engine = {**found["engine"], "failures": rows}
    text = " ".join(as_long_text.render({**found, "engine": engine, "facts": facts}).split())
    assert f"gpu-0/energy, gpu-0/power, gpu-0/sm_clock and 2 more: 5,000 reads failed: {lost}." in text
    assert f"gpu-1/energy: 1 read failed: {lost}." in text
    assert "gpu-1/power: 2 reads failed: Input/output error." in text
    assert "a, b and d were left out: Shut. c was left out: Lost." in text


def test_no_energy_has_no_prefix() -> None:
    assert written_numbers.interval(0.0, None, "J") == "≥ 0.0 J"
    assert written_numbers.quantity(0.0, "W") == "0.0 W"
