"""How single windows of a name are distributed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reached import reached
from steps import Steps

from microjoule.joules.profiling.distribution import FEWEST, NAMED, _distribution, distributions


@pytest.mark.reaches(figures=10)
@given(st.lists(st.just(np.nan) | st.floats(0, 1e9), min_size=3, max_size=80))
def test_each_window_with_a_figure_is_counted_once(values):
    known = [value for value in values if not np.isnan(value)]
    of = _distribution(*np.zeros((2, len(values)), np.int64), np.array(values))
    assert (of is not None) == (len(known) >= FEWEST)
    if reached("figures", of is not None):
        assert sum(of["counts"]) == of["n"] == len(known)
        assert (of["low_j"], of["high_j"]) == (min(known), max(known))
        assert len(of["outliers"]) == min(of["n_outliers"], NAMED)
        assert all(values[each["number"]] == each["energy_j"] for each in of["outliers"])


def test_a_window_of_ten_times_the_length_is_named_among_its_like(tmp_path):
    steps = Steps(power_w={"epoch": 60.0}, length_ms={"epoch": 10.0}, n=40)
    _, _, last_ns, _ = steps.windows[-1]
    odd = ("epoch", last_ns - 200_000_000, last_ns)
    trace = steps.trace(tmp_path, more=[odd])
    of = distributions(trace)["epoch"]
    first = of["outliers"][0]
    assert (of["n"], first["kind"]) == (41, "severe")
    assert first["t1_ns"] - first["t0_ns"] == 200_000_000
    assert first["energy_j"] == pytest.approx(of["high_j"])
    number = [w for w in trace.windows if w.name == "epoch"][first["number"]]
    assert (number.t0_ns, number.t1_ns) == (first["t0_ns"], first["t1_ns"])


def test_windows_of_one_energy_have_no_outlier():
    of = _distribution(*np.zeros((2, 9), np.int64), np.full(9, 2.0))
    assert (of["n_outliers"], sum(of["counts"])) == (0, 9)


def test_the_bins_are_equal_parts_from_the_least_to_the_most():
    values = np.random.default_rng(1).uniform(0.2, 0.9, 300)
    of = _distribution(*np.zeros((2, 300), np.int64), values)
    place = np.minimum((values - values.min()) / np.ptp(values) * len(of["counts"]), len(of["counts"]) - 1)
    assert of["counts"] == np.bincount(place.astype(int)).tolist()
