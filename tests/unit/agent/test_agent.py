"""``uj agent`` as its clients meet it: found by itself, exact to the last count, without privilege."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scripted
from agents import UNIT, agent, as_user, open_folder, sockets, written_machine

import microjoule as uj
from microjoule.cli import main
from microjoule.errors import AgentSilent, NoUpdate, SourceUnavailable
from microjoule.learning import calibrate
from microjoule.learning.measurable import site_of
from microjoule.recording import Meter, RawRecorder
from microjoule.recording import agent_lane as lanes
from microjoule.recording.plan import plan
from microjoule.sources import Cause, Machine, Obstacle, Survey, agent_offer, choose, needs_agent, survey
from microjoule.sources import agent as source
from microjoule.sources.survey import closed_by

IDS = ("package-0", "package-0/dram")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture(scope="module")
def served():
    """A machine with an agent: its root, the root of its clients, its counters and the agent's process."""
    with open_folder() as folder:
        counters = written_machine(folder / "machine")
        client = folder / "client"
        with agent(folder / "machine", client) as process:
            yield folder / "machine", client, counters, process


def recorder(path, root, **options):
    return RawRecorder(plan(path, Meter(root=root, **options)))


def test_the_agent_is_found_and_its_channels_are_those_of_the_machine(served):
    root, client, _, _ = served
    direct = {c.id: c for c in choose(survey(Machine(root)), ["script"])}
    found = {c.id: c for c in choose(survey(Machine(client)))}
    assert set(found) == set(IDS)
    for name, channel in found.items():
        assert channel.source == source.NAME
        kept = ("id", "place", "hw_type", "kind", "encoding", "scale", "timing", "trust")
        assert all(getattr(channel, each) == getattr(direct[name], each) for each in kept)


def test_clients_get_the_counts_that_a_direct_reading_gets(served, tmp_path):
    """The agent's client and who may read the counters record the same steps: their energies are equal."""
    root, client, counters, _ = served
    paths = tmp_path / "client.arrows", tmp_path / "direct.arrows"
    with recorder(paths[0], client) as one, recorder(paths[1], root, sources=["script"]) as other:
        first = {name: counters[name].value for name in IDS}
        with one.window("w"), other.window("w"):
            for place in (0, 2, 1, 3, 0):
                time.sleep(0.05)
                for name in IDS:
                    counters[name].count_up(place)
            time.sleep(0.05)
        expected = {name: counters[name].value - first[name] for name in IDS}
    assert all(expected.values())
    through, direct = uj.load(paths[0]), uj.load(paths[1])
    for name in IDS:
        exact_j = float(expected[name] * UNIT)
        energies = [trace.energy("w")[name] for trace in (through, direct)]
        assert all(each.low <= exact_j <= each.high for each in energies)
        raws = [raw_values(path, name) for path in paths]
        # The same values in the same order; how often each was read is each sampler's own.
        assert raws[0] == raws[1]
        assert len(raws[0]) == 6


def wait_for_a_reading(recording):
    """Until each lane has taken a round of reads that began after now."""
    for lane in recording._lanes:
        before, now_ns = lane.counts()["ticks"], time.monotonic_ns()
        is_agent = isinstance(lane, lanes.AgentLane)
        while lane._feed.newest_ns < now_ns if is_agent else lane.counts()["ticks"] < before + 2:
            time.sleep(0.01)


def raw_values(path, name):
    """The values that a channel had, each once, in their order."""
    with pa.ipc.open_stream(path) as stream:
        table = stream.read_all()
    raw = table["raw"].to_numpy()[table["channel"].cast(pa.utf8()).to_numpy() == name]
    return raw[np.flatnonzero(np.diff(raw, prepend=raw[0] - 1))].tolist()


def test_the_trace_says_that_the_readings_came_through_the_agent(served, tmp_path, capsys):
    _, client, _, _ = served
    path = tmp_path / "t.arrows"
    with recorder(path, client):
        pass
    trace = uj.load(path)
    assert trace.facts["agent"]["view"] == "full"
    (lane,) = trace.facts["lanes"].values()
    assert lane["sampled_by"] == "agent"
    assert lane["agent"]["path"] == str(sockets(client) / "agent.sock")
    assert main(["report", str(path), "--verbose"]) == 0
    assert "read through the agent" in capsys.readouterr().out


