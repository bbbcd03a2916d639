"""Power now, in the lines of a terminal."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microjoule.channel import Place
from microjoule.live.scene import total
from microjoule.live.tenants import Tenant
from microjoule.report import live_view
from microjoule.report.live_view import BARS, farewell, lines, sparkline

ROW = {
    "name": "package-0",
    "place": Place(device="package", number=0),
    "power_w": 40.0,
    "lately_w": [10.0, 20.0, math.nan, 40.0],
    "energy_j": 123.4,
    "extra_j": 0.0,
    "lost_j": 0.0,
    "times_off": 0,
    "is_estimated": False,
    "is_alive": True,
    "is_counted": True,
    "readings": 1000,
    "failed": 0,
    "missed": 3,
    "resets": 0,
    "lane": "package-0",
}


def scene(*rows):
    return {
        "title": "uj watch",
        "subject": "the machine",
        "look_s": 0.25,
        "elapsed_s": 61.5,
        "rows": rows,
        "total": total(rows),
        "state": "● recording a.arrows",
        "keys": "q quits",
    }


names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=60)
rows = st.builds(
    lambda name, power, energy, readings, missed, alive, extra: {
        **ROW,
        "name": name,
        "power_w": power,
        "lately_w": [power or math.nan] * 200,
        "energy_j": energy,
        "readings": readings,
        "missed": missed,
        "is_alive": alive,
        "extra_j": extra,
    },
    names,
    st.none() | st.floats(0, 1e6),
    st.floats(0, 1e15),
    st.integers(0, 1 << 40),
    st.integers(0, 1 << 40),
    st.booleans(),
    st.sampled_from([0.0, 5.0]),
)


@given(st.lists(rows, max_size=40), st.integers(20, 200), st.integers(6, 60))
def test_whatever_is_shown_fits_the_terminal(shown, width, height):
    found = lines(scene(*shown), width, height)
    assert len(found) <= height
    assert all(len(line) <= width for line in found)
    assert "q quits" in found[-1] or width < 40


def test_a_line_says_watts_now_lately_and_joules():
    head, _, package, total, account, keys = (
        lines(scene(ROW, {**ROW, "name": "dram", "power_w": 5.0}), 80, 24)[:2] + lines(scene(ROW), 80, 24)[2:]
    )
    assert head == "uj watch  01:01"
    assert package.split() == ["package-0", "40.00", "W", "▃▅", "█", "0", "–", "40.0", "W", "123.4", "J"]
    assert total.split()[:3] == ["total", "40.00", "W"]
    assert account == "1000 readings, 3 ticks missed"
    assert keys == "● recording a.arrows  q quits"


def test_estimated_is_marked_and_what_is_missing_is_missing():
    odd = [
        {**ROW, "name": "cpu_time/system", "is_estimated": True},
        {**ROW, "name": "psys", "is_alive": False, "is_counted": False, "energy_j": 0.0, "power_w": 0.0},
        {**ROW, "name": "gone", "power_w": None, "is_counted": False, "failed": 7, "extra_j": 9.0},
    ]
    text = "\n".join(lines(scene(*odd), 100, 24))
    model, psys, gone, total = text.splitlines()[2:6]
    assert "~40.00 W" in model
    assert "~123.4 J" in total
    assert psys.split() == ["psys", "–", "–"]
    assert "0 – 40.0 W" in model
    assert "≥ 123.4 J" in gone
    assert gone.split()[1] == "–"
    assert "7 failed" in text
    assert "never moved: psys" in text


def test_what_interruptions_may_have_kept_from_the_count_is_said():
    """Of channels of one group it is one interruption; of what is in no total no joule is added."""
    core = {**ROW, "name": "package-0/core", "is_counted": False, "times_off": 2, "lost_j": 0.05}
    off = {**ROW, "times_off": 2, "lost_j": 0.123}
    assert "interrupted 2 times: up to 123 mJ not counted" in lines(scene(off, core), 100, 24)[-2]
    assert farewell(scene(off, core)).endswith(
        "; up to 123 mJ more not counted: perf events were interrupted"
    )
    assert "interrupted once" in lines(scene({**off, "times_off": 1}), 100, 24)[-2]
    assert "not counted" not in farewell(scene(ROW)) + lines(scene(ROW), 100, 24)[-2]


def test_what_has_no_room_is_counted():
    many = [{**ROW, "name": f"gpu-{i}"} for i in range(30)]
    found = lines(scene(*many), 80, 10)
    assert "… and 26 more: a higher terminal shows them" in found
    assert len(found) == 10


@pytest.mark.parametrize(
    ("values", "bars"),
    [([], ""), ([0.0, 0.0], "▁▁"), ([1.0, 8.0], "▂█"), ([math.nan, 4.0], " █"), ([-1.0, 1.0], "▁█")],
)
def test_bars_start_at_zero_and_a_missing_one_is_blank(values, bars):
    assert sparkline(values, 10) == bars


def test_bars_say_their_scale_and_the_time_they_span_and_fill_a_wide_terminal():
    long = {**ROW, "lately_w": [5.0] * 300 + [10.0] * 100}
    _, head, package, *_ = lines(scene(long), 160, 24)
    bars = re.search(BARS, package)[0].rstrip()
    assert len(bars) > 100
    assert f"last {len(bars) / 4:.0f} s" in head
    assert "0 – 10.0 W" in package
    narrow = lines(scene(long), 40, 24)
    assert "0 –" not in "".join(narrow)
    assert any(re.search(BARS, line) for line in narrow)


def test_the_last_sentence_says_how_much_in_how_long():
    said = farewell(scene(ROW, {**ROW, "name": "psys", "is_counted": False}))
    assert said == "the machine used 123 J in 61.5 s (2.01 W); measured: package"
    assert farewell(scene()) == ""


@pytest.mark.parametrize(
    ("halves", "room", "shown"),
    [
        ((0.4, 12.0), 24, "± 400 mW, ± 12.0 J"),
        ((0.4, 12.0), 9, "± 400 mW"),
        ((math.inf, math.inf), 24, ""),
        ((0.4, 12.0), 3, ""),
        ((0.0, 12.0), 24, "± 12.0 J"),
    ],
)
def test_a_share_has_its_uncertainty_where_it_is_known_and_fits(halves, room, shown):
    of = Tenant("make", 100.0, 5.0, halves[1], halves[0])
    assert live_view._plus_minus(of, room) == shown


def test_who_used_nothing_lately_has_zero_watts():
    """Case: it was written 0.0 µW ± 0 W."""
    shown = lines({**scene(ROW), "tenants": [Tenant("make", 1354.0, 0.0, math.inf, 0.0)]}, 80, 20)
    (line,) = (line for line in shown if line.startswith("make"))
    assert line.split() == ["make", "0", "W", "1354", "J"]
