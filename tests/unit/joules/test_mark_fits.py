"""What the marks of a trace tell of a counter: each figure the same by whichever way it is asked for."""

from types import SimpleNamespace

import gauges
import gpu_counter
import numpy as np
import pytest
from ideal import MS, Ideal, rows, square

import microjoule as uj
from microjoule.joules.energy_trace import Trace

GPU = "gpu-0/energy"
IDEAL = Ideal(square(20.0, 90.0, 0.021), n=900, seed=3, limit_w=150.0)
NAME = IDEAL.id


def trace(n):
    """With n windows of 7 ms each, 14 ms apart."""
    first = IDEAL.inside(0.1)[0]
    marks = [
        (first + (14 * k + at) * MS, kind, k + 1, label)
        for k in range(n)
        for at, kind, label in ((0, "@begin", "ab"[k % 2]), (7, "@end", ""))
    ]
    return Trace(rows([IDEAL], marks))


def edges(of):
    return of.window_columns.t0_ns, of.window_columns.t1_ns


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_values_are_those_of_the_estimates_with_windows_and_without(n):
    of = trace(n)
    t0_ns, t1_ns = edges(of) if n else np.array([IDEAL.inside(0.2), IDEAL.inside(0.4)])
    singles = of.mark_fits.estimates(NAME, t0_ns, t1_ns)
    assert of.mark_fits.values(NAME, t0_ns, t1_ns) == pytest.approx(
        [each.value for each in singles], rel=1e-12
    )
    assert all(each.low <= each.value <= each.high for each in singles)
    truth = [IDEAL.truth(*each) for each in zip(t0_ns.tolist(), t1_ns.tolist(), strict=True)]
    assert all(each.low <= true <= each.high for each, true in zip(singles, truth, strict=True))


def test_one_window_is_enough_for_a_fit_and_none_is_not():
    assert trace(0).mark_fits.fit(NAME) is None
    for n in (1, 2):
        fits = trace(n).mark_fits
        assert fits.fit(NAME) is fits.fit(NAME) is not None
        assert fits.edges(NAME) is not None


@pytest.mark.parametrize("n", [2, 3, 9])
def test_several_windows_together_have_what_their_edges_share_once(n):
    """Their value is the sum; ± is that of the counts at all edges, and not of the single figures."""
    of = trace(n)
    t0_ns, t1_ns = edges(of)
    found = of.mark_fits.together(NAME, t0_ns, t1_ns)
    assert found == of.mark_fits.edges(NAME).together(of.counter(NAME), t0_ns, t1_ns)
    assert found.value == pytest.approx(of.mark_fits.values(NAME, t0_ns, t1_ns).sum(), rel=1e-9)
    alone = of.mark_fits.together(NAME, t0_ns[:1], t1_ns[:1])
    assert alone == of.mark_fits.estimates(NAME, t0_ns[:1], t1_ns[:1])[0]


def test_the_noise_of_single_windows_is_what_they_do_not_share():
    of = trace(9)
    t0_ns, t1_ns = edges(of)
    noise = of.mark_fits.noise_j2(NAME, t0_ns, t1_ns)
    u = np.array([each.u for each in of.mark_fits.estimates(NAME, t0_ns, t1_ns)])
    assert (noise > 0).all()
    assert (noise <= u**2 * (1 + 1e-9)).all()


def test_what_readings_do_not_show_of_a_window_is_no_variation_between_windows():
    """Bursts of 30 ms, all alike: some lie in one update of a gauge of 100 ms, and some in two."""
    begins_s = gauges.REST_S + np.cumsum(np.random.default_rng(5).uniform(0.15, 0.4, 60))
    edges_s = np.stack((begins_s, begins_s + 0.03), axis=1).ravel()
    load = gauges.Load(edges_s, np.concatenate(([60.0], np.tile([330.0, 60.0], 60))))
    sensor = gauges.SENSORS["100 of 100 ms"]
    read = SimpleNamespace(
        channel=gauges.channel(sensor.timing), series=gauges.series(load, sensor, gauges.Poll())
    )
    t_ns = (gauges.T0 + np.rint(edges_s * gauges.S).astype(np.int64)).tolist()
    marks = [(t, ("@begin", "@end")[k % 2], k // 2, "step") for k, t in enumerate(t_ns)]
    row = Trace(rows([read], marks)).by_name()[0]
    assert row.count == 60
    assert not row.sd_j
    assert not row.percentiles_j


def test_one_lag_moves_all_windows_of_a_sum_that_a_gauge_places_in_part(tmp_path):
    """Each by itself has the lag that moves it farthest: added up they were 1.5 J, where one moves 9 J."""
    chance = np.random.default_rng([3200171, 41])
    lasts_s = np.column_stack((chance.uniform(0.08, 0.6, 60), chance.uniform(0.05, 0.5, 60))).ravel()
    edges_s = gauges.REST_S + np.concatenate(([0.0], np.cumsum(lasts_s)))[:-1]
    load = gauges.Load(edges_s, np.concatenate(([60.0], np.tile([300.0, 60.0], 60))))
    t_ns = (gauges.T0 + np.rint(edges_s[1:-1] * gauges.S).astype(np.int64)).tolist()
    marks = [(t, ("@begin", "@end")[k % 2], k // 2, "rest") for k, t in enumerate(t_ns)]
    of = gpu_counter.GpuCounter(update_s=0.1, lag_s=0.05)
    found = uj.load(gpu_counter.trace(tmp_path, load, of, gauges.SENSORS["10 of 20 ms"], 1, marks))
    fits, t0_ns, t1_ns = found.mark_fits, *edges(found)
    assert fits.finer(GPU) is not None
    alone = fits.edges(GPU).together(found.meter(GPU), t0_ns, t1_ns)
    assert of_lag(fits.together(GPU, t0_ns, t1_ns)) > 0.8 * of_lag(alone) > 0.0


def of_lag(estimate):
    return sum(abs(each.u) for each in estimate.components if each.name == "lag")
