"""Edge-locked recordings of scripted machines: what is in the file, and that its windows hold the truth."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scripted import MS, PACKAGE_W, channel, machine
from scripted import steady as steady_script

import microjoule as uj
from microjoule.channel import Kind, PowerModel, Timing
from microjoule.errors import BadRate
from microjoule.host.calibration import Calibration, HostKey, Learnt, Spread, save
from microjoule.recording import Cadence
from microjoule.recording.lane import Lane, cadence_of, lead_of
from microjoule.sources.script import Entry, Repeat, script_text, write_machine


def recorded(tmp_path, rate, root=None, seconds=0.3, **options):
    path = tmp_path / "t.arrows"
    root = root or machine(tmp_path)
    with (
        uj.record(path, uj.Meter(rate=rate, sources=["script"], root=root, **options)) as rec,
        rec.window("work"),
    ):
        time.sleep(seconds)
    return uj.load(path)


def counts(trace, lane="package-0"):
    return trace.engine()[lane]


@pytest.mark.parametrize("rate", ["edges", Cadence(edges=1), Cadence(edges=5)])
def test_a_window_between_edges_is_ok_and_holds_the_truth(tmp_path, rate):
    trace = recorded(tmp_path, rate)
    work = trace.window("work")
    energy = trace.energy(work)
    for name, watts in (("package-0", 40), ("package-0/dram", 5)):
        true_j = watts * work.duration_ns * 1e-9
        assert energy[name].status == "ok"
        assert energy[name].low <= true_j <= energy[name].high
    assert counts(trace)["ticks"] > 0
    lane = trace.facts["lanes"]["package-0"]
    assert lane["lead"] == "package-0"


def test_many_windows_hold_the_truth_wherever_they_begin_and_end(tmp_path):
    """The bracket needs reads on both sides of an edge only, not any in between."""
    trace = recorded(tmp_path, "edges", seconds=0.5)
    work = trace.window("work")
    rng = np.random.default_rng(7)
    for _ in range(200):
        t0, t1 = sorted(rng.integers(work.t0_ns, work.t1_ns, 2).tolist())
        found = trace.energy(replace(work, t0_ns=t0, t1_ns=t1))["package-0"]
        true_j = PACKAGE_W * (t1 - t0) * 1e-9
        assert found.status == "ok"
        assert found.low <= true_j <= found.high


def test_only_both_sides_of_an_update_are_in_the_file(tmp_path):
    trace = recorded(tmp_path, "edges")
    had = counts(trace)
    rows = len(trace.series("package-0").t_ns)
    # Two for each tick, one for each that was missed, and the first and last of the recorder.
    assert rows <= 2 * had["ticks"] + had["missed"] + 4
    assert rows >= had["ticks"]


def test_a_counter_that_stops_and_fails_is_lived_with(tmp_path):
    """Jitter, a missed update, a failed read and a rest of 60 ms, again and again."""
    entries = [Entry(raw=0)]
    entries += [Entry(raw=40 * k, t_ns=k * MS + (k * 7919 % 41 - 20) * 1000) for k in range(1, 100) if k % 9]
    entries.append(Entry(errno=5, t_ns=120 * MS))
    entries.append(Entry(raw=3960, t_ns=121 * MS))
    write_machine(
        tmp_path, [channel("package-0", "a.txt", timing=Timing(update_ns=MS, update_max_ns=200 * MS))]
    )
    (tmp_path / "a.txt").write_text(script_text(entries, Repeat(160 * MS, 3960, 1 << 32)))
    trace = recorded(tmp_path, "edges", root=tmp_path, seconds=0.6)
    had = counts(trace)
    assert had["ticks"] > 0
    assert had["missed"] > 0
    assert trace.energy(trace.window("work"))["package-0"].status == "ok"


def test_a_counter_that_never_moves_is_still_recorded(tmp_path):
    write_machine(tmp_path, [channel("package-0", "a.txt")])
    (tmp_path / "a.txt").write_text(script_text([Entry(raw=5)]))
    trace = recorded(tmp_path, "edges", root=tmp_path, seconds=0.1)
    assert counts(trace)["ticks"] == 3  # the recorder's own: the first reading and the last two
    assert trace.energy(trace.window("work"))["package-0"].status == "failed"  # no package draws 0 W


def test_a_lane_without_a_counter_is_read_at_the_rate(tmp_path):
    slow = channel("temperature", "b.txt", lane="package-0-slow", timing=Timing(rate_max_hz=10.0))
    slow = replace(slow, kind=Kind.GAUGE)
    write_machine(tmp_path, [channel("package-0", "a.txt"), slow])
    (tmp_path / "a.txt").write_text(steady_script(PACKAGE_W, 0))
    (tmp_path / "b.txt").write_text(script_text([Entry(raw=5)]))
    trace = recorded(tmp_path, "edges", root=tmp_path, seconds=0.2)
    lanes = trace.facts["lanes"]
    assert lanes["package-0"]["lead"] == "package-0"
    assert lanes["package-0-slow"]["lead"] is None
    assert lanes["package-0-slow"]["rate_hz"] == 10


def test_where_no_counter_can_be_followed_edges_are_refused_with_what_helps(tmp_path):
    write_machine(tmp_path, [channel("package-0", "a.txt", timing=Timing())])
    (tmp_path / "a.txt").write_text(steady_script(PACKAGE_W, 0))
    with pytest.raises(BadRate, match="uj probe --calibrate"):
        recorded(tmp_path, "edges", root=tmp_path)
    # What a calibration learnt of the same channel is enough.
    spread = Spread(p5_ns=MS, median_ns=MS, p95_ns=MS, p99_ns=MS, max_ns=MS)
    learnt = Learnt(channel="package-0", source="script", edges=200, update=spread)
    host = HostKey(hostname="unknown", cpu="? ? ? ?", kernel="unknown")
    save(Calibration(host=host, taken_realtime_ns=1, channels=(learnt,)), tmp_path / "c.json")
    trace = recorded(tmp_path, "edges", root=tmp_path, calibration=tmp_path / "c.json")
    assert trace.facts["calibration"]["channels"][0]["update"]["median_ns"] == MS
    assert trace.energy(trace.window("work"))["package-0"].status == "ok"
    save(Calibration(host=replace(host, hostname="b"), taken_realtime_ns=1), tmp_path / "c.json")
    # Of another host it is reported and not used, so that nothing can be followed again.
    with pytest.warns(RuntimeWarning, match="of host 'b'.*not used"), pytest.raises(BadRate):
        recorded(tmp_path, "edges", root=tmp_path, calibration=tmp_path / "c.json")


def test_the_lead_is_the_first_of_the_quick_counters():
    package = channel("package-0", "a")
    dram = channel("dram", "b", timing=Timing(update_ns=990_000))
    slow = channel("slow", "c", timing=Timing(update_ns=50 * MS))
    quick = channel("quick", "d", timing=Timing(update_ns=60_000))
    gauge = replace(package, kind=Kind.GAUGE)
    model = PowerModel(value_w=1, low_w=1, high_w=1, source="x")
    estimated = replace(package, trust=replace(package.trust, model=model))
    unknown = channel("unknown", "e", timing=Timing())
    assert lead_of([gauge, unknown, quick, estimated, slow, package, dram]) is package
    assert lead_of([slow]) is slow
    assert lead_of([gauge, unknown, quick, estimated]) is None
    assert lead_of([]) is None


def test_a_rate_is_hertz_or_edges():
    assert cadence_of("edges") == Cadence(edges=1)
    assert cadence_of(4000) == Cadence(rate_hz=4000)
    assert cadence_of(Cadence(edges=3)).edges == 3
    with pytest.raises(BadRate, match="'fast' is not known"):
        cadence_of("fast")
    with pytest.raises(BadRate, match="One in -1"):
        Cadence(edges=-1)
    with pytest.raises(BadRate, match="One in 10001"):
        Cadence(edges=10_001)


def test_a_lane_asks_for_the_spin_that_its_counter_needs(tmp_path):
    (tmp_path / "a.txt").write_text(steady_script(PACKAGE_W, 0))
    slow = channel("a", str(tmp_path / "a.txt"), timing=Timing(update_ns=20 * MS, update_max_ns=40 * MS))
    lane = Lane("x", [slow], {"a": 0}, Cadence(edges=2))
    assert lane.rate_hz == 25
    assert lane.facts()["one_in"] == 2
    assert Lane("x", [slow], {"a": 0}, Cadence()).facts()["one_in"] is None
