"""What is added to an archive is there once, with the figures of its readings, whoever adds it how often."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from team import NOVEMBER_S, trace

import microjoule as uj
from microjoule.archive import adding, catalogue, layout
from microjoule.archive.totals import Question, totals
from microjoule.archive.verifying import verify
from microjoule.cli import main
from microjoule.errors import ArchiveError, BadArchiveAddress, BadTarget, TraceError
from microjoule.footprint import FactorOptions
from microjoule.footprint.chosen_factors import terms as chosen
from microjoule.joules.estimates.estimate import summed
from microjoule.joules.estimates.sentence import headline

pytest.importorskip("duckdb")
TERMS = chosen(FactorOptions(zone="DE", price="0.30 EUR/kWh"))
DAY_S = 86_400
STEPS = (("step", 0.3, 0.8), ("step", 0.9, 1.4), ("eval", 1.5, 1.9))


def store(tmp_path):
    return layout.opened(str(tmp_path / "archive"), is_made=True)


def asked(of, by="", **wanted):
    return totals(of, Question.of(by, layout.Wanted(**wanted)))


def apart(energy, trace):
    """An edge of one trace has nothing to do with that of another, though both be its first update."""
    parts = [
        part._replace(group=f"{part.group} {trace}") if re.search(r"/\d+$", part.group) else part
        for part in energy.components
    ]
    return replace(energy, components=tuple(parts))


def test_the_sums_are_those_of_the_traces_and_their_uncertainties_keep_their_groups(tmp_path):
    """Two traces of one machine share its gain: ± of the sum is that of the estimates' own sum."""
    of = store(tmp_path)
    paths = [
        trace(tmp_path / "a.arrows", watts=40, seed=1, windows=STEPS),
        trace(tmp_path / "b.arrows", watts=60, seed=2, seconds=3.0),
        trace(tmp_path / "c.arrows", watts=30, seed=3, host="two"),
    ]
    for path in paths:
        assert adding.add(of, path, "p", TERMS).outcome == adding.ADDED
    whole = summed([apart(headline(uj.load(path)).energy, str(path)) for path in paths])
    (row,) = asked(of)["rows"]
    assert row["energy_j"] == pytest.approx(whole.value, rel=1e-12)
    assert row["U_j"] == pytest.approx(whole.U, rel=1e-9)
    assert row["guaranteed_j"] == pytest.approx([whole.low, whole.high], rel=1e-12)
    assert row["energy_j"] == pytest.approx(40 * 2 + 60 * 3 + 30 * 2, rel=0.01)
    parts = [headline(uj.load(path)).energy for path in paths]
    alone = sum(each.U**2 for each in parts) ** 0.5
    assert row["U_j"] > 1.1 * alone  # as if the gain of one machine were drawn anew for each trace
    assert row["co2e_g"] == pytest.approx(whole.value / 3.6e6 * TERMS.intensity.value, rel=1e-9)
    assert row["cost"] == pytest.approx(whole.value / 3.6e6 * 0.30, rel=1e-9)


def test_a_row_for_each_project_and_month(tmp_path):
    of = store(tmp_path)
    for number, (project, days, watts) in enumerate(
        (("a", 0, 40), ("a", 31, 50), ("b", 0, 60), ("b", 1, 10))
    ):
        path = trace(
            tmp_path / f"{number}.arrows",
            watts=watts,
            seed=number,
            begin_s=NOVEMBER_S + days * DAY_S,
        )
        adding.add(of, path, project, TERMS)
    rows = asked(of, "project,month")["rows"]
    found = [(row["project"], row["month"], row["n_traces"], round(row["energy_j"] / 20)) for row in rows]
    assert found == [("a", "2025-11", 1, 4), ("a", "2025-12", 1, 5), ("b", "2025-11", 2, 7)]
    assert [row["n_traces"] for row in asked(of, "date", projects=("b",))["rows"]] == [1, 1]
    assert asked(of, "", since="2025-12")["rows"][0]["n_traces"] == 1
    assert asked(of, "", until="2025-11")["rows"][0]["n_traces"] == 3
    assert asked(of, "", until="2025-11-01")["rows"][0]["n_traces"] == 2
    with pytest.raises(ArchiveError, match="no such trace"):
        asked(of, "", hosts=("nobody",))


