"""What a counter lacks where its event was off: in both intervals of windows that it touches, and told."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from ideal import MS, Ideal, S, constant, rows, sine, square, thinned, write
from interrupted import told

from microjoule.channel.reading_status import UNCOUNTED
from microjoule.errors import NotInParts
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.counter_notes import notes
from microjoule.joules.counters.uncounted import NEVER, Losses, _likely_ns, _power, likely_loss, uncounted
from microjoule.joules.energy_trace import load
from microjoule.joules.long_traces.counter_fragment import fragment_of
from microjoule.joules.long_traces.digest import Digest
from microjoule.joules.long_traces.streamed import stream
from microjoule.trace.series import Series, failed

IDEAL = Ideal(sine(100.0, 30.0, 3.0), n=3000, limit_w=150.0)


def around(t_ns: list[float], gained: list[int], stretch: tuple[int, int]) -> float:
    """The power near a stretch, in counts a millisecond; every reading that gained something is an update."""
    at = np.array(t_ns) * MS
    at, total = at.astype(np.int64), np.cumsum(gained)
    found = _power(at, total, np.flatnonzero(gained[1:]) + 1, MS, (at[[stretch[0]]], at[[stretch[1]]]))
    return float(found[0]) * MS


def test_power_near_a_stretch_is_that_of_its_largest_update_or_mean() -> None:
    """100 counts a ms, and one update of 300 within 20 ms of the stretch, or farther off."""
    ms = list(range(100))
    burst = [100 + 200 * (n == 60) for n in ms]
    assert around(ms, burst, (50, 52)) == pytest.approx(300)
    assert around(ms, burst, (5, 6)) == pytest.approx(100)
    early = [ms_ - 0.5 * (n == 60) for n, ms_ in enumerate(ms)]  # 100 counts that are shown early
    assert around(early, [100] * 100, (50, 52)) == pytest.approx(100)
    unseen = [0, 500, *[0] * 98]  # before the stretch, in the first millisecond of the readings
    assert around(ms, unseen, (1, 2)) == pytest.approx(500)


def test_an_interruption_loses_a_millisecond_or_the_time_between_two_updates() -> None:
    """What is up to date at every read loses what was used while its event was off."""
    assert [_likely_ns(usual_ns) for usual_ns in (0, MS, 8 * MS)] == [MS, MS, 8 * MS]


@pytest.mark.parametrize("stretch", [1, 100])
@pytest.mark.parametrize("wave", [sine(100.0, 30.0, 3.0), square(10.0, 140.0, 0.2)])
def test_both_intervals_hold_what_no_event_counted(stretch: int, wave: object) -> None:
    """Of windows of any length, of which some begin or end beside the update that was lost."""
    ideal = replace(IDEAL, wave=wave)
    rng = np.random.default_rng(5)
    off_ns = sorted((ideal.series.t_ns[0] + rng.uniform(0.2, 2.6, 12) * S).astype(np.int64).tolist())
    series = told(ideal.series, off_ns, stretch)
    t0 = (ideal.series.t_ns[0] + rng.uniform(0.1, 2.0, 500) * S).astype(np.int64)
    t0[:12] = np.array(off_ns) - 2 * MS
    t1 = t0 + (rng.uniform(0.01, 0.8, 500) * S).astype(np.int64)
    true = np.array([ideal.truth(a, b) for a, b in zip(t0.tolist(), t1.tolist(), strict=True)])
    counter = Counter(series, ideal.channel)
    brackets = counter.energies(t0, t1)
    assert bool(((brackets.low <= true) & (true <= brackets.high)).all())
    found = counter.estimates(brackets)
    covered = [abs(e.value - t) <= e.U for e, t in zip(found, true, strict=True) if e.value is not None]
    assert np.mean(covered) > 0.93
    silent = Counter(replace(series, status=np.zeros(len(series), np.uint16)), ideal.channel)
    assert not bool((silent.energies(t0, t1).high >= true).all())


@pytest.mark.parametrize("period_s", [0.004, 0.01, 0.025, 0.2])
def test_u_is_of_the_updates_that_readings_show_and_holds_the_largest_of_them(period_s: float) -> None:
    """Of a counter that declares 10 ms at most and is updated each millisecond, one update lost each time.

    By the interval that is declared, U of one lost update was 9 to 14 times the loss.
    """
    ideal = Ideal(square(10.0, 140.0, period_s), n=6000, poll_ns=MS // 2, declared_max=10.0, limit_w=150.0)
    start_ns = int(ideal.series.t_ns[0])
    held, ratio = [], []
    for k in range(40):
        at_ns = start_ns + S // 2 + round(0.037 * k * S) + 333_333 * k % (25 * MS)
        counter = Counter(told(ideal.series, [at_ns]), ideal.channel)
        found = counter.energy(at_ns - S // 5, at_ns + S // 5)
        lost = ideal.truth(at_ns - S // 5, at_ns + S // 5) - (found.value or 0.0)
        held.append(abs(lost) <= found.U)
        ratio.append(found.U / 0.14)  # the largest update
    assert np.mean(held) > 0.93
    assert np.median(ratio) < 3.0


@pytest.mark.parametrize("every", [1, 20])
def test_a_view_of_the_present_says_the_same_may_be_lacking_as_a_report(every: int) -> None:
    """Whether readings are denser than updates, or tell ten of them at a time."""
    ideal = Ideal(constant(100.0), n=6000, poll_ns=MS // 2, declared_max=10.0, limit_w=150.0)
    series = thinned(ideal.series, np.arange(6000) % every == 0)
    status = np.zeros(len(series), np.uint16)
    status[len(series) // 2] = UNCOUNTED + 1
    counter = Counter(replace(series, status=status), ideal.channel)
    report_j = float(counter.resets.losses.likely_most(series.t_ns[:1], series.t_ns[-1:])[0])
    present = likely_loss(series.t_ns, series.read_ns, counter.steps, ideal.channel) * float(ideal.unit)
    assert 0.1 <= report_j <= present < 1.6 * report_j
    assert present < 0.4


def test_a_window_that_no_stretch_touches_is_as_it_was() -> None:
    off_ns = [int(IDEAL.series.t_ns[0]) + S]
    one, other = Counter(told(IDEAL.series, off_ns), IDEAL.channel), Counter(IDEAL.series, IDEAL.channel)
    t0_ns, t1_ns = (int(IDEAL.series.t_ns[0]) + round(each * S) for each in (1.5, 2.0))
    assert one.energy(t0_ns, t1_ns) == other.energy(t0_ns, t1_ns)
    assert one.energy(t0_ns - S, t1_ns).high > other.energy(t0_ns - S, t1_ns).high


def test_a_loss_is_an_update_at_twice_the_limit_and_no_more_than_all_of_its_stretch() -> None:
    start_ns = int(IDEAL.series.t_ns[0])
    plain = Counter(IDEAL.series, IDEAL.channel)
    window = np.array([start_ns + S // 2]), np.array([start_ns + 2 * S])
    quantum_j, update_ns = float(plain.quantum * IDEAL.unit), plain.update_max_ns
    for times in (1, 3, 4000):
        status = np.zeros(len(IDEAL.series), np.uint16)
        status[1000] = UNCOUNTED + times
        found = Counter(replace(IDEAL.series, status=status), IDEAL.channel).energies(*window)
        gap_ns = int(np.diff(IDEAL.series.t_ns[[999, 1000]])[0])
        each_j = times * (300.0 * update_ns / S + quantum_j)
        whole_j = 300.0 * (gap_ns + 2 * update_ns) / S + quantum_j
        more = float(found.high[0] - plain.energies(*window).high[0])
        assert more == pytest.approx(min(each_j, whole_j), rel=1e-9)


def _stretches(status: list[int]) -> list[tuple[int, int, int, bool]]:
    n = len(status)
    series = Series(
        np.arange(n, dtype=np.int64),
        np.zeros(n, np.uint32),
        np.zeros(n, np.uint64),
        np.array(status, np.uint16),
    )
    return list(zip(*(column.tolist() for column in uncounted(series)), strict=True))


@pytest.mark.parametrize(
    ("status", "stretches"),
    [
        ([0, 0, 0], []),
        ([0, 0, UNCOUNTED + 2, 0], [(1, 2, 2, False)]),
        ([0, UNCOUNTED, UNCOUNTED, UNCOUNTED + 3, 0, 0], [(0, 3, 3, False)]),
        ([0, UNCOUNTED + 1, UNCOUNTED + 1, 0], [(0, 2, 2, False)]),
        ([0, UNCOUNTED, UNCOUNTED + 1, 0, UNCOUNTED, UNCOUNTED + 4], [(0, 2, 1, False), (3, 5, 4, False)]),
        ([0, UNCOUNTED, 0, 0, UNCOUNTED + 1], [(0, 2, 1, True), (3, 4, 1, False)]),
        ([0, UNCOUNTED, 5, 0, 0], [(0, 3, 1, True)]),
        ([0, UNCOUNTED, 5, UNCOUNTED + 2, 0], [(0, 3, 2, False)]),
        ([0, 0, UNCOUNTED, UNCOUNTED], [(1, 3, 1, True)]),
        ([UNCOUNTED + 1, 0], [(0, 0, 1, False)]),
        ([0, 19, 4999, 10_000, UNCOUNTED + 1], [(0, 4, 1, False)]),
    ],
)
def test_a_stretch_ends_with_its_number(
    status: list[int], stretches: list[tuple[int, int, int, bool]]
) -> None:
    assert _stretches(status) == stretches


def test_a_flood_loses_no_more_than_its_power_in_all_its_time() -> None:
    """Every reading of a second was interrupted twice: and three updates for each tenth of it."""
    status = np.zeros(len(IDEAL.series), np.uint16)
    status[500:1500] = UNCOUNTED + 2
    series = replace(IDEAL.series, status=status)
    stretches = uncounted(series)
    assert int(stretches.times.sum()) == 2000
    assert 10 <= len(stretches.times) <= 11
    counter, plain = Counter(series, IDEAL.channel), Counter(IDEAL.series, IDEAL.channel)
    window = series.t_ns[[400]], series.t_ns[[1600]]
    more_j = float(counter.energies(*window).high[0] - plain.energies(*window).high[0])
    assert 300.0 <= more_j <= 300.0 * (1.01 + 11 * 3 * plain.update_max_ns / S)


def test_such_a_reading_is_no_failure_and_a_sentence_tells_what_may_be_missing() -> None:
    off_ns = [int(IDEAL.series.t_ns[0]) + S, int(IDEAL.series.t_ns[0]) + 2 * S]
    series = told(IDEAL.series, off_ns)
    assert failed(series) == {}
    (said,) = notes(Counter(series, IDEAL.channel))
    assert "interrupted its counting 2 times" in said
    assert "powercap" in said
    assert notes(Counter(IDEAL.series, IDEAL.channel)) == []


def test_what_takes_readings_in_parts_leaves_such_to_what_has_them_all() -> None:
    series = told(IDEAL.series, [int(IDEAL.series.t_ns[0]) + S])
    assert uncounted(IDEAL.series) is NEVER
    with pytest.raises(NotInParts, match="event"):
        fragment_of(series, IDEAL.channel, np.empty(0, np.int64), int(series.t_ns[0]))
    with pytest.raises(NotInParts, match="event"):
        Digest(IDEAL.channel, np.empty(0, np.int64)).add(series)


class Interrupted(Ideal):
    """A counter whose event was off three times, and lost an update each time."""

    @cached_property
    def series(self) -> Series:
        whole = Ideal(**{each.name: getattr(self, each.name) for each in fields(self)}).series
        return told(whole, [int(whole.t_ns[int(part * self.n)]) for part in (0.3, 0.5, 0.6)])


def test_a_trace_that_is_streamed_has_the_same_intervals(tmp_path: Path) -> None:
    ideal = Interrupted(constant(100.0), n=1000, limit_w=150.0)
    t0_ns, t1_ns = ideal.inside(0.2, 0.8)
    marks = [(t0_ns, "@begin", 1, "w"), (t1_ns, "@end", 1, "")]
    path = write(tmp_path / "t.arrows", rows([ideal], marks))
    whole, streamed = (of(path).energy("w")["package-0"] for of in (load, stream))
    assert (whole.value, whole.low, whole.high, whole.U) == (
        streamed.value,
        streamed.low,
        streamed.high,
        streamed.U,
    )
    assert whole.low <= ideal.truth(t0_ns, t1_ns) <= whole.high
    assert load(path).failures() == {}


def test_a_flood_is_cut_each_tenth_of_a_second_from_its_beginning() -> None:
    """Readings 1 ms apart from 330 ms on, each interrupted once; and again after a rest."""
    status = np.zeros(1500, np.uint16)
    status[31:1031] = status[1101:1300] = UNCOUNTED + 1
    t_ns = 300 * MS + np.arange(1500, dtype=np.int64) * MS
    found = uncounted(Series(t_ns, np.zeros(1500, np.uint32), np.zeros(1500, np.uint64), status))
    assert found.times.tolist() == [100] * 11 + [99]
    begins_ms = [330 + 100 * k for k in range(10)] + [1400, 1500]
    assert found.since_ns.tolist() == [ms * MS for ms in begins_ms]


def test_what_is_lost_in_the_first_step_of_a_trace_counts() -> None:
    """From before its first reading on, too; a window that has no reading on one side asks for that."""
    status = np.zeros(len(IDEAL.series), np.uint16)
    status[1] = UNCOUNTED + 1
    losses = Losses(Counter(replace(IDEAL.series, status=status), IDEAL.channel))
    last = len(status) - 1
    most_j = losses.most(np.array([-1, 0, 1]), np.full(3, last + 1))
    assert most_j[0] == most_j[1] > 0.0
    assert most_j[2] == 0.0


@pytest.mark.parametrize("after", [[5, 0], [5, 5, 5], [0]])
def test_where_no_reading_says_how_often_all_of_its_time_may_be_lacking(after: list[int]) -> None:
    """As where the read failed that would have said so."""
    ideal = replace(IDEAL, wave=square(10.0, 140.0, 0.2))
    outside = 0
    for k in range(20):
        at_ns = int(ideal.series.t_ns[0]) + round((0.3 + 0.05 * k) * S) + k * 997_000
        series = told(ideal.series, [at_ns])
        at = int(np.flatnonzero(series.status)[0])
        status, valid = series.status.copy(), np.ones(len(series), bool)
        status[at - 1 : at + 1 + len(after)] = [UNCOUNTED, UNCOUNTED, *after]
        valid[status == 5] = False
        counter = Counter(replace(series, status=status, valid=valid), ideal.channel)
        near_ns = int(series.t_ns[at])
        for before, later in ((-3, 3), (-10, 1), (-1, 10), (-40, 0), (0, 40), (-100, 100)):
            t0_ns, t1_ns = near_ns + before * MS, near_ns + later * MS
            found = counter.energy(t0_ns, t1_ns)
            outside += not found.low - 1e-9 <= ideal.truth(t0_ns, t1_ns) <= found.high + 1e-9
        (said,) = notes(counter)
        assert "interrupted its counting at least once" in said
    assert outside == 0
