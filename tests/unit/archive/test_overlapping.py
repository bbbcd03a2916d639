"""No joule twice: what is inside another trace is left out, and a pair that overlaps in part is named."""

import itertools

import pytest
from team import NOVEMBER_S, trace

from microjoule.archive import adding, layout, shared_time
from microjoule.archive.overlapping import Recorded, overlaps
from microjoule.archive.totals import Question, totals
from microjoule.footprint import FactorOptions
from microjoule.footprint.chosen_factors import terms as chosen

pytest.importorskip("duckdb")
TERMS = chosen(FactorOptions())


def recorded(name, begin_s, end_s, *, boot="b", channels=("cpu",), host="h"):
    times = (round(begin_s * 1e6), round(end_s * 1e6))
    return Recorded((name, "d", "p", host), boot, *times, 10.0 * (end_s - begin_s), frozenset(channels))


def archive(tmp_path, *spans):
    """Traces of 50 W of one machine, from when to when in seconds; each in a project of its own."""
    of = layout.opened(str(tmp_path / "archive"), is_made=True)
    for number, (begin_s, end_s) in enumerate(spans):
        path = trace(
            tmp_path / f"{number}.arrows",
            seed=number,
            seconds=end_s - begin_s,
            begin_s=NOVEMBER_S + begin_s - 60 * number,
            windows=(("step", 0.1, 0.4),),
        )
        adding.add(of, path, f"p{number}", TERMS)
    return of


def asked(of, by="", **wanted):
    return totals(of, Question.of(by, layout.Wanted(**wanted)))


@pytest.mark.parametrize("second", [(2, 3), (1, 2)], ids=["apart", "overlapping"])
def test_traces_inside_another_one_are_left_out_and_said_to_be(tmp_path, second):
    """The second one inside begins after the first one ended, and the long one is still recording."""
    of = archive(tmp_path, (0, 4), (1, 2), second)
    found = asked(of)
    assert found["n_traces"] == 1
    assert found["whole"][0]["energy_j"] == pytest.approx(200, rel=0.01)
    notes = [note for note in found["notes"] if "is not counted" in note]
    assert sorted(note.split()[1].strip("(,") for note in notes) == ["p1", "p2"]
    assert all("(p0, 2025-11-01) recorded the same machine" in note for note in notes)
    assert [row["project"] for row in asked(of, "project")["rows"]] == ["p0"]
    named = sum(row["energy_j"] for row in asked(of, "name")["rows"])
    assert named == pytest.approx(200, rel=0.01)
    alone = asked(of, projects=("p1",))
    assert alone["whole"][0]["energy_j"] == pytest.approx(50, rel=0.01)
    assert alone["notes"] == []


def test_traces_whose_own_clocks_do_not_overlap_are_added_and_what_is_double_is_said(tmp_path):
    found = asked(archive(tmp_path, (0, 2), (1, 4)))
    assert found["whole"][0]["energy_j"] == pytest.approx(250, rel=0.01)
    (note,) = found["notes"]
    assert "overlap by 0.999 s: about 49.9 J count twice" in note


def shared(tmp_path, *spans):
    """As ``archive``, with traces that lie on the clock of their machine as they lie in real time."""
    of = layout.opened(str(tmp_path / "archive"), is_made=True)
    for number, (begin_s, end_s) in enumerate(spans):
        path = trace(
            tmp_path / f"{number}.arrows",
            seed=number,
            watts=50,
            seconds=end_s - begin_s,
            at_s=begin_s,
            windows=(("step", 0.1, 0.4),),
        )
        adding.add(of, path, f"p{number}", TERMS)
    return of


