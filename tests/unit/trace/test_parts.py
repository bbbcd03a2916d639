"""A trace that is read in parts: with threads, without any, and where none can be started, it is the same."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from ideal import Ideal, constant, rows
from properties.test_flipped_bits_are_never_silent import sealed

from microjoule.joules import energy_trace
from microjoule.joules.long_traces import streamed
from microjoule.trace import parts, reading
from microjoule.trace.crew import Crew


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ideals = [Ideal(constant(80.0), n=1500), Ideal(constant(9.0), n=1500, seed=5, id="package-0/dram")]
    t0, t1 = ideals[0].inside(0.2, 0.8)
    found = tmp_path_factory.mktemp("parts") / "t.arrows"
    sealed(found, rows(ideals, [(t0, "@begin", 1, "step"), (t1, "@end", 1, "")]), 60)
    return found


def figures(path: Path) -> list[tuple[float, float, float]]:
    ways = (streamed.stream(path), energy_trace.load(path))
    energies = [trace.energy("step")[name] for trace in ways for name in ("package-0", "package-0/dram")]
    return [(energy.low, energy.value, energy.high) for energy in energies]


def test_with_threads_without_and_where_none_can_be_started_the_energies_are_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    start = threading.Thread.start

    def started(thread: threading.Thread) -> None:
        events.append("started")
        start(thread)

    def refused(_: threading.Thread) -> None:
        events.append("refused")
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", started)
    small = figures(path)
    assert events == [], "a small trace needs no thread"
    for module in (parts, streamed, energy_trace):
        monkeypatch.setattr(module, "WORTH_THREADS_ROWS", 0)
    monkeypatch.setattr(reading, "WORTH_THREADS_BYTES", 0)
    monkeypatch.setattr(parts, "PART_BATCHES", 2)
    assert figures(path) == small
    assert events.count("started") >= 4
    monkeypatch.setattr(threading.Thread, "start", refused)
    assert figures(path) == small
    assert events.count("refused") >= 4


def test_all_rows_of_a_files_beginning_and_end_are_in_its_sketch(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches that end, or that begin, within so many bytes; and at least one on either side."""
    for end_bytes in (1, 8_000):
        monkeypatch.setattr(parts, "END_BYTES", end_bytes)
        survey = parts.survey(path)
        begin, end = survey.offsets[:-1], survey.offsets[1:]
        is_whole = (end < begin[0] + end_bytes) | (begin > end[-1] - end_bytes)
        is_whole[[0, -1]] = True
        assert len(is_whole) / 2 > is_whole.sum() >= (2 if end_bytes == 1 else 4)
        readings = [table["channel"].to_pylist().count("package-0") for table in batches(survey)]
        found = survey.sketch["channel"].to_pylist().count("package-0")
        assert found == sum(n for n, whole in zip(readings, is_whole, strict=True) if whole)


def test_a_file_without_its_last_byte_is_truncated(path: Path, tmp_path: Path) -> None:
    assert not parts.survey(path).is_truncated
    cut = tmp_path / "cut.arrows"
    cut.write_bytes(path.read_bytes()[:-1])
    assert parts.survey(cut).is_truncated


def batches(of: parts.BatchSurvey) -> list[pa.Table]:
    return [parts.Stretch(of.path, of.opening, a, b, of.names).rows() for a, b in pairwise(of.offsets)]


def test_no_thread_outlives_its_crew() -> None:
    with Crew(1) as crew:
        thread = crew.submit(threading.current_thread).result()
        assert thread is not threading.current_thread()
    assert not thread.is_alive()


def test_where_no_thread_can_be_started_that_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refused(thread: threading.Thread) -> None:
        tried.append(thread)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with Crew(2) as crew:
        assert [crew.submit(int, "7").result() for _ in range(3)] == [7, 7, 7]
    assert len(tried) == 1


def test_an_error_is_raised_where_the_result_is_asked_for() -> None:
    for workers in (0, 1):
        with Crew(workers) as crew:
            failed, done = crew.submit(int, "no number"), crew.submit(int, "7")
            assert done.result() == 7
            with pytest.raises(ValueError, match="no number"):
                failed.result()
