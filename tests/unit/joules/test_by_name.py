"""The energy of windows by their name."""

import numpy as np
import pytest
from ideal import MS, T0, constant, rows, write
from steps import BASE, Steps

import microjoule as uj
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import UpdateRecord, updates
from microjoule.joules.estimates.estimate import summed
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.profiling.by_name import by_name
from microjoule.joules.profiling.reserved_names import CUT_WINDOWS, NO_WINDOW, OTHER_NAMES, quoted
from microjoule.joules.summary import summary


def row(trace, name):
    return next(each for each in trace.by_name() if each.name == name)


def test_pulses_of_power_have_no_bias_that_two_readings_have(tmp_path):
    steps = Steps(length_ms={"decode": 1.0})
    trace, truth = steps.trace(tmp_path), steps.truth("decode")
    found = row(trace, "decode")
    plain = sum(float(trace.counter("package-0").energy(w.t0_ns, w.t1_ns)) for w in trace.windows)
    singles = sum(float(each.total) for each in trace.energies(trace.windows))
    assert abs(float(found.energy) / truth - 1) < 0.02
    assert abs(plain / truth - 1) > 0.15
    assert abs(singles / truth - 1) < 0.05
    assert found.method == "regression"
    assert found.energy.low <= truth <= found.energy.high


def test_a_row_says_count_time_power_and_energy_of_one_window_and_of_a_unit(tmp_path):
    steps = Steps(n=40)
    found = row(steps.trace(tmp_path, {"tokens": 12, "model": "small", "warm": True}), "decode")
    assert found.count == 40
    assert found.time_s == pytest.approx(sum(t1 - t0 for _, t0, t1, _ in steps.windows) / 1e9, rel=0.02)
    assert float(found.per_window) == pytest.approx(float(found.energy) / 40)
    assert set(found.per_unit) == {"tokens"}
    assert float(found.per_unit["tokens"]) == pytest.approx(float(found.energy) / 480)
    assert float(found.power) == pytest.approx(60.0, rel=0.02)
    assert found.power.unit == "W"


def test_names_and_the_time_of_no_window_add_up_to_what_was_measured(tmp_path):
    steps = Steps(power_w={"prefill": 90.0, "decode": 60.0}, length_ms={"prefill": 3.0, "decode": 1.0})
    trace = steps.trace(tmp_path)
    rows_ = by_name(trace)
    assert [each.name for each in rows_] == ["prefill", "decode", NO_WINDOW]
    whole = trace.energy().total
    assert float(summed([each.energy for each in rows_])) == pytest.approx(float(whole), abs=4 * whole.U)
    assert sum(each.share for each in rows_) == pytest.approx(1.0, abs=0.01)


def test_a_window_around_others_counts_them_and_has_its_own_time_beside(tmp_path):
    steps = Steps(n=30)
    first, last = steps.windows[0][1] - 10 * MS, steps.windows[-1][2] + 10 * MS
    trace = steps.trace(tmp_path, more=[("epoch", first, last)])
    epoch, decode = row(trace, "epoch"), row(trace, "decode")
    inside = steps.ideal.truth(T0 + first, T0 + last)
    assert float(epoch.energy) == pytest.approx(inside, rel=0.01)
    assert epoch.own is not None
    assert float(epoch.own) == pytest.approx(inside - steps.truth("decode"), rel=0.02)
    assert decode.own is None


def test_names_in_a_fixed_proportion_share_a_row(tmp_path):
    steps = Steps(power_w={"a": 80.0}, length_ms={"a": 0.02}, vary=0.0, n=60)
    beside = [("b", t1, t1 + (t1 - t0)) for _, t0, t1, _ in steps.windows]
    trace = steps.trace(tmp_path, more=beside)
    found = [each for each in trace.by_name() if "a" in each.names]
    assert [each.names for each in found] == [("a", "b")]
    assert found[0].method == "not separable"
    truth = sum(steps.ideal.truth(T0 + t0, T0 + 2 * t1 - t0) for _, t0, t1, _ in steps.windows)
    assert abs(float(found[0].energy) - truth) <= 1.5 * found[0].energy.U


def test_variation_is_that_of_the_windows_and_not_of_measuring_them(tmp_path):
    steady = row(Steps(vary=0.0).trace(tmp_path), "decode")
    varied = row(Steps(vary=0.0, scatter=0.2, seed=1).trace(tmp_path), "decode")
    assert steady.sd_j is None or steady.sd_j < 0.02 * float(steady.per_window)
    assert varied.sd_j == pytest.approx(0.2 * 0.6, rel=0.3)
    assert set(varied.percentiles_j) == {5, 50, 95}
    assert varied.percentiles_j[50] == pytest.approx(0.6, rel=0.1)


def test_too_few_updates_are_summed_reading_by_reading(tmp_path):
    ideal = BASE.__class__(constant(40.0), n=6, poll_ns=10 * MS, update_ns=20 * MS, limit_w=100.0)
    marks = [(T0 + 21 * MS, "@begin", 0, "a"), (T0 + 35 * MS, "@end", 0, "")]
    trace = uj.load(write(tmp_path / "few.arrows", rows([ideal], marks)))
    assert [(each.name, each.method) for each in by_name(trace)] == [
        ("a", "readings"),
        (NO_WINDOW, "readings"),
    ]


