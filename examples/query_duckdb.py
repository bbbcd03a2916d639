"""A trace in DuckDB: how each channel was read, and its joules in every tenth of a second.

Usage: python query_duckdb.py TRACE            (pip install duckdb)

DuckDB reads Arrow objects that it finds by their Python names. Here they are the rows as recorded,
``trace.to_arrow()``, and the tidy readings, ``trace.to_polars()``.
"""

import sys

import duckdb

import microjoule as uj

COUNTS = """
    select channel, count(*) as readings, max(read_ns) as longest_read_ns
    from recorded where channel not like '@%' group by channel order by channel
"""
JOULES = """
    select channel, t_ns // 100_000_000 as tenth, max(energy_j) - min(energy_j) as energy_j
    from readings where energy_j is not null group by all order by all
"""


def main(path: str) -> None:
    """Asks, and prints the answers."""
    trace = uj.load(path)
    recorded = trace.to_arrow()  # noqa: F841 - DuckDB finds both by name
    readings = trace.to_polars().to_arrow()  # noqa: F841
    print(duckdb.sql(COUNTS))
    print(duckdb.sql(JOULES).limit(10))


if __name__ == "__main__":
    main(sys.argv[1])
