"""How much a package trails its cores shows in the power swings of both, and a common lag does not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fragmented import same, slices
from hypothesis import given
from hypothesis import strategies as st
from ideal import MS, T0, US, write
from package_and_cores import CORES, DECLARED, PACKAGE, PackageAndCores
from scipy.stats import binomtest

from microjoule.channel import Timing
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import record_of
from microjoule.joules.energy_trace import Trace, load
from microjoule.joules.lags.lag_of_parts import LagDifference, Recorded, lag_difference
from microjoule.joules.lags.related_lags import beside
from microjoule.joules.long_traces.fragments import Here, integrated
from microjoule.joules.long_traces.streamed import StreamedTrace, stream
from microjoule.joules.summary import summary

LAGS_US = [(0, 0), (0, 5000), (5000, 0), (300, 800)]
UNKNOWN = Timing(update_max_ns=10 * MS, lag_ns=MS)
MEASURED = DECLARED.with_lag(350 * US, 450 * US, "calibrated")


def difference(of):
    def recorded(name):
        counter = Counter(of.series(name), of.channel(name))
        return Recorded(counter, record_of(counter))

    return lag_difference(recorded(PACKAGE), recorded(CORES))


@pytest.mark.parametrize("update_us", [(976.6, 976.6), (1953.1, 976.6), (976.6, 1953.1)], ids=str)
@pytest.mark.parametrize("lag_us", LAGS_US, ids=str)
def test_the_difference_of_two_lags_is_found(lag_us, update_us):
    """To a tenth of a millisecond where both are updated each millisecond; else to a quarter."""
    for seed in range(3):
        found = difference(PackageAndCores(seed=seed, lag_us=lag_us, update_us=update_us))
        assert found is not None
        assert abs(found.ns - (lag_us[0] - lag_us[1]) * US) <= found.half_ns
        assert found.half_ns < (100 if max(update_us) < 1000 else 250) * US


@pytest.mark.parametrize(
    "how",
    [
        {"lag_us": (0, 0)},
        {"lag_us": (0, 5000)},
        {"lag_us": (5000, 0)},
        {"lag_us": (300, 800), "rate_hz": 2000.0},
        {"lag_us": (400, 0), "update_us": (976.6, 1953.1)},
        {"lag_us": (0, 600), "rate_hz": 1700.0},
    ],
    ids=str,
)
def test_its_interval_holds_the_truth(how):
    """Sixty recordings of each kind."""
    errors = [
        abs(found.ns - (how["lag_us"][0] - how["lag_us"][1]) * US) <= found.half_ns
        for seed in range(100, 160)
        if (found := difference(PackageAndCores(seed=seed, span_s=2.5, **how))) is not None
    ]
    assert len(errors) > 54
    assert binomtest(sum(errors), len(errors)).proportion_ci(0.999).high >= 0.93
    assert sum(errors) >= 0.93 * len(errors)


@pytest.mark.parametrize(
    "how",
    [
        {"cores_w": (30.0, 30.0)},
        {"cores_w": (30.0, 30.5)},
        {"ripple_hz": 270.0},
        {"follows": False},
        {"span_s": 0.8},
    ],
    ids=["steady", "faint", "repeating", "another load", "short"],
)
def test_where_the_swings_do_not_suffice_there_is_no_figure(how):
    """Swings that repeat fit as well a period later, and counters of two loads share none."""
    for seed in range(8):
        assert difference(PackageAndCores(seed=seed, lag_us=(700, 0), **how)) is None


@pytest.mark.parametrize("declared", [DECLARED, UNKNOWN], ids=["declared", "bounded"])
@pytest.mark.parametrize("ripple_hz", [0.0, 3.0, 7.0, 20.0])
@pytest.mark.parametrize("rate_hz", [500.0, 1000.0, 1100.0])
def test_readings_no_denser_than_updates_tell_no_difference(rate_hz, ripple_hz, declared):
    """Counts of whole updates then beat with the readings, and a lag of milliseconds too long fits best."""
    for seed in range(1000, 1010):
        how = {"ripple_hz": ripple_hz, "rate_hz": rate_hz, "declared": (declared, declared)}
        assert difference(PackageAndCores(seed=seed, lag_us=(300, 150), span_s=2.5, **how)) is None


@pytest.mark.parametrize("ripple_hz", [10.0, 20.0])
@pytest.mark.parametrize("rate_hz", [1700.0, 2000.0, 4000.0])
def test_of_a_slow_ripple_readings_clearly_denser_than_updates_tell_the_difference(rate_hz, ripple_hz):
    of = (
        PackageAndCores(seed=seed, lag_us=(300, 150), ripple_hz=ripple_hz, rate_hz=rate_hz, span_s=2.5)
        for seed in range(1000, 1010)
    )
    found = [each for each in map(difference, of) if each is not None]
    assert len(found) >= 5
    assert all(abs(each.ns - 150 * US) <= each.half_ns for each in found)


_lag = st.integers(0, MS)


@given(lags=st.tuples(_lag, _lag), half_ns=st.integers(1, 2 * MS), off=st.floats(-1.0, 1.0), width=_lag)
def test_what_follows_from_a_difference_holds_the_lag_and_no_guarantee_is_narrower(lags, half_ns, off, width):
    lag, other = lags
    seen = LagDifference(lag - other + off * half_ns, half_ns)
    theirs = DECLARED.with_lag(max(other - width, 0), other + width, "calibrated")
    found = beside(DECLARED, theirs, seen, "here")
    least, most = found.likely_lag_ns or (found.lag_min_ns, found.lag_ns)
    assert least - 1 <= lag <= most + 1
    assert found.half_lag_ns <= DECLARED.half_lag_ns
    assert found.lag_min_ns == DECLARED.lag_min_ns
    assert found.lag_ns >= max(DECLARED.lag_ns, most)


@given(ns=st.floats(-0.9 * MS, 0.9 * MS), half_ns=st.integers(1, 2 * MS))
def test_of_two_lags_that_are_only_declared_a_difference_narrows_neither(ns, half_ns):
    """Either may be longer than was declared, and then the other's bound is none for this one."""
    found = beside(DECLARED, DECLARED, LagDifference(ns, half_ns), "here")
    assert (found.middle_lag_ns, found.half_lag_ns) == (DECLARED.middle_lag_ns, DECLARED.half_lag_ns)
    assert found.lag_source == DECLARED.lag_source
    most = max(DECLARED.lag_ns + math.ceil(ns + 2 * half_ns), DECLARED.lag_ns) if ns > half_ns else MS
    assert (found.lag_min_ns, found.lag_ns) == (0, most)


