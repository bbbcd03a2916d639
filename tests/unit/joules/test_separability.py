"""Which items share one figure: those that the readings leave open against one another, and no others."""

from microjoule.joules.profiling.separability import Figure, Item, together

FOUR = [Item(name, (state,)) for state, name in enumerate("abcd")]
EACH = [(0,), (1,), (2,), (3,)]


def test_pairs_that_have_nothing_in_common_keep_figures_of_their_own():
    """Of a and b one figure, of c and d another: what is open in one pair says nothing of the other."""
    groups = [frozenset({0, 1}), frozenset({2, 3})]
    found = together(FOUR, EACH, groups)
    first, second = Figure(("a", "b"), groups[0], True), Figure(("c", "d"), groups[1], True)
    assert found == {"a": first, "b": first, "c": second, "d": second}


def test_groups_with_a_column_in_common_are_one():
    """With a between b and c, c is left open against b, too; d is known by itself."""
    found = together(FOUR, EACH, [frozenset({0, 1}), frozenset({1, 2})])
    of_three = Figure(("a", "b", "c"), frozenset({0, 1, 2}), True)
    assert found == {**dict.fromkeys("abc", of_three), "d": Figure(("d",), frozenset({3}), False)}


def test_what_takes_in_a_whole_group_is_known():
    """The sum of two powers is found where their difference is not."""
    items = [*FOUR[:2], Item("both", (0, 1))]
    found = together(items, EACH, [frozenset({0, 1})])
    assert found["both"] == Figure(("both",), frozenset({0, 1}), False)
    assert found["a"].names == ("a", "b")


def test_states_of_one_column_share_its_figure():
    """A state that the fit has no column for changes nothing."""
    found = together([Item("a", (0, 7)), Item("b", (1,))], [(0, 1)], [])
    assert found["a"] == found["b"] == Figure(("a", "b"), frozenset({0}), True)
