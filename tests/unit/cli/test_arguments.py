"""What a newcomer types: nothing, help, a misspelt word, options in another order."""

from __future__ import annotations

import pytest

from microjoule import cli
from microjoule.cli.serve import address
from microjoule.footprint.conversion import intensity


@pytest.mark.parametrize("words", [[], ["help"], ["--help"]])
def test_uj_alone_and_uj_help_print_the_help(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 0
    assert "uj run -- python train.py" in capsys.readouterr().out


def test_help_of_a_command_is_its_help(capsys):
    with pytest.raises(SystemExit):
        cli.main(["help", "run"])
    assert capsys.readouterr().out.startswith("usage: uj run ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data", "ages"], "uj data: there is no topic 'ages'. Did you mean tables?"),
        (["rnu"], "uj: there is no command 'rnu'. Did you mean run?"),
        (
            ["report", "t.arrows", "--zoen", "DE"],
            "there is no option or argument '--zoen' here. Did you mean --zone?",
        ),
        (["report"], "uj report: the following arguments are required: TRACE"),
        (["run", "--zone", "", "--", "true"], "argument --zone: the value is empty"),
        (["report", "t.arrows", "--price", " "], "argument --price: the value is empty"),
        (["estimate", "--hardware", "", "--wall-hours", "1"], "argument --hardware: the value is empty"),
        (["paper", "--zone", ""], "argument --zone: the value is empty"),
    ],
)
def test_an_error_comes_first_and_names_what_was_probably_meant(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    first, second = capsys.readouterr().err.splitlines()
    assert said in first
    assert second.startswith("See: uj")


@pytest.mark.parametrize(
    "words", [["t", "--json", "select 1"], ["--json", "t", "select 1"], ["t", "select 1", "--json"]]
)
def test_sql_takes_its_options_in_any_place(words):
    found = cli.parser(["sql"]).parse_args(["sql", *words])
    assert (str(found.trace), found.query, found.form) == ("t", "select 1", "json")


def test_a_statement_that_does_not_parse_is_one_line(capsys):
    assert cli.main(["profile", "x +"]) == 1
    assert capsys.readouterr().err == "uj profile: invalid syntax: x +\n"


def test_an_address_may_stand_in_brackets():
    assert [address(each) for each in ("[::1]", "::1", "0.0.0.0")] == ["::1", "::1", "0.0.0.0"]


@pytest.mark.parametrize(
    "text", ["400 g/kWh", "400 gCO2/kWh", "400 gCO2e/kWh", "400 gCO2eq/kWh", "0.4 kgCO2e/kWh"]
)
def test_an_intensity_may_name_what_it_weighs(text):
    assert intensity("grid", text).value == pytest.approx(400.0)