def test_a_command_is_measured_through_the_agent(tmp_path):
    scripted.machine(tmp_path / "machine")
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "microjoule", "run", "--root", str(tmp_path), "--calibration", "none"]
    with agent(tmp_path / "machine", tmp_path):
        subprocess.run(
            [*command, "--json", str(report), "--", "sleep", "0.3"], check=True, capture_output=True
        )
    (window,) = json.loads(report.read_text())["windows"]
    for each, power_w in zip(window["channels"], (scripted.PACKAGE_W, scripted.DRAM_W), strict=True):
        assert each["source"] == "agent"
        low_j, high_j = each["guaranteed_j"]
        assert low_j <= power_w * window["duration_s"] <= high_j


def test_the_agent_has_given_up_all_that_it_does_not_need(served):
    process = served[3]
    folder = Path(f"/proc/{process.pid}")
    status = dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines())
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name], 16) == 0
    became = "65534" if os.geteuid() == 0 else str(os.geteuid())
    assert set(status["Uid"].split()) == {became}
    for thread in (folder / "task").iterdir():
        told = (thread / "status").read_text()
        assert "Seccomp:\t2" in told
        assert "CapEff:\t0000000000000000" in told


@needs_root
def test_everybody_else_gets_the_coarse_view(served):
    client = served[1]

    def see() -> None:
        found = survey(Machine(client))
        (one,) = (each for each in found if each.source == source.NAME)
        assert one.facts["agent"]["view"] == "coarse"
        assert {channel.id for channel in one.channels} == set(IDS)
        assert all(channel.scale.unit == 1 for channel in one.channels)
        assert any("coarse view" in obstacle.what for obstacle in one.obstacles)

    assert as_user(54321, see) == 0


@needs_root
def test_a_coarse_reading_is_the_counter_rounded_down(served, tmp_path):
    """A client that cannot open the full view's socket records the coarse one."""
    _, client, counters, _ = served
    other = tmp_path / "other"
    sockets(other).mkdir(parents=True)
    (sockets(other) / "coarse.sock").symlink_to(sockets(client) / "coarse.sock")
    path = tmp_path / "t.arrows"
    with recorder(path, other) as recording:
        assert {channel.id for channel in recording.channels} == set(IDS)
        counters["package-0"].count_up(5)
        value = counters["package-0"].value
    raws = raw_values(path, "package-0")
    assert raws[-1] == value >> 14
    assert uj.load(path).facts["agent"]["view"] == "coarse"


def test_what_only_a_reader_can_do_is_refused_or_left_out(served, tmp_path, capsys):
    """A mode that waits for updates by reading, and what is learnt by reading."""
    client = served[1]
    meter = Meter(root=client)
    with pytest.raises(NoUpdate, match="an agent reads package-0"):
        uj.measure(lambda: None, mode="edge", repeat=1, meter=meter)
    found = [channel for one in survey(Machine(client)) for channel in one.channels]
    assert [one.channel for one in calibrate(found, Machine(client), 0.1).channels] == []
    assert site_of(client, None, None).listed == ()
    main(["probe", "--root", str(client)])
    assert "agent: read by" in capsys.readouterr().out
    main(["probe", "--root", str(tmp_path)])
    assert "agent: read by" not in capsys.readouterr().out  # where none runs, nothing is said


def test_an_agent_that_is_killed_leaves_a_named_gap_and_the_next_one_is_used(tmp_path, monkeypatch):
    monkeypatch.setattr(lanes, "AWAY_NS", 10**9)
    monkeypatch.setattr(lanes, "_ASK_AGAIN_NS", 10**8)
    counters = written_machine(tmp_path / "machine")
    path = tmp_path / "t.arrows"
    said = []
    with agent(tmp_path / "machine", tmp_path / "client") as first:
        planned = plan(path, Meter(root=tmp_path / "client"))
        recording = RawRecorder(replace(planned, drain_s=0.1, say=said.append)).open()
        with recording.window("w"):
            first.kill()
            first.wait()
            killed_ns = time.monotonic_ns()
            while not said:
                time.sleep(0.05)
            counters["package-0"].count_up(3)
            with agent(tmp_path / "machine", tmp_path / "client"):
                started_ns = time.monotonic_ns()
                while len(said) < 2:
                    time.sleep(0.05)
                counters["package-0"].count_up(2)
                time.sleep(0.2)
                recording.close()
    assert "has published nothing for" in said[0]
    assert "is back" in said[1]
    trace = uj.load(path)
    (gap,) = trace.gaps
    assert gap.t0_ns <= killed_ns
    assert killed_ns < gap.t1_ns <= started_ns + 10**9 or gap.t1_ns > started_ns
    assert "agent" in gap.cause
    # The counter went on: what it counted meanwhile is there.
    assert raw_values(path, "package-0")[-1] - raw_values(path, "package-0")[0] == 1100


