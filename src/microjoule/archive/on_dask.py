"""Integrates the parts of a trace on the workers of a Dask cluster.

Each part is mapped where there is room, and fragments are merged in pairs as they come to lie beside one
another. A worker that dies takes nothing along but its work: Dask has its parts mapped again elsewhere.

Decision: no cluster is started and none is configured here; a client of one is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

from ..errors import ArchiveError
from ..late import extra

T = TypeVar("T")


class OnDask:
    """A runner for :func:`microjoule.joules.long_traces.fragments.integrated`.

    Args:
        client: A ``distributed.Client``; or the address of a scheduler, such as ``tcp://10.0.0.1:8786``, to
            which it connects until its ``with`` ends.

    Raises:
        MissingExtra: Dask is not installed: ``pip install 'microjoule[dask]'``.
        ArchiveError: No scheduler answers at the address.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - a class of an optional library
        self._is_own = isinstance(client, str)
        try:
            self._client = extra("distributed").Client(client) if self._is_own else client
        except (OSError, ValueError) as error:
            raise ArchiveError(
                f"Cannot reach a scheduler at {client}: {error}",
                "Check the address, and that a scheduler is running there",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_own:
            self._client.close()

    def each(self, function: Callable[[Any], T], items: Sequence[Any]) -> list[T]:
        """What a function makes of each item, in their order."""
        found: list[T] = self._client.gather(self._client.map(function, items, pure=False))
        return found

    def together(self, function: Callable[[Any], T], merge: Callable[[T, T], T], items: Sequence[Any]) -> T:
        """What a function makes of all items, merged in pairs of neighbours."""
        left = self._client.map(function, items, pure=False)
        while len(left) > 1:
            pairs = zip(left[::2], left[1::2], strict=False)
            merged = [self._client.submit(merge, one, other, pure=False) for one, other in pairs]
            left = merged + left[len(left) - len(left) % 2 :]
        found: T = left[0].result()
        return found
