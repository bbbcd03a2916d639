"""A mapping that nobody changes, and that goes to other processes: ``MappingProxyType`` does not pickle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ReadOnly(Mapping[K, V]):
    """A copy of a mapping, in its order, without a way to change it.

    Args:
        of: What it holds.
    """

    def __init__(self, of: Mapping[K, V]) -> None:
        self._of = dict(of)

    def __getitem__(self, key: K) -> V:
        return self._of[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)

    def __repr__(self) -> str:
        return repr(self._of)
