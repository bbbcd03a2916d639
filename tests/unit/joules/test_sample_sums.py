"""What samples sum up to by stack is what going through them one by one gives, in blocks and scaled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest

from microjoule.joules.profiling.sample_cells import Cells, Moments
from microjoule.joules.profiling.sample_sums import Summing, Sums

M, COLUMNS = 4, 3
N = 40
RNG = np.random.default_rng(7)
NODE = RNG.integers(0, M, N).astype(np.int32)
ENERGY_J, LATE_J = RNG.integers(1, 9, N) / 8, RNG.integers(1, 9, N) / 8
TIME_S = RNG.integers(1, 5, N) / 64
THREADS = RNG.choice([1.0, 2.0, 4.0], N)
COLUMN = RNG.integers(-1, COLUMNS, N)
IS_OPEN = RNG.random(N) < 0.3
FOLLOWING = np.minimum(np.arange(N) + RNG.integers(1, 3, N), N - 1)
IS_NEXT = (RNG.random(N) < 0.7) & (np.arange(N) < FOLLOWING)


def blocks(size: int) -> Iterator[tuple[Cells, slice]]:
    """Blocks with three samples of the neighbourhood on either side, as far as there are."""
    for start in range(0, N, size):
        low, high = max(start - 3, 0), min(start + size + 3, N)
        some = slice(low, high)
        t_ns = np.arange(N)[some]
        what = np.zeros(high - low, np.int32)
        yield (
            Cells(
                of=Moments(t_ns, what, what, NODE[some]),
                own=slice(start - low, min(start + size, N) - low),
                t_ns=(start, start + size),
                cells_ns=np.zeros((high - low, 2), np.int64),
                time_s=TIME_S[some],
                threads=THREADS[some],
                following=np.minimum(FOLLOWING[some], high - 1) - low,
                is_next=IS_NEXT[some],
                pauses_ns=np.zeros((0, 2), np.int64),
            ),
            some,
        )


def summing(size: int, columns: int = COLUMNS, energy_j: np.ndarray = ENERGY_J) -> Summing:
    found = Summing(M, columns)
    for cells, some in blocks(size):
        found.add(cells, energy_j[some], LATE_J[some], COLUMN[some], IS_OPEN[some])
    return found


def by_hand(columns: int = COLUMNS) -> dict[str, list[float]]:
    """Each figure of the sums before they are scaled, by loops."""
    own: dict[str, list[float]] = {name: [0.0] * M for name in Sums._fields[:7]}
    pairs: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0] * 4)
    fitted: dict[tuple[int, int], float] = defaultdict(float)
    for i in range(N):
        node, j = int(NODE[i]), ENERGY_J[i]
        own["n"][node] += 1
        own["energy_j"][node] += j
        own["late_j"][node] += LATE_J[i]
        own["time_s"][node] += TIME_S[i]
        own["shared_j"][node] += j * (THREADS[i] - 1) / THREADS[i]
        own["open_s"][node] += TIME_S[i] if IS_OPEN[i] else 0.0
        if IS_NEXT[i]:
            other = ENERGY_J[FOLLOWING[i]]
            mine = pairs[node, int(NODE[FOLLOWING[i]])]
            for at, more in enumerate((1.0, j**2 / 2, other**2 / 2, (other - j) ** 2 / 2)):
                mine[at] += more
        else:
            own["ends_j2"][node] += j**2 / 2
        if columns and COLUMN[i] >= 0:
            fitted[node, int(COLUMN[i])] += TIME_S[i]
    keys, values = zip(*sorted(pairs.items()), strict=True)
    names = Sums._fields[7:13]
    pair = dict(zip(names, [*zip(*keys, strict=True), *zip(*values, strict=True)], strict=True))
    of_fit = sorted(fitted)
    fit = {
        "fit_node": [node for node, _ in of_fit],
        "fit_column": [column for _, column in of_fit],
        "fit_s": [fitted[each] for each in of_fit],
    }
    return own | {name: list(of) for name, of in pair.items()} | fit


@pytest.mark.parametrize("columns", [0, COLUMNS])
@pytest.mark.parametrize("size", [3, 7, N])
def test_sums_are_those_of_each_sample_and_each_pair_in_blocks_of_any_size(size: int, columns: int) -> None:
    """A thread that pauses after a sample makes no pair, but half its square."""
    found = summing(size, columns).scaled(float(ENERGY_J.sum()))
    expected = by_hand(columns)
    late = ENERGY_J.sum() / LATE_J.sum()
    for name, of in found._asdict().items():
        scale = late if name == "late_j" else 1.0
        assert of == pytest.approx(np.array(expected[name]) * scale), name


def test_scaled_sums_come_to_what_was_measured_and_squares_to_its_square() -> None:
    plain, found = summing(7).scaled(float(ENERGY_J.sum())), summing(7).scaled(3.0 * ENERGY_J.sum())
    powers = {"energy_j": 1, "late_j": 1, "shared_j": 1}
    powers |= dict.fromkeys(("ends_j2", "before_j2", "after_j2", "step_j2"), 2)
    for name, of in found._asdict().items():
        assert of == pytest.approx(getattr(plain, name) * 3.0 ** powers.get(name, 0)), name
    assert found.energy_j.sum() == pytest.approx(3.0 * ENERGY_J.sum())
    assert found.late_j.sum() == pytest.approx(3.0 * ENERGY_J.sum())


def test_what_is_left_to_samples_that_saw_no_energy_goes_by_their_time() -> None:
    found = summing(7, energy_j=0 * ENERGY_J).scaled(2.0)
    expected = 2.0 * np.array(by_hand()["time_s"]) / TIME_S.sum()
    assert found.energy_j == pytest.approx(expected)
    assert found.late_j == pytest.approx(expected)
    nothing = Summing(M).scaled(2.0)
    assert nothing.energy_j.tolist() == [0.0] * M


def test_sums_of_joined_nodes_are_those_of_their_samples() -> None:
    """Nodes 0 and 2 are one, and 1 and 3: pairs between the two are pairs of the one."""
    number = np.array([1, 0, 1, 0])
    of = summing(7).scaled(float(ENERGY_J.sum()))
    found = of.of(number, 2)
    for name in Sums._fields[:7]:
        each = getattr(of, name)
        assert getattr(found, name) == pytest.approx([each[1] + each[3], each[0] + each[2]]), name
    for values in ("pairs", "before_j2", "after_j2", "step_j2"):
        expected, got = np.zeros((2, 2)), np.zeros((2, 2))
        np.add.at(expected, (number[of.before], number[of.after]), getattr(of, values))
        got[found.before, found.after] = getattr(found, values)
        assert got == pytest.approx(expected)
        assert len(found.before) == np.count_nonzero(expected)
    time_s = np.zeros((2, COLUMNS))
    np.add.at(time_s, (number[of.fit_node], of.fit_column), of.fit_s)
    assert found.fit_s == pytest.approx(time_s[found.fit_node, found.fit_column])
    assert found.fit_s.sum() == pytest.approx(of.fit_s.sum())