def test_a_name_has_each_of_its_joules_once(tmp_path):
    """Windows of a name inside one another are one time."""
    of = store(tmp_path)
    path = trace(tmp_path / "a.arrows", windows=(("step", 0.2, 1.2), ("step", 0.4, 0.6), ("eval", 1.3, 1.8)))
    adding.add(of, path, "p", TERMS)
    rows = {row["name"]: row for row in asked(of, "name")["rows"]}
    assert rows["step"]["energy_j"] == pytest.approx(50, rel=0.01)
    assert rows["step"]["n_windows"] == 2
    assert rows["eval"]["energy_j"] == pytest.approx(25, rel=0.01)
    assert sum(row["energy_j"] for row in rows.values()) == pytest.approx(100, rel=0.01)


def test_the_readings_are_the_traces(tmp_path):
    of = store(tmp_path)
    path = trace(tmp_path / "a.arrows", windows=STEPS)
    entry = adding.add(of, path, "p/../q", TERMS).entry
    assert entry.project == "p/../q"
    assert layout.entries(of) == [entry]
    kept = uj.load(tmp_path / "archive" / entry.name(layout.READINGS))
    whole = uj.load(path)
    assert kept.energy() == whole.energy()
    assert kept.windows == whole.windows
    assert kept.table.num_rows == whole.table.num_rows
    assert verify(of, layout.EVERYTHING)["n_equal"] == 1


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_duplicate_changes_nothing_under_whatever_name_project_or_form(tmp_path):
    of = store(tmp_path)
    path = trace(tmp_path / "a.arrows")
    first = adding.add(of, path, "p", TERMS)
    before = files(tmp_path / "archive")
    shutil.copy(path, tmp_path / "copy.arrows")
    assert main(["export", str(path), "--parquet", str(tmp_path / "a.parquet")]) == 0
    for copy, project in (("copy.arrows", "p"), ("a.arrows", "other"), ("a.parquet", "p")):
        found = adding.add(of, tmp_path / copy, project, TERMS)
        assert (found.outcome, found.entry) == (adding.THERE, first.entry)
    assert files(tmp_path / "archive") == before


@pytest.mark.parametrize("order", [("cut", "whole"), ("whole", "cut")])
def test_of_a_cut_and_a_whole_copy_the_whole_one_counts(tmp_path, order):
    of = store(tmp_path)
    whole = trace(tmp_path / "whole.arrows", seconds=4.0)
    cut = tmp_path / "cut.arrows"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    found = [adding.add(of, tmp_path / f"{name}.arrows", "p", TERMS) for name in order]
    (row,) = asked(of)["rows"]
    assert row["n_traces"] == 1
    assert row["energy_j"] == pytest.approx(200, rel=0.01)
    assert row["n_truncated"] == 0
    outcomes = [each.outcome for each in found]
    assert outcomes == [adding.ADDED, adding.REPLACED if order[0] == "cut" else adding.THERE]


def test_a_cut_trace_is_added_and_said_to_be_cut(tmp_path, capsys):
    whole = trace(tmp_path / "whole.arrows", seconds=4.0)
    cut = tmp_path / "cut.arrows"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    address = str(tmp_path / "archive")
    assert main(["archive", "add", str(cut), "--archive", address]) == 0
    assert "cut short" in capsys.readouterr().out
    assert main(["archive", "report", "--archive", address]) == 0
    assert "1 trace was cut short: the whole part is counted" in capsys.readouterr().out


def test_of_several_those_that_are_none_are_named_and_the_rest_is_added(tmp_path, capsys):
    good = trace(tmp_path / "good.arrows")
    bad = tmp_path / "bad.arrows"
    bad.write_bytes(b"nothing of the kind")
    table = uj.load(good).table
    metadata = {**table.schema.metadata, b"microjoule.format": b"3"}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "later.parquet")
    address = str(tmp_path / "archive")
    paths = [str(bad), str(tmp_path / "later.parquet"), str(good)]
    assert main(["archive", "add", *paths, "--archive", address]) == 1
    told = capsys.readouterr()
    assert "bad.arrows: not added" in told.err
    assert "format 3" in told.err
    assert "pip install --upgrade" in told.err
    assert "good.arrows: added" in told.out.replace("\n  ", " ")
    assert len(layout.entries(layout.opened(address))) == 1
    with pytest.raises(TraceError):
        adding.add(layout.opened(address), bad, "p", TERMS)


