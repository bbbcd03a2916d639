"""The live providers, against recorded replies on loopback."""

from __future__ import annotations

import base64
import json
import socket
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from replay import Answer, TestClock, serving

from microjoule.errors import (
    BadReply,
    BadSeries,
    LiveUnavailable,
    PermissionDenied,
    SourceUnavailable,
    UnknownFuel,
)
from microjoule.footprint.factor import Boundary, Factor, Origin
from microjoule.footprint.intensity_file import realtime_ns
from microjoule.footprint.intensity_series import integrate
from microjoule.footprint.providers import PROVIDERS, ProviderAccess, provider
from microjoule.footprint.providers.client import Client
from microjoule.units import J_PER_KWH, KG_PER_LB, NS_PER_S

SECRET = "s3cr3t-t0ken"
START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE_NS = 60 * NS_PER_S


def fuel(value, scope="lifecycle"):
    return Factor(
        name="fuel", value=value, low=value, high=value, unit="g/kWh",
        boundary=Boundary(scope=scope), origin=Origin(source="test"),
    )  # fmt: skip


FUELS = {"coal": fuel(800), "gas": fuel(400), "solar": fuel(40), "hydropower": fuel(20)}
STATIC = Factor(name="static", value=999, low=999, high=999, unit="g/kWh", origin=Origin(source="test"))

BARE = "<TimeSeries><MktPSRType><psrType>B04</psrType></MktPSRType><Period/></TimeSeries>"

GOOD = {
    "electricitymaps": [Answer("electricity_maps_mixed.json")],
    "watttime": [Answer("watttime_login.json"), Answer("watttime_historical.json")],
    "neso": [Answer("neso_national.json")],
    "entsoe": [Answer("entsoe_mixed.xml")],
    "eia": [Answer("eia_hours.json")],
}
WITH_TOKEN = [name for name in PROVIDERS if name != "neso"]


def ask(name, *answers, zone="ZONE", start=START, end=START + HOUR, clock=None, **access):
    access = {"token": SECRET, "user": "me", "fuels": FUELS, **access}
    with serving(*answers) as (url, seen):
        clock = clock or TestClock()
        found = provider(name, ProviderAccess(base_url=url, clock=clock, **access)).series(zone, start, end)
        return found, seen


