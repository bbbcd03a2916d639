import json
import os
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import pytest
from scripted import DRAM_W, PACKAGE_W, channel, machine

import microjoule as uj
from microjoule.errors import (
    BadRate,
    MicrojouleError,
    NothingToMeasure,
    SourceUnavailable,
    TraceError,
    UnknownSource,
)
from microjoule.recording import Cadence, RawRecorder
from microjoule.recording.replaced_channels import closed, others
from microjoule.sources import Cause, Closed, Obstacle, Survey


def test_a_window_of_known_power_holds_its_energy_within_the_bound(tmp_path):
    path = tmp_path / "t.arrows"
    with (
        uj.record(path, uj.Meter(sources=["script"], root=machine(tmp_path))) as rec,
        rec.window("work", step=3),
    ):
        time.sleep(0.3)
    trace = uj.load(path)
    work = trace.window("work")
    assert work.attributes == {"step": 3}
    energy = trace.energy(work)
    true_j = PACKAGE_W * work.duration_ns * 1e-9
    assert energy["package-0"].low <= true_j <= energy["package-0"].high
    assert energy["package-0"].value == pytest.approx(true_j, abs=2 * PACKAGE_W * 1e-3)
    assert energy.total.value == pytest.approx(true_j * (PACKAGE_W + DRAM_W) / PACKAGE_W, rel=0.02)
    assert set(energy.total.channels) == {"package-0", "package-0/dram"}
    assert not trace.is_truncated


def test_windows_go_to_the_open_recorder_and_otherwise_nowhere(tmp_path):
    @uj.window
    def work(x):
        return x + 1

    assert work(1) == 2
    with uj.window("before"):
        pass
    with uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=machine(tmp_path))):
        assert work(2) == 3
        with uj.window("inside", name_of="x"):
            time.sleep(0.01)
    with uj.window("after"):
        pass
    names = [window.name for window in uj.load(tmp_path / "t.arrows").windows]
    assert names == [work.__qualname__, "inside"]


def test_a_long_label_and_odd_names_come_back_whole(tmp_path):
    long = "ü" * 700
    with uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=machine(tmp_path))):
        with uj.window(long, text="tab\tinside"):
            pass
        with uj.window("a\tb"):
            pass
    first, second = uj.load(tmp_path / "t.arrows").windows
    assert first.name == long
    assert first.attributes == {"text": "tab\tinside"}
    assert second.name == "a b"


def test_no_tick_goes_uncounted_while_the_program_holds_the_gil(tmp_path):
    """Ticks and missed ticks add up to the deadlines that passed, whoever held the GIL."""
    path = tmp_path / "t.arrows"
    with (
        uj.record(path, uj.Meter(rate=1000, sources=["script"], root=machine(tmp_path))) as rec,
        rec.window("hold"),
    ):
        pow(3, 3_000_000)  # one C call of a few hundred milliseconds that keeps the GIL
    trace = uj.load(path)
    lane = trace.engine()["package-0"]
    assert lane["dropped"] == 0
    t_ns = trace.series("package-0").t_ns[1:-2]  # without the readings before the start and after the stop
    deadlines = (t_ns[-1] - t_ns[0]) / 1e6 + 1
    # Each end can be late by less than a period; the later ones have passed all the same.
    assert abs(lane["ticks"] - 3 + lane["missed"] - deadlines) <= 2 + lane["late_max_ns"] / 1e6
    hold = trace.window("hold")
    inside = ((t_ns >= hold.t0_ns) & (t_ns < hold.t1_ns)).sum()
    assert inside + lane["missed"] >= hold.duration_ns / 1e6 - 2 - lane["late_max_ns"] / 1e6


def test_the_file_says_how_the_lanes_were_run(tmp_path):
    path = tmp_path / "t.arrows"
    cadence = Cadence(rate_hz=500, spin_ns=100_000, cpus=(0,))
    with uj.record(path, uj.Meter(rate=cadence, sources=["script"], root=machine(tmp_path))):
        pass
    trace = uj.load(path)
    told = trace.facts["lanes"]["package-0"]
    assert told["rate_hz"] == 500
    assert told["ring_s"] >= 30
    assert told["pinned"] == "yes"
    assert told["fifo"] == "not asked"
    assert trace.facts["host"]["kernel"] is None  # the fake root has no /proc


def test_the_ring_holds_half_a_minute_at_a_kilohertz():
    """At least 30 s at 1 kHz within 64 MiB, up to 64 channels in one lane."""
    from microjoule.recording.lane import RING_BYTES_MAX, ROW_BYTES

    assert 30 * 1000 * 64 * ROW_BYTES <= RING_BYTES_MAX


@pytest.mark.parametrize("rate", [0, 0.5, -1, 20_001, float("nan"), float("inf")])
def test_a_rate_out_of_range_is_refused_before_anything_starts(tmp_path, rate):
    with pytest.raises(BadRate, match="1 to 20000 Hz"):
        uj.record(tmp_path / "t.arrows", uj.Meter(rate=rate, sources=["script"], root=machine(tmp_path)))
    assert not (tmp_path / "t.arrows").exists()


