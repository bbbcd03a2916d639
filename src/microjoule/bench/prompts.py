"""What is asked of a server: words at random of a wanted length, or the lines of a file.

Words are drawn anew for each request, so that no prefix cache answers for the prompt. How many tokens they
are is the server's to say: one or two each.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadRequest

_SYLLABLES = ("ba", "co", "di", "fe", "gu", "ka", "le", "mo", "ni", "pu", "ra", "so", "te", "vi")


def of_length(words: tuple[int, int], seed: int) -> Iterator[str]:
    """Prompts without end, whose numbers of words are spread evenly over their logarithm.

    Args:
        words: The fewest and the most.
        seed: Of what is drawn.
    """
    shortest, longest = words
    chance = random.Random(seed)
    while True:
        n = round(math.exp(chance.uniform(math.log(shortest), math.log(longest))))
        yield " ".join(first + second for first, second in zip(*_syllables(chance, n), strict=True))


def _syllables(chance: random.Random, n: int) -> tuple[list[str], list[str]]:
    return chance.choices(_SYLLABLES, k=n), chance.choices(_SYLLABLES, k=n)


def of_file(path: Path) -> Iterator[str]:
    """The prompts of a file in turn, again and again: a line each, or JSON lines with ``prompt``.

    Raises:
        BadRequest: It cannot be read, or has none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path} cannot be read as text: {error}", "Name a file of prompts") from error
    found = [_prompt(line) for line in lines if line.strip()]
    if not found:
        raise BadRequest(
            f"{path} contains no prompts", "Write one prompt per line, or JSON lines with a field prompt"
        )
    return _again(found)


def _again(prompts: list[str]) -> Iterator[str]:
    while True:
        yield from prompts


def _prompt(line: str) -> str:
    try:
        plain = json.loads(line)
    except ValueError:
        return line
    return str(plain["prompt"]) if isinstance(plain, dict) and "prompt" in plain else line
