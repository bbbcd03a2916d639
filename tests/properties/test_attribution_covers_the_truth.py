"""Of launches shorter than an update, 93 to 97.5 of a hundred 95 % intervals hold the true energy."""

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, US
from launches import BASE, Launches

SETTINGS = {
    "4 kHz": (replace(BASE, poll_ns=250 * US), 0.0),
    "1.1 kHz": (replace(BASE, n=300, poll_ns=900 * US), 0.0),
    "1 kHz, as often as updates": (replace(BASE, n=300), 0.0),
    "500 Hz, every other update": (replace(BASE, n=150, poll_ns=2 * MS), 0.0),
    "4 kHz, an update in twenty missed": (replace(BASE, poll_ns=250 * US, missed=0.05, declared_max=3), 0.0),
    "4 kHz, a coarse count": (replace(BASE, poll_ns=250 * US, quantum=500), 0.0),
    "4 kHz, lag": (replace(BASE, poll_ns=250 * US, lag_ns=300 * US, declared_max=3), 0.0),
    "4 kHz, launches that are not alike": (replace(BASE, poll_ns=250 * US), 0.4),
}
TRIALS = 30


def held(ideal, scatter, seeds):
    hits = []
    for seed in seeds:
        scene = Launches(ideal, seed, scatter=scatter)
        found = scene.attributed()
        for share in found.shares:
            assert share.method == "regression"
            truth = scene.truth(found, share.names)
            assert share.energy.low <= truth <= share.energy.high
            assert share.energy.low <= share.energy.value <= share.energy.high
            hits.append(abs(share.energy.value - truth) <= share.energy.U)
    return hits


def test_intervals_cover_the_truth_and_are_no_wider_than_that():
    by_setting = {
        name: held(*setting, range(1000 * number, 1000 * number + TRIALS))
        for number, (name, setting) in enumerate(SETTINGS.items())
    }
    shares = {name: np.mean(hits) for name, hits in by_setting.items()}
    assert all(share > 0.88 for share in shares.values()), shares
    assert 0.93 <= np.mean(np.concatenate(list(by_setting.values()))) <= 0.975, shares


@pytest.mark.parametrize("seed", range(5))
def test_a_misaligned_clock_is_in_the_interval(seed):
    """All launches are thought 60 µs later than they are, by a clock that is known to 60 µs."""
    scene = Launches(replace(BASE, poll_ns=250 * US), seed, length_ms=(0.3, 0.4, 2.0))
    right, late = scene.attributed(), scene.attributed(late_ns=60 * US, u_align_ns=60.0 * US)
    for share in late.shares:
        assert abs(share.energy.value - scene.truth(right, share.names)) <= 1.5 * share.energy.U
    moved = [part.u for share in late.shares for part in share.energy.components if part.name == "alignment"]
    assert all(moved)


@pytest.mark.parametrize("off", [5, 40])
@pytest.mark.parametrize(
    ("length_ms", "method"), [((0.3, 0.4, 0.3), "regression"), ((40.0, 60.0, 50.0), "bracketed")]
)
def test_what_an_interrupted_event_lost_is_in_the_interval(length_ms, method, off):
    """It held 0 to 24 of a hundred bracketed figures, and 35 to 89 of fitted ones."""
    hits = []
    for seed in range(40, 60):
        scene = Launches(replace(BASE, n=2400, poll_ns=250 * US), seed, length_ms=length_ms, off=off)
        found = scene.attributed()
        for share in found.shares:
            assert share.method == method
            truth = scene.truth(found, share.names)
            assert share.energy.low <= truth <= share.energy.high
            hits.append(abs(share.energy.value - truth) <= share.energy.U)
    assert np.mean(hits) >= 0.93
