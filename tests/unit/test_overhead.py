"""What was measured of the overhead is kept, found again by a recording like it, and by no other."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import identity
from reached import reached
from scripted import channel

from microjoule.errors import MicrojouleError, OverheadError
from microjoule.host.files import HostKey
from microjoule.host.sampling_cost import (
    EMPTY,
    RECORDER,
    THINNED,
    Cost,
    Lateness,
    Mean,
    Overhead,
    Read,
    Way,
    counted,
    facts_of,
    load,
    save,
)

HOST = HostKey(hostname="bench", cpu="GenuineIntel 6 85 7", kernel="6.1")
TAKEN_NS = 1_795_000_000_000_000_000  # 2026-11-18 in UTC
CHANNELS = (channel("package-0", "a.txt"), channel("package-0/dram", "b.txt"))


def cost(rate_hz=1000.0, loss=0.003, half=0.001, **changes):
    whole = Cost(
        subject=RECORDER,
        channels={"script": 2},
        way=Way(rate_hz=rate_hz, load="busy"),
        taken_realtime_ns=TAKEN_NS,
        ticks=1000,
        loss_share=Mean(value=loss, U=half, n=8),
    )
    return replace(whole, **changes)


def overhead(*costs):
    return Overhead(host=HOST, taken_realtime_ns=TAKEN_NS, costs=costs)


def said(found, rate_hz=1000.0, channels=CHANNELS, subject=RECORDER, **way):
    return facts_of(found, subject, channels, Way(rate_hz=rate_hz, **way)).get("overhead")


def test_a_recording_at_a_rate_that_was_measured_says_that_figure():
    found = said(overhead(cost(100.0, 0.0003), cost(1000.0)))
    assert found["share_of_core"] == 0.003
    assert found["U"] == 0.001
    assert found["measured_at_hz"] == [1000.0]
    assert found["taken"] == "2026-11-18"
    assert found["provenance"] == "estimated"


@pytest.mark.reaches(between=20)
@given(
    st.floats(101, 999), st.floats(-0.01, 0.2), st.floats(-0.01, 0.5), st.floats(0, 0.1), st.floats(0, 0.1)
)
def test_between_two_rates_it_lies_between_their_figures_and_is_no_surer_than_half_of_each(
    rate_hz, low, high, low_half, high_half
):
    found = said(overhead(cost(1000.0, high, high_half), cost(100.0, low, low_half)), rate_hz)
    if reached("between", len(found["measured_at_hz"]) == 2):
        assert found["measured_at_hz"] == [100.0, 1000.0]
        assert min(low, high) - 1e-12 <= found["share_of_core"] <= max(low, high) + 1e-12
        assert found["U"] <= max(low_half, high_half) + 1e-12
        assert found["U"] >= min(low_half, high_half) / 2**0.5 - 1e-12


def test_a_loss_of_so_much_a_tick_is_told_exactly_at_any_rate_between():
    found = said(overhead(cost(100.0, 0.001), cost(1000.0, 0.01)), 400.0)
    assert found["share_of_core"] == pytest.approx(0.004)


@pytest.mark.parametrize(
    "other",
    [
        {"rate_hz": 2000.0},
        {"rate_hz": 50.0},
        {"pace": "hybrid"},
        {"is_fifo": True},
        {"channels": CHANNELS[:1]},
        {"channels": (replace(CHANNELS[0], source="powercap"), CHANNELS[1])},
        {"subject": THINNED},
    ],
)
def test_a_recording_that_is_not_like_it_says_nothing(other):
    assert said(overhead(cost(100.0), cost(1000.0)), **other) is None


@pytest.mark.parametrize(
    "changes",
    [{"loss_share": None}, {"way": Way(rate_hz=1000.0, load="saturated")}, {"subject": EMPTY}],
)
def test_what_was_not_measured_beside_a_victim_says_nothing(changes):
    assert said(overhead(cost(**changes))) is None


def test_of_a_busy_machine_it_is_the_loss_of_cpu_time_and_says_so():
    disturbed = cost(others_share=0.4, loss_cpu_share=Mean(value=0.002, U=0.0005, n=8))
    assert said(overhead(cost(others_share=0.001)))["method"] == "victim loop"
    found = said(overhead(disturbed))
    assert (found["share_of_core"], found["method"]) == (0.002, "victim loop, CPU time")
    between = said(overhead(disturbed, cost(100.0, 0.0002)), 550.0)
    assert between["method"] == "victim loop, CPU time"
    assert between["share_of_core"] == pytest.approx(0.0011)


def test_nothing_was_measured_and_nothing_is_said():
    assert facts_of(None, RECORDER, CHANNELS, Way(rate_hz=1000.0)) == {}


@pytest.mark.parametrize("reader", ["perf", "rusage"])
def test_what_a_command_counts_of_itself_is_no_channel_of_a_lane(reader):
    access = replace(CHANNELS[0].access, reader=reader, cpu=-1)
    own = replace(CHANNELS[0], **identity("cpu_time/command"), access=access)
    assert counted([*CHANNELS, own]) == {"script": 2}


def test_a_file_gives_back_what_was_kept(tmp_path):
    whole = Overhead(
        host=HOST,
        taken_realtime_ns=TAKEN_NS,
        machine={"cpu": 0},
        reads=(Read(subject="script: a", channels={"script": 1}, hot_ns=Mean(value=55.0, U=1.0, n=9)),),
        costs=(cost(lateness=Lateness(p50_ns=4000, p99_ns=None, p999_ns=None), notes=("odd",)),),
        left_out={"edges": "no counter"},
    )
    save(whole, tmp_path / "folder/o.json")
    assert load(tmp_path / "folder/o.json", HOST) == whole


def test_a_later_measurement_replaces_the_same_and_keeps_the_rest():
    older, newer = overhead(cost(100.0), cost(1000.0, 0.01)), overhead(cost(1000.0, 0.02))
    both = newer.over(older)
    assert [(one.way.rate_hz, one.loss_share.value) for one in both.costs] == [(1000.0, 0.02), (100.0, 0.003)]
    assert newer.over(replace(older, host=replace(HOST, kernel="6.2"))) == newer
    assert newer.over(None) == newer


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is damaged"),
        ('{"kind": "microjoule.host.calibration"}', "is not an overhead"),
        ('{"kind": "microjoule.host.sampling_cost", "format": 2}', "in format 2"),
        ('{"kind": "microjoule.host.sampling_cost", "format": 1}', "is damaged"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, text, why):
    (tmp_path / "o.json").write_text(text)
    with pytest.raises(OverheadError, match=f"{why}.*Run `uj overhead`"):
        load(tmp_path / "o.json")


def test_another_hosts_file_is_refused(tmp_path):
    save(overhead(cost()), tmp_path / "o.json")
    with pytest.raises(MicrojouleError, match=r"kernel '6\.1' \(here: '6\.2'\)"):
        load(tmp_path / "o.json", replace(HOST, kernel="6.2"))


def test_what_is_kept_is_json_without_anything_of_python():
    assert json.loads(json.dumps(overhead(cost()).to_json()))["costs"][0]["way"]["rate_hz"] == 1000.0