def test_an_agent_that_stays_away_leaves_a_gap_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(lanes, "AWAY_NS", 10**9)
    written_machine(tmp_path / "machine")
    path = tmp_path / "t.arrows"
    said = []
    with agent(tmp_path / "machine", tmp_path / "client") as process:
        planned = plan(path, Meter(root=tmp_path / "client"))
        with RawRecorder(replace(planned, drain_s=0.1, say=said.append)):
            process.kill()
            while not said:
                time.sleep(0.05)
    (gap,) = uj.load(path).gaps
    assert gap.t1_ns > gap.t0_ns


def test_without_an_agent_nothing_is_said_and_with_a_dead_one_what_to_do(tmp_path):
    found = source.survey(Machine(tmp_path))
    assert [obstacle.cause for obstacle in found.obstacles] == ["no such hardware"]
    written_machine(tmp_path / "machine")
    with agent(tmp_path / "machine", tmp_path) as process:
        process.kill()
        process.wait()
        found = source.survey(Machine(tmp_path))
    assert {obstacle.cause for obstacle in found.obstacles} == {"failing"}
    assert all("is gone" in one.what and "systemctl status" in one.remedy for one in found.obstacles)
    with pytest.raises(SourceUnavailable, match="is gone"):
        agent_offer.ask(sockets(tmp_path) / "agent.sock")


def test_an_agent_that_hangs_is_waited_for_once_and_shortly_where_it_is_not_needed(tmp_path, monkeypatch):
    """Both sockets are one process's; what is read directly needs no answer."""
    folder = sockets(tmp_path)
    folder.mkdir(parents=True)
    asked = []

    def silent(path, answer_s):
        asked.append((path.name, answer_s))
        raise AgentSilent("It does not answer")

    monkeypatch.setattr(agent_offer, "ask", silent)
    for view in ("agent.sock", "coarse.sock"):
        (folder / view).touch()
    survey(Machine(tmp_path))  # nothing can be read without it
    zone = tmp_path / "sys/class/powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    for name, text in {
        "name": "package-0",
        "energy_uj": "1000",
        "max_energy_range_uj": "262143328850",
    }.items():
        (zone / name).write_text(f"{text}\n")
    found = {one.source: one for one in survey(Machine(tmp_path))}
    assert found["powercap"].channels
    assert asked == [("agent.sock", agent_offer.ANSWER_S), ("agent.sock", 0.3)]


def test_an_agent_is_needed_where_no_other_interface_reads_what_one_has_closed(tmp_path):
    written_machine(tmp_path)
    package, dram = choose(survey(Machine(tmp_path)), ["script"])
    obstacle = Obstacle(Cause.PERMISSION, "closed")

    def needed(read, closed, source="rapl_msr"):
        shut = Survey(source, "root", closed=closed_by(obstacle, closed))
        return needs_agent([Survey("rapl_perf", "root", channels=read), shut])

    assert needed((), ())
    assert needed((), (package,))
    assert needed((package,), (package, dram))
    assert not needed((package, dram), (package, dram))
    assert not needed((package,), ())
    assert not needed((package,), (dram,), "rapl_cores")  # taken where it is named only


def test_a_second_agent_and_a_file_in_the_way_are_refused_and_a_dead_socket_is_replaced(tmp_path):
    written_machine(tmp_path / "machine")
    with agent(tmp_path / "machine", tmp_path) as process:
        with (
            pytest.raises(AssertionError, match="Another agent serves"),
            agent(tmp_path / "machine", tmp_path),
        ):
            pass
        agent_offer.ask(sockets(tmp_path) / "agent.sock").close()  # the first one is unharmed
        process.kill()
        process.wait()
        with agent(tmp_path / "machine", tmp_path):
            agent_offer.ask(sockets(tmp_path) / "agent.sock").close()
    path = sockets(tmp_path) / "agent.sock"
    path.unlink()
    path.write_text("precious")
    with pytest.raises(AssertionError, match="is not a socket"), agent(tmp_path / "machine", tmp_path):
        pass
    assert path.read_text() == "precious"


def test_a_terminated_agent_exits_well(tmp_path):
    written_machine(tmp_path / "machine")
    with agent(tmp_path / "machine", tmp_path, "--no-coarse") as process:
        assert not (sockets(tmp_path) / "coarse.sock").exists()
        process.terminate()
        assert process.wait(60) == 0
