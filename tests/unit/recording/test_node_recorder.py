"""What a node's recorder makes of what comes over its sockets, which may be anything."""

import json
import os
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from scripted import machine

import microjoule as uj
from microjoule.errors import MicrojouleError
from microjoule.recording import node_member, node_recorder
from microjoule.recording.launch import Launch
from microjoule.recording.marking import now
from microjoule.recording.meter import Meter
from microjoule.recording.node_member import NodeMember
from microjoule.recording.node_recorder import NodeRecorder, refused
from microjoule.recording.node_socket import LINE_MAX, Lines, address, joined
from microjoule.recording.plan import plan
from microjoule.recording.recorder import RawRecorder


def line(**message):
    return json.dumps(message).encode() + b"\n"


HELLO = line(hello={"n_local": 2, "attributes": {"rank": 0, "launcher": "torchrun"}, "marks": "memfd:1:2:3"})
TAKES_TRACE = HELLO.replace(b'"n_local"', b'"takes_trace": true, "n_local"')
DONE = line(losses={"full": 2, "lost": -5, "damaged": "x", "more": 1}, done={"exit_code": 0})


@contextmanager
def node(tmp_path, rate=None):
    """A serving recorder, the name of its socket, and the trace that it leaves."""
    name = f"\0microjoule-test-{os.getpid()}-{now()}"
    found = RawRecorder(
        plan(tmp_path / "n.arrows", Meter(rate=rate, sources=("script",), root=machine(tmp_path / "root")))
    )
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        with found:
            serving = NodeRecorder(listener, found)
            thread = threading.Thread(target=serving.serve)
            thread.start()
            yield name
            thread.join(60)
            assert not thread.is_alive()
        serving.close({"path": str(found.path), "is_whole": True})


@contextmanager
def connected(name):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(name)
        connection.settimeout(30)
        yield connection


def answer(connection):
    """The next message."""
    text = b""
    while not text.endswith(b"\n"):
        part = connection.recv(1)
        if not part:
            return None
        text += part
    return json.loads(text)


def answer_of(connection, word):
    """What the first message with this word says; signs of life come before it."""
    while word not in (message := answer(connection)):
        pass
    return message[word]


def mark(kind, number, label=""):
    return [kind, now(), number, label]


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\n",
        b"[1, 2]\n",
        b"x" * (LINE_MAX + 10),
        line(marks=[[1, 2], "begin", ["begin", -1, 2, "x"], ["begin", 1 << 62, 2, "x"], ["stop", 5, 2, "x"]]),
        line(marks={"begin": 1}, losses=[1], hello=7, done=None),
        line(hello={"attributes": 5, "n_local": "many", "marks": 3}) + line(hello={"attributes": {}}),
        b"\xff\xfe\n",
        b"",
    ],
)
def test_whatever_one_process_sends_the_marks_of_another_are_kept(tmp_path, sent):
    with node(tmp_path) as name, connected(name) as good:
        good.sendall(HELLO)
        ready = answer(good)
        assert ready["ready"] == str((tmp_path / "n.arrows").absolute())
        assert 0 < ready["settle_s"] < 1
        with connected(name) as bad:
            try:
                bad.sendall(sent)
            except OSError:
                assert len(sent) > LINE_MAX  # it was cut off
        good.sendall(line(marks=[mark("begin", 1, "work")]))
        good.sendall(line(marks=[mark("end", 1)]))
        good.sendall(DONE)
    trace = uj.load(tmp_path / "n.arrows")
    assert trace.window("work").duration_ns > 0
    assert {each.name for each in trace.windows} == {"rank", "work"}
    good_rank = next(each for each in trace.named("rank") if "launcher" in each.attributes)
    assert good_rank.attributes["exit_code"] == 0
    assert trace.lost_marks == {"full": 2, "lost": 0, "damaged": 0}


