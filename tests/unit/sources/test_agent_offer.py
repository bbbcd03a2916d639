"""What a client makes of an agent's answer: an offer, or a sentence of what is wrong and what to do."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
import zlib
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import channel

from microjoule.errors import MicrojouleError, SourceUnavailable
from microjoule.sources import Cause, Machine, agent
from microjoule.sources.agent_offer import (
    COARSE,
    FOLDER,
    FULL,
    SOCKETS,
    Offer,
    OfferedLane,
    ask,
    packet,
    refusal,
    stamped,
)

LANE = OfferedLane(
    "package-0", (channel("package-0", "x"), channel("package-0/dram", "y")), {"rate_hz": 1000.0}
)
OFFER = Offer(view=FULL, microjoule="0.1.0", pid=42, lanes=(LANE,))


@contextmanager
def answering(path, answer, fds=()):
    """An agent that answers so, a function of nothing; None: not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    folder = os.open(path.parent, os.O_PATH)
    listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)
    listener.listen(8)
    kept = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            kept.append(connection)
            if answer is None:
                continue
            data = answer()
            if data:
                socket.send_fds(connection, [data], list(fds))
            connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
        for each in kept:
            each.close()


def table(**changed):
    plain = json.loads(zlib.decompress(packet(OFFER)))
    return zlib.compress(json.dumps({**plain, **changed}).encode())


def head(version=1, magic=b"uj-agent", now_ns=None):
    return struct.pack("<8sIq", magic, version, time.monotonic_ns() if now_ns is None else now_ns)


def test_an_offer_arrives_as_it_was_made(tmp_path):
    path = tmp_path / ("long-" * 30) / "agent.sock"  # more than the 108 bytes of an address
    with answering(path, lambda: stamped(packet(OFFER)), [0]):
        offer = ask(path)
    assert offer == OFFER
    assert not os.get_inheritable(offer.feeds[0])
    offer.close()


BOMB = zlib.compress(b" " * (1 << 25))
BAD = {
    "nothing": (lambda: b"", "hung up"),
    "garbage": (lambda: b"\x00" * 4000, "is not a microjoule agent"),
    "too short": (lambda: b"uj-agent", "is not a microjoule agent"),
    "newer": (
        lambda: head(2) + table(),
        "speaks version 2, and this microjoule speaks version 1. Update this",
    ),
    "older": (
        lambda: head(0) + table(),
        "speaks version 0, and this microjoule speaks version 1. Update the agent",
    ),
    "no table": (lambda: head() + b"x", "damaged"),
    "cut": (lambda: head() + table()[:-9], "damaged"),
    "no JSON": (lambda: head() + zlib.compress(b"{"), "damaged"),
    "a list": (lambda: head() + zlib.compress(b"[]"), "damaged"),
    "nothing in it": (lambda: head() + zlib.compress(b"{}"), "damaged"),
    "no lanes": (lambda: head() + table(lanes=[]), "damaged"),
    "another view": (lambda: head() + table(view="all"), "damaged"),
    "lanes without memory": (lambda: head() + table(lanes=[{}, {}]), "damaged"),
    "a channel without a unit": (
        lambda: head() + table(lanes=[{"name": "x", "channels": [{"id": "x"}], "facts": {"rate_hz": 1}}]),
        "damaged",
    ),
    "a rate of nothing": (
        lambda: head() + table(lanes=[{"name": "x", "channels": [], "facts": {}}]),
        "damaged",
    ),
    "a rate of zero": (
        lambda: head() + table(lanes=[{"name": "x", "channels": [], "facts": {"rate_hz": 0}}]),
        "damaged",
    ),
    "a bomb": (lambda: head() + BOMB, "damaged"),
    "refused": (lambda: stamped(refusal("You may not", "Ask")), "You may not. Ask"),
    "another clock": (lambda: head(now_ns=5) + table(), "another time namespace"),
    "a clock ahead": (lambda: head(now_ns=1 << 62) + table(), "another time namespace"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_a_sentence(tmp_path, name):
    answer, said = BAD[name]
    before = len(os.listdir("/proc/self/fd"))
    with answering(tmp_path / "s", answer, [0]), pytest.raises(MicrojouleError) as refused:
        ask(tmp_path / "s", 0.2 if name == "nothing" else 10.0)
    assert said in str(refused.value)
    assert refused.value.remedy
    assert len(os.listdir("/proc/self/fd")) == before  # descriptors that came along are closed


def test_an_agent_that_hangs_is_given_up(tmp_path):
    with (
        answering(tmp_path / "s", None),
        pytest.raises(SourceUnavailable, match=r"does not answer within 0\.2 s"),
    ):
        ask(tmp_path / "s", 0.2)


def test_more_descriptors_than_lanes_are_refused_and_closed(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for n, said in ((130, "does not fit"), (2, "1 lanes and 2 descriptors")):
        path = tmp_path / f"{n}"
        refused = pytest.raises(SourceUnavailable, match=said)
        with answering(path, lambda: stamped(packet(OFFER)), [0] * n), refused:
            ask(path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_full_view_comes_first_and_then_the_coarse_one(tmp_path):
    coarse = Offer(view=COARSE, microjoule="0.1.0", pid=1, lanes=(LANE,), resolution_j=1.0)
    full_path, coarse_path = (tmp_path / FOLDER / SOCKETS[view] for view in (FULL, COARSE))
    with answering(coarse_path, lambda: stamped(packet(coarse)), [0]):
        with answering(full_path, lambda: stamped(packet(OFFER)), [0]):
            assert agent.survey(Machine(tmp_path)).facts["agent"]["view"] == FULL
        full_path.unlink()
        with answering(full_path, lambda: stamped(refusal("You may not", "Ask")), []):
            found = agent.survey(Machine(tmp_path))
    assert found.facts["agent"]["view"] == COARSE
    assert [one.cause for one in found.obstacles] == [Cause.PERMISSION, Cause.MISLEADING]
    assert {each.access.path for each in found.channels} == {str(coarse_path)}


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_are_more_than_a_refused_answer(data, has_head):
    from microjoule.sources import agent_offer

    whole = head() + data if has_head else data
    with pytest.raises(MicrojouleError):
        agent_offer._understood(SOCKETS, whole, [], (0, 1 << 62))
