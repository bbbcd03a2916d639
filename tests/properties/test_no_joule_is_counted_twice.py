"""`Energies.add` refuses two channels that count the same joules, and adds any others."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import identity
from reached import reached

from microjoule.channel import UNPLACED, Access, Channel, PowerModel, Scale, Trust
from microjoule.errors import Overlap
from microjoule.joules.estimates.energies import Energies
from microjoule.joules.estimates.estimate import Estimate

MODEL = PowerModel(value_w=5.0, low_w=1.0, high_w=9.0, source="a table")


def channel(name: str, *parents: str, model: PowerModel | None = None) -> Channel:
    return Channel(
        **identity(name),
        source="script",
        lane="lane",
        scale=Scale(quantity="J" if model is None else "s", unit=Fraction(1), unit_source="interface"),
        trust=Trust(parents=parents, model=model),
        access=Access(reader="script", path=""),
    )


def energies(*channels: Channel) -> Energies:
    """The n-th channel had 2**n joules."""
    table = {each.id: each for each in channels}
    values = [float(1 << n) for n in range(len(table))]
    return Energies(
        {
            name: Estimate(value=value, low=value - 0.25, high=value + 0.25)
            for name, value in zip(table, values, strict=True)
        },
        table,
        "the recording",
        1.0,
    )


CORE = channel("package-0/core", "package-0")
MACHINE = (
    channel("package-0"),
    channel("package-0@powercap"),
    CORE,
    channel("package-0/core/part", "package-0/core"),
    channel("package-0/dram"),
    channel("package-1"),
    channel("package-1-die-0", "package-1"),
    channel("package-1-die-1", "package-1"),
    channel("package-1-die-0/core", "package-1-die-0"),
    channel("package-2-die-0/dram", "package-2/dram"),
    channel("package-2/dram"),
    channel("gpu-0/energy"),
    channel("gpu-1/energy", UNPLACED),
    channel("psys"),
    channel("node/energy"),
    channel("cpu_time/system", model=MODEL),
    channel("cpu_time/command", model=MODEL),
)
OVERLAPS = {
    ("package-0", "package-0@powercap"),  # two sources of one counter
    ("package-0", "package-0/core"),  # a part and its parent
    ("package-0@powercap", "package-0/core"),  # a part and the other source of its parent
    ("package-0", "package-0/core/part"),  # a part of a part
    ("package-0@powercap", "package-0/core/part"),  # a part of a part and the other source
    ("package-0/core", "package-0/core/part"),  # a part and its parent
    ("package-1", "package-1-die-0"),  # a die and its package
    ("package-1", "package-1-die-1"),  # a die and its package
    ("package-1", "package-1-die-0/core"),  # a part of a die and the package
    ("package-1-die-0", "package-1-die-0/core"),  # a part of a die and the die
    ("package-2-die-0/dram", "package-2/dram"),  # the memory of a die and of its package
}
IN_ALL = ("gpu-1/energy", "psys", "node/energy")  # unplaced, or a platform
ESTIMATED = ("cpu_time/system", "cpu_time/command")


def is_overlap(one: str, other: str) -> bool:
    return (
        (one, other) in OVERLAPS
        or (other, one) in OVERLAPS
        or bool({one, other} & {*IN_ALL, *ESTIMATED})  # estimated busy time is inside what is measured
    )


PAIRS = list(combinations([each.id for each in MACHINE], 2))
OVERLAPPING = [pair for pair in PAIRS if is_overlap(*pair)]
APART = [pair for pair in PAIRS if not is_overlap(*pair)]


def test_two_channels_of_the_same_joules_are_refused() -> None:
    """In either order, and beside a third."""
    of = energies(*MACHINE)
    for one, other in OVERLAPPING:
        for ids in ((one, other), (other, one)):
            with pytest.raises(Overlap, match=f"{ids[0]} and {ids[1]} count the same joules"):
                of.add(*ids)
        for third in (each.id for each in MACHINE):
            with pytest.raises(Overlap):
                of.add(third, one, other)


def test_two_channels_apart_add_up() -> None:
    """In either order, values and guaranteed intervals."""
    of = energies(*MACHINE)
    for ids in chain(APART, ((other, one) for one, other in APART)):
        total = of.add(*ids)
        assert total.value == sum(of[name].value for name in ids)
        assert (total.low, total.high) == (total.value - 0.5, total.value + 0.5)
        assert total.channels == ids


def test_pairs_of_both_kinds_were_tried() -> None:
    """Each channel that is not in all others has one that it adds up with."""
    assert len(OVERLAPPING) > 70
    assert {name for pair in APART for name in pair} == {each.id for each in MACHINE} - {*IN_ALL, *ESTIMATED}


def test_a_channel_twice_is_refused() -> None:
    """Alone it is its own sum."""
    of = energies(*MACHINE)
    for name in of:
        assert of.add(name).value == of[name].value
        with pytest.raises(Overlap):
            of.add(name, name)


@st.composite
def forests(draw: st.DrawFn) -> list[tuple[int | None, str]]:
    """For each channel the index of its parent, always an earlier one, and the source it is read by."""
    parents = [draw(st.none() | st.integers(0, n - 1)) if n else None for n in range(draw(st.integers(2, 8)))]
    return [(parent, draw(st.sampled_from(["", "@powercap"]))) for parent in parents]


@pytest.mark.reaches(refused=10, added=10)
@given(forests(), st.data())
def test_any_tree_of_channels_adds_up_where_no_leaf_is_there_twice(
    forest: list[tuple[int | None, str]], data: st.DataObject
) -> None:
    """The oracle: each channel is a set of leaves, itself and all below it."""
    names = [f"package-{i}" for i in range(len(forest))]
    leaves = [{i} for i in range(len(forest))]
    for i, (parent, _) in reversed(list(enumerate(forest))):
        if parent is not None:
            leaves[parent] |= leaves[i]
    channels = [
        channel(names[i] + source, *([] if parent is None else [names[parent]]))
        for i, (parent, source) in enumerate(forest)
    ]
    of = energies(*data.draw(st.permutations(channels)))
    chosen = data.draw(st.lists(st.sampled_from(range(len(forest))), min_size=1, unique=True))
    ids = [channels[i].id for i in chosen]
    is_twice = any(leaves[i] & leaves[j] for i, j in combinations(chosen, 2))
    if reached("refused", is_twice):
        with pytest.raises(Overlap):
            of.add(*ids)
    if reached("added", not is_twice):
        assert of.add(*ids).value == sum(of[name].value for name in ids)
    total = [channels.index(each) for each in channels if each.id in of.total.channels]
    assert not any(leaves[i] & leaves[j] for i, j in combinations(total, 2))
    assert {i for i, (parent, _) in enumerate(forest) if parent is None} == set(total)
