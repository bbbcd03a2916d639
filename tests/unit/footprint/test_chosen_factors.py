"""Zones, PUE, prices, mixes and methods: what is chosen, and what is said when it cannot be."""

from __future__ import annotations

import pytest

from microjoule.errors import BadFactor, MicrojouleError, NoRate, UnknownHardware, UnknownMethod, UnknownZone
from microjoule.footprint.chosen_factors import FactorOptions, terms
from microjoule.footprint.fuel_mix import fuel, mix, published_mixes
from microjoule.footprint.hardware import hire, power
from microjoule.footprint.intensity import around, zone, zones
from microjoule.footprint.methods import METHODS, method
from microjoule.footprint.pue import pue
from microjoule.footprint.tariff import price, tariff, tariff_of


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"),
        ("deu", "DE"),
        ("germany", "DE"),
        ("SRVC", "US-SRVC"),
        ("us-ca", "US-CA"),
        ("aws:us-east-1", "aws:us-east-1"),
        ("us-east-1", "aws:us-east-1"),
        ("CN-SC", "CN-SC"),
        ("NO2", "NO2"),
        ("CA", "CA"),
    ],
)
def test_a_zone_is_found_by_its_code_alias_or_name(text, code):
    assert zone(text).code == code


def test_an_unknown_zone_names_its_nearest():
    with pytest.raises(UnknownZone, match=r"Germany"):
        zone("germny")


def test_a_name_of_two_places_is_no_place():
    with pytest.raises(UnknownZone, match=r"GE \(Georgia, country\), US-GA \(Georgia, state\)"):
        zone("Georgia")


def test_one_place_has_several_official_figures():
    """N. Virginia: 269 by EPA, 343 by Google; each says what it counts, and each range holds the other."""
    epa, google = zone("aws:us-east-1").intensity, zone("gcp:us-east4").intensity
    assert (epa.value, google.value) == (269.016, 343.48)
    assert epa.low <= google.value <= epa.high
    assert google.low <= epa.value <= google.high


def test_zones_are_searched_in_codes_names_and_kinds():
    assert {"US-VA", "US-WV", "US-SRVC"} <= {each.code for each in zones("virginia")}
    paris = {"aws:eu-west-3", "gcp:europe-west9", "azure:francecentral"}
    assert {each.code for each in zones("paris")} == paris
    assert {each.kind for each in zones("province")} == {"province"}
    assert zones("no such place at all") == ()


def test_the_way_out_of_a_zone_ends_at_the_world():
    assert [each.code for each in around(zone("aws:us-east-1"))] == [
        "aws:us-east-1",
        "US-SRVC",
        "US",
        "WORLD",
    ]


def test_without_a_zone_the_world_stands_and_says_how_to_choose():
    found = terms(FactorOptions())
    assert found.intensity.name == "world average grid"
    assert found.intensity.low < 30
    assert found.intensity.high >= 1000
    assert "--zone" in found.remark
    assert found.price is None
    assert (found.pue.value, found.pue.high) == (1.0, 1.54)


def test_a_cloud_region_brings_its_pue_and_another_region_its_fleet_s():
    assert terms(FactorOptions(zone="aws:us-east-1")).pue.value == 1.15
    fleet = terms(FactorOptions(zone="aws:cn-north-1")).pue
    assert fleet.value == 1.14
    assert fleet.low < fleet.value < fleet.high


def test_marginal_is_apart_from_average():
    found = terms(FactorOptions(zone="US-SRVC"))
    assert found.intensity.boundary.signal == "average"
    assert found.marginal is not None
    assert found.marginal.boundary.signal == "marginal"
    assert found.marginal.value == 586.622


def test_what_the_user_gives_stands_above_what_the_method_fixes():
    found = terms(FactorOptions(method="strubell2019"))
    assert found.pue.value == 1.58
    assert found.intensity.value == pytest.approx(432.73, abs=0.01)
    assert found.price is not None
    assert found.price.value == 0.12
    other = terms(FactorOptions(method="strubell2019", pue="1.1", zone="FR", price="0.2 EUR/kWh"))
    assert (other.pue.value, other.intensity.value) == (1.1, 41.5)
    assert other.price is not None
    assert other.price.unit == "EUR/kWh"


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        (FactorOptions(zone="germny"), "Nearest"),
        (FactorOptions(method="strubel"), "strubell2019"),
        (FactorOptions(pue="0.9"), "below 1"),
        (FactorOptions(pue="nan"), "finite"),
        (FactorOptions(pue="gpc"), "gcp"),
        (FactorOptions(pue="1.2 kWh"), "1 is needed"),
        (FactorOptions(price="0.12"), "currency"),
        (FactorOptions(price="12 ct/kWh"), "currency"),
        (FactorOptions(price="-0.12 USD/kWh"), "low <= value"),
        (FactorOptions(price="0.1 USD/kWh", tariff="DE"), "not both"),
        (FactorOptions(tariff="XX"), "No electricity price"),
        (FactorOptions(zone="DE", currency="USD"), "--exchange EUR"),
        (FactorOptions(zone="DE", currency="USD", rates={"EUR": -1.0}), "positive"),
        (FactorOptions(intensity="0.954"), "Write the unit"),
        (FactorOptions(intensity="0.4 kg/Wh", pue="-1"), "Give 0 <="),
        (FactorOptions(market="0 g/kWh"), "what was bought"),
        (FactorOptions(market="green power"), "what was bought"),
        (FactorOptions(embodied="1000 kg"), "over years"),
        (FactorOptions(embodied="1000 kWh / 4 y"), "over years"),
        (FactorOptions(embodied="1000 kg / 0 y"), "over years"),
        (FactorOptions(per="requests"), "not a figure"),
        (FactorOptions(per="0 requests"), "functional units"),
        (FactorOptions(method="sci"), "--embodied"),
    ],
)
def test_a_bad_wish_is_a_sentence_with_a_remedy(wishes, sentence):
    with pytest.raises(MicrojouleError, match=sentence) as caught:
        terms(wishes)
    assert isinstance(caught.value, ValueError)
    assert caught.value.remedy


