from dataclasses import replace

import pytest
from scripted import channel

from microjoule.channel import Kind, Timing
from microjoule.recording.lane import Lane, cpus_of_lanes, lane_rate_hz


@pytest.mark.parametrize(
    ("lane", "asked", "got"),
    [
        ("package-0", 1000, 1000),
        ("package-0", 20_000, 20_000),
        ("cpu", 1000, 100),
        ("cpu", 10, 10),
        ("gpu-0", 1000, 100),
        ("gpu-0-slow", 1000, 10),
        ("hwmon", 1000, 100),
        ("script", 4000, 4000),
    ],
)
def test_a_lane_is_read_as_often_as_it_can_tell_something_new(lane, asked, got):
    assert lane_rate_hz(lane, asked) == got


def test_what_to_wait_for_at_the_end_is_what_counters_need(tmp_path):
    """A gauge that averages over seconds tells nothing more of the past, however long one waits."""
    script = tmp_path / "x.txt"
    script.write_text("by time\n0 1\n")
    counter = channel("a", str(script), timing=Timing(update_ns=1, update_max_ns=20, lag_ns=300))
    slow = replace(channel("b", str(script), timing=Timing(update_max_ns=10**9)), kind=Kind.GAUGE)
    cadence_codes = {"a": 0, "b": 1}
    from microjoule.recording import Cadence

    assert Lane("x", [counter, slow], cadence_codes, Cadence()).settle_ns == (301, 20)
    assert Lane("x", [slow], cadence_codes, Cadence()).settle_ns == (0, 0)


def test_a_lane_is_pinned_to_its_package_only_where_that_is_a_choice():
    import os

    allowed = sorted(os.sched_getaffinity(0))
    first = {"0": allowed[:1], "1": allowed[1:], "2": [10_000]}
    expected = {"package-0": tuple(allowed[:1]), "package-1": tuple(allowed[1:])} if allowed[1:] else {}
    assert cpus_of_lanes(first) == expected
    assert cpus_of_lanes({"0": allowed}) == {}