@pytest.mark.parametrize("rate", ["fast", [1]])
def test_a_rate_that_is_no_number_is_refused(tmp_path, rate):
    with pytest.raises(BadRate, match="number of hertz"):
        uj.record(tmp_path / "t.arrows", uj.Meter(rate=rate, sources=["script"], root=machine(tmp_path)))


def test_two_recorders_do_not_share_a_file(tmp_path):
    path = tmp_path / "t.arrows"
    root = machine(tmp_path)
    with uj.record(path, uj.Meter(sources=["script"], root=root)):
        second = uj.record(path, uj.Meter(sources=["script"], root=root))
        with pytest.raises(TraceError, match="Another recorder is writing"):
            second.open()
        time.sleep(0.05)
    assert uj.load(path).series("package-0").t_ns.size > 10


def test_a_missing_script_leaves_its_channel_out_and_the_rest_goes_on(tmp_path):
    root = machine(tmp_path)
    (root / "dram.txt").write_text("by time\nnot a number\n")
    with uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=root)) as rec, rec.window("w"):
        time.sleep(0.02)
    assert list(rec.left_out) == ["package-0/dram"]
    assert "dram.txt" in rec.left_out["package-0/dram"]
    trace = uj.load(tmp_path / "t.arrows")
    assert trace.energy("w")["package-0"].status == "ok"
    assert trace.energy("w")["package-0/dram"].value is None


def test_nothing_that_opens_is_an_error_with_a_remedy(tmp_path):
    root = machine(tmp_path)
    for name in ("package.txt", "dram.txt"):
        (root / name).write_text("")
    with pytest.raises(NothingToMeasure, match="uj probe"):
        uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=root)).open()


def test_a_forced_source_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(SourceUnavailable):
        uj.record(tmp_path / "t.arrows", uj.Meter(sources=["powercap"], root=tmp_path))


def test_readings_that_fail_are_rows_with_a_status(tmp_path):
    """A zone that returns EIO for a while: rows without a value, counted, and the energy goes on."""
    root = machine(tmp_path)
    lines = ["by time", f"repeat 200000000 {40 * 200} {1 << 32}"]
    lines += [f"{ms * 1_000_000} {'!5' if 100 <= ms < 150 else 1000 + 40 * ms}" for ms in range(200)]
    (root / "package.txt").write_text("\n".join(lines) + "\n")
    with uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=root)) as rec, rec.window("w"):
        time.sleep(0.3)
    trace = uj.load(tmp_path / "t.arrows")
    series = trace.series("package-0")
    failed = series.status == 5
    assert failed.any()
    assert trace.engine()["package-0"]["errors"] == failed.sum()
    energy = trace.energy("w")["package-0"]
    true_j = 40 * trace.window("w").duration_ns * 1e-9
    assert energy.low <= true_j <= energy.high


def test_a_fork_of_the_recording_process_marks_windows_and_leaves_the_recording_alone(tmp_path):
    program = """
        import os, sys, warnings, microjoule as uj
        warnings.simplefilter("ignore")
        rec = uj.record(sys.argv[1] + "/t.arrows", uj.Meter(sources=["script"], root=sys.argv[1]))
        with rec:
            pid = os.fork()
            if pid == 0:
                with uj.window("in the child"):
                    pass
                try:
                    rec._lanes[0].sampler.stop()
                except uj.MicrojouleError as error:
                    assert "forked" in str(error), error
                    rec.close()
                    os._exit(7)
                os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        print([w.name for w in uj.load(sys.argv[1] + "/t.arrows").windows])
    """
    done = python(program, str(machine(tmp_path)))
    assert done.stdout == "['in the child']\n", done.stderr


def test_a_recorder_left_open_does_not_keep_the_process_and_completes_its_file(tmp_path):
    program = """
        import sys, microjoule as uj
        rec = uj.record(sys.argv[1] + "/t.arrows", uj.Meter(sources=["script"], root=sys.argv[1])).open()
        with rec.window("w"):
            pass
    """
    done = python(program, str(machine(tmp_path)))
    assert done.returncode == 0, done.stderr
    trace = uj.load(tmp_path / "t.arrows")
    assert not trace.is_truncated
    assert [w.name for w in trace.windows] == ["w"]


def test_a_full_disk_keeps_what_was_recorded_before(tmp_path):
    """The limit on a file's size stands for a full disk: the same failed write."""
    program = """
        import resource, sys, time, microjoule as uj
        rec = uj.record(sys.argv[1] + "/t.arrows", uj.Meter(rate=4000, sources=["script"], root=sys.argv[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        rec.open()
        try:
            with rec.window("w"):
                ends = time.monotonic() + 60  # a machine at work takes fewer readings a second
                while not rec.incidents and time.monotonic() < ends:
                    time.sleep(0.05)
            rec.close()
        except uj.MicrojouleError as error:
            print(error)
    """
    done = python(program, str(machine(tmp_path)))
    assert "Cannot write the trace" in done.stdout, (done.stdout, done.stderr)
    trace = uj.load(tmp_path / "t.arrows")
    assert trace.is_truncated
    assert trace.series("package-0").t_ns.size > 100