def test_a_price_in_another_currency_needs_a_rate():
    assert price("120 EUR/MWh").value == pytest.approx(0.12)
    found = terms(FactorOptions(zone="DE", currency="USD", rates={"EUR": 1.1})).price
    euros = tariff("DE")
    assert found is not None
    assert found.value == pytest.approx(1.1 * euros.value)
    with pytest.raises(NoRate):
        terms(FactorOptions(zone="DE", currency="USD", rates={"GBP": 1.3}))


def test_tariffs_by_place():
    assert tariff("US-NM").value == pytest.approx(0.0543)
    household = tariff("DE/household")
    assert tariff("DE").value < household.value == tariff("DE").high
    assert tariff_of(zone("aws:us-east-1")) == tariff("US")
    assert tariff_of(zone("CN-SC")) is None


@pytest.mark.parametrize(
    ("code", "value", "unit"),
    [
        ("GB", 0.24999, "GBP/kWh"),
        ("aws:eu-west-2", 0.24999, "GBP/kWh"),
        ("KR", 181.9, "KRW/kWh"),
        ("CA-QC", 0.0837, "CAD/kWh"),
        ("CH", 0.277, "CHF/kWh"),
        ("BR", 0.736, "BRL/kWh"),
    ],
)
def test_tariffs_beyond_the_united_states_and_the_union(code, value, unit):
    found = tariff_of(zone(code))
    assert (found.value, found.unit) == (value, unit)
    assert found.low <= found.value <= found.high


def test_a_household_price_is_taken_and_named_where_no_business_price_is_open():
    assert "(household)" in tariff_of(zone("CH")).name
    assert "(business)" in tariff_of(zone("GB")).name


@pytest.mark.parametrize("code", ["JP", "AU", "IN", "CN"])
def test_a_place_without_an_open_price_says_so_and_how_to_give_one(code):
    found = terms(FactorOptions(zone=code))
    assert found.price is None
    assert (
        found.remark
        == f"no open electricity price of {zone(code).name} is known: --price '0.12 USD/kWh' gives one"
    )
    assert terms(FactorOptions(zone=code, price="0.1 USD/kWh")).remark == ""


def test_a_mix_is_the_mean_of_its_fuels():
    found = mix("half", {"coal": 50, "gas": 50})
    assert found.value == (820 + 490) / 2
    assert (found.low, found.high) == ((740 + 410) / 2, (910 + 650) / 2)
    assert found.boundary.scope == "lifecycle"


def test_what_a_mix_leaves_untold_widens_it():
    whole, part = mix("a", {"coal": 50, "nuclear": 50}), mix("b", {"coal": 40, "nuclear": 40})
    assert whole.value == pytest.approx(part.value)
    assert part.low < whole.low
    assert part.high > whole.high
    assert "20 %" in part.origin.note


@pytest.mark.parametrize("shares", [{"coal": 120}, {"coal": -1, "gas": 50}, {}, {"unicorns": 100}])
def test_a_mix_that_is_none_is_a_sentence(shares):
    with pytest.raises(BadFactor):
        mix("bad", shares)


def test_the_paper_s_mixes_are_there_and_the_american_one_is_36_per_cent_without_carbon():
    mixes = published_mixes()
    assert len(mixes) == 6
    _, shares = mixes["strubell2019-US"]
    assert shares["renewables"] + shares["nuclear"] == 36
    values = {code: mix(name, of).value for code, (name, of) in mixes.items()}
    assert max(values, key=values.__getitem__) == "strubell2019-CN"
    assert min(values, key=values.__getitem__) == "strubell2019-gcp"
    assert fuel("coal", "direct").value == 760


