"""``uj probe --calibrate`` and the recordings that use what it learnt."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from scripted import MS, PACKAGE_W, channel, machine, steady

import microjoule as uj
from microjoule.cli import main
from microjoule.cli.probe_calibrate import as_text, path_of
from microjoule.host.calibration import Calibration, LearnedPower, Learnt, Spread, load, save
from microjoule.host.key import host_key
from microjoule.sources.machine import Machine
from microjoule.sources.script import Entry, script_text, write_machine
from microjoule.text_width import on_terminal


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


@pytest.mark.parametrize("columns", [40, 80])
def test_what_was_learnt_fits_the_terminal_and_is_known_to_95_percent(columns):
    read = Spread(median_ns=411, p5_ns=400, p95_ns=500, p99_ns=5_968_000, max_ns=6_000_000)
    update = Spread(median_ns=975_000, p5_ns=970_000, p95_ns=982_000, p99_ns=990_000, max_ns=990_000)
    one = Learnt(
        channel="package-0",
        source="powercap",
        edges=1354,
        read=read,
        update=update,
        resolution_ns=2_574_000,
        idle=LearnedPower(value_w=200.0312, u_w=0.11),
    )
    still = replace(one, channel="package-0/dram", edges=0, update=None, idle=None, note="stood " * 30)
    host = host_key(Machine("/nonexistent"))
    found = Calibration(host=host, taken_realtime_ns=0, channels=(one, still))
    with on_terminal(columns):
        lines = "\n".join(as_text(found)).splitlines()
    assert max(map(len, lines)) < columns
    assert "  idle: 200.0 W ± 0.3 W" in lines
    assert not any(line.endswith(" -") for line in lines)


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


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize(
    ("part", "said"),
    [("hostname", "of host 'mill'"), ("cpu", "of CPU 'x 6 85 7'"), ("kernel", "of kernel '5.10'")],
)
def test_a_calibration_of_another_machine_or_kernel_is_reported_and_not_used(
    tmp_path, home, capfd, is_named, part, said
):
    root = named(machine(tmp_path))
    theirs = {"hostname": "mill", "cpu": "x 6 85 7", "kernel": "5.10"}[part]
    learnt = Learnt(channel="package-0", source="script", lag_ns=7 * MS, lag_min_ns=6 * MS)
    host = replace(host_key(Machine(root)), **{part: theirs})
    path = tmp_path / "own.json" if is_named else path_of("bench")
    save(Calibration(host=host, taken_realtime_ns=1, channels=(learnt,)), path)
    words = ["run", "-o", str(tmp_path / "r.arrows"), "--root", str(root), "--source", "script"]
    words += ["--calibration", str(path)] if is_named else []
    code = subprocess.run(
        [sys.executable, "-m", "microjoule", *words, "--", "sh", "-c", "sleep 0.1; exit 7"],
        env={**os.environ, "XDG_DATA_HOME": str(home)},
    ).returncode
    assert code == 7  # the command's own
    error = capfd.readouterr().err
    assert said in error
    assert "It is not used. Run `uj probe --calibrate`" in error
    trace = uj.load(tmp_path / "r.arrows")
    assert "calibration" not in trace.facts
    assert trace.channels["package-0"].timing.lag_ns < 6 * MS


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
        (["--rate", "fast"], 2, "is not a rate: write samples a second"),
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
