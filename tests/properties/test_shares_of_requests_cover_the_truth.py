"""Requests of unlike prompts that overlap: what each takes is found, and an equal split is far off.

The table in ``benchmarks/results/requests.md`` has more servers and many more runs.
"""

from dataclasses import replace

import numpy as np
import pytest
from batching import Batching, saturating

RUNS = 4
SERVERS = {
    "1 at a time": Batching(clients=1, n=250),
    "4 at a time": Batching(clients=4, n=500, pieces=True),
    "16 at a time": Batching(clients=16, n=1000, pieces=True),
}


@pytest.mark.parametrize("name", SERVERS)
def test_the_shares_are_near_the_truth_and_an_equal_split_is_not(name):
    scene = SERVERS[name]
    errors, held, equal = [], [], []
    for seed in range(RUNS if scene.clients > 1 else 2):
        each = replace(scene, seed=seed)
        of, truth = each.shares(), each.truth_j
        errors.append((of.values_j - truth) / truth)
        some = range(0, scene.n, 10)
        held.append([abs(of.values_j[i] - truth[i]) <= of.share(i).U for i in some])
        equal.append((truth.mean() - truth) / truth)
    assert np.sqrt(np.mean(np.square(errors))) <= 0.02
    assert np.sqrt(np.mean(np.square(equal))) > 0.5
    assert np.mean(held) > 0.75  # all requests of a run share their coefficients, and miss together


def test_power_that_saturates_leaves_energy_unexplained_or_shares_off_and_both_show():
    scene = Batching(clients=16, n=500, pieces=True, power=saturating)
    of, truth = scene.shares(), scene.truth_j
    error = (of.values_j - truth) / truth
    equal = (truth.mean() - truth) / truth
    assert 0.02 < np.sqrt(np.mean(error**2)) < 0.25 * np.sqrt(np.mean(equal**2))
    assert of.values_j.sum() == pytest.approx(truth.sum(), rel=0.05)
