"""``uj import``: a meter's log as a trace, alone and beside a recording."""

import time
from datetime import UTC, datetime

import pytest
from scripted import DRAM_W, PACKAGE_W, machine

import microjoule as uj
from microjoule.cli import main
from microjoule.errors import MeterLogError
from microjoule.sources.meters.logged import Columns, log

WALL_W = 90


def logged(path, lines, head="time,power_w"):
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("head", "cell", "watts"),
    [
        ("time,power", "2.5", 2.5),
        ("Timestamp;Power (mW)", "2500", 2.5),
        ("UTC\tActive Power [kW]", "0.0025", None),  # not the first word: to be named
        ("unix,power_kw", "0.0025", 2.5),
        ("unix,P [W]", "-2.5", -2.5),
        ("unix,Power (MW)", "0.0000025", 2.5),
    ],
)
def test_columns_and_units_are_in_the_headings(tmp_path, head, cell, watts):
    separator = max(",;\t", key=head.count)
    path = logged(tmp_path / "m.csv", [f"{at}{separator}{cell}" for at in (1e9, 1e9 + 1)], head)
    columns = Columns(power="Active Power [kW]") if watts is None else None
    found = log(path, columns)
    assert [raw * float(found.channel.scale.unit) for raw in found.raw] == [watts or 2.5] * 2


@pytest.mark.parametrize(
    "times",
    [
        ("1792892100", "1792892101.25"),
        ("1792892100000", "1792892101250"),
        ("1792892100000000", "1792892101250000"),
        ("1792892100000000000", "1792892101250000000"),
        ("2026-10-25T01:35:00Z", "2026-10-25T01:35:01.25+00:00"),
        ("2026-10-25T03:35:00+02:00", "2026-10-25T02:35:01.250+01:00"),
    ],
)
def test_a_time_is_the_same_however_it_is_written(tmp_path, times):
    found = log(logged(tmp_path / "m.csv", [f"{at},1" for at in times]))
    begun = int(datetime(2026, 10, 25, 1, 35, tzinfo=UTC).timestamp())
    assert found.realtime_ns.tolist() == [begun * 10**9, begun * 10**9 + 1_250_000_000]


@pytest.mark.parametrize(
    ("local", "words"),
    [
        ("2026-10-25 02:30:00", "came twice"),
        ("2026-03-29 02:30:00", "was skipped"),
        ("2026-03-29 25:30:00", "is not a time"),
    ],
)
def test_a_local_time_that_a_clock_change_made_unclear_is_refused(tmp_path, local, words):
    path = logged(tmp_path / "m.csv", [f"{local},1"])
    with pytest.raises(MeterLogError, match=words):
        log(path, Columns(zone="Europe/Berlin"))


def test_a_local_time_of_any_other_hour_needs_its_zone(tmp_path):
    path = logged(tmp_path / "m.csv", ["2026-10-25 01:30:00,1", "2026-10-25 03:30:00,1"])
    with pytest.raises(MeterLogError, match="has no offset from UTC"):
        log(path)
    first, second = log(path, Columns(zone="Europe/Berlin")).realtime_ns.tolist()
    assert second - first == 3 * 3600 * 10**9  # two by the clock on the wall


@pytest.mark.parametrize(
    ("lines", "head", "words"),
    [
        ([], "time,power", "has no readings"),
        (["1,2"], "a,b", "no column of time .columns: 'a', 'b'"),
        (["1,2"], "time,b", "no column of power"),
        (["2,2", "1,2"], "time,power", "line 3 is not after"),
        (["2,2", "2,2"], "time,power", "line 3 is not after"),
        (["1,2,3"], "time,power", "is not a CSV file"),
        (["1,2,3"], "time,power,power", "two columns 'power'"),
        (["1e30,2"], "time,power", "not a plausible Unix time"),
        (["-5,2"], "time,power", "not a plausible Unix time"),
        (['1,"0,1"'], "time,power", "no number in its column 'power': '0,1'"),
        (["1,1/3"], "time,power", "no number"),
        (["1,1e99999999"], "time,power", "no number"),
        (["1,2"], "time,Power (kWh)", "is in kWh, and no power"),
    ],
)
def test_a_log_without_what_is_needed_says_so(tmp_path, lines, head, words):
    with pytest.raises(MeterLogError, match=words):
        log(logged(tmp_path / "m.csv", lines, head))


def test_a_time_may_be_written_with_an_exponent(tmp_path):
    assert log(logged(tmp_path / "m.csv", ["1e18,2"])).realtime_ns.tolist() == [10**18]


def test_a_log_joins_the_recording_that_was_taken_meanwhile(tmp_path, capsys):
    begun_s = time.time() - 2
    with (
        uj.record(
            tmp_path / "t.arrows", meter=uj.Meter(rate=200, sources=["script"], root=machine(tmp_path))
        ),
        uj.window("load"),
    ):
        time.sleep(0.5)
    cells = [f"{begun_s + i * 0.05:.6f},{'' if i == 3 else WALL_W}" for i in range(200)]
    path = logged(tmp_path / "m.csv", cells)
    both = tmp_path / "both.arrows"
    words = ["import", str(path), "--with", str(tmp_path / "t.arrows"), "-o", str(both), "--accuracy", "1%"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "200 readings of m.csv, 1 without a number" in said
    trace, alone = uj.load(both), uj.load(tmp_path / "t.arrows")
    assert not trace.damage
    assert str(trace.energy("load")["package-0"]) == str(alone.energy("load")["package-0"])
    from microjoule.joules.reference.beside_meter import coverage

    found = coverage(trace, trace.window("load"))
    assert abs(found.share - (PACKAGE_W + DRAM_W) / WALL_W) <= found.U_share < 0.1
    assert main([*words[:-4], "--shift", "3600", "-o", str(tmp_path / "x.arrows")]) == 2
    assert "do not overlap" in capsys.readouterr().err


def test_what_a_trace_is_made_of_is_not_replaced(tmp_path, capsys):
    path = logged(tmp_path / "m.csv", ["1,2", "2,3"])
    before = path.read_bytes()
    assert main(["import", str(path), "-o", str(path)]) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert path.read_bytes() == before
    for shift in ("nan", "1e300", "soon"):
        with pytest.raises(SystemExit):
            main(["import", str(path), "-o", str(tmp_path / "x.arrows"), "--shift", shift])


def test_a_log_alone_is_a_trace(tmp_path):
    path = logged(tmp_path / "m.csv", [f"{1e9 + i},{100 + i % 2}" for i in range(60)])
    assert main(["import", str(path), "-o", str(tmp_path / "m.arrows")]) == 0
    trace = uj.load(tmp_path / "m.arrows")
    energy = trace.energy().total
    assert energy.status == "ok"
    assert abs(energy.value / (trace.span.duration_ns / 1e9) - 100.5) < 0.5


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("", [], 1),
        ("\n", [], 1),
        ("time,power\n", [], 1),
        ("time,power\n1,2,3\n", [], 1),
        ("time,power\nnever,2\n", [], 1),
        ("time,power\n1,2\n", ["--time", "when"], 2),
        ("time,power\n1,2\n", ["--timezone", "Mars/Olympus"], 2),
    ],
)
def test_a_log_that_cannot_be_read_is_1_and_a_name_that_is_none_is_2(tmp_path, capsys, text, options, code):
    path = tmp_path / "m.csv"
    path.write_text(text)
    assert main(["import", str(path), "-o", str(tmp_path / "x.arrows"), *options]) == code
    assert capsys.readouterr().err.startswith("uj: ")
    assert not (tmp_path / "x.arrows").exists()
