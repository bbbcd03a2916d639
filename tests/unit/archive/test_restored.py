"""What is missing or damaged in an archive is written again with its trace; bad words change nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from team import trace

import microjoule as uj
from microjoule.archive import adding, layout
from microjoule.archive.totals import Question, totals
from microjoule.archive.verifying import verify
from microjoule.cli import main
from microjoule.errors import ArchiveError, BadTarget
from microjoule.footprint import FactorOptions
from microjoule.footprint.chosen_factors import terms as chosen
from microjoule.joules.profiling.reserved_names import NO_WINDOW
from microjoule.trace.exporting import by_channel

pytest.importorskip("duckdb")
TERMS = chosen(FactorOptions())
GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture
def of(tmp_path):
    return layout.opened(str(tmp_path / "archive"), is_made=True)


def cut(path):
    path.write_bytes(path.read_bytes()[:-300])


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("kind", [layout.WINDOWS, layout.READINGS])
@pytest.mark.parametrize("harm", [cut, empty, Path.unlink])
def test_a_file_that_is_missing_or_damaged_is_written_again(of, tmp_path, kind, harm):
    """In its own project, whichever is named now; afterwards there is nothing to do."""
    path = trace(tmp_path / "a.arrows", windows=(("step", 0.3, 0.8),))
    entry = adding.add(of, path, "p", TERMS).entry
    file = tmp_path / "archive" / entry.name(kind)
    before = file.read_bytes()
    harm(file)
    project = "p" if harm is Path.unlink else "other"
    found = adding.add(of, path, project, TERMS)
    is_gone = kind == layout.WINDOWS and harm is Path.unlink
    assert found.outcome == (adding.ADDED if is_gone else adding.RESTORED)
    assert found.entry == entry
    assert file.read_bytes() == before
    assert verify(of, layout.EVERYTHING)["findings"] == []
    assert adding.add(of, path, "p", TERMS).outcome == adding.THERE


def test_a_longer_copy_that_lost_its_readings_does_not_keep_a_shorter_one_out(of, tmp_path):
    whole = trace(tmp_path / "whole.arrows", seconds=4.0)
    short = tmp_path / "short.arrows"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    entry = adding.add(of, whole, "p", TERMS).entry
    assert adding.add(of, short, "p", TERMS).outcome == adding.THERE
    (tmp_path / "archive" / entry.name(layout.READINGS)).unlink()
    assert adding.add(of, short, "p", TERMS).outcome == adding.REPLACED
    assert adding.add(of, whole, "p", TERMS).outcome == adding.RESTORED


def test_a_catalogue_of_a_later_version_is_not_overwritten(of, tmp_path):
    path = trace(tmp_path / "a.arrows")
    file = tmp_path / "archive" / adding.add(of, path, "p", TERMS).entry.name(layout.WINDOWS)
    table = pq.read_table(file)
    at = table.column_names.index("format")
    table = table.set_column(at, "format", [[9] * table.num_rows])
    pq.write_table(table.set_column(table.column_names.index("bytes"), "bytes", [[0] * table.num_rows]), file)
    before = file.read_bytes()
    assert adding.add(of, path, "p", TERMS).outcome == adding.THERE
    assert file.read_bytes() == before


def test_readings_of_a_writer_that_died_are_a_note_once_the_trace_is_in_another_project(of, tmp_path, capsys):
    path = trace(tmp_path / "a.arrows")
    entry = adding.add(of, path, "p", TERMS).entry
    (tmp_path / "archive" / entry.name(layout.WINDOWS)).unlink()
    words = ["archive", "verify", "--archive", of.address]
    assert main(words) == 1
    assert "Add it again" in " ".join(capsys.readouterr().out.split())
    assert adding.add(of, path, "other", TERMS).outcome == adding.ADDED
    assert main(words) == 0
    assert "is not needed: its trace is there, in project other" in " ".join(capsys.readouterr().out.split())
    assert main([*words, "--project", "p"]) == 0


def test_one_trace_in_two_projects_counts_once_and_is_said_to_be_there_twice(tmp_path):
    """As two writers at one time leave it who name two projects."""
    path = trace(tmp_path / "a.arrows")
    for number in range(2):
        adding.add(layout.opened(str(tmp_path / f"{number}"), is_made=True), path, f"p{number}", TERMS)
    for file in (tmp_path / "1").rglob("*.parquet"):
        there = tmp_path / "0" / file.relative_to(tmp_path / "1")
        there.parent.mkdir(parents=True)
        there.write_bytes(file.read_bytes())
    found = totals(layout.opened(str(tmp_path / "0")), Question.of("project", layout.EVERYTHING))
    assert found["n_traces"] == 1
    assert found["whole"][0]["energy_j"] == pytest.approx(100, rel=0.01)
    assert found["notes"] == ["1 copy of another trace is not counted"]


def test_a_cut_copy_has_the_name_of_its_recording_though_an_early_row_is_written_late():
    """A lane is written when it is full, so that its rows may be from before the opening's own row."""
    table = uj.load(GOLDEN / "rapl_perf.arrows").table
    late = table.slice(1, 1).to_pydict()
    late["t_ns"] = [table["t_ns"][0].as_py() - 5_000_000]
    table = pa.concat_tables([table, pa.table(late, table.schema)])
    name = layout.recording_of(table)
    assert layout.recording_of(table.slice(0, 100)) == name
    assert layout.recording_of(by_channel(table)) == name


def test_a_trace_without_windows_has_a_row_among_the_names(of, tmp_path):
    adding.add(of, trace(tmp_path / "a.arrows", windows=(("step", 0.3, 0.8),)), "p", TERMS)
    adding.add(of, trace(tmp_path / "b.arrows", seed=1, watts=10), "p", TERMS)
    for by in ("name", "name,project"):
        rows = {row["name"]: row for row in totals(of, Question.of(by, layout.EVERYTHING))["rows"]}
        assert rows[NO_WINDOW]["energy_j"] == pytest.approx(75 + 20, rel=0.01)
        assert rows["step"]["energy_j"] == pytest.approx(25, rel=0.01)


@pytest.mark.parametrize("text", ['{"microjoule_archive": 1e999}', "[" * 100_000, "{}", "nothing", '"1"'])
def test_a_folder_that_is_no_archive_is_said_to_be_none(tmp_path, text):
    (tmp_path / "archive.json").write_text(text)
    with pytest.raises(ArchiveError, match=r"is not an archive: its archive\.json does not identify one"):
        layout.opened(str(tmp_path))


def test_bad_options_make_no_archive(tmp_path, capsys):
    path = str(trace(tmp_path / "a.arrows"))
    address = tmp_path / "archive"
    assert main(["archive", "add", path, "--archive", str(address), "--price", "0.3"]) == 2
    assert main(["archive", "add", path, "--archive", str(address), "--project", "\udcff"]) == 2
    assert "is not UTF-8" in capsys.readouterr().err
    assert not address.exists()
    with pytest.raises(BadTarget, match="is not UTF-8"):
        layout.Wanted.of(["\udcff"], (), "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="arguments are bytes on POSIX alone")
def test_a_project_of_bytes_that_are_no_text_is_refused_on_the_command_line(tmp_path):
    path = trace(tmp_path / "a.arrows")
    words = [sys.executable, "-m", "microjoule", "archive", "add", path, "--archive", tmp_path / "x"]
    found = subprocess.run(
        [*map(os.fsencode, words), b"--project", b"\xff"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
