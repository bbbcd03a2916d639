"""A trace is asked in SQL: its figures are the report's, its counts exact, and nothing else is in reach."""

import signal
import threading

import pytest
from ideal import MS, T0, US, Ideal, constant, rows, square, write

from microjoule.errors import TraceError
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.summary import figures_in_blocks, summary
from microjoule.trace.label import label, now_label

pytest.importorskip("duckdb", reason="needs the extra sql: pip install 'microjoule[sql]'")

from microjoule.errors import BadQuery
from microjoule.plugins.sql.database import Database

MARKS = [(T0 + 20 * MS, "@begin", 1, label("step", {"n": 3})), (T0 + 60 * MS, "@end", 1, "")]


@pytest.fixture
def path(tmp_path):
    ideals = [Ideal(square(20, 100, 0.02), n=200), Ideal(constant(5), id="package-0/dram", n=200)]
    return write(tmp_path / "t.arrows", rows(ideals, MARKS))


def ask(path, sql):
    return list(Database(path).ask(sql).rows)


def test_the_energies_are_those_of_the_report(path):
    (window,) = summary(stream(path))["windows"]
    for row in window["channels"]:
        sql = f"""select energy_j, low_j, high_j, u_j, expanded_j, k, mean_w, status, provenance, accuracy,
                  in_total from energy where channel = '{row["channel"]}'"""
        total = row["channel"] in window["total"]["channels"]
        expected = (row["energy_j"], *row["guaranteed_j"], row["u_j"], row["U_j"], row["k"], row["mean_w"])
        assert ask(path, sql) == [(*expected, row["status"], row["provenance"], None, total)]
    total = window["total"]
    assert ask(path, "select name, t0_ns, t1_ns, energy_j, u_j, status, covers from windows") == [
        (
            "step",
            T0 + 20 * MS,
            T0 + 60 * MS,
            total["energy_j"],
            total["u_j"],
            total["status"],
            total["covers"],
        )
    ]


def test_energies_are_chosen_by_what_they_are_of(path):
    """No query has to take an id apart."""
    columns = "channel, device, device_number, part, hw_type"
    assert ask(path, f"select {columns} from energy where device = 'package' order by part") == [
        ("package-0", "package", 0, "", "cpu"),
        ("package-0/dram", "package", 0, "dram", "memory"),
    ]
    assert ask(path, "select distinct channel from readings where part = 'dram'") == [("package-0/dram",)]


def test_attributes_are_json(path):
    assert ask(path, "select attributes->>'n' from windows") == [("3",)]


def test_readings_are_scanned_as_often_as_a_query_names_them(path):
    sql = "select count(*), max(a.t_ns - b.t_ns) from readings a join readings b using (channel, t_ns)"
    assert ask(path, sql) == [(400, 0)]


def test_sums_of_counts_are_exact(path):
    raw = [int(each) for each in Ideal(square(20, 100, 0.02), n=200).series.raw]
    sql = "select sum(raw::hugeint * 1000000000000000) from readings where channel = 'package-0'"
    assert ask(path, sql) == [(sum(raw) * 10**15,)]


def test_joins_of_all_three_tables_hold(path):
    sql = """select w.name, e.channel, count(*) from windows w join energy e using (number)
             join readings r on r.channel = e.channel and r.t_ns >= w.t0_ns and r.t_ns < w.t1_ns
             group by all order by all"""
    found = ask(path, sql)
    assert [row[:2] for row in found] == [("step", "package-0"), ("step", "package-0/dram")]
    assert all(30 < n < 50 for _, _, n in found)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{path}')",
        "select * from '{path}'",
        "copy energy to '{path}.csv'",
        "attach '{path}.db' as other",
        "set enable_external_access = true",
        "install httpfs",
        "select * from path",
    ],
)
def test_nothing_but_the_trace_is_in_reach(path, sql):
    with pytest.raises(BadQuery) as found:
        ask(path, sql.format(path=path))
    assert "\n" not in str(found.value)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_reason_of_a_refusal_is_duckdbs(path):
    with pytest.raises(BadQuery, match=r'^Binder Error: .*"jule".* not found'):
        ask(path, "select jule from energy")
    with pytest.raises(BadQuery, match="not a query"):
        ask(path, " ")
    with pytest.raises(BadQuery, match=r"^Conversion Error"):
        ask(path, "select channel::int from readings")