@pytest.mark.parametrize("lag_us", [(1254, 659), (659, 1254), (800, 100)], ids=str)
def test_where_one_trails_a_little_more_than_it_declares_figures_stay_and_guaranteed_intervals_hold(lag_us):
    """Nothing proves it; but a counter that trails another may do so by what that one may, and more."""
    late, early = (CORES, PACKAGE) if lag_us[0] < lag_us[1] else (PACKAGE, CORES)
    for seed in range(1000, 1006):
        of = PackageAndCores(seed=seed, lag_us=lag_us, span_s=2.5, mean_s=0.1)
        trace = Trace(of.table())
        t0_ns = T0 + np.random.default_rng(seed).integers(200 * MS, 1700 * MS, 60)
        t1_ns = t0_ns + np.random.default_rng(seed + 1).integers(MS, 300 * MS, 60)
        timing = trace.counter(late).channel.timing
        assert trace.counter(early).channel.timing == DECLARED
        assert (timing.middle_lag_ns, timing.half_lag_ns) == (DECLARED.middle_lag_ns, DECLARED.half_lag_ns)
        assert timing.lag_ns > abs(lag_us[0] - lag_us[1]) * US + MS
        for name in (late, early):
            truth = of.used_j(name, t1_ns) - of.used_j(name, t0_ns)
            found = trace.estimates(name, t0_ns, t1_ns)
            assert all(e.low - 1e-9 <= t <= e.high + 1e-9 for e, t in zip(found, truth, strict=True))
            held = np.mean([abs(e.value - t) <= e.U for e, t in zip(found, truth, strict=True)])
            assert held > 0.9 or (name == late and max(lag_us) > 1000)


