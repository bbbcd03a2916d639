"""Zones: where a cloud region is, which figure stands for it, and what its range holds."""

from __future__ import annotations

from collections import defaultdict

import pytest

from microjoule.errors import UnknownZone
from microjoule.footprint import data_tables as tables
from microjoule.footprint.intensity import all_zones, around, figures, intensity, zone
from microjoule.footprint.unpublished_places import PLACES

CLOUDS = [each for each in all_zones() if each.kind == "cloud"]
ZONES_OF_ELECTRICITY_MAPS = """
AD AE AF AG AL AM AO AR AT AU AU-LH AU-NSW AU-NT AU-QLD AU-SA AU-TAS AU-TAS-CBI AU-TAS-FI AU-TAS-KI
AU-VIC AU-WA AU-WA-RI AW AX AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BR-CS BR-I BR-N BR-NE BR-S BS BT
BW BY BZ CA CA-AB CA-BC CA-MB CA-NB CA-NL CA-NL-LB CA-NL-NF CA-NS CA-NT CA-NU CA-ON CA-PE CA-QC CA-SK
CA-YT CD CF CG CH CI CL CL-CHP CL-SEA CL-SEM CL-SEN CM CN CO CR CU CV CW CY CZ DE DJ DK DK-BHM DK-DK1
DK-DK2 DM DO DZ EC EE EG EH ER ES ES-CE ES-CN-FV ES-CN-GC ES-CN-HI ES-CN-IG ES-CN-LP ES-CN-LZ ES-CN-TE
ES-IB-FO ES-IB-IZ ES-IB-MA ES-IB-ME ES-ML ET FI FJ FK FM FO FO-MI FO-SI FR FR-COR GA GB GB-NIR GB-ORK
GB-ZET GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IN-AN IN-DL
IN-EA IN-HP IN-KA IN-MH IN-NE IN-NO IN-PB IN-SO IN-UP IN-UT IN-WE IQ IR IS IT IT-CNO IT-CSO IT-NO IT-SAR
IT-SIC IT-SO JE JM JO JP JP-CB JP-CG JP-HKD JP-HR JP-KN JP-KY JP-ON JP-SK JP-TH JP-TK KE KG KH KM KP KR
KR-JJ KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM MN MO MQ MR MT MU MV MW MX MY
MY-EM MY-WM MZ NA NC NE NG NI NL NO NO-NO1 NO-NO2 NO-NO3 NO-NO4 NO-NO5 NP NZ NZ-NZA NZ-NZC NZ-NZST OM PA
PE PF PG PH PH-LU PH-MI PH-VI PK PL PM PR PS PT PT-AC PT-MA PW PY QA RE RO RS RU RU-1 RU-2 RU-AS RU-EU
RU-FE RU-KGD RW SA SB SC SD SE SE-SE1 SE-SE2 SE-SE3 SE-SE4 SG SI SJ SK SL SN SO SR SS ST SV SY SZ TD TF
TG TH TJ TL TM TN TO TR TT TW TZ UA UA-CR UG US US-AK US-AK-SEAPA US-CAL-BANC US-CAL-CISO US-CAL-IID
US-CAL-LDWP US-CAL-TIDC US-CAR-CPLE US-CAR-CPLW US-CAR-DUK US-CAR-SC US-CAR-SCEG US-CAR-YAD US-CENT-SPA
US-CENT-SWPP US-FLA-FMPP US-FLA-FPC US-FLA-FPL US-FLA-GVL US-FLA-HST US-FLA-JEA US-FLA-SEC US-FLA-TAL
US-FLA-TEC US-HI US-MIDA-PJM US-MIDW-AECI US-MIDW-LGEE US-MIDW-MISO US-NE-ISNE US-NW-AVA US-NW-BPAT
US-NW-CHPD US-NW-DOPD US-NW-GCPD US-NW-GRID US-NW-IPCO US-NW-NEVP US-NW-NWMT US-NW-PACE US-NW-PACW
US-NW-PGE US-NW-PSCO US-NW-PSEI US-NW-SCL US-NW-TPWR US-NW-WACM US-NW-WAUW US-NY-NYIS US-SE-SEPA
US-SE-SOCO US-SW-AZPS US-SW-EPE US-SW-PNM US-SW-SRP US-SW-TEPC US-SW-WALC US-TEN-TVA US-TEX-ERCO UY UZ
VC VE VI VN VU WS XK XX YE YT ZA ZM ZW AR-BAS AR-CEN AR-COM AR-CUY AR-LIT AR-NEA AR-NOA AR-PAT
"""
OWN = {row["code"]: float(row["value"]) for row in reversed(tables.rows("intensities"))}