def test_a_version_from_the_future_is_left_alone_as_a_whole_and_left_out_in_part(tmp_path):
    of = store(tmp_path)
    for number in range(2):
        adding.add(of, trace(tmp_path / f"{number}.arrows", seed=number), "p", TERMS)
    later, _ = layout.entries(of)
    path = tmp_path / "archive" / later.name(layout.WINDOWS)
    table = pq.read_table(path)
    at = table.column_names.index("format")
    pq.write_table(table.set_column(at, "format", [[9] * table.num_rows]), path)
    found = asked(of)
    assert found["rows"][0]["n_traces"] == 1
    assert [note for note in found["notes"] if later.trace in note and "version 9" in note]
    (tmp_path / "archive" / "archive.json").write_text(json.dumps({"microjoule_archive": 2}))
    with pytest.raises(ArchiveError, match=r"version 2.*pip install --upgrade"):
        layout.opened(str(tmp_path / "archive"))


def test_a_damaged_file_of_the_catalogue_is_named_and_the_rest_stays_correct(tmp_path):
    of = store(tmp_path)
    for number in range(2):
        adding.add(of, trace(tmp_path / f"{number}.arrows", seed=number), "p", TERMS)
    damaged, _ = layout.entries(of)
    path = tmp_path / "archive" / damaged.name(layout.WINDOWS)
    path.write_bytes(path.read_bytes()[:300])
    found = asked(of)
    assert found["rows"][0]["energy_j"] == pytest.approx(100, rel=0.01)
    assert [note for note in found["notes"] if damaged.trace in note and "left out" in note]
    answer = verify(of, layout.EVERYTHING)
    assert (answer["n_traces"], answer["n_equal"]) == (2, 1)


def test_verify_finds_an_edited_figure_and_readings_that_are_gone_or_were_never_catalogued(tmp_path):
    of = store(tmp_path)
    for number in range(3):
        adding.add(of, trace(tmp_path / f"{number}.arrows", seed=number), "p", TERMS)
    assert verify(of, layout.EVERYTHING)["findings"] == []
    edited, gone, uncatalogued = layout.entries(of)
    path = tmp_path / "archive" / edited.name(layout.WINDOWS)
    table = pq.read_table(path)
    values = [value * 0.9 for value in table["energy_j"].to_pylist()]
    at = table.column_names.index("energy_j")
    pq.write_table(table.set_column(at, table.schema.field(at), [values]), path)
    (tmp_path / "archive" / gone.name(layout.READINGS)).unlink()
    (tmp_path / "archive" / uncatalogued.name(layout.WINDOWS)).unlink()
    answer = verify(of, layout.EVERYTHING)
    assert (answer["n_traces"], answer["n_equal"]) == (2, 0)
    for entry in (edited, gone, uncatalogued):
        assert [each for each in answer["findings"] if entry.trace in each]


def test_two_recorders_on_one_machine_are_named(tmp_path):
    of = store(tmp_path)
    for number in range(2):
        path = trace(tmp_path / f"{number}.arrows", seed=number, begin_s=NOVEMBER_S - 59 * number)
        adding.add(of, path, "p", TERMS)
    (note,) = asked(of)["notes"]
    assert "overlap by 0.999 s: about 49.9 J count twice" in note


ADDER = """
import sys
from microjoule.cli import main
sys.exit(main(["archive", "add", *sys.argv[2:], "--archive", sys.argv[1]]))
"""


def test_writers_at_one_time_leave_what_one_after_the_other_leaves(tmp_path):
    """Three processes add the same two traces."""
    paths = [str(trace(tmp_path / f"{n}.arrows", seed=n, windows=STEPS)) for n in range(2)]
    one, several = (str(tmp_path / name) for name in ("one", "several"))
    assert main(["archive", "add", *paths, "--archive", one]) == 0
    orders = (paths, paths[::-1], paths)
    running = [subprocess.Popen([sys.executable, "-c", ADDER, several, *order]) for order in orders]
    assert [each.wait(300) for each in running] == [0] * 3
    assert files(tmp_path / "several") == files(tmp_path / "one")


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_writer_that_dies_midway_leaves_nothing_that_counts_and_is_made_up_for(tmp_path, at):
    """It is killed as its file number ``at`` is to appear: the version, the readings, the catalogue."""
    path = trace(tmp_path / "a.arrows")
    address = tmp_path / "archive"
    program = (
        "import os\n"
        "class Dying:\n"
        "    n = 0\n"
        "def replace(one, other, before=os.replace):\n"
        "    Dying.n += 1\n"
        f"    os._exit(9) if Dying.n == {at} else before(one, other)\n"
        "os.replace = replace\n"
    )
    command = [sys.executable, "-c", program + ADDER, str(address), str(path)]
    assert subprocess.run(command).returncode == 9
    whole = [each for each in files(address) if not each.name.endswith(".partial")]
    assert len(whole) == at - 1
    of = layout.opened(str(address), is_made=True)
    assert layout.entries(of) == []
    assert adding.add(of, path, "default", TERMS).outcome == adding.ADDED
    assert asked(of)["rows"][0]["n_traces"] == 1