def test_a_trace_without_windows_has_no_names(tmp_path):
    trace = uj.load(write(tmp_path / "none.arrows", rows([BASE.__class__(constant(40.0))])))
    assert by_name(trace) == ()


def test_a_thousand_names_are_bounded_and_none_is_lost(tmp_path):
    n = 1000
    ideal = BASE.__class__(constant(40.0), n=3000, limit_w=100.0)
    edges = np.linspace(50 * MS, 2900 * MS, 2 * n).astype(np.int64)
    marks = []
    for i in range(n):
        marks += [(T0 + int(edges[2 * i]), "@begin", i, f"w{i}"), (T0 + int(edges[2 * i + 1]), "@end", i, "")]
    found = by_name(uj.load(write(tmp_path / "many.arrows", rows([ideal], marks), batch_rows=9000)))
    assert sum(each.count for each in found) == n
    assert len(found) <= 201
    assert any(OTHER_NAMES in each.names for each in found)


def test_a_sum_of_many_estimates_is_that_of_one_after_another(tmp_path):
    trace = Steps(n=12).trace(tmp_path)
    each = [trace.energy(window).total for window in trace.windows]
    at_once, in_turn = summed(each), sum(each[1:], each[0])
    assert float(at_once) == pytest.approx(float(in_turn))
    assert at_once.u == pytest.approx(in_turn.u)
    assert (at_once.low, at_once.high) == (pytest.approx(in_turn.low), pytest.approx(in_turn.high))


def test_a_streamed_trace_gives_the_same_rows(tmp_path):
    steps = Steps(power_w={"prefill": 90.0, "decode": 60.0}, length_ms={"prefill": 3.0, "decode": 1.0})
    trace = steps.trace(tmp_path)
    assert [str(row) for row in stream(trace.path).by_name()] == [str(row) for row in by_name(trace)]


def test_updates_beyond_the_limit_are_thinned_and_keep_their_energy():
    steps = Steps(n=40)
    counter = Counter(steps.ideal.series, steps.ideal.channel)
    record = UpdateRecord(rows=100)
    for part in np.array_split(counter.changes[1:], 7):
        record.add(counter, part)
    few = record.updates(counter, T0, T0 + 10**15)
    every = updates(counter, T0, T0 + 10**15)
    assert 50 <= len(few.energy_j) <= 100 < len(every.energy_j)
    at = np.searchsorted(every.edges_ns, few.edges_ns)
    assert np.array_equal(every.edges_ns[at], few.edges_ns)
    sums = np.concatenate(([0.0], np.cumsum(every.energy_j)))
    assert few.energy_j == pytest.approx(np.diff(sums[at]))


def test_a_window_that_the_recording_cuts_is_named_and_has_no_part(tmp_path):
    steps = Steps(n=30)
    late = steps.windows[-1][2] + 10 * MS
    trace = steps.trace(tmp_path, more=[("decode", late, late + 10**9)])
    found = row(trace, "decode")
    assert (found.count, found.cut) == (30, 1)
    assert float(found.energy) == pytest.approx(steps.truth("decode"), rel=0.01)


@pytest.mark.parametrize("more", [(), ("nested",), ("adjoining",)])
@pytest.mark.parametrize("length_ms", [0.4, 12.0])
def test_the_table_the_energy_of_a_name_and_its_single_windows_are_one_figure(tmp_path, length_ms, more):
    steps = Steps(
        power_w={"prefill": 90.0, "decode": 60.0},
        length_ms={"prefill": 3 * length_ms, "decode": length_ms},
        n=30,
        scatter=0.05,
    )
    beside = {
        "nested": [("epoch", steps.windows[2][1] - 10 * MS, steps.windows[20][2] + 10 * MS)],
        "adjoining": [("decode", t1, t1 + MS) for name, _, t1, _ in steps.windows if name == "decode"],
    }
    trace = steps.trace(tmp_path, more=[window for kind in more for window in beside[kind]])
    for each in (row for row in trace.by_name() if len(row.names) == 1 and row.count):
        of_name = trace.energy(each.name)["package-0"]
        assert (of_name.value, of_name.low, of_name.high) == (
            each.energy.value,
            each.energy.low,
            each.energy.high,
        )
        assert of_name.U == each.energy.U
        singles = [one["package-0"].value for one in trace.energies(trace.named(each.name))]
        assert sum(singles) == pytest.approx(of_name.value, rel=1e-9)
    own = [row.own or row.energy for row in trace.by_name()]
    assert sum(map(float, own)) == pytest.approx(float(trace.energy().total), rel=1e-9)