def test_no_region_s_range_excludes_what_another_provider_publishes_for_the_same_city():
    by_city = defaultdict(list)
    for each in CLOUDS:
        by_city[each.place].append(each)
    compared = 0
    for regions in by_city.values():
        published = [OWN[each.code] for each in regions if each.code in OWN]
        for each in regions:
            for figure in published:
                compared += 1
                assert each.intensity.low <= figure <= each.intensity.high, (each.code, figure)
    assert compared > 80


def test_montreal_is_one_grid():
    aws, google = zone("aws:ca-central-1").intensity, zone("gcp:northamerica-northeast1").intensity
    assert (aws.value, google.value) == (2.6, 11.36)
    assert aws.low <= google.value <= aws.high
    assert google.low <= aws.value <= google.high


@pytest.mark.parametrize(
    ("code", "name", "parent", "value"),
    [
        ("azure:northeurope", "Ireland", "IE", 255.9),
        ("azure:westus", "California", "US-CAMX", 198.741),
        ("azure:westus2", "Washington", "US-NWPP", 288.184),
        ("azure:westeurope", "Netherlands", "NL", 253.6),
        ("azure:eastasia", "Hong Kong", "HK", 681.99),
        ("azure:canadaeast", "Quebec", "CA-QC", 2.6),
        ("aws:eu-north-1", "Stockholm", "SE3", 27.0),
        ("aws:ap-southeast-6", "New Zealand", "NZ", 120.11),
    ],
)
def test_a_region_is_where_its_provider_says(code, name, parent, value):
    found = zone(code)
    assert name in found.name
    assert found.parent == parent
    assert found.intensity.value == pytest.approx(value)


def test_a_region_s_building_is_where_the_region_is():
    """Two places of one region id were joined: the grid of Finland with the building of Ireland."""
    pues = {row["code"]: row["name"] for row in tables.rows("pue")}
    compared = [each for each in CLOUDS if each.code in pues]
    assert len(compared) > 50
    for each in compared:
        assert pues[each.code] == each.name, each.code


def test_every_value_lies_in_its_range_and_every_figure_too():
    several = 0
    for each in all_zones():
        found = each.intensity
        several += found.low < found.high
        assert found.low <= found.value <= found.high, each.code
        for figure in figures(each):
            assert found.low <= figure.value <= found.high, each.code
    assert several > 310


def test_a_single_figure_says_that_it_is_one():
    assert "one source" in zone("TD").intensity.origin.note
    assert zone("TD").intensity.low == zone("TD").intensity.high
    assert "range of 5 published figures: Ember 2025" in zone("FR").intensity.origin.note
    assert (zone("FR").intensity.low, zone("FR").intensity.high) == (15.83, 44.18)


def test_a_state_is_its_subregions_with_what_it_generates_as_an_end():
    vermont = zone("US-VT").intensity
    assert vermont.value == zone("US-NEWE").intensity.value == pytest.approx(245.5, abs=0.1)
    assert vermont.low == pytest.approx(23.7, abs=0.05)
    york = zone("US-NY").intensity
    parts = [zone(f"US-{code}").intensity.value for code in ("NYUP", "NYCW", "NYLI")]
    assert york.value == pytest.approx(sum(parts) / 3)
    assert york.low <= min(parts) < max(parts) <= york.high
    assert "name one of them" in york.origin.note


def test_a_scope_is_kept_where_it_is_published():
    france = zone("FR")
    assert intensity(france, "direct").value == 36
    assert intensity(france, "direct").boundary.scope == "direct"
    assert intensity(france, "lifecycle").value == 41.5
    assert (intensity(france, "lifecycle").low, intensity(france, "lifecycle").high) == (41.5, 44.18)
    chad = intensity(zone("TD"), "direct")
    assert chad.boundary.scope == "lifecycle", "what is not published is not made up"


