"""The classes of ``value_class`` do what those of the standard ``dataclasses`` do."""

import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from functools import cached_property

import pytest

from microjoule import value_class


def classes(decorator):
    """The same classes, made by a decorator."""

    @decorator(frozen=True, slots=True)
    class Pair:
        """Two of anything."""

        one: int
        two: list = field(default_factory=list, hash=False)
        three: float = field(default=2.5, repr=False, compare=False)

    @decorator(frozen=True, slots=True, kw_only=True)
    class Named:
        """One field that has a name."""

        name: str
        size: int = 3

        def __post_init__(self):
            if self.size < 0:
                raise ValueError("negative")

    @decorator(frozen=True, slots=True, eq=False)
    class Identical:
        """Equal to itself alone."""

        value: int

    @decorator(frozen=True, slots=True)
    class Nothing:
        """Without a field."""

    @decorator(frozen=True, slots=True)
    class Own:  # noqa: PLW1641 - the decorator makes the hash
        """With methods of its own."""

        value: int

        def __eq__(self, other):
            return isinstance(other, Own) and abs(self.value) == abs(other.value)

        def __repr__(self):
            return f"<{self.value}>"

    @decorator(frozen=True, repr=False)
    class Cached:
        """Without slots, so that it can keep what it worked out."""

        value: int

        def __repr__(self):
            return f"{self.value} {self.twice}"

        @cached_property
        def twice(self):
            return 2 * self.value

    @decorator(frozen=True, kw_only=True, repr=False, eq=False)
    class Inherited(Cached):
        """One field more; what is written and compared is as of the base."""

        more: int = 1

    return Pair, Named, Identical, Nothing, Own, Cached, Inherited


OURS, STANDARD = classes(value_class.dataclass), classes(dataclasses.dataclass)


@value_class.dataclass(frozen=True, slots=True)
class Kept:
    """One that pickle finds."""

    value: int
    more: tuple = (1,)


@pytest.mark.parametrize(("ours", "standard"), list(zip(OURS, STANDARD, strict=True)))
def test_a_class_has_the_fields_the_signature_and_the_slots_of_a_standard_one(ours, standard):
    assert [(f.name, f.type, f.kw_only) for f in fields(ours)] == [
        (f.name, f.type, f.kw_only) for f in fields(standard)
    ]
    theirs = inspect.signature(standard).parameters.values()
    assert [(p.name, p.kind, p.annotation) for p in inspect.signature(ours).parameters.values()] == [
        (p.name, p.kind, p.annotation) for p in theirs
    ]
    assert getattr(ours, "__slots__", None) == getattr(standard, "__slots__", None)
    assert ours.__match_args__ == standard.__match_args__
    assert (ours.__hash__ is object.__hash__) == (standard.__hash__ is object.__hash__)


def facts(made):
    """What the instances of the classes answer."""
    pair, named, identical, nothing, own, cached, inherited = made
    one = pair(1)
    return [
        repr(one),
        repr(named(name="x")),
        repr(nothing()),
        repr(own(-3)),
        asdict(pair(1, [2], 3.0)),
        one == pair(1, three=9.0),
        one == pair(1, [0]),
        one == (1, []),
        hash(pair(1, [5])) == hash(pair(1, [6], 7.0)),
        hash(pair(1)) == hash(pair(2)),
        named(name="x") == named(name="x", size=3),
        named(name="x") == named(name="y"),
        identical(1) == identical(1),
        nothing() == nothing(),
        hash(nothing()) == hash(nothing()),
        own(-3) == own(3),
        hash(own(3)) == hash(own(3)),
        len({own(3), own(4)}),
        asdict(replace(one, one=4)),
        pair(1).two is pair(1).two,
        repr(copy.copy(one)),
        copy.deepcopy(one) == one,
        repr(cached(2)),
        cached(2) == cached(2),
        hash(cached(2)) == hash(cached(2)),
        repr(inherited(2, more=3)),
        inherited(2, more=3) == inherited(2, more=4),
        inherited(2) == cached(2),
        asdict(inherited(2)),
        copy.copy(cached(2)).twice,
    ]


def test_instances_answer_as_standard_ones():
    assert facts(OURS) == facts(STANDARD)


@pytest.mark.parametrize("pair", [OURS[0], STANDARD[0]])
def test_nothing_can_be_set_or_deleted(pair):
    one = pair(1)
    for change in (
        lambda: setattr(one, "one", 2),
        lambda: setattr(one, "new", 2),
        lambda: delattr(one, "one"),
    ):
        with pytest.raises((FrozenInstanceError, TypeError)):
            change()
    assert one.one == 1


@pytest.mark.parametrize("named", [OURS[1], STANDARD[1]])
def test_what_follows_construction_runs_and_bad_arguments_are_refused(named):
    with pytest.raises(ValueError, match="negative"):
        named(name="x", size=-1)
    with pytest.raises(TypeError, match="positional argument"):
        named("x")
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'name'"):
        named()
    with pytest.raises(ValueError, match="negative"):
        replace(named(name="x"), size=-1)


def test_an_instance_passes_through_pickle():
    assert pickle.loads(pickle.dumps(Kept(3, (4,)))) == Kept(3, (4,))


def test_a_class_that_is_not_frozen_is_refused():
    with pytest.raises(TypeError, match=r"Take dataclasses\.dataclass"):
        value_class.dataclass(frozen=False, slots=True)
