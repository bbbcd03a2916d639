"""``uj overhead``, and the recordings that say from it what sampling took."""

import json
import sys

import pytest
from scripted import machine

import microjoule as uj
from microjoule.cli import main
from microjoule.cli.sampling_cost_line import path_of
from microjoule.host.key import host_key
from microjoule.host.sampling_cost import RECORDER, THINNED, Cost, Mean, Overhead, Way, load, save
from microjoule.joules.summary import summary
from microjoule.learning import paired_blocks as blocks
from microjoule.learning import sampling_loops as subject
from microjoule.sources.machine import Machine

QUICK = ("--max-time", "60s", "--rate", "2000", "--pace", "sleep", "--load", "busy")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """As few pairs as say anything, and drains in quick succession: blocks are as long as between two."""
    monkeypatch.setattr(blocks, "PAIRS_MAX", blocks.PAIRS_MIN)
    monkeypatch.setattr(subject, "DRAIN_S", 0.05)


@pytest.fixture
def root(tmp_path):
    """A scripted machine with a name and a kernel."""
    folder = machine(tmp_path / "root") / "proc/sys/kernel"
    folder.mkdir(parents=True)
    (folder / "hostname").write_text("bench\n")
    (folder / "osrelease").write_text("6.1\n")
    return tmp_path / "root"


def overhead(root, *words):
    return main(["overhead", "--root", str(root), *map(str, words)])


def keep(root, subject, share=0.003, half=0.001):
    cost = Cost(
        subject=subject,
        channels={"script": 2},
        way=Way(rate_hz=1000.0, load="busy"),
        taken_realtime_ns=1_795_000_000_000_000_000,
        ticks=1000,
        loss_share=Mean(value=share, U=half, n=8),
    )
    host = host_key(Machine(root))
    path = path_of(host.hostname)
    save(Overhead(host=host, taken_realtime_ns=0, costs=(cost,)), path)
    return path


def record(root, *words):
    trace = root / "t.arrows"
    command = ["record", "-o", str(trace), "--root", str(root), "--source", "script", "--for", "200ms"]
    assert main([*command, *map(str, words)]) == 0
    return trace


def test_it_prints_a_table_keeps_a_file_and_writes_json(root, home, capsys):
    target = root / "o.json"
    assert overhead(root, *QUICK, "--json", target) == 0
    said = capsys.readouterr()
    for word in ("script: package-0", "empty loop", "recorder", "lost %", "late µs", "2 kHz", "2 channels"):
        assert word in said.out
    assert "\x1b" not in said.err  # no progress where there is no terminal
    plain = json.loads(target.read_text())
    assert plain["schema"] == "microjoule.host.sampling_cost/1"
    assert {cost["subject"] for cost in plain["costs"]} >= {"script: package-0", "empty loop"}
    assert (
        load(home / "microjoule/overhead/bench.json", host_key(Machine(root))).to_json()
        == Overhead.from_json(plain).to_json()
    )


def test_a_second_run_adds_to_the_first(root, capsys):
    kept = keep(root, RECORDER)
    assert overhead(root, *QUICK, "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["costs"]
    subjects = {cost.subject for cost in load(kept).costs}
    assert {RECORDER, "script: package-0"} <= subjects


def test_a_report_says_what_sampling_took_and_that_it_is_estimated(root, capsys):
    keep(root, RECORDER)
    trace = record(root)
    assert main(["report", "-v", str(trace), "--json", str(root / "r.json")]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines()[1:])) <= 80, text  # the first line is the path of the trace
    said = " ".join(text.split())
    line = "sampling took 0.30 % ± 0.10 % of a core (estimated: victim loop, 1000 Hz, taken 2026-11-18)"
    assert line in said
    engine = json.loads((root / "r.json").read_text())["engine"]
    assert engine["overhead"]["share_of_core"] == 0.003
    assert engine["overhead"]["provenance"] == "estimated"