def test_numbers_of_two_ranks_are_never_one_window(tmp_path):
    with node(tmp_path) as name, connected(name) as one, connected(name) as other:
        for rank, connection in enumerate((one, other)):
            connection.sendall(HELLO + line(marks=[mark("begin", 5, f"of {rank}")]))
            answer(connection)
        one.sendall(line(marks=[mark("end", 5)]))
        other.sendall(line(marks=[mark("end", 5 + (7 << 60))]))  # a number beyond what a ring has
        one.sendall(DONE)
        assert answer_of(one, "left") == 1
        other.sendall(DONE)
    trace = uj.load(tmp_path / "n.arrows")
    assert [trace.window(f"of {rank}").is_open for rank in (0, 1)] == [False, False]


def test_a_rank_that_never_comes_is_not_waited_for_without_end(tmp_path, monkeypatch):
    with node(tmp_path) as name, connected(name) as only:
        only.sendall(HELLO)  # which says that there are two
        answer(only)
        monkeypatch.setattr(node_recorder, "LATE_S", 0.2)  # not before: connecting may take as long
        only.sendall(DONE)
    assert not uj.load(tmp_path / "n.arrows").is_truncated


def test_of_ranks_that_end_at_once_one_hears_that_the_trace_is_complete(tmp_path, monkeypatch):
    """It prints the report, which is of the node."""
    answers = NodeRecorder._answer
    monkeypatch.setattr(NodeRecorder, "_answer", lambda self: (answers(self), time.sleep(0.2)))
    both, heard = threading.Barrier(2), []

    def rank(connection):
        connection.sendall(HELLO)
        answer(connection)
        both.wait(30)
        connection.sendall(DONE)  # while the recorder is not looking
        heard.append(next(iter(answer(connection))))
        connection.close()

    with node(tmp_path) as name:
        threads = []
        for _ in range(2):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(name)
            threads.append(threading.Thread(target=rank, args=(connection,)))
            threads[-1].start()
    for each in threads:
        each.join(60)
    assert sorted(heard) == ["closed", "left"]


def test_a_rank_is_let_go_once_a_reading_after_its_end_is_in_the_file(tmp_path, monkeypatch):
    """A busy machine may keep the sampler away for longer; here it reads once a second."""
    monkeypatch.setattr(RawRecorder, "settle_s", 0.0)
    with node(tmp_path, rate=1) as name, connected(name) as one, connected(name) as other:
        for each in (one, other):
            each.sendall(TAKES_TRACE)
            answer(each)
        time.sleep(0.2)
        t_ns = now()
        one.sendall(DONE)
        assert answer_of(one, "left") == 1
        so_far = uj.load(tmp_path / "n.arrows")
        assert so_far.is_truncated
        assert all(so_far.series(channel).t_ns[-1] > t_ns for channel in so_far.channels)
        other.sendall(DONE)
        answer(other)


def test_a_rank_does_not_wait_for_ever_for_a_sampler_that_is_kept_away(tmp_path, monkeypatch):
    monkeypatch.setattr(RawRecorder, "has_read", lambda *_: False)
    monkeypatch.setattr(node_recorder, "LATE_READING_S", 0.3)
    with node(tmp_path) as name, connected(name) as one, connected(name) as other:
        for each in (one, other):
            each.sendall(TAKES_TRACE)
            answer(each)
        one.sendall(DONE)
        assert answer_of(one, "left") == 1
        other.sendall(DONE)
        answer(other)


def test_ranks_that_wait_have_the_trace_written_once_for_all_of_them(tmp_path, monkeypatch):
    """Each time the recorder looks, and not once more when they are let go."""
    written, looks, settled, answers = [], [], RawRecorder.settled, NodeRecorder._answer
    monkeypatch.setattr(RawRecorder, "settled", lambda self, s: written.append(s) or settled(self, s))
    monkeypatch.setattr(NodeRecorder, "_answer", lambda self: (looks.append(len(written)), answers(self)))
    with (
        node(tmp_path, rate=10) as name,
        connected(name) as one,
        connected(name) as two,
        connected(name) as last,
    ):
        for each in (one, two, last):
            each.sendall(TAKES_TRACE)
            answer(each)
        one.sendall(DONE)
        two.sendall(DONE)
        assert [answer_of(each, "is_whole") for each in (one, two)] == [True, True]
        last.sendall(DONE)
        answer(last)
    assert len(written) > 0
    assert max(np.diff([*looks, len(written)])) == 1


