"""``uj sql`` answers as a table, CSV or JSON, and refuses in a sentence."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ideal import MS, T0, Ideal, constant, rows, write

from microjoule import cli
from microjoule.text_width import cells

pytest.importorskip("duckdb", reason="needs the extra sql: pip install 'microjoule[sql]'")

EXAMPLES = Path(__file__).parents[3] / "examples"
MARKS = [(T0 + 20 * MS, "@begin", 1, "step"), (T0 + 60 * MS, "@end", 1, "")]


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "t.arrows", rows([Ideal(constant(50), n=100)], MARKS))


def test_an_answer_in_its_three_forms(path, capsys):
    sql = ["sql", str(path), "select name, number from windows"]
    assert cli.main(sql) == 0
    assert capsys.readouterr().out == "name  number\n----  ------\nstep       0\n"
    assert cli.main([*sql, "--csv"]) == 0
    assert capsys.readouterr().out == "name,number\nstep,0\n"
    assert cli.main([*sql, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"name": "step", "number": 0}]


def test_no_query_lists_the_columns(path, capsys):
    assert cli.main(["sql", str(path), "--csv"]) == 0
    assert "\nenergy,expanded_j,DOUBLE," in capsys.readouterr().out


@pytest.mark.parametrize("terminal", [40, 60, 80])
def test_the_columns_and_the_help_fit_the_terminal(path, terminal, capsys, monkeypatch):
    """At 40 columns the meanings stood in 16 characters beyond its right edge, and tables of the help too."""
    monkeypatch.setenv("COLUMNS", str(terminal))
    assert cli.main(["sql", str(path)]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"energy[. ] *expanded_j", listed)
    with pytest.raises(SystemExit):
        cli.main(["sql", "--help"])
    told = capsys.readouterr().out
    lines = [*listed.splitlines(), *(line for line in told.splitlines() if not line.startswith("  uj "))]
    assert max(map(cells, lines)) <= terminal
    assert "a channel: raw counts, counts over all wraps" in " ".join(told.split())


def test_a_bad_query_is_a_usage_error_in_one_sentence(path, capsys):
    assert cli.main(["sql", str(path), "selec 1"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("uj: Parser Error: syntax error")
    assert told.err.count("\n") == 1


def test_a_missing_trace_is_a_failure(tmp_path, capsys):
    assert cli.main(["sql", str(tmp_path / "none.arrows"), "select 1"]) == 1
    assert "cannot open" in capsys.readouterr().err


@pytest.mark.parametrize("example", ["query_duckdb", "query_ibis"])
def test_the_examples_run(path, example):
    for library in example.split("_")[1:]:
        pytest.importorskip(library, reason=f"the example is of {library}")
    pytest.importorskip("polars")
    command = [sys.executable, "-W", "error", EXAMPLES / f"{example}.py", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "package-0" in done.stdout
    assert "energy_j" in done.stdout


@pytest.mark.usefixtures("not_ignoring_interrupts")
@pytest.mark.parametrize("wait_s", [0, 0.02, 0.1, 0.5])
def test_ctrl_c_ends_a_long_query_without_a_traceback(path, wait_s):
    sql = "select sum(a.range * b.range) from range(10000000) a, range(10000000) b"
    command = [sys.executable, "-m", "microjoule", "sql", path, sql]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        try:
            # Before that Python itself may be what hears it. From then on it is at any point of the import.
            while "_duckdb" not in Path(f"/proc/{started.pid}/maps").read_text():
                time.sleep(0.01)
            time.sleep(wait_s)
            started.send_signal(signal.SIGINT)
            started.wait(60)
        finally:
            started.kill()
        told = started.stderr.read()
    assert (started.returncode, told) == (130, "")


def test_the_help_names_each_table(path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["sql", "--help"])
    named = re.findall(r"^  (\w+)  *one row", capsys.readouterr().out, re.MULTILINE)
    assert cli.main(["sql", str(path), "--csv"]) == 0
    listed = [line.partition(",")[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert named == list(dict.fromkeys(listed))
