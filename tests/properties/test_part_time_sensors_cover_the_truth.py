"""A sensor that looks at 25 of 100 ms, or 10 of 20: means of windows hold the truth, whatever runs.

Calls last from a fourteenth of the sensor's period to two and a half of them, in step with it and out of
step. Where figures of phases are white, a straight line of phase or mere scatter, both directions are
held; where they are bent, or one window's own components must say it, the interval may only be too wide.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from part_time import PartTime

from microjoule.measuring.repeats import averaged, stratified
from microjoule.measuring.window_plan import Ask, Pilot, plan

A100 = PartTime()
V100 = PartTime(update_s=0.02, part_s=0.01, call_s=0.0066, calls=40, around_s=0.1, rest_s=0.06)

TRIALS = 120


def planned(case, seed):
    """The offsets that a measurement of such calls would take."""
    pilot = Pilot(
        call_s=case.call_s, power_w=200.0, update_s=case.update_s, quantum_j=1e-3, is_part_time=True
    )
    found = plan(pilot, Ask(number=case.calls, max_time_s=1e6), seed=seed)
    assert found.is_stratified
    return found.offsets_s


@cache
def measured(case, seed):
    """The offsets of one measurement, and the figures of its windows, which lie in steady runs."""
    offsets = planned(case, seed)
    one = replace(case, seed=seed, phases_s=offsets, windows=len(offsets))
    return offsets, one.gauge.estimates(one.gauge.energies(*one.windows_ns))


def means(case, scatter=0.0, trials=TRIALS):
    """(error, U) of the mean of stratified windows."""
    found = []
    for seed in range(trials):
        offsets, each = measured(case, seed)
        by_chance = 1 + scatter * np.random.default_rng([seed, 6]).standard_normal(len(each))
        each = [replace(e, value=e.value * f) for e, f in zip(each, by_chance, strict=True)]
        mean = stratified(each, offsets)
        found.append((mean.value - case.truth_j, mean.U))
    return np.array(found)


EXACT = {
    "calls of 7.3 ms": (replace(A100, call_s=0.0073, calls=180), 0.0),
    "calls of 7.3 ms that scatter": (replace(A100, call_s=0.0073, calls=180), 0.03),
    "a V100, one long call that scatters": (replace(V100, call_s=0.05, calls=6), 0.03),
}
CAREFUL = {
    "a V100, calls of 1.5 ms": replace(V100, call_s=0.0015, calls=180),
    "in step: calls of 100 ms": replace(A100, call_s=0.1, calls=13),
    "nearly in step: calls of 99.9 ms": replace(A100, call_s=0.0999, calls=13),
    "twice a period: calls of 50 ms": replace(A100, call_s=0.05, calls=26),
    "calls of 10 ms": replace(A100, call_s=0.01, calls=130),
    "calls of 250 ms": replace(A100, call_s=0.25, calls=5),
    "a V100, calls of 20 ms": replace(V100, call_s=0.02, calls=13),
}
BENT = {  # a period of the load is seven strata: what its bends cost is stated two or three times over
    "calls of 33 ms": A100,
    "a V100, calls of 6.6 ms": V100,
}


@pytest.mark.parametrize("case", EXACT)
def test_the_mean_of_stratified_windows_is_as_exact_as_it_says(case):
    found = means(*EXACT[case], trials=300)
    share = np.mean(np.abs(found[:, 0]) <= found[:, 1])
    print(case, "coverage", share)
    assert 0.93 <= share <= 0.975


@pytest.mark.parametrize("case", CAREFUL)
def test_the_mean_of_stratified_windows_is_never_claimed_too_exactly(case):
    found = means(CAREFUL[case])
    share = np.mean(np.abs(found[:, 0]) <= found[:, 1])
    width = found[:, 1].mean() / np.sqrt(np.mean(found[:, 0] ** 2))
    print(case, "coverage", share, "U / rms error", width)
    assert share >= 0.93
    assert width < 4
    assert abs(found[:, 0].mean()) < 0.05 * found[:, 1].mean() + 1e-4 * CAREFUL[case].truth_j


@pytest.mark.parametrize("case", BENT)
def test_where_the_phase_bends_much_the_interval_is_wide_and_still_half_of_what_windows_know(case):
    found = means(BENT[case], trials=60)
    assert np.mean(np.abs(found[:, 0]) <= found[:, 1]) >= 0.93
    one = replace(BENT[case], windows=20)
    by_itself = averaged(one.gauge.estimates(one.gauge.energies(*one.windows_ns)))
    assert found[:, 1].mean() < by_itself.U / 2


def test_strata_make_the_mean_of_a_load_in_step_with_the_sensor_ten_times_as_exact():
    """What calls that keep step with the sensor cost windows at any phase, and windows at all phases."""
    case = CAREFUL["in step: calls of 100 ms"]
    at_all = means(case)
    anywhere = [replace(case, seed=seed, windows=20) for seed in range(60)]
    errors = [
        averaged(one.gauge.estimates(one.gauge.energies(*one.windows_ns))).value - one.truth_j
        for one in anywhere
    ]
    assert np.std(errors) > 8 * np.std(at_all[:, 0])


@pytest.mark.parametrize(
    "case", [A100, V100, replace(A100, call_s=0.0073, calls=180)], ids=["A100", "V100", "short"]
)
def test_windows_between_idle_times_lose_some_of_their_steps_and_say_so(case):
    """However many there are: what they lose is in the interval, and not a tenth of it more than stated."""
    found = []
    for seed in range(60):
        one = replace(case, seed=seed, around_s=0.0, windows=40)
        mean = averaged(one.gauge.estimates(one.gauge.energies(*one.windows_ns)))
        steps = [row for row in mean.budget() if row["name"] == "steps"]
        found.append((mean.value - one.truth_j, mean.U, steps[0]["u"]))
    errors, wide, steps = np.array(found).T
    assert np.mean(np.abs(errors) <= wide) >= 0.93
    lost = ((case.high_w + case.low_w) / 2 - case.idle_w) * case.update_s * 2
    coverage = case.part_s / case.update_s
    assert -errors.mean() == pytest.approx(lost * (1 / 8 + coverage**2 / 24), rel=0.25)
    assert steps.mean() == pytest.approx(-errors.mean(), rel=0.3)
