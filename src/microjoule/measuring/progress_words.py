"""Who measures for long tells where it is, in a few words, to whoever wants to hear them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
Say = Callable[[str], None]


def silent(_: str) -> None:
    """Hears and does nothing."""


def told(things: Sequence[T], what: str, say: Say) -> Iterator[T]:
    """The things, one after the other, each after it was said which of how many it is."""
    for number, thing in enumerate(things, 1):
        say(f"{what} {number} of {len(things)}")
        yield thing