def test_methods_have_names():
    assert [each.name for each in METHODS] == [
        "default",
        "strubell2019",
        "lacoste2019",
        "greenalgorithms",
        "sci",
    ]
    with pytest.raises(UnknownMethod, match="lacoste2019"):
        method("lacoste")


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("V100", 300),
        ("NVIDIA Tesla V100", 300),
        ("tesla p100", 250),
        ("H100-80GB", 700),
        ("AMD EPYC 7763", 280),
    ],
)
def test_hardware_is_found_by_its_name(name, watts):
    assert power(name).value == watts


def test_unknown_hardware_names_its_nearest():
    with pytest.raises(UnknownHardware, match=r"V100 \(300 W\)"):
        power("V1000")
    with pytest.raises(UnknownHardware, match="--watts"):
        power("zzzzzz")


def test_hire_is_from_preemptible_to_on_demand():
    found = hire("P100", "gcp", "accelerator")
    assert found is not None
    assert (found.low, found.value, found.high) == (0.43, 1.46, 1.46)
    machine = hire("T4", "aws")
    assert machine is not None
    assert (machine.value, machine.low) == (0.526, 0.1609)
    assert "list price of 2026; low: preemptible on 2023-11-16" in machine.origin.note
    assert hire("H100", "aws").value == 6.88, "the price after the cut of 2025"
    assert hire("B200", "aws").value == 14.2416
    assert hire("AMD EPYC 7763") is None


@pytest.mark.parametrize(
    ("reported", "family"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("Tesla V100-SXM2-16GB", "V100"),
        ("H200-SXM", "H200"),
    ],
)
def test_a_board_that_a_machine_reports_has_the_price_of_its_family(reported, family):
    assert hire(reported) == hire(family)
    assert hire(reported, "aws") is not None


def test_a_board_that_is_not_rented_has_no_price():
    for name in ("H100-PCIe", "H100-NVL", "A100-PCIE-40GB", "V100S"):
        assert hire(name) is None, name


def test_a_method_s_pue_is_a_number_or_a_place():
    assert pue("uptime2024").value == 1.56
    assert pue("1.1").value == 1.1


def test_scope_2_is_direct_with_losses_and_upstream_apart():
    from microjoule.footprint.footprint import footprint
    from microjoule.joules.estimates.estimate import Estimate
    from microjoule.units import J_PER_KWH

    energy = Estimate(value=100 * J_PER_KWH, low=0.0, high=200 * J_PER_KWH)
    found = footprint(energy, terms(FactorOptions(zone="GB", scope="scope2", pue="1.2")), 1.0)
    assert found.location.value == pytest.approx(120 * 130.96)
    assert found.losses.value == pytest.approx(120 * 130.96 * 0.0992)
    assert found.upstream.value == pytest.approx(120 * 45.9)
    cycle = terms(FactorOptions(zone="GB", scope="lifecycle", pue="1.2"))
    assert footprint(energy, cycle, 1.0).location.value == pytest.approx(120 * 217.4)
    assert cycle.upstream is None, "it is in the life cycle already"
    plain = footprint(energy, terms(FactorOptions(zone="GB")), 1.0)
    assert (plain.losses, plain.upstream, plain.water) == (None, None, None)
    wet = footprint(energy, terms(FactorOptions(zone="GB", wue="aws:us-west-1", pue="1.2")), 1.0)
    assert (wet.water.value, wet.water.unit) == (pytest.approx(39), "L")


def test_a_scope_that_is_not_published_says_so():
    assert "no direct figure of Chad" in terms(FactorOptions(zone="TD", scope="scope2")).remark
    whole = terms(FactorOptions(zone="US-SRVC", scope="lifecycle")).intensity
    assert whole.value == 384.4
    assert "of United States" in whole.origin.note
    assert terms(FactorOptions(zone="FR", scope="scope2")).remark == ""
    with pytest.raises(BadFactor, match="The scopes are"):
        terms(FactorOptions(zone="FR", scope="scope3"))


def test_a_residual_mix_is_a_market_without_a_contract():
    found = terms(FactorOptions(zone="AU-VIC", market="residual"))
    assert found.market.value == 790
    assert found.market.boundary.signal == "residual"
    with pytest.raises(
        BadFactor, match=r"No open residual mix of Germany.*aib-net\.org.*may not be redistributed"
    ):
        terms(FactorOptions(zone="DE", market="residual"))


def test_embodied_carbon_is_looked_up_where_devices_are_named():
    found = terms(FactorOptions(embodied="8 x H100 + gpu-server / 4 y")).embodied
    assert found.value == pytest.approx((8 * 273 + 5700) * 1000 / 4 / 8760)
    assert found.low < found.value
    assert "8 × H100 + 1 × gpu-server" in found.name
    own = terms(FactorOptions(embodied="A100")).embodied
    assert own.value == pytest.approx(150_000 / 6 / 8760)
    with pytest.raises(BadFactor, match="not a lifetime"):
        terms(FactorOptions(embodied="H100 / 4 days"))


@pytest.mark.parametrize("said", ["3", "3 kWh", "aws:nowhere", "-1 L/kWh"])
def test_water_that_is_none_is_a_sentence(said):
    with pytest.raises(BadFactor):
        terms(FactorOptions(wue=said))
