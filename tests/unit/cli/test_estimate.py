"""`uj estimate`: a footprint without a measurement."""

import json

import pytest

from microjoule.cli import main

V100 = ["estimate", "--hardware", "V100", "--count", "8"]


def as_json(capsys, *words):
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_says_first_that_nothing_was_measured(capsys):
    assert main([*V100, "--wall-hours", "24", "--zone", "US-CA"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "estimated from hardware and hours, not measured: 8 × V100, 24 h, 192\n  device-hours"
    )
    assert "estimated: 5.42 kWh idle – 57.6 kWh at full power" in out
    assert max(len(line) for line in out.splitlines() if "http" not in line) < 80
    for word in ("grid of California", "PUE", "electricity", "rental", "idle", "data "):
        assert word in out


def test_factors_have_names_for_people(capsys):
    assert main([*V100, "--wall-hours", "1", "--memory-gb", "64", "--method", "strubell2019"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "intensity that the method strubell2019 fixes" in out
    assert "power of memory (Lannelongue" in out
    assert main([*V100, "--wall-hours", "1"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "pue 1 [1 – 1.54]: no data center given. range: up to 1.54, Uptime" in out
    assert "convention" not in out
    assert "rental" in out
    assert "hire" not in out


def test_the_ends_are_idle_and_busy_only_while_the_utilisation_is_open(capsys):
    assert main([*V100, "--wall-hours", "24", "--utilisation", "0.5"]) == 0
    out = capsys.readouterr().out
    assert "estimated: 24 – 28.8 kWh" in out
    assert "idle" not in out


@pytest.mark.parametrize("method", ["strubell2019", "lacoste2019"])
def test_a_method_without_a_utilisation_says_nothing_of_an_idle_device(capsys, method):
    assert main([*V100, "--wall-hours", "10", "--method", method]) == 0
    out = capsys.readouterr().out
    assert "estimated: 2" in out or "estimated: 3" in out
    assert "idle" not in out


def test_wall_hours_and_device_hours_of_one_job_agree(capsys):
    wall = as_json(capsys, *V100, "--wall-hours", "10")
    device = as_json(capsys, *V100, "--device-hours", "80")
    assert wall == device
    assert wall["provenance"] == wall["footprint"]["provenance"] == "estimated"
    assert wall["footprint"]["facility"]["value"] == pytest.approx(24.0)


def test_without_a_zone_the_world_s_range_is_shown_and_how_to_choose(capsys):
    assert main([*V100, "--wall-hours", "1"]) == 0
    out = capsys.readouterr().out
    assert "world average grid" in out
    assert "--zone" in out


def test_the_paper_s_method(capsys):
    words = ["estimate", "--hardware", "P100", "--count", "8", "--watts", "189.42875", "--wall-hours", "84"]
    found = as_json(capsys, *words, "--method", "strubell2019", "--provider", "gcp")
    assert found["footprint"]["facility"]["value"] == pytest.approx(201, abs=0.5)
    assert found["footprint"]["co2e_location"]["value"] / 453.59237 == pytest.approx(192, abs=0.5)
    assert found["footprint"]["cost_rental"]["choice"] == pytest.approx([289, 981], abs=0.5)
    assert found["terms"]["method"] == "strubell2019"


def test_a_score_by_functional_unit(capsys):
    words = ["--method", "sci", "--embodied", "1000 kg / 4 y", "--per", "1000 requests", "--zone", "FR"]
    found = as_json(capsys, *V100, "--wall-hours", "1", *words)
    assert found["footprint"]["score"]["unit"] == "g/requests"
    expected = (2.4 * 41.5 + 1e6 / 4 / 8760) / 1000
    assert found["footprint"]["score"]["value"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (V100, "exactly one"),
        ([*V100, "--wall-hours", "1", "--device-hours", "8"], "exactly one"),
        (["estimate", "--wall-hours", "1"], "no hardware"),
        (["estimate", "--hardware", "V1000", "--wall-hours", "1"], "Nearest"),
        (["estimate", "--hardware", "E5-2650", "--wall-hours", "1"], "Intel Xeon E5-2650 (95 W)"),
        (["estimate", "--hardware", "E5-2650", "--wall-hours", "1"], "Intel Xeon E5-2650 v3 (105 W)"),
        ([*V100, "--wall-hours", "-1"], "0 or more"),
        ([*V100, "--wall-hours", "nan"], "0 or more"),
        ([*V100, "--wall-hours", "1", "--utilisation", "90"], "0 to 1"),
        ([*V100, "--wall-hours", "1", "--zone", "germny"], "Germany"),
        ([*V100, "--wall-hours", "1", "--pue", "0.5"], "below 1"),
        ([*V100, "--wall-hours", "1", "--intensity", "0.954"], "Write the unit"),
        ([*V100, "--wall-hours", "1", "--price", "0.12"], "currency"),
        ([*V100, "--wall-hours", "1", "--zone", "DE", "--currency", "USD"], "no rate is known"),
        ([*V100, "--wall-hours", "1", "--method", "sci"], "functional unit"),
        ([*V100, "--wall-hours", "1", "--method", "guess"], "There are: 'default'"),
    ],
)
def test_bad_input_is_a_sentence_and_exits_as_usage(capsys, words, sentence):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.out == ""


def test_a_rate_makes_two_currencies_one(capsys):
    words = [*V100, "--wall-hours", "1", "--zone", "DE", "--pue", "1"]
    euros = as_json(capsys, *words)["footprint"]["cost_electricity"]
    dollars = as_json(capsys, *words, "--currency", "USD", "--exchange", "EUR=1.1")["footprint"][
        "cost_electricity"
    ]
    assert (euros["unit"], dollars["unit"]) == ("EUR", "USD")
    assert dollars["value"] == pytest.approx(1.1 * euros["value"])


def test_a_rate_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main([*V100, "--wall-hours", "1", "--exchange", "EUR"])
    assert caught.value.code == 2
    assert "EUR=1.08" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--memory-gb", "10", "--memory-watts", "10"], "not both"),
        (["--provider", "foo"], "Take one of: gcp"),
        (["--utilisation", "0"], "An idle V100 still draws power"),
        (["--per", "1,000 requests"], "The comma in"),
        (["--pue", "gcpx"], "Nearest: 'gcp'"),
    ],
)
def test_what_would_be_dropped_or_counted_twice_is_refused(words, says, capsys):
    assert main([*V100, "--wall-hours", "1", *words]) == 2
    assert says in capsys.readouterr().err


def test_a_job_without_hours_is_told_so_and_not_of_two_ways(capsys):
    assert main(V100) == 2
    err = capsys.readouterr().err
    assert "does not say how long" in err
    assert "not both" not in err


def test_a_provider_without_a_price_of_the_device_is_said(capsys):
    assert main(["estimate", "--watts", "300", "--wall-hours", "1", "--provider", "gcp"]) == 0
    assert "without a rental price" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["8 x V100", "8 × V100", "8x V100", "8*V100"])
def test_a_number_may_stand_before_the_hardware(capsys, text):
    hours = ["--wall-hours", "10"]
    assert as_json(capsys, "estimate", "--hardware", text, *hours) == as_json(capsys, *V100, *hours)
    assert as_json(capsys, "estimate", "--hardware", text, "--count", "8", *hours)
    assert main(["estimate", "--hardware", text, "--count", "4", *hours]) == 2
    assert "Give the number in one of them only" in capsys.readouterr().err


def test_a_count_of_nothing_is_refused(capsys):
    assert main(["estimate", "--hardware", "0 x V100", "--wall-hours", "1"]) == 2
    assert main(["estimate", "--hardware", "V100", "--count", "0", "--wall-hours", "1"]) == 2
    assert "Traceback" not in capsys.readouterr().err