def test_residual_mixes_losses_and_upstream_are_there_where_they_are_open():
    assert zone("AU-VIC").residual.value == 790
    assert zone("azure:australiaeast").residual.value == 790
    assert zone("DE").residual is None, "the figures of AIB may not be passed on"
    assert zone("aws:eu-west-2").upstream.value == 45.9
    assert zone("aws:us-east-1").losses.value == 0.0526
    assert zone("FR").losses is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("UK", "GB"),
        ("uk", "GB"),
        ("GBR", "GB"),
        ("US-CAL-CISO", "US-CAL-CISO"),
        ("DK-DK1", "DK-DK1"),
        ("SE-SE3", "SE3"),
        ("NO-NO1", "NO1"),
        ("US-NY-NYIS", "US-NY"),
        ("Québec", "CA-QC"),
        ("AU-NSW", "AU-NSW"),
        ("westeurope", "azure:westeurope"),
        ("PT-AC", "PT-AC"),
        ("KR-JJ", "KR-JJ"),
        ("Korea", "KR"),
        ("Great Britain", "GB"),
        ("Czech Republic", "CZ"),
        ("Ivory Coast", "CI"),
        ("taiwan", "TW"),
        ("Österreich", "AT"),
    ],
)
def test_zones_are_found_as_others_call_them(said, code):
    assert zone(said).code == code


def test_a_grid_without_figures_is_that_of_its_country_and_says_so():
    found = zone("US-TEX-ERCO").intensity
    assert found.value == zone("US-ERCT").intensity.value
    assert "of ERCOT All" in found.origin.note
    assert zone("JP-HKD").intensity.value == zone("JP").intensity.value
    assert "of Japan" in zone("JP-HKD").intensity.origin.note


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.code)
def test_a_place_without_a_figure_names_the_zones_to_use_instead(place):
    for said in (place.code, place.name.upper()):
        with pytest.raises(UnknownZone, match=f"No open figure of .*{place.code}") as refused:
            zone(said)
        for code in place.instead:
            assert zone(code).intensity.value > 0
            assert f"--zone {code}" in refused.value.remedy
        assert "--intensity" in refused.value.remedy


def test_every_zone_of_electricity_maps_has_a_figure_or_names_another():
    """Their list of zones: config/zones of electricitymaps-contrib, 2026."""
    found = defaultdict(list)
    for code in ZONES_OF_ELECTRICITY_MAPS.split():
        try:
            found["figure" if zone(code).intensity.value > 0 else "zero"].append(code)
        except UnknownZone as refused:
            found["named" if "No open figure of" in str(refused) else "unknown"].append(code)
    assert found["zero"] == found["unknown"] == []
    assert len(found["figure"]) > 330
    assert 15 <= len(found["named"]) <= 20


@pytest.mark.parametrize(
    ("city", "grid", "region"),
    [
        ("Dublin", "IE (Ireland)", "aws:eu-west-1"),
        ("montréal", "CA-QC", "gcp:northamerica-northeast1"),
        ("Salt Lake City", "US-NWPP", "gcp:us-west3"),
    ],
)
def test_a_city_names_its_grid_and_its_cloud_regions(city, grid, region):
    with pytest.raises(UnknownZone, match="is a city") as refused:
        zone(city)
    assert grid in refused.value.remedy
    assert region in refused.value.remedy


def test_a_blank_zone_is_refused_and_not_the_world():
    with pytest.raises(UnknownZone, match="is empty"):
        zone("  ")


def test_a_name_of_two_places_is_refused_with_both():
    with pytest.raises(UnknownZone, match=r"GE .*US-GA"):
        zone("georgia")


def test_every_way_out_ends_at_the_world():
    assert all([*around(each)][-1].code == "WORLD" or each.kind == "world" for each in all_zones())


def test_a_scope_that_nobody_publishes_of_a_state_is_that_of_its_country():
    for code in ("US-CA", "US-VT", "US-NY"):
        found, country = intensity(zone(code), "lifecycle"), intensity(zone("US"), "lifecycle")
        assert (found.low, found.value, found.high) == (country.low, country.value, country.high)
        assert "of United States" in found.origin.note, code
