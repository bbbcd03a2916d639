"""A power that fits the updates' grid leaves no scatter; an interval still holds the count's rounding."""

import json
import random
from dataclasses import replace

import gpu_trace
import pytest
from gpu_profile import document, kernel
from gpu_trace import OFFSET
from ideal import MS, T0

import microjoule as uj
from microjoule.plugins.profiles.attribute import attributed
from microjoule.plugins.profiles.kineto import read


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """100 W are 2,000 counts of every 20 ms exactly, and reads meet the updates."""
    steady, gpu_trace.BASE = (
        gpu_trace.BASE,
        replace(gpu_trace.BASE, poll_jitter=0.0, jitter=0.0, read_ns=0),
    )
    try:
        return uj.load(gpu_trace.trace(tmp_path_factory.mktemp("exact") / "t.arrows", {0: 100}, {}))
    finally:
        gpu_trace.BASE = steady


@pytest.mark.parametrize("seed", range(10))
def test_a_kernel_of_34_us_is_in_its_interval(exact, tmp_path, seed):
    rng, rows = random.Random(seed), []
    t = T0 + OFFSET + 500 * MS
    while t < T0 + OFFSET + 3300 * MS:
        long = rng.randint(15 * MS, 60 * MS)
        rows.append(kernel("gemm", t, t + long))
        t += long
        if rng.random() < 0.2:
            rows.append(kernel("tiny", t, t + 34_000))
            t += 34_000
    path = tmp_path / "p.json"
    path.write_text(json.dumps(document(rows)))
    (found,) = attributed(exact, [read(path)])
    figures = [row for table in found.plain["tables"] for row in table["rows"]]
    assert {name for row in figures for name in row["names"]} >= {"gemm", "tiny"}
    known = [row for row in figures if row["energy"]["value"] is not None]
    assert len(known) >= 2
    for row in known:
        assert abs(row["energy"]["value"] - 100 * row["time_s"]) <= row["energy"]["U"]
    # At least a count, which each update may be off.
    assert all(row["energy"]["U"] > 0.001 for row in known if row["names"] == ["tiny"])