def test_bad_words_are_answered(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("UJ_ARCHIVE", raising=False)
    assert main(["archive", "report"]) == 2
    assert "No archive was named" in capsys.readouterr().err
    assert main(["archive", "report", "--archive", str(tmp_path / "none")]) == 1
    assert "uj archive add" in capsys.readouterr().err
    with pytest.raises(BadTarget, match="Nearest: 'month'"):
        Question.of("project,mont", layout.EVERYTHING)
    with pytest.raises(BadTarget, match="not a date"):
        layout.Wanted.of((), (), "yesterday", "")
    with pytest.raises(BadArchiveAddress, match=r"Give a folder, or a URI"):
        layout.opened("nonsense://there")


def test_the_answer_fits_eighty_columns_and_json_has_all_of_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    address = str(tmp_path / "archive")
    monkeypatch.setenv("UJ_ARCHIVE", address)
    monkeypatch.chdir(tmp_path)
    trace(tmp_path / "a.arrows", windows=STEPS)
    assert (
        main(["archive", "add", "a.arrows", "--project", "a rather long name of a project", "--zone", "DE"])
        == 0
    )
    for words in (["report"], ["report", "--by", "project,name,host"], ["list"], ["verify"]):
        assert main(["archive", *words]) == 0
        told = capsys.readouterr().out
        assert max(map(len, told.splitlines())) <= 80
        assert "99.9 J ± 1.2 J" in told or words != ["report"]
    assert main(["archive", "report", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"][0]["energy_j"] == pytest.approx(100, rel=0.01)
    assert main(["archive", "list", "--json", "-"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["traces"]
    assert listed["environment"] == "e1"


def test_a_figure_that_is_known_from_above_only_is_written_so(tmp_path, capsys):
    """As elsewhere where U exceeds what cannot be negative; of CPU time in windows of a killed rank."""
    address = str(tmp_path / "archive")
    path = str(Path(__file__).parents[2] / "golden" / "estimated.arrows")
    assert main(["archive", "add", path, "--archive", address]) == 0
    assert main(["archive", "report", "--by", "name", "--archive", address]) == 0
    told = capsys.readouterr().out
    assert "at most " in told
    assert "60 mJ ± 220 mJ" not in told
    assert main(["archive", "verify", "--archive", address]) == 0


def test_the_catalogue_answers_without_the_readings(tmp_path):
    of = store(tmp_path)
    adding.add(of, trace(tmp_path / "a.arrows"), "p", TERMS)
    shutil.rmtree(tmp_path / "archive" / layout.READINGS)
    assert asked(of)["rows"][0]["energy_j"] == pytest.approx(100, rel=0.01)


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ArchiveError, match=r"Cannot write archive\.json in .*file/archive: Not a directory"):
        layout.opened(str(tmp_path / "file" / "archive"), is_made=True)


def test_a_sum_over_traces_reads_no_row_of_a_window(tmp_path):
    of = layout.opened(str(tmp_path / "archive"), is_made=True)
    adding.add(of, trace(tmp_path / "a.arrows", windows=(("step", 0.1, 0.2), ("step", 0.3, 0.4))), "p", TERMS)
    (entry,) = layout.entries(of)
    with of.opened(entry.name(layout.WINDOWS)) as file:
        plain = pq.read_table(file)  # as any other tool reads it
    assert plain["scope"].to_pylist() == ["trace", "name", "name", "window", "window"]
    for scopes in (["trace"], ["trace", "name"], ["name"], ["trace", "name", "window"]):
        with of.opened(entry.name(layout.WINDOWS)) as file:
            found = catalogue.unpacked(file, ["scope", "energy_j"], scopes)
        assert list(dict.fromkeys(found["scope"].to_pylist())) == scopes
    older = tmp_path / "older.parquet"  # which does not say what its row groups are
    pq.write_table(plain.replace_schema_metadata(None), older)
    with pa.OSFile(str(older)) as file:
        assert catalogue.unpacked(file, ["scope"], ["trace"]).num_rows == 5
