"""One table by two pipelines: revenue by country of a million sales.

    python pipelines.py               # both in turns as functions: uj.compare
    uj compare 'python pipelines.py rows' 'python pipelines.py columns'     # both as commands

``rows`` adds up one sale at a time in a dictionary; ``columns`` holds each column as an array and lets
numpy add up. Both give the same table, to the cent. A command's figure holds the start of the interpreter,
a function's does not: ask for what you will run.
"""

from __future__ import annotations

import sys

N = 1_000_000
COUNTRIES = ("BR", "DE", "IN", "JP", "KE", "US")


def rows() -> dict[str, int]:
    """Revenue in cents by country, one sale at a time."""
    revenue = dict.fromkeys(COUNTRIES, 0)
    for i in range(N):
        country = COUNTRIES[i * 7 % 13 % len(COUNTRIES)]
        pieces, price = i % 9 + 1, i * 31 % 4900 + 100
        revenue[country] += pieces * price
    return revenue


def columns() -> dict[str, int]:
    """Revenue in cents by country, a column at a time."""
    import numpy as np

    i = np.arange(N)
    country = i * 7 % 13 % len(COUNTRIES)
    cents = (i % 9 + 1) * (i * 31 % 4900 + 100)
    sums = np.bincount(country, weights=cents, minlength=len(COUNTRIES))  # exact: far below 2^53
    return {name: int(total) for name, total in zip(COUNTRIES, sums, strict=True)}


PIPELINES = {"rows": rows, "columns": columns}


def main() -> None:
    """Prints one pipeline's table, or compares both."""
    if sys.argv[1:]:
        for country, cents in PIPELINES[sys.argv[1]]().items():
            print(f"{country} {cents / 100:14.2f}")
        return
    import microjoule as uj

    assert rows() == columns()
    found = uj.compare([rows, columns])
    for side in found.sides:
        print(f"{side.name:<8} {side.energy}")
    print(found.ratios[0].verdict)


if __name__ == "__main__":
    main()