def test_a_full_disk_at_the_start_is_a_sentence(tmp_path):
    with pytest.raises(TraceError, match="No space left on device") as caught:
        uj.record("/dev/full", uj.Meter(sources=["script"], root=machine(tmp_path))).open()
    assert "free some space" in caught.value.remedy


def test_a_recorder_that_is_not_open_has_no_windows(tmp_path):
    rec = uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=machine(tmp_path)))
    with pytest.raises(MicrojouleError, match="not open"):
        rec.window("w")


def test_a_recorder_records_once_and_has_no_windows_afterwards(tmp_path):
    rec = uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=machine(tmp_path)))
    with rec:
        pass
    with pytest.raises(MicrojouleError, match="not open"):
        rec.window("w")
    with pytest.raises(MicrojouleError, match="can record only once"):
        rec.open()


@pytest.mark.parametrize("sources", [[], (), "script"])
def test_sources_that_are_no_list_of_names_are_refused(tmp_path, sources):
    with pytest.raises(UnknownSource, match="not a list of names"):
        uj.record(tmp_path / "t.arrows", uj.Meter(sources=sources, root=machine(tmp_path)))


def test_a_channel_that_does_not_open_is_read_through_another_source(tmp_path):
    root = machine(tmp_path)
    rec = uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=root))
    package, dram = rec.channels
    broken = replace(package, source="rapl_perf", access=replace(package.access, path="/nowhere"))
    rec = RawRecorder(replace(rec.plan, channels=(broken, dram), alternatives={package.id: (package,)}))
    with rec, rec.window("w"):
        time.sleep(0.02)
    trace = uj.load(tmp_path / "t.arrows")
    assert trace.channels["package-0"].source == "script"
    assert trace.energy("w")["package-0"].status == "ok"
    assert list(trace.facts["left_out"]) == ["package-0@rapl_perf"]
    assert ". It is read through script instead" in trace.facts["left_out"]["package-0@rapl_perf"]


def test_others_are_the_same_domain_of_another_source_and_closed_ones_are_named():
    one = channel("package-0", "a.txt")
    other, core = replace(one, source="powercap"), channel("package-0/core", "b.txt")
    obstacle = Obstacle(Cause.FAILING, "the file is empty", "Do this")
    surveys = (
        Survey("script", "", (one,), closed=(Closed(core, obstacle), Closed(one, obstacle))),
        Survey("powercap", "", (other,), closed=(Closed(replace(core, id="psys"), obstacle),)),
    )
    assert others(surveys, [one]) == {"package-0": (other,)}
    assert closed(surveys, [one]) == {"package-0/core": "the file is empty. Do this."}


def test_a_window_entered_again_inside_itself_is_two(tmp_path):
    with uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=machine(tmp_path))) as rec:
        window = rec.window("w")
        with window, window:
            pass
        with window:
            pass
    found = uj.load(tmp_path / "t.arrows").windows
    assert [each.is_open for each in found] == [False] * 3
    assert found[0].t1_ns >= found[1].t1_ns


def test_duckdb_and_polars_see_what_pyarrow_sees(tmp_path):
    """The stream is plain Arrow: any reader of the format has the same rows."""
    import pyarrow as pa
    import pyarrow.compute

    path = tmp_path / "t.arrows"
    with uj.record(path, uj.Meter(sources=["script"], root=machine(tmp_path))) as rec, rec.window("w"):
        time.sleep(0.02)
    with pa.ipc.open_stream(path) as stream:
        table = stream.read_all()
    assert pa.table(uj.load(path)).equals(table)
    assert json.loads(table.schema.metadata[b"microjoule.channels"])[0]["id"] == "package-0"
    begins = table.filter(pyarrow.compute.equal(table["channel"].cast(pa.utf8()), "@begin"))
    assert begins["label"].to_pylist() == ["w"]
    duckdb = pytest.importorskip("duckdb", reason="needs DuckDB: pip install 'microjoule[sql]'")
    polars = pytest.importorskip("polars", reason="needs Polars: pip install 'microjoule[polars]'")
    rows = table.select(["t_ns", "channel", "raw", "label"]).to_pylist()
    assert polars.read_ipc_stream(path).select("t_ns", "channel", "raw", "label").to_dicts() == rows
    query = "SELECT t_ns, channel, raw, label FROM table_of_the_stream"
    with duckdb.connect() as database:
        database.register("table_of_the_stream", uj.load(path))
        found = database.execute(query).fetchall()
    assert found == [tuple(row.values()) for row in rows]


def python(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
