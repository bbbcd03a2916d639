"""``uj probe --calibrate`` and the recordings that use what it learnt."""

import json
import subprocess
import sys

import pytest
from scripted import MS, PACKAGE_W, channel, machine, steady

import microjoule as uj
from microjoule.cli import main
from microjoule.cli.probe_calibrate import path_of
from microjoule.host.calibration import load
from microjoule.sources.script import Entry, script_text, write_machine


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def calibrate(root, *words):
    return main(["probe", "--root", str(root), "--calibrate", "--for", "300ms", *map(str, words)])


def record(root, *words):
    trace = root / "t.arrows"
    command = ["record", "-o", str(trace), "--root", str(root), "--source", "script", "--for", "200ms"]
    assert main([*command, *map(str, words)]) == 0
    return uj.load(trace)


def named(root):
    """The folder as that of a host with a name and a kernel; gives the folder back."""
    folder = root / "proc/sys/kernel"
    folder.mkdir(parents=True)
    (folder / "hostname").write_text("bench\n")
    (folder / "osrelease").write_text("6.1\n")
    return root


def test_a_calibration_is_shown_kept_and_used_by_later_recordings(tmp_path, home, capsys):
    root = named(machine(tmp_path))
    assert calibrate(root) == 0
    said = capsys.readouterr().out
    kept = home / "microjoule/calibration/bench.json"
    assert f"Kept in {kept}" in said
    for word in ("package-0/dram", "period", "idle", " ± ", "resolution", "quantum"):
        assert word in said
    learnt = load(kept).channels[0]
    trace = record(root, "--rate", "edges")
    assert trace.facts["calibration"]["channels"][0]["edges"] == learnt.edges
    assert trace.facts["lanes"]["package-0"]["one_in"] == 1
    assert trace.channels["package-0"].timing.update_ns == learnt.update.median_ns
    energy = trace.energy(trace.window("record"))["package-0"]
    assert energy.low <= PACKAGE_W * trace.window("record").duration_ns * 1e-9 <= energy.high
    assert "calibration" not in record(root, "--calibration", "none").facts


def test_another_file_may_be_named(tmp_path, home):
    root = machine(tmp_path)
    assert calibrate(root, "--calibration", tmp_path / "own.json") == 0
    assert not home.exists()
    assert "calibration" not in record(root).facts
    assert "calibration" in record(root, "--calibration", tmp_path / "own.json", "--edges", "5").facts


def test_a_file_that_was_named_must_do_and_the_hosts_own_need_not(tmp_path, capsys):
    root = machine(tmp_path)
    kept = path_of("unknown")
    kept.parent.mkdir(parents=True)
    kept.write_text("{")
    assert "calibration" not in record(root).facts
    assert "is damaged" in capsys.readouterr().err
    words = ["record", "-o", str(tmp_path / "u.arrows"), "--root", str(root), "--calibration", str(kept)]
    assert main([*words, "--for", "100ms"]) == 1
    assert "Run `uj probe --calibrate`" in capsys.readouterr().err


def test_a_machine_that_tells_nothing_is_not_kept(tmp_path, home, capsys):
    write_machine(tmp_path, [channel("package-0", "a.txt")])
    (tmp_path / "a.txt").write_text(script_text([Entry(raw=7)]))
    assert calibrate(named(tmp_path)) == 3
    assert "its reading never changed in 0.3 s" in capsys.readouterr().out
    assert not home.exists()


def test_a_folder_without_any_channel_is_not_kept(tmp_path, home):
    assert calibrate(named(tmp_path)) == 3
    assert not home.exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    root = machine(tmp_path)
    (tmp_path / "file").write_text("")
    assert calibrate(root, "--calibration", tmp_path / "file/c.json") == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--rate", "fast"], 2, "invalid rate value"),
        (["--edges", "-1"], 2, "One in -1 updates"),
        (["--rate", "0"], 2, "1 to 20000 Hz"),
    ],
)
def test_a_rate_that_is_none_is_usage(tmp_path, capsys, words, code, said):
    command = ["record", "-o", str(tmp_path / "t.arrows"), "--root", str(machine(tmp_path)), *words]
    try:
        got = main(command)
    except SystemExit as error:
        got = error.code
    assert got == code
    assert said in capsys.readouterr().err


def test_a_run_is_edge_locked_too(tmp_path):
    write_machine(tmp_path, [channel("package-0", "a.txt")])
    (tmp_path / "a.txt").write_text(steady(PACKAGE_W, 0))
    report = tmp_path / "r.json"
    words = ["--root", str(tmp_path), "--source", "script", "--rate", "edges", "--json", str(report)]
    done = subprocess.run(
        [sys.executable, "-m", "microjoule", "run", *words, "--", "sleep", "0.2"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (lane,) = json.loads(report.read_text())["engine"]["lanes"]
    assert lane["ticks"] > 0
    assert lane["rate_hz"] == pytest.approx(1e9 / MS)
