"""Windows as the bars of a flame chart."""

from hypothesis import given
from hypothesis import strategies as st
from marked import columns

from microjoule.joules.plot_data import BAR_ROWS, window_bars

spans = st.tuples(st.integers(0, 50), st.integers(1, 20), st.sampled_from("abc"))


@given(st.lists(spans, max_size=30))
def test_no_bar_covers_another_and_none_is_lost(found):
    bars = window_bars(columns((name, 100 + t0, 100 + t0 + length) for t0, length, name in found), 100)
    rebuilt = sorted(
        (bars["names"][name], t0, length)
        for name, t0, length in zip(bars["name"], bars["t0_ns"], bars["length_ns"], strict=True)
    )
    assert rebuilt == sorted((name, t0, length) for t0, length, name in found)
    assert (bars["t0_ns"][1:] >= bars["t0_ns"][:-1]).all()
    for row in range(BAR_ROWS - 1):  # the last one holds what found no room
        mine = bars["row"] == row
        ends = (bars["t0_ns"] + bars["length_ns"])[mine]
        assert (bars["t0_ns"][mine][1:] >= ends[:-1]).all()


def test_what_is_inside_lies_below():
    bars = window_bars(columns([("step", 10, 20), ("epoch", 0, 100), ("kernel", 12, 15)]), 0)
    rows = {bars["names"][name]: row for name, row in zip(bars["name"], bars["row"], strict=True)}
    assert rows == {"epoch": 0, "step": 1, "kernel": 2}


def test_of_windows_that_begin_together_the_longest_lies_above():
    bars = window_bars(columns([("inner", 3, 5), ("outer", 3, 9), ("middle", 3, 7)]), 3)
    assert [bars["names"][name] for name in bars["name"]] == ["outer", "middle", "inner"]
    assert bars["row"].tolist() == [0, 1, 2]
    assert bars["length_ns"].tolist() == [6, 4, 2]


def test_windows_that_are_open_together_have_a_row_each_until_the_last_one_holds_the_rest():
    n = BAR_ROWS + 3
    bars = window_bars(columns(("call", i, 2 * n - i) for i in range(n)), 0)
    assert bars["row"].tolist() == [*range(BAR_ROWS), *[BAR_ROWS - 1] * 3]


def test_a_million_windows_are_bars_too():
    bars = window_bars(columns(("step", i * 10, i * 10 + 8) for i in range(1_000_000)), 0)
    assert (len(bars["t0_ns"]), bars["names"], int(bars["row"].max())) == (1_000_000, ["step"], 0)
