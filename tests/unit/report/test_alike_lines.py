"""Warnings of a machine of many devices: a line for each kind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from microjoule.report.alike_lines import NAMES_MAX, merged

AVERAGES = "gpu-{n}/power averages 100 ms: one can move the shortest window (83.8 ms) by {moved} J."


def test_sentences_that_differ_in_device_and_figures_are_one_with_the_other_names() -> None:
    said = [AVERAGES.format(n=n, moved=moved) for n, moved in ((5, "9.84"), (6, "8.55"), (10, "24"))]
    assert merged(said) == [said[0] + " Alike, with other figures: gpu-6/power and gpu-10/power."]
    same = [AVERAGES.format(n=n, moved="9.84") for n in (5, 6, 10)]
    assert merged(same) == [same[0] + " Alike: gpu-6/power and gpu-10/power."]


def test_units_that_differ_are_figures_and_words_that_differ_are_not() -> None:
    assert len(merged(["lane gpu-1: edges are 13.86 ms wider", "lane gpu-2: edges are 1.2 s wider"])) == 1
    kinds = ["gpu-0/power averages 1 s.", "gpu-1/power measures 25 ms.", "gpu-0/energy averages 1 s."]
    assert len(merged(kinds)) == 3


def test_a_long_list_is_counted() -> None:
    (line,) = merged(f"lane gpu-{n}: {n + 3} of 99 ticks missed" for n in range(8))
    assert (
        line == "lane gpu-0: 3 of 99 ticks missed. Alike, with other figures: gpu-1, gpu-2, gpu-3 and 4 more."
    )
    (line,) = merged(f"lane gpu-{n} was refused" for n in range(NAMES_MAX + 1))
    assert line.endswith(" Alike: gpu-1, gpu-2, gpu-3 and gpu-4.")


def test_what_is_said_twice_of_one_device_is_two_lines_and_lines_without_one_stay() -> None:
    lost = [f"gpu-{n}/power stopped, {at} s after the first reading" for n, at in ((0, 3), (0, 5), (1, 4))]
    assert merged(lost) == [f"{lost[0]}. Alike, with other figures: gpu-1/power.", lost[1]]
    assert merged(["1.2 s are missing", "1.3 s are missing", ""]) == [
        "1.2 s are missing",
        "1.3 s are missing",
        "",
    ]


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(("is", "was", "may be"))), max_size=40))
def test_each_sentence_of_a_device_is_in_one_line(said) -> None:
    """As many lines of a kind as the device of which it is said most often has."""
    lines = merged(f"gpu-{n}/power {kind} wrong" for n, kind in said)
    for kind in {kind for _, kind in said}:
        of = [n for n, each in said if each == kind]
        assert sum(f" {kind} wrong" in line for line in lines) == max(map(of.count, of))
