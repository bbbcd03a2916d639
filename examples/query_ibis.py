"""A trace in Ibis: how often each channel was updated, and its joules from one reading to the next.

Usage: python query_ibis.py TRACE            (pip install 'ibis-framework[duckdb]')
"""

import sys

import ibis

import microjoule as uj


def main(path: str) -> None:
    """Asks, and prints the answers."""
    readings = ibis.memtable(uj.load(path).to_polars().to_arrow())
    in_order = ibis.window(group_by="channel", order_by="t_ns")
    steps = readings.filter(readings.energy_j.notnull()).mutate(
        step_j=lambda t: t.energy_j - t.energy_j.lag().over(in_order),
    )
    told = steps.group_by("channel").agg(
        readings=steps.count(),
        updates=(steps.step_j > 0).sum(),
        energy_j=steps.step_j.sum(),
        largest_step_j=steps.step_j.max(),
    )
    print(told.order_by("channel").to_polars())


if __name__ == "__main__":
    main(sys.argv[1])