@pytest.mark.parametrize("lag_us", [1000, 1300, 1600])
def test_a_lag_that_is_inherited_may_be_longer_than_was_declared(lag_us):
    """The other's was measured, so it outweighs what was declared, for figures and guaranteed intervals."""
    theirs = DECLARED.with_lag(lag_us * US - 50 * US, lag_us * US + 50 * US, "calibrated")
    found = beside(DECLARED, theirs, LagDifference(0.0, 60 * US), "here")
    least, most = found.likely_lag_ns
    assert least <= lag_us * US <= most <= found.lag_ns
    assert found.lag_ns >= lag_us * US + 50 * US + 120 * US
    assert found.lag_source == "here"


def test_a_measured_lag_is_inherited_with_the_width_of_the_difference():
    of = PackageAndCores(lag_us=(900, 400), declared=(DECLARED, MEASURED))
    timing = Trace(of.table()).counter(PACKAGE).channel.timing
    least, most = timing.likely_lag_ns
    assert least <= 900 * US <= most
    assert most - least < 350 * US
    assert timing.lag_min_ns == 0
    assert most <= timing.lag_ns < MS + 250 * US
    assert timing.lag_source == f"measured against {CORES}"


def test_of_two_measured_lags_that_contradict_each_other_neither_is_changed_and_the_report_says_so():
    of = PackageAndCores(lag_us=(5000, 400), declared=(MEASURED, MEASURED))
    trace = Trace(of.table())
    assert trace.counter(PACKAGE).channel.timing == trace.counter(CORES).channel.timing == MEASURED
    (said,) = (line for line in summary(trace)["lags"] if "trails" in line)
    assert said.startswith(f"{PACKAGE} trails {CORES} by 4.6")
    assert said.endswith("that both show; more than was declared or measured of them")


@pytest.mark.parametrize("lag_us", [(5000, 0), (0, 5000)], ids=["the package", "the cores"])
def test_with_a_lag_longer_than_declared_intervals_hold(lag_us):
    """Before, the guaranteed intervals of random windows missed the truth in most."""
    of = PackageAndCores(lag_us=lag_us, seed=3)
    trace = Trace(of.table())
    late, early = (PACKAGE, CORES) if lag_us[0] else (CORES, PACKAGE)
    assert trace.counter(early).channel.timing == DECLARED
    t0_ns = T0 + np.random.default_rng(5).integers(200 * MS, 3700 * MS, 300)
    t1_ns = t0_ns + 50 * MS
    truth = of.used_j(late, t1_ns) - of.used_j(late, t0_ns)
    alone = Counter(of.series(late), of.channel(late)).energies(t0_ns, t1_ns)
    assert np.mean((alone.low <= truth) & (truth <= alone.high)) < 0.9
    estimates = trace.estimates(late, t0_ns, t1_ns)
    assert all(e.low - 1e-9 <= t <= e.high + 1e-9 for e, t in zip(estimates, truth, strict=True))
    assert np.mean([abs(e.value - t) <= e.U for e, t in zip(estimates, truth, strict=True)]) >= 0.93
    assert trace.energy()[late].status == "ok"


def test_the_report_says_a_difference_and_that_there_is_none():
    lines = summary(Trace(PackageAndCores(lag_us=(800, 100)).table()))["lags"]
    assert any(line.startswith(f"{PACKAGE} trails {CORES} by 0.7") for line in lines)
    assert sum("assumed" in line for line in lines) == 2
    lines = summary(Trace(PackageAndCores().table()))["lags"]
    assert any(line.startswith(f"{PACKAGE} and {CORES}: the same lag, ± 0.") for line in lines)
    assert sum("assumed" in line for line in lines) == 2


def test_a_trace_and_the_same_trace_in_parts_learn_one_difference(tmp_path):
    """Read as a whole, part by part, and in fragments."""
    of = PackageAndCores(lag_us=(5000, 0), seed=2)
    marks = [(T0 + 700 * MS, "@begin", 1, "a"), (T0 + 1900 * MS, "@end", 1, "a")]
    path = write(tmp_path / "a.arrows", of.table(marks))
    whole, parts = load(path), stream(path)
    assert isinstance(parts, StreamedTrace)
    assert same(parts, whole)
    assert summary(parts)["lags"] == summary(whole)["lags"]
    assert same(integrated(slices(whole.table, [5000, 11000]), Here()), whole)
    assert any("trails" in line for line in summary(parts)["lags"])