def test_every_column_of_every_table_is_listed(path):
    database = Database(path)
    listed = list(database.schema().rows)
    for table in ("readings", "windows", "energy", "shares", "conditions"):
        columns = database.ask(f"select * from {table}").columns
        assert [row[1] for row in listed if row[0] == table] == columns
    assert [row[2] for row in listed if row[:2] == ("readings", "raw")] == ["UBIGINT"]
    assert all(len(row[3]) > 3 for row in listed)


def test_the_state_of_the_machine_is_a_row_a_second_and_value(path):
    labels = [now_label({"cpu_0_hz": hz, "temperature_0_c": 51.5}) for hz in (3e9, 2e9)]
    marks = [(T0 + (1 + n) * MS, "@state", 0, words) for n, words in enumerate(labels)]
    write(path, rows([Ideal(constant(5), n=100)], marks))
    assert ask(path, "select t_ns, value from conditions where name = 'cpu_0_hz' order by 1") == [
        (T0 + MS, 3e9),
        (T0 + 2 * MS, 2e9),
    ]
    write(path, rows([Ideal(constant(5), n=100)]))
    assert ask(path, "select count(*) from conditions") == [(0,)]


def test_two_columns_of_one_name_are_both_there(path):
    answer = Database(path).ask("select 1 as a, 2 as a, 3 as a_1, 4 as a")
    assert answer.columns == ["a", "a_1", "a_1_1", "a_2"]
    assert list(answer.rows) == [(1, 2, 3, 4)]


def test_a_trace_without_windows_is_one_window(path):
    write(path, rows([Ideal(constant(5), n=100)]))
    assert ask(path, "select name, status from windows") == [("trace", "ok")]


def test_a_file_that_was_cut_is_asked_for_its_whole_batches(path):
    path.write_bytes(path.read_bytes()[:-8])
    assert ask(path, "select count(*) from readings") == [(400,)]


def test_what_is_wrong_with_the_file_is_said_as_of_any_trace(path):
    with pytest.raises(TraceError, match="cannot open"):
        Database(path.with_name("none.arrows"))
    database = Database(path)
    path.unlink()
    with pytest.raises(TraceError, match="cannot open"):
        list(database.ask("select * from readings").rows)


def test_no_query_makes_a_folder_where_it_is_asked(path, tmp_path, monkeypatch):
    """What does not fit into memory goes nowhere: the query fails, and says so."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert ask(path, "select current_setting('temp_directory')") == [("",)]
    big = (
        "select count(*) from (select a.range, b.range from range(3000) a, range(1000) b order by 1, 2 desc)"
    )
    assert ask(path, big) == [(3_000_000,)]
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize(
    "marks", [[], MARKS, [*MARKS, (T0 + 30 * MS, "@begin", 2, "in"), (T0 + 50 * MS, "@end", 2, "")]]
)
def test_figures_of_windows_are_the_same_in_any_portions(marks, tmp_path, monkeypatch):
    """A million windows are not in memory at once; a trace without windows has its whole span as one."""
    file = write(tmp_path / "w.arrows", rows([Ideal(square(20, 100, 0.02), n=200)], marks))
    queries = ["select * from windows order by number", "select * from energy order by number, channel"]
    whole = [ask(file, sql) for sql in queries]
    monkeypatch.setattr("microjoule.plugins.sql.database._WINDOWS", 1)
    assert [ask(file, sql) for sql in queries] == whole
    assert [row[0] for row in whole[0]] == list(range(max(len(marks) // 2, 1)))


@pytest.mark.usefixtures("not_ignoring_interrupts")
def test_an_interrupt_ends_a_query_before_the_figures_of_all_windows_are_made(tmp_path, monkeypatch):
    n_windows, made = 2500, []
    marks = [
        mark
        for n in range(n_windows)
        for mark in ((T0 + n * US, "@begin", n, "w"), (T0 + n * US + US // 2, "@end", n, ""))
    ]
    file = write(tmp_path / "w.arrows", rows([Ideal(square(20, 100, 0.02), n=200)], marks))

    def interrupted(trace, at_once):
        for block in figures_in_blocks(trace, at_once):
            made.append(len(block))
            if len(made) == 1:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            yield block

    monkeypatch.setattr("microjoule.plugins.sql.database.figures_in_blocks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ask(file, "select count(*) from windows")
    assert 0 < sum(made) < n_windows
