"""What the README's examples take for granted: names of the user's own program."""

from __future__ import annotations

batches: list[list[str]] = [["a"], ["b"]]
text = "some text"


def train_one_epoch() -> None: ...


def train_step() -> None: ...


def with_rows() -> None: ...


def with_columns() -> None: ...


class Tree:
    """What a parser makes."""

    depth = 7


TEXT = "((((((()))))))"


def parse(text: str) -> Tree:
    assert text
    return Tree()
