"""What happens to a file while it is recorded is reported at once, named in the trace, and loses little."""

import os
import resource
import shutil
import signal
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from scripted import PACKAGE_W

import microjoule as uj
from microjoule.errors import TraceError
from microjoule.recording import RawRecorder, RecordingPlan, output
from microjoule.trace import schema
from microjoule.trace.label import unlabel

PATIENCE_S = 30


def until(is_so):
    """Waits for it."""
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.01)


def grown(path):
    """Waits until another batch is in the file."""
    size = path.stat().st_size
    until(lambda: path.exists() and path.stat().st_size > size)


def gaps(trace):
    """The gaps of a trace: begin, end, cause and readings lost."""
    rows = trace.to_arrow().to_pylist()
    found = [row for row in rows if row["channel"] == schema.GAP]
    return [(row["t_ns"], row["raw"], *unlabel(row["label"])) for row in found]


def holds_its_energy(trace):
    """Whether the window's energy is what the script says it is."""
    work = trace.window("work")
    energy = trace.energy(work)["package-0"]
    return energy.status == "ok" and energy.low <= PACKAGE_W * work.duration_ns * 1e-9 <= energy.high


def delete(path):
    path.unlink()


def move_away(path):
    path.rename(path.with_name("elsewhere.arrows"))


@pytest.mark.parametrize("disturb", [delete, move_away])
def test_a_file_that_was_deleted_is_written_again_with_all_its_readings(recorded, disturb):
    rec, path, said = recorded
    with rec, rec.window("work"):
        grown(path)
        disturb(path)
        until(path.exists)
        grown(path)
    trace = uj.load(path)
    assert holds_its_energy(trace)
    assert said[0].startswith(f"{path} was deleted. ")
    assert said[1].startswith(f"{path} is written again after")
    assert said[1].endswith("no reading is lost")
    ((t0_ns, t1_ns, cause, attributes),) = gaps(trace)
    assert t0_ns < t1_ns
    assert (cause, attributes) == (f"{path} was deleted", {"readings_lost": 0})
    assert not trace.is_truncated
    assert path.stat().st_mode & 0o777 == 0o600
    assert [(incident.cause, incident.lost) for incident in rec.incidents] == [(cause, 0)]


def test_a_file_in_the_place_of_another_is_left_alone(recorded):
    """The recording goes on beside it."""
    rec, path, said = recorded
    with rec, rec.window("work"):
        grown(path)
        other = path.with_name("other")
        other.write_text("somebody's own")
        other.replace(path)
        until(lambda: rec.path != path)
        grown(rec.path)
    assert path.read_text() == "somebody's own"
    assert rec.path == path.with_name("t.1.arrows")
    assert holds_its_energy(uj.load(rec.path))
    assert f"{path} was replaced by another file" in said[0]
    assert f"{rec.path} is written again" in said[1]


@pytest.mark.parametrize(("length", "keeps"), [(0, False), (700, False), (-1, True), (-200, True)])
def test_a_file_that_was_truncated_goes_on_after_its_last_whole_batch(recorded, length, keeps):
    """What was cut off is lost, and its time and number of readings are named."""
    rec, path, said = recorded
    with rec:
        with rec.window("before"):
            grown(path)
        grown(path)
        os.truncate(path, length if length >= 0 else path.stat().st_size + length)
        until(lambda: len(said) == 2)
        with rec.window("work"):
            grown(path)
    trace = uj.load(path)
    assert not trace.is_truncated
    assert holds_its_energy(trace)
    assert "was truncated by another program" in said[0]
    ((t0_ns, t1_ns, _, attributes),) = gaps(trace)
    assert attributes["readings_lost"] > 0
    assert f"{attributes['readings_lost']:,} readings are lost" in said[1]
    work = trace.window("work")
    assert t0_ns < t1_ns < work.t1_ns
    # What lay before the cut is still there.
    assert (trace.series("package-0").t_ns[0] < t0_ns) == keeps


def test_bytes_that_others_append_are_cut_off_again(recorded):
    rec, path, said = recorded
    with rec, rec.window("work"):
        grown(path)
        with path.open("ab") as file:
            file.write(b"garbage" * 99)
        until(lambda: len(said) == 2)
    assert holds_its_energy(uj.load(path))
    assert "another program wrote to" in said[0]


