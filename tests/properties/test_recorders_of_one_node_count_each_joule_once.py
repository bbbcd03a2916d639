"""Several traces of one node: each joule of it is counted by one of them, and none by two.

The oracle asks instant by instant which channels of the traces that were recording then make up the node's
energy, and knows each channel's power exactly.
"""

import json
import math
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ideal import Ideal, constant, rows, write
from reached import reached

from microjoule.cli import main
from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.total import covered
from microjoule.joules.jobs.nodes import counted_ns, energy, pieces
from microjoule.trace import schema
from microjoule.trace.window import Window

POWERS_W = {"package-0": 100.0, "package-0/dram": 20.0, "gpu-0": 300.0, "gpu-1": 250.0, "psys": 900.0}
IDEALS = {
    name: Ideal(constant(power_w), n=400, seed=seed, id=name, limit_w=2 * power_w)
    for seed, (name, power_w) in enumerate(POWERS_W.items())
}
TABLES = (
    ("package-0", "package-0/dram"),
    ("package-0", "gpu-0"),
    ("gpu-1",),
    ("package-0", "package-0/dram", "gpu-0", "gpu-1"),
    ("psys",),
)
SPANS = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted).filter(lambda span: span[0] < span[1])


@cache
def trace(channels):
    return Trace(rows([IDEALS[name] for name in channels]))


def instant(tenth):
    """An instant inside what every trace has read."""
    a, b = IDEALS["package-0"].inside(0.2, 0.8)
    return a + (b - a) * tenth // 9


@pytest.mark.reaches(overlapping=50, apart=5)
@settings(max_examples=120)
@example([(("psys",), [0, 9]), (("package-0", "gpu-0"), [2, 5])])
@example([(("gpu-1",), [0, 4]), (("gpu-1",), [4, 9])])
@given(st.lists(st.tuples(st.sampled_from(TABLES), SPANS), min_size=1, max_size=4))
def test_at_each_instant_each_joule_is_counted_once(recorders):
    spans = [(trace(of), Window("run", instant(a), instant(b))) for of, (a, b) in recorders]
    found = pieces(spans)
    expected_j = 0.0
    for a, b in pairwise(range(10)):
        here = [of for of, (begin, end) in recorders if begin <= a and b <= end]
        table = {name: IDEALS[name].channel for of in here for name in of}
        whole = covered(table)
        counting = [
            name
            for each in found
            for piece in each
            if piece.t0_ns <= instant(a) and instant(b) <= piece.t1_ns
            for name in piece.channels
        ]
        assert sorted(counting) == sorted(whole)
        expected_j += sum(POWERS_W[name] for name in whole) * (instant(b) - instant(a)) / 1e9
        if reached("overlapping", len(here) > 1):
            assert len(counting) == len(set(counting))
    energies = [energy(of, each) for (of, _), each in zip(spans, found, strict=True)]
    assert math.fsum(each.low for each in energies) <= expected_j * (1 + 1e-9)
    assert expected_j <= math.fsum(each.high for each in energies) * (1 + 1e-9)
    if reached("apart", len(recorders) == 1):
        (window,) = (window for _, window in spans)
        assert counted_ns(found[0]) == window.duration_ns
        assert energies[0].value == spans[0][0].energy(window).total.value


def written(path, channels, boot, begin, end):
    """A trace of a recorder that ran from one tenth to another."""
    marks = [(instant(begin), "@begin", 1, "run"), (instant(end), "@end", 1, "")]
    table = rows([IDEALS[name] for name in channels], marks)
    facts = {"host": {"hostname": path.stem, "boot_id": boot}, "launch": {"node": "n1"}}
    metadata = {**table.schema.metadata, schema.KEY_FACTS: json.dumps(facts).encode()}
    return write(path, table.replace_schema_metadata(metadata))


@pytest.mark.parametrize(
    ("boots", "begins", "watts", "remarks"),
    [
        (("b1", "b1"), (0, 0), (120.0, 0.0), ("", "a second recorder: not counted")),
        (("b1", "b1"), (0, 5), (120.0, 120.0 * 4 / 9), ("", "a second recorder: the rest counts")),
        (("b1", "b2"), (0, 0), (120.0, 120.0), ("", "")),
        ((None, None), (0, 0), (120.0, 120.0), ("", "")),
    ],
)
def test_a_report_of_two_recorders_of_a_node_counts_once_and_says_so(
    tmp_path, capsys, boots, begins, watts, remarks
):
    channels = ("package-0", "package-0/dram")
    ends = (5, 9) if begins[1] else (9, 9)
    files = [
        written(tmp_path / f"{number}.arrows", channels, boots[number], begins[number], ends[number])
        for number in range(2)
    ]
    if begins[1]:  # they overlap by one tenth
        files[1] = written(tmp_path / "1.arrows", channels, boots[1], begins[1] - 1, ends[1])
    report = tmp_path / "r.json"
    assert main(["report", *map(str, files), "--json", str(report)]) == 0
    plain = json.loads(report.read_text())
    length_s = (instant(9) - instant(0)) / 1e9
    expected = [
        watts[0] * length_s * (5 / 9 if begins[1] else 1.0),
        watts[1] * length_s,
    ]
    for run, joules, remark in zip(plain["runs"], expected, remarks, strict=True):
        low, high = run["energy"]["guaranteed_j"]
        assert low <= joules + 1e-6
        assert joules - 1e-6 <= high
        assert run["remark"] == remark
    said = " ".join(capsys.readouterr().out.split())
    assert ("are recorders of n1 at one time: each joule counts once" in said) == bool(any(remarks))
