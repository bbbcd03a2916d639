"""Kernels always launched in one proportion share one figure, which is right; others have their own."""

from dataclasses import replace

import pytest
from ideal import US
from launches import BASE, Launches

FAST = replace(BASE, poll_ns=250 * US, n=2000)


@pytest.mark.parametrize("seed", range(6))
def test_two_kernels_in_a_fixed_proportion_are_one_figure(seed):
    """a and b take turns in microseconds, an update is a millisecond, and c comes on its own."""
    scene = Launches(FAST, seed, powers_w=(30.0, 150.0, 80.0), length_ms=(0.011, 0.02, 0.013), in_turn=True)
    (share,) = scene.attributed().shares
    assert set(share.names) == {"idle", "a", "b"}
    assert share.method == "not separable"
    found = scene.attributed()
    truth = scene.truth(found, share.names)
    assert abs(share.energy.value - truth) <= 1.5 * share.energy.U
    assert share.energy.value == pytest.approx(found.measured.value, rel=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_kernels_that_mix_freely_are_told_apart(seed):
    scene = Launches(FAST, seed)
    assert {share.names: share.method for share in scene.attributed().shares} == {
        ("idle",): "regression",
        ("a",): "regression",
        ("b",): "regression",
    }
