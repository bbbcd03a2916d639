"""Two ways to sort, each with the energy of one call, and a gate for whoever changes them.

    pytest examples/test_sorting.py --energy-save before
    pytest examples/test_sorting.py --energy-compare --energy-fail=mean:5%

The second fails a test only where a call takes more than 5 % more energy than before, and where the
difference is beyond its uncertainty.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from microjoule.plugins.pytest.fixture import EnergyFixture

NUMBERS = [random.Random(1).random() for _ in range(20_000)]


def by_heap(numbers: list[float]) -> list[float]:
    """Sorts by taking the least from a heap, again and again."""
    heap = list(numbers)
    heapq.heapify(heap)
    return [heapq.heappop(heap) for _ in numbers]


@pytest.mark.energy(group="sorting", rel=0.02)
@pytest.mark.parametrize("sort", [sorted, by_heap])
def test_sorting(energy: EnergyFixture, sort: Callable[[list[float]], list[float]]) -> None:
    """The result is checked as in any test; its energy stands in the table."""
    assert energy(sort, NUMBERS) == sorted(NUMBERS)


def test_sorting_in_place(energy: EnergyFixture) -> None:
    """What a call changes is made anew before each round, outside of what is measured."""
    energy.group = "sorting"
    energy.pedantic(list.sort, setup=lambda: ((list(NUMBERS),), {}), rounds=20)