def test_nobody_at_all_ends_it_too(tmp_path, monkeypatch):
    monkeypatch.setattr(node_recorder, "LATE_S", 0.2)
    with node(tmp_path):
        pass
    assert uj.load(tmp_path / "n.arrows").windows == ()


def test_ranks_hear_why_nothing_is_recorded():
    name = f"\0microjoule-test-{os.getpid()}-{now()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        thread = threading.Thread(target=refused, args=(listener, "no counter", 1.0))
        thread.start()
        for _ in range(2):
            with connected(name) as connection:
                assert answer(connection) == {"failed": "no counter"}
        thread.join(30)


def test_lines_come_in_any_pieces():
    ours, theirs = socket.socketpair()
    lines = Lines(ours)
    assert lines.read() == []
    text = line(a=1) + line(b=[2])
    for byte in (text[:3], text[3:12], text[12:]):
        theirs.sendall(byte)
        time.sleep(0)
    found = []
    while len(found) < 2:
        found += lines.read()
    assert found == [{"a": 1}, {"b": [2]}]
    theirs.close()
    assert lines.read() == []
    assert not lines.is_open
    ours.close()


def test_a_name_of_another_listener_that_answers_nothing_is_connected_to_and_started_once():
    name = f"\0microjoule-test-{os.getpid()}-{now()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        connection, has_started = joined(name, lambda _: None)
        assert not has_started
        connection.close()


def test_ranks_of_different_traces_attempts_nodes_or_jobs_share_no_name(tmp_path):
    first = Launch(launcher="slurm", job="7", node="n1", rank=0, attempt="7\n0")
    others = [
        address(first._replace(attempt="7\n1"), tmp_path / "a"),
        address(first._replace(node="n2"), tmp_path / "a"),
        address(first, tmp_path / "b"),
        address(first, None),
    ]
    names = {address(first, tmp_path / "a"), *others}
    assert len(names) == 5
    assert address(first._replace(rank=3, local_rank=3), tmp_path / "a") in names - set(others)
    assert all(len(name) < 108 for name in names)  # sun_path of unix(7)


def test_a_recorder_that_takes_no_connection_is_an_error():
    with pytest.raises(MicrojouleError, match="cannot be reached"):
        joined("\0" + "x" * 200, lambda _: None)


def test_a_rank_that_waits_for_the_trace_has_signs_of_life(tmp_path):
    """Here for a rank that is still to come."""
    with node(tmp_path) as name, connected(name) as connection:
        connection.sendall(HELLO + DONE)
        with connection.makefile() as lines:
            assert "ready" in json.loads(lines.readline())
            assert json.loads(lines.readline()) == {"alive": True}


@pytest.mark.parametrize("n_signs", [0, 30], ids=["silent", "slow"])
def test_a_rank_waits_for_its_recorder_while_that_gives_signs_of_life(monkeypatch, n_signs):
    monkeypatch.setattr(node_member, "ANSWER_S", 1e6)
    monkeypatch.setattr(node_member, "SILENT_S", 2.0)
    name, said, ends = f"\0microjoule-test-{os.getpid()}-{now()}", [], threading.Event()

    def serve(listener):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(line(ready="/t.arrows", numbers=0, settle_s=0))
            if n_signs:
                for _ in range(n_signs):
                    connection.sendall(line(alive=True))
                    ends.wait(0.1)
                connection.sendall(line(left=1, is_whole=True))
            ends.wait(60)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        hello = {"n_local": None, "attributes": {}, "takes_trace": True}
        member = NodeMember(name, hello, lambda _: None, said.append)
        member.join()
        answer = member.end({})
        ends.set()
        serving.join()
        member.close()
    assert answer == ({"left": 1, "is_whole": True} if n_signs else None)
    assert [each.partition(":")[0] for each in said] == (
        [] if n_signs else ["This node's recorder does not answer any more"]
    )