def test_a_folder_that_went_away_costs_no_reading(recorded, tmp_path, monkeypatch):
    """While it is away the open file takes them; if it stays away the trace is kept among temporary files."""
    rec, path, said = recorded
    rescue = tmp_path / "temporary"
    rescue.mkdir()
    monkeypatch.setattr(output.tempfile, "gettempdir", lambda: str(rescue))
    with rec, rec.window("work"):
        grown(path)
        shutil.rmtree(path.parent)
        until(lambda: said)
    assert "was deleted with its folder" in said[0]
    assert rec.path.parent == rescue
    assert f"{rec.path} is written again" in said[1]
    trace = uj.load(rec.path)
    assert holds_its_energy(trace)
    assert len(gaps(trace)) == 1


def test_a_folder_that_comes_back_has_the_whole_trace(recorded):
    rec, path, said = recorded
    with rec, rec.window("work"):
        grown(path)
        shutil.rmtree(path.parent)
        until(lambda: said)
        path.parent.mkdir()
        until(path.exists)
    assert rec.path == path
    assert holds_its_energy(uj.load(path))


@contextmanager
def full_disk(path):
    """The limit on a file's size stands for a full disk: the same failed write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_was_full_for_a_while_costs_no_reading_that_memory_can_hold(recorded):
    rec, path, said = recorded
    with rec, rec.window("work"):
        grown(path)
        with full_disk(path):
            until(lambda: said)
            time.sleep(0.2)
        until(lambda: len(said) == 2)
    trace = uj.load(path)
    assert holds_its_energy(trace)
    assert said[0].startswith(f"Cannot write the trace {path}: File too large")
    ((t0_ns, t1_ns, _, attributes),) = gaps(trace)
    assert attributes == {"readings_lost": 0}
    # Every tick of the time without a disk is there.
    t_ns = trace.series("package-0").t_ns
    assert (t_ns > t0_ns).sum() >= (t1_ns - t0_ns) / 1e6 - trace.engine()["package-0"]["missed"] - 2


def test_more_than_memory_may_hold_is_thinned_and_the_loss_is_counted(recorded, monkeypatch):
    """Marks and the readings near them stay, so that windows keep their energies."""
    monkeypatch.setattr(output, "HELD_ROWS_MAX", 1000)
    rec, path, said = recorded
    with rec:
        grown(path)
        with full_disk(path):
            until(lambda: said)
            until(lambda: rec.incidents[0].lost > 2000)
            with rec.window("work"):
                time.sleep(0.1)
            time.sleep(0.2)
        until(lambda: len(said) == 2)
    trace = uj.load(path)
    ((t0_ns, t1_ns, _, attributes),) = gaps(trace)
    assert f"{attributes['readings_lost']:,} readings are lost" in said[1]
    during = sum(((s.t_ns >= t0_ns) & (s.t_ns < t1_ns)).sum() for s in map(trace.series, trace.channels))
    read = 2 * trace.engine()["package-0"]["ticks"]
    before_and_after = sum(len(trace.series(name)) for name in trace.channels) - during
    assert during + before_and_after + attributes["readings_lost"] == read
    assert holds_its_energy(trace)


def test_a_disk_that_stays_full_is_an_error_that_says_how_much_is_lost(recorded):
    rec, path, said = recorded
    rec.open()
    grown(path)
    kept = path.stat().st_size
    with full_disk(path):
        until(lambda: said)
        with pytest.raises(TraceError, match=r"the last [\d.]+ s of it, [\d,]+ readings, are lost") as caught:
            rec.close()
    assert f"uj report {path}" in caught.value.remedy
    assert path.stat().st_size >= kept
    assert uj.load(path).is_truncated


def test_a_write_that_fails_halfway_leaves_whole_batches(recorded):
    """100 bytes of room are less than a batch: nothing of it stays."""
    rec, path, said = recorded
    with rec:
        grown(path)
        with full_disk(path):
            until(lambda: said)
            with pa.ipc.open_stream(path) as stream:
                assert stream.read_all().num_rows > 0
        until(lambda: len(said) == 2)


def test_a_fifo_gets_the_whole_stream_and_a_reader_that_ends_is_an_error(recorded, tmp_path):
    rec, _, said = recorded
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    taken = []
    reader = threading.Thread(target=lambda: taken.append(fifo.read_bytes()))
    reader.start()
    with RawRecorder(replace(rec.plan, path=fifo)) as running, running.window("work"):
        time.sleep(0.2)
    reader.join()
    (tmp_path / "taken.arrows").write_bytes(taken[0])
    trace = uj.load(tmp_path / "taken.arrows")
    assert holds_its_energy(trace)
    assert not trace.is_truncated

    is_open = threading.Event()

    def read_a_little():
        with fifo.open("rb"):
            is_open.wait()

    reader = threading.Thread(target=read_a_little)
    reader.start()
    running = RawRecorder(replace(rec.plan, path=fifo)).open()
    is_open.set()
    reader.join()
    until(lambda: said)
    with pytest.raises(TraceError, match="Broken pipe"):
        running.close()


def test_a_pipe_whose_reader_sleeps_delays_nothing(recorded, tmp_path):
    """Its buffer fills up, batches wait in memory, and once it wakes up it gets all of them."""
    rec, _, said = recorded
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    path = Path(f"/dev/fd/{write_end}")
    taken = bytearray()

    def drink():
        try:
            while part := os.read(read_end, 1 << 20):
                taken.extend(part)
        except BlockingIOError:
            time.sleep(0.01)

    stop = threading.Event()

    def reader():
        while not stop.is_set():
            drink()

    with RawRecorder(replace(rec.plan, path=path, drain_s=0.05)) as running, running.window("work"):
        until(lambda: said)  # the pipe is full
        thread = threading.Thread(target=reader)
        thread.start()
        until(lambda: len(said) == 2)
    os.close(write_end)
    stop.set()
    thread.join()
    drink()
    os.close(read_end)
    (tmp_path / "taken.arrows").write_bytes(taken)
    trace = uj.load(tmp_path / "taken.arrows")
    assert holds_its_energy(trace)
    assert gaps(trace)[0][3] == {"readings_lost": 0}


def test_a_fifo_without_a_reader_is_a_sentence(recorded, tmp_path, monkeypatch):
    monkeypatch.setattr("microjoule.recording.trace_file.READER_S", 0.1)
    rec, _, _ = recorded
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(TraceError, match="start its reader first"):
        RawRecorder(replace(rec.plan, path=fifo)).open()


def test_without_somebody_to_tell_it_is_a_warning(recorded):
    rec, path, _ = recorded
    rec = RawRecorder(replace(rec.plan, say=RecordingPlan.__dataclass_fields__["say"].default))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with rec:
            grown(path)
            path.unlink()
            until(path.exists)
    assert [warning.category for warning in caught] == [RuntimeWarning] * 2
    assert "was deleted" in str(caught[0].message)


def test_each_batch_is_on_the_disk_before_the_next_where_that_is_asked_for(recorded, monkeypatch):
    rec, path, _ = recorded
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_ino) or real(fd))
    with RawRecorder(replace(rec.plan, is_fsynced=True)):
        grown(path)
    assert set(synced) == {path.stat().st_ino}
    synced.clear()
    with RawRecorder(rec.plan):
        grown(path)
    assert synced == []


def test_an_exception_while_draining_does_not_end_the_draining(recorded, monkeypatch):
    """Low memory, say: it is reported, and what the rings hold comes with the next drain."""
    rec, path, said = recorded
    with rec, rec.window("work"):
        grown(path)
        drain, failures = rec._drain, [MemoryError(), MemoryError()]

        def fails():
            if failures:
                raise failures.pop()
            return drain()

        monkeypatch.setattr(rec, "_drain", fails)
        until(lambda: len(said) == 2)
    assert said[0].startswith("Readings cannot be written: MemoryError")
    assert holds_its_energy(uj.load(path))


def test_a_signal_about_the_files_size_is_not_died_of():
    """Python ignores SIGXFSZ; the tests above rest on it."""
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN
