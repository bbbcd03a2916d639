from dataclasses import replace

import pytest
from scripted import channel

from microjoule.channel import Kind, Timing
from microjoule.recording.lane import Lane, cpus_of, lane_rate_hz


@pytest.mark.parametrize(
    ("limits_hz", "asked", "got"),
    [
        ([None], 1000, 1000),
        ([None, None], 20_000, 20_000),
        ([100.0, None], 1000, 100),
        ([100.0], 10, 10),
        ([100.0, 10.0], 1000, 10),
        ([], 4000, 4000),
    ],
)
def test_a_lane_is_read_as_often_as_it_can_tell_something_new(limits_hz, asked, got):
    """Each channel says how often that is, and the slowest decides for its lane."""
    channels = [channel("a", "", timing=Timing(rate_max_hz=limit)) for limit in limits_hz]
    assert lane_rate_hz(channels, asked) == got


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
    packages = {"0": allowed[:1], "1": allowed[1:], "2": [10_000]}
    is_choice = len(allowed) > 1
    first, second, third = ([channel(f"package-{n}", ""), channel(f"package-{n}/dram", "")] for n in range(3))
    assert cpus_of(first, packages) == (tuple(allowed[:1]) if is_choice else ())
    assert cpus_of(second, packages) == tuple(allowed[1:])
    assert cpus_of(third, packages) == ()
    assert cpus_of(first, {"0": allowed}) == ()


def test_a_lane_of_more_than_one_whole_package_is_left_alone():
    import os

    allowed = sorted(os.sched_getaffinity(0))
    packages = {"0": allowed[:1], "1": allowed[:1]}
    pinned = tuple(allowed[:1]) if len(allowed) > 1 else ()
    assert cpus_of([channel("package-0", ""), channel("psys", "")], packages) == pinned
    for ids in (
        ["package-0", "package-1"],
        ["package-0-die-0"],
        ["gpu-0/energy"],
        ["package-0", "gpu-0"],
        [],
    ):
        assert cpus_of([channel(name, "") for name in ids], packages) == ()