@pytest.mark.parametrize("spans", [((0, 2), (1, 4)), ((0, 3), (1, 4), (2, 5.5)), ((0, 1), (2, 4), (3, 6))])
def test_time_that_traces_share_is_counted_once(tmp_path, spans):
    of = shared(tmp_path, *spans)
    found, by_project = asked(of)["whole"][0], asked(of, "project")
    ends = [-10.0, *(end for _, end in spans)]
    own_s = [end - max(begin, before) for (begin, end), before in zip(spans, ends, strict=False)]
    assert found["energy_j"] == pytest.approx(50 * sum(own_s), rel=0.002)
    assert found["duration_s"] == pytest.approx(sum(own_s), abs=0.01)
    assert found["guaranteed_j"][0] <= 50 * sum(own_s) <= found["guaranteed_j"][1]
    rows = {row["project"]: row for row in by_project["rows"]}
    assert [rows[f"p{n}"]["energy_j"] for n in range(len(spans))] == pytest.approx(
        [50 * s for s in own_s], rel=0.002
    )
    gain = 0.01 / 3**0.5 * found["energy_j"]  # of one sensor, in all of them
    assert found["u_j"] == pytest.approx(gain, rel=0.05)
    n_pairs = sum(other[0] < one[1] for one, other in itertools.combinations(spans, 2))
    notes = [note for note in by_project["notes"] if "counted once, in the first to begin" in note]
    assert (len(notes), len(by_project["notes"])) == (n_pairs, n_pairs)


def test_beyond_some_readings_the_sum_says_what_counts_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_time, "READINGS_MAX", 100)
    found = asked(shared(tmp_path, (0, 2), (1, 4)))
    assert found["whole"][0]["energy_j"] == pytest.approx(250, rel=0.01)
    (note,) = found["notes"]
    assert "about 49.9 J count twice" in note


def test_where_the_readings_are_gone_the_sum_says_what_counts_twice(tmp_path):
    of = shared(tmp_path, (0, 2), (1, 4))
    next((tmp_path / "archive/readings").rglob("*.parquet")).unlink()
    found = asked(of)
    assert found["whole"][0]["energy_j"] == pytest.approx(250, rel=0.01)
    assert "count twice" in found["notes"][0]


def test_what_another_machine_or_channel_measured_is_not_double():
    around = recorded("around", 0, 9)
    for other in (
        recorded("inside", 1, 2, boot="another"),
        recorded("inside", 1, 2, boot="", host="another"),
        recorded("after", 9, 10),
    ):
        assert overlaps([around, other]) == []
    (gpu,) = overlaps([around, recorded("inside", 1, 2, channels=("cpu", "gpu"))])
    assert (gpu.is_inside, gpu.joules) == (False, pytest.approx(10))
    (disjoint,) = overlaps([around, recorded("inside", 1, 2, channels=("gpu",))])
    assert (disjoint.is_inside, disjoint.joules) == (False, 0)


def test_without_a_boot_nothing_is_left_out():
    (found,) = overlaps([recorded("a", 0, 9, boot=""), recorded("b", 1, 2, boot="")])
    assert (found.is_inside, found.seconds) == (False, 1)


def test_containers_of_one_boot_are_one_machine():
    (found,) = overlaps([recorded("a", 0, 9, host="one"), recorded("b", 1, 2, host="two")])
    assert found.is_inside


def test_each_pair_is_found_in_any_order():
    """Held against all pairs: what is inside none overlaps with each other one by what both span."""
    spans = {"a": (0, 4), "b": (1, 2), "c": (2, 3), "d": (3, 6), "e": (5, 5.5), "f": (5.9, 8), "g": (0, 4)}
    kept = {"a": (0, 4), "d": (3, 6), "f": (5.9, 8)}
    expected = {
        frozenset((one, other)): min(kept[one][1], kept[other][1]) - max(kept[one][0], kept[other][0])
        for one, other in itertools.combinations(kept, 2)
    }
    for order in itertools.islice(itertools.permutations(spans), 0, None, 97):
        found = overlaps(recorded(name, *spans[name]) for name in order)
        assert sorted(each.trace.key[0] for each in found if each.is_inside) == ["b", "c", "e", "g"]
        pairs = {
            frozenset((each.trace.key[0], each.other.key[0])): each.seconds
            for each in found
            if not each.is_inside
        }
        assert pairs == pytest.approx({pair: s for pair, s in expected.items() if s > 0})