def test_what_all_windows_of_a_name_share_does_not_average_away(tmp_path):
    """Of short windows right after one another the readings tell the sum well and each name badly."""
    steps = Steps(
        power_w={"a": 110.0, "b": 60.0},
        length_ms={"a": 0.9, "b": 0.3},
        idle_ms=(0.001, 0.002),
        n=80,
    )
    trace = steps.trace(tmp_path)
    a, b = (trace.energy(name)["package-0"] for name in "ab")
    both = a + b
    assert abs(float(both) - steps.truth("a") - steps.truth("b")) <= 1.5 * both.U
    assert 0.4 * min(a.U, b.U) > both.U
    one = trace.energy(trace.named("b")[0])["package-0"]
    assert len(trace.named("b")) ** 0.6 * one.U / 2 < b.U


def test_each_of_many_names_of_one_window_has_the_figure_of_its_window(tmp_path):
    """They are worked out at once; names of several windows among them are not."""
    steps = Steps(n=30)
    ends = [t1 for _, _, t1, _ in steps.windows]
    more = [(f"once {k}", ends[k] + MS, ends[k] + MS + (k + 1) * MS // 4) for k in range(20, -1, -3)]
    trace = steps.trace(tmp_path, more=more)
    rows_ = {each.name: each.energy for each in trace.by_name()}
    names = [name for name, *_ in more]
    assert set(names) < rows_.keys()
    once = [window for window in trace.windows if window.name in names]
    assert len(once) == len(names)
    for window, energies in zip(once, trace.energies(once), strict=True):
        found, alone = rows_[window.name], energies.total
        assert (found.value, found.low, found.high) == (alone.value, alone.low, alone.high)
        assert abs(found.U - alone.U) <= 1e-9 * alone.U
    assert len({rows_[name].value for name in names}) == len(names)


@pytest.mark.parametrize(
    "huge",
    [10**310, -(10**310), 1.7e308, 10**200, 5e-324],
    ids=["int", "negative", "float", "square", "small"],
)
def test_a_number_that_no_sum_holds_is_no_amount_and_the_others_are_summed(tmp_path, huge):
    found = row(Steps(n=40).trace(tmp_path, {"modulus": huge, "tokens": 12}), "decode")
    assert set(found.per_unit) == {"tokens"}
    assert float(found.per_unit["tokens"]) == pytest.approx(float(found.energy) / 480)


def test_windows_that_are_called_like_the_time_of_none_have_rows_of_their_own(tmp_path):
    """What reports call time without a name is quoted where a program calls its windows so."""
    names = {NO_WINDOW: 90.0, CUT_WINDOWS: 60.0, OTHER_NAMES: 40.0, f'"{NO_WINDOW}"': 75.0}
    steps = Steps(power_w=names, length_ms=dict.fromkeys(names, 20.0), idle_ms=(40.0, 60.0), n=40)
    trace = steps.trace(tmp_path)
    for of in (trace, stream(trace.path)):
        rows_ = {each.name: each for each in of.by_name()}
        assert list(rows_) == [*(f'"{name}"' for name in names), NO_WINDOW]
        for name in names:
            assert float(rows_[f'"{name}"'].energy) == pytest.approx(steps.truth(name), rel=0.02)
            assert float(of.energy(name).total) == pytest.approx(steps.truth(name), rel=0.02)
        inside = sum(map(steps.truth, names))
        whole = float(trace.energy().total)
        assert float(rows_[NO_WINDOW].energy) == pytest.approx(whole - inside, rel=0.02)
        found = {row["name"]: row for row in summary(of)["by_name"]}
        assert found[NO_WINDOW]["distribution"] is None
        assert found[f'"{NO_WINDOW}"']["distribution"]["n"] == 10


def test_a_name_that_is_blank_or_ends_in_blanks_is_quoted_and_no_two_names_become_one():
    names = ["", " ", "a", "a ", " a", "\ta", f"{NO_WINDOW} ", NO_WINDOW, "a b", "(other)"]
    names += [f'"{name}"' for name in names] + [f' "{name}"' for name in names]
    shown = [quoted(name) for name in names]
    assert len(set(shown)) == len(set(names))
    for name in ("", " ", "a ", " a", "\ta", f"{NO_WINDOW} "):
        assert quoted(name) == f'"{name}"'
    for name in ("a", "a b", "(other)", '"a"'):
        assert quoted(name) == name


def test_a_window_called_like_others_that_are_joined_has_its_own_row(tmp_path):
    """Two names that always come together are one row, whose title a third name has."""
    lengths = {"a": 0.02, "a + b": 10.0}
    steps = Steps(power_w={"a": 80.0, "a + b": 90.0}, length_ms=lengths, vary=0.0, n=120)
    beside = [("b", t1, t1 + (t1 - t0)) for name, t0, t1, _ in steps.windows if name == "a"]
    rows_ = steps.trace(tmp_path, more=beside).by_name()
    assert [each.names for each in rows_] == [("a", "b"), ("a + b",), (NO_WINDOW,)]
    assert [each.count for each in rows_] == [120, 60, 0]
    assert float(rows_[1].energy) == pytest.approx(steps.truth("a + b"), rel=0.01)
    assert float(rows_[0].energy) < 0.1 < float(rows_[1].energy)
