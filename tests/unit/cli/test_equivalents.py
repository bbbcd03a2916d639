import re

import pytest

from microjoule.cli import main


def uj(*words):
    return main(["equivalents", *words])


def test_the_architecture_search_of_the_paper(capsys):
    assert uj("626,155 lb") == 0
    text = capsys.readouterr().out
    assert "4.97 lifetimes of a car, fuel included\n  57,152,639 g: Strubell et al. 2019" in text
    assert "brain" not in text


def test_an_energy_is_days_of_a_brain(capsys):
    assert uj("0.48 kWh") == 0
    assert "1 days of a human brain (0.8 – 1.67)\n  20 W" in capsys.readouterr().out


def test_two_amounts_are_counted_by_one_factor(capsys):
    assert uj("1.653 kg", "--against", "34.6 g") == 0
    text = capsys.readouterr().out
    assert "47.8 times as much" in text
    assert "9.45 against 0.198 kilometres in an average car\n  175 g/km" in text


def test_one_key_may_be_chosen(capsys):
    assert uj("1 t", "--key", "flight-ny-sf") == 0
    assert capsys.readouterr().out.count("return flights") == 1


@pytest.mark.parametrize(
    "words", [["284 t"], ["3 kWh", "--zone", "FR"], ["284 t", "--against", "5 t"], ["1 g"]]
)
def test_every_line_fits_80_columns(words, capsys):
    assert uj(*words) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) < 80


def test_counts_below_a_thousandth_are_only_named(capsys):
    assert uj("1 g") == 0
    out = capsys.readouterr().out
    assert "less than a thousandth each: car-lifetime" in out
    assert not re.search(r"^0\.000\d", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["much"], "neither CO2e nor an energy"),
        (["-1 kg"], "neither CO2e nor an energy"),
        (["1 kg", "--against", "1 kWh"], "two amounts of CO2e"),
        (["1 kWh", "--key", "car-km"], "not an equivalent of an energy"),
        (["1e999 kg"], "is not possible"),
        ([""], "neither CO2e nor an energy"),
        (["0,5 kg"], "does not separate thousands"),
        (["1,5 MWh"], "does not separate thousands"),
    ],
)
def test_what_cannot_be_counted_is_refused(words, says, capsys):
    assert uj(*words) == 2 if not words[0].startswith("-") else main(["equivalents", "--", *words]) == 2
    assert says in capsys.readouterr().err


def test_an_unknown_key_is_answered_with_the_nearest(capsys):
    assert uj("1 kg", "--key", "car") == 2
    assert "car-km" in capsys.readouterr().err


def test_an_energy_is_co2e_of_a_place_where_one_is_given(capsys):
    assert main(["equivalents", "10 kWh", "--zone", "FR"]) == 0
    out = capsys.readouterr().out
    assert "as CO2e: 415 g at 41.5 g/kWh, grid of France" in out
    assert "days of a human brain" in out
    assert "kilometres in an average car" in out
    assert main(["equivalents", "10 kWh", "--zone", "FR", "--key", "car-km"]) == 0
    assert capsys.readouterr().out.split()[0].startswith("2.37")


def test_the_flight_of_the_paper_is_there_and_back_with_a_range(capsys):
    assert main(["equivalents", "900 kg", "--key", "flight-ny-sf"]) == 0
    out = capsys.readouterr().out
    assert "return flights" in out
    assert "(1 " in out