def test_a_report_says_nothing_where_nothing_alike_was_measured(root, capsys):
    keep(root, THINNED)
    assert "overhead" not in uj.load(record(root)).facts
    keep(root, RECORDER)
    assert "overhead" not in uj.load(record(root, "--rate", "500")).facts
    assert main(["report", str(record(root, "--rate", "500"))]) == 0
    assert "sampling took" not in capsys.readouterr().out


def test_a_recorder_of_a_program_takes_the_file_by_its_path(root):
    kept = keep(root, RECORDER)
    with uj.record(root / "p.arrows", uj.Meter(root=root, sources=["script"], overhead=kept)):
        pass
    assert uj.load(root / "p.arrows").facts["overhead"]["U"] == 0.001


def test_a_kept_file_that_cannot_be_used_is_a_warning(root, capsys):
    keep(root, RECORDER).write_text("{")
    assert "overhead" not in uj.load(record(root)).facts
    assert "will not contain the cost of sampling" in capsys.readouterr().err


def test_a_machine_that_tells_nothing_is_not_kept(tmp_path, home, capsys):
    folder = machine(tmp_path / "nameless")
    assert overhead(folder, *QUICK) == 0
    assert "nothing is kept for it" in capsys.readouterr().err
    assert not home.exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--source", "nonsense"], 2, "There is no source 'nonsense'"),
        (["--source", "cray"], 3, "Source cray"),
        (["--rate", "0.1"], 2, "0.1 Hz is out of range. Choose 1 to 20000 Hz"),
        (["--rate", "fast"], 2, "invalid float value"),
        (["--pace", "fast"], 2, "There is no pace 'fast'"),
        (["--load", "heavy"], 2, "There is no load 'heavy'"),
        (["--cpu", "4095"], 2, "may not run on CPU 4095"),
        (["--plot", "picture.bmp"], 2, "End its name in .svg, .png, .pdf"),
        (["--json", "/nowhere/o.json"], 1, "Create its folder first"),
        (["--max-time", "soon"], 2, "is not a duration"),
    ],
)
def test_what_cannot_be_asked_for_is_one_sentence(root, home, capsys, words, code, said):
    try:
        got = overhead(root, *words)
    except SystemExit as error:
        got = error.code
    told = capsys.readouterr()
    assert got == code
    assert said in told.err
    assert not told.out
    assert not home.exists()


def test_a_plot_without_matplotlib_is_one_sentence_before_anything_is_measured(root, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    assert overhead(root, "--plot", root / "o.svg") == 1
    assert "pip install 'microjoule[plot]'" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_plot_is_drawn(root, suffix):
    pytest.importorskip("matplotlib")
    from microjoule.report.overhead_plot import draw

    plain = load(keep(root, RECORDER)).to_json() | {"machine": {"cpu_name": "A CPU", "kernel": "6.1"}}
    draw(plain, root / f"o.{suffix}")
    assert (root / f"o.{suffix}").stat().st_size > 1000


def test_nothing_measured_is_nothing_kept(root, home, capsys):
    assert overhead(root, "--max-time", "1ms") == 3
    said = capsys.readouterr()
    assert "raise --max-time" in said.out
    assert "nothing is kept" in said.err
    assert not home.exists()


@pytest.mark.parametrize(("grant", "is_said"), [("yes", True), ("not asked", True), ("refused: no", False)])
def test_a_lane_that_was_refused_its_pace_was_not_as_measured(root, grant, is_said):
    keep(root, RECORDER)
    trace = uj.load(record(root))
    trace.facts["lanes"]["package-0"]["fifo"] = grant
    assert (summary(trace)["engine"]["overhead"] is not None) == is_said


def test_without_any_channel_the_empty_loop_is_measured(tmp_path, capsys):
    folder = tmp_path / "empty"
    folder.mkdir()
    assert overhead(folder, *QUICK) == 0
    said = capsys.readouterr().out
    assert "empty loop" in said
    assert "no measured energy counter" in said