def plain(series):
    """Minutes after the beginning, intensity, estimated."""
    t0 = realtime_ns(START)
    return [((a - t0) // MINUTE_NS, (b - t0) // MINUTE_NS, round(g, 6), e) for a, b, g, e in series.intervals]


# What each says


def test_electricity_maps_mixes_resolutions():
    found, seen = ask("electricitymaps", *GOOD["electricitymaps"], zone="DE", end=START + 2 * HOUR)
    assert plain(found) == [
        (0, 60, 100, False),
        (60, 90, 200, False),
        (90, 105, 300, False),
        (105, 120, 400, False),
    ]
    assert found.boundary == Boundary(signal="average", scope="lifecycle", basis="consumption")
    path, headers = seen[0]
    assert urlsplit(path).path == "/v3/carbon-intensity/past-range"
    assert parse_qs(urlsplit(path).query) == {
        "zone": ["DE"], "start": ["2026-03-01T00:00Z"], "end": ["2026-03-01T02:00Z"]
    }  # fmt: skip
    assert headers["Auth-Token"] == SECRET
    assert SECRET not in path


def test_the_hour_that_comes_twice_in_autumn_is_two_hours_and_a_null_is_a_gap():
    berlin = timezone(2 * HOUR)
    start = datetime(2026, 10, 25, 1, tzinfo=berlin)
    found, _ = ask(
        "electricitymaps", Answer("electricity_maps_autumn.json"), start=start, end=start + 6 * HOUR
    )
    t0 = realtime_ns(start)
    hours = [((a - t0) // (60 * MINUTE_NS), g, e) for a, _, g, e in found.intervals]
    assert hours == [(0, 300, False), (1, 310, False), (2, 320, True), (4, 340, False)]


def test_a_run_inside_an_hour_is_asked_for_by_the_whole_hour():
    _, seen = ask("neso", *GOOD["neso"], zone="GB", start=START + HOUR / 4, end=START + HOUR / 3)
    assert seen[0][0] == "/intensity/2026-03-01T00:00Z/2026-03-01T01:00Z"


def test_long_spans_are_asked_for_in_parts():
    _, seen = ask("electricitymaps", *GOOD["electricitymaps"], end=START + timedelta(days=25))
    assert [parse_qs(urlsplit(path).query)["start"][0][:10] for path, _ in seen] == [
        "2026-03-01", "2026-03-11", "2026-03-21"
    ]  # fmt: skip


def test_watttime_speaks_pounds_a_megawatt_hour_and_of_the_margin():
    found, seen = ask("watttime", *GOOD["watttime"], zone="CAISO_NORTH")
    assert plain(found) == [
        (0, 5, round(1000 * KG_PER_LB, 6), False),
        (5, 10, round(870.5 * KG_PER_LB, 6), False),
    ]
    assert found.intervals[0].g_per_kwh == pytest.approx(453.59237)
    assert found.boundary.signal == "marginal"
    assert seen[0][0] == "/login"
    assert base64.b64decode(seen[0][1]["Authorization"].split()[1]).decode() == f"me:{SECRET}"
    assert seen[1][1]["Authorization"] == "Bearer short-lived"


def test_watttime_in_other_units_is_refused():
    other = Answer(json.dumps({"data": [], "meta": {"units": "kg_co2_per_mwh", "padding": "x" * 60}}))
    with pytest.raises(BadReply, match="kg_co2_per_mwh"):
        ask("watttime", Answer("watttime_login.json"), other)


def test_great_britain_falls_back_to_the_forecast_marked_estimated_and_both_null_is_a_gap():
    found, seen = ask("neso", *GOOD["neso"], zone="GB", token="")
    assert plain(found) == [(0, 30, 263, False), (30, 60, 250, True)]
    assert seen[0][0] == "/intensity/2026-03-01T00:00Z/2026-03-01T01:00Z"
    assert found.origin.licence == "CC-BY-4.0"
    assert found.retrieved_at == "2026-03-02T12:00Z"


def test_a_region_of_great_britain():
    found, seen = ask("neso", Answer("neso_region.json"), zone="12", token="")
    assert plain(found) == [(0, 30, 99, True)]
    assert seen[0][0].startswith("/regional/intensity/")
    assert seen[0][0].endswith("/regionid/12")


def test_entsoe_mixes_15_30_and_60_minutes_and_leaves_storage_and_pumping_out():
    found, seen = ask("entsoe", *GOOD["entsoe"])
    first = (1000 * 800 + 500 * 400 + 500 * 40) / 2000
    second = (1000 * 800 + 1000 * 400 + 1000 * 40) / 3000
    assert plain(found) == [
        (0, 15, first, False), (15, 30, first, False),
        (30, 45, round(second, 6), False), (45, 60, round(second, 6), False),
    ]  # fmt: skip
    query = parse_qs(urlsplit(seen[0][0]).query)
    assert query["periodStart"] == ["202603010000"]
    assert (query["documentType"], query["processType"]) == (["A75"], ["A16"])


def test_a_factor_for_the_type_itself_goes_before_that_of_the_fuel():
    found, _ = ask("entsoe", *GOOD["entsoe"], fuels={**FUELS, "B02": fuel(1000)})
    assert found.intervals[0].g_per_kwh == pytest.approx((1000 * 1000 + 500 * 400 + 500 * 40) / 2000)


def test_the_day_of_23_hours_has_23_hours_and_a_fuel_that_is_silent_is_a_gap():
    start = datetime(2026, 3, 29, 0, tzinfo=timezone(HOUR))
    found, _ = ask("entsoe", Answer("entsoe_spring.xml"), start=start, end=start + 23 * HOUR)
    t0 = realtime_ns(start)
    hours = [(a - t0) // (60 * MINUTE_NS) for a, *_ in found.intervals]
    assert hours == [hour for hour in range(23) if hour != 6]
    assert {g for _, _, g, _ in found.intervals} == {400.0}


def test_entsoe_without_data_is_an_empty_series():
    found, _ = ask("entsoe", Answer("entsoe_none.xml"))
    assert len(found) == 0


def test_eia_names_the_end_of_the_hour_counts_no_storage_and_no_night_of_solar():
    found, seen = ask("eia", *GOOD["eia"], zone="CISO", end=START + 3 * HOUR)
    assert plain(found) == [
        (0, 60, (3000 * 400 + 1000 * 20) / 4000, False),
        (60, 120, (1000 * 400 + 3000 * 40) / 4000, False),
    ]  # the third hour's gas is null: a gap
    query = parse_qs(urlsplit(seen[0][0]).query)
    assert query["facets[respondent][]"] == ["CISO"]
    assert query["data[0]"] == ["value"]
    assert len(seen) == 1


def test_eia_turns_pages():
    rows = [{"period": f"2026-03-01T{h:02}", "fueltype": "NG", "value": 1} for h in range(1, 5)]
    pages = [Answer(json.dumps({"response": {"total": 4, "data": rows[i : i + 2]}})) for i in (0, 2)]
    found, seen = ask("eia", *pages, end=START + 4 * HOUR)
    assert [parse_qs(urlsplit(path).query)["offset"] for path, _ in seen] == [["0"], ["2"]]
    assert len(found) == 4


@pytest.mark.parametrize(("name", "said"), [("entsoe", "B04"), ("eia", "NG")])
def test_a_fuel_without_a_factor_is_named_and_never_zero(name, said):
    with pytest.raises(UnknownFuel, match=said):
        ask(name, *GOOD[name], fuels={k: v for k, v in FUELS.items() if k != "gas"})


# What all of them keep


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_they_give_integrates_to_energy_times_intensity_where_it_covers(name):
    found, _ = ask(name, *GOOD[name])
    t0, t1, g, _ = found.intervals[0]
    assert integrate([t0, t1], [J_PER_KWH], found, STATIC).co2e_g == pytest.approx(g)
    beyond = found.intervals[-1].t1_ns + 24 * 60 * MINUTE_NS
    assert integrate([beyond, beyond + 1], [J_PER_KWH], found, STATIC).co2e_g == 999


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_a_permission_error_at_once(name, status):
    clock = TestClock()
    with pytest.raises(PermissionDenied, match="refuses the credentials") as caught:
        ask(name, Answer("no", status), clock=clock)
    assert clock.slept == []
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", WITH_TOKEN)
def test_a_missing_token_is_said_before_anything_is_sent(name):
    with serving(Answer("{}")) as (url, seen):
        with pytest.raises(PermissionDenied, match="needs a"):
            provider(name, ProviderAccess(base_url=url)).series("Z", START, START + HOUR)
        assert seen == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_retry_after_is_kept_to(name):
    clock = TestClock()
    found, _ = ask(name, Answer("slow down", 429, {"Retry-After": "7"}), *GOOD[name], clock=clock)
    assert clock.slept == [7]
    assert len(found)


def test_retry_after_may_be_a_date():
    clock = TestClock()
    ask("neso", Answer("", 429, {"Retry-After": "Mon, 02 Mar 2026 12:00:30 GMT"}), *GOOD["neso"], clock=clock)
    assert clock.slept == [30]


@pytest.mark.parametrize("value", ["3600", "Mon, 02 Mar 2026 14:00:00 GMT"])
def test_a_long_wait_is_left_to_the_person(value):
    clock = TestClock()
    with pytest.raises(LiveUnavailable, match="asks to wait"):
        ask("neso", Answer("", 429, {"Retry-After": value}), clock=clock)
    assert clock.slept == []


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}, {"Retry-After": "-1"}])
def test_without_a_usable_retry_after_the_wait_doubles(headers):
    clock = TestClock()
    with pytest.raises(LiveUnavailable, match=r"answered 429 .*4 times"):
        ask("neso", Answer("", 429, headers), clock=clock)
    assert clock.slept == [1, 2, 4]


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("status", [500, 503])
def test_errors_of_the_server_are_tried_again_with_doubling_waits_and_then_said(name, status):
    clock = TestClock()
    found, _ = ask(name, Answer("", status), Answer("", status), *GOOD[name], clock=clock)
    assert (len(found) > 0, clock.slept) == (True, [1, 2])
    clock = TestClock()
    with pytest.raises(LiveUnavailable, match=f"answered {status} .*4 times in a row") as caught:
        ask(name, Answer("", status), clock=clock)
    assert clock.slept == [1, 2, 4]
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_reply_that_was_cut_off_is_refused_whole(name):
    good = GOOD[name][-1]
    half = Answer("x")
    half.body = good.body[: len(good.body) // 2]
    with pytest.raises(BadReply, match="not whole"):
        ask(name, *GOOD[name][:-1], half)


def test_a_connection_that_ends_early_is_no_whole_reply():
    cut = Answer("neso_national.json", cut=100)
    with pytest.raises((BadReply, LiveUnavailable)):
        ask("neso", cut)


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name != "entsoe"])
@pytest.mark.parametrize(
    "text", ["[]", "{}", "null", '{"data": 3, "response": {}}', '{"data": [{}]}', '{"data": [7]}']
)
def test_json_of_another_shape_is_refused_in_words(name, text):
    before = GOOD[name][:-1]
    if name == "eia" and text.startswith('{"data": ['):
        text = '{"response": {"data": [{}]}}'
    if name == "watttime" and text == '{"data": [{}]}':
        text = '{"data": [{"value": 1}]}'
    if name == "electricitymaps" and text == '{"data": [{}]}':
        text = '{"data": [{"carbonIntensity": 1}]}'
    with pytest.raises(BadReply):
        ask(name, *before, Answer(text))


@pytest.mark.parametrize("text", ["<a/>", f"<GL_MarketDocument>{BARE}</GL_MarketDocument>", "{}"])
def test_xml_of_another_shape_is_refused_in_words(text):
    with pytest.raises(BadReply):
        ask("entsoe", Answer(text))


def test_other_refusals_say_what_to_check():
    with pytest.raises(BadReply, match=r"answered 400 at /intensity/.*zone"):
        ask("neso", Answer("", 400), zone="GB")


def test_a_redirect_is_not_followed_with_the_token():
    with serving(Answer("{}")) as (other, seen_there):
        with pytest.raises(BadReply, match="answered 302"):
            ask("electricitymaps", Answer("", 302, {"Location": f"{other}/steal"}))
        assert seen_there == []


def test_silence_ends_at_the_timeout():
    clock = TestClock()
    with serving(Answer("{}", delay=30)) as (url, _):
        client = Client("a provider", url, clock, timeout_s=0.05)
        with pytest.raises(LiveUnavailable, match="did not answer in time"):
            client.json("/x", [("securityToken", SECRET)])
    assert clock.slept == [1, 2, 4]


def test_nobody_at_home_is_said_without_the_query():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        access = ProviderAccess(base_url=url, token=SECRET, clock=TestClock(), fuels=FUELS)
        with pytest.raises(LiveUnavailable, match=r"could not be reached .Connection refused.") as caught:
            provider("entsoe", access).series("Z", START, START + HOUR)
    error = caught.value
    assert SECRET not in str(error) + repr(error) + repr(access)


def test_spans_and_names_that_cannot_be_are_refused():
    with pytest.raises(BadSeries, match="aware"):
        ask("neso", Answer("{}"), start=datetime(2026, 3, 1))
    with pytest.raises(BadSeries, match="earlier time first"):
        ask("neso", Answer("{}"), end=START)
    with pytest.raises(SourceUnavailable, match="watttime"):
        provider("wattime", ProviderAccess())
    with pytest.raises(LiveUnavailable, match="not an HTTP one"):
        provider("neso", ProviderAccess(base_url="file:///etc/passwd"))
