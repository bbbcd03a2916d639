"""The agent's sockets before clients that mean harm: each hurts itself, and the others notice nothing."""

from __future__ import annotations

import os
import resource
import socket
from contextlib import contextmanager

import pytest
from agents import as_user, open_folder

from microjoule.agent import doors as doors_module
from microjoule.agent.doors import USER_CONNECTIONS, Door, Doors, Guests
from microjoule.errors import PermissionDenied, SourceUnavailable
from microjoule.recording.native import Feed
from microjoule.sources.agent_offer import FULL, Offer, OfferedLane, ask, packet

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
OFFER = Offer(view=FULL, microjoule="0.1.0", pid=1, lanes=(OfferedLane("lane", (), {"rate_hz": 1000.0}),))
CONNECTIONS = 10_000
ANSWER_S = 60.0  # 250 answers a second, and the machine may be at work


def listening(path, mode=0o666):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen(512)
    listener.setblocking(False)
    path.chmod(mode)
    return listener


@contextmanager
def serving(*places):
    """Doors, each a path and its guests, which give away a feed of nothing."""
    feed = Feed(64)
    found = zip(places[::2], places[1::2], strict=True)
    doors = Doors(
        [Door(listening(at), packet(OFFER), (feed.fd,), who, "Not you", "Ask") for at, who in found]
    )
    doors.start()
    try:
        yield doors
    finally:
        doors.stop()
    assert doors.failure is None


def connected(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(str(path))
    return client


@pytest.fixture
def path():
    with open_folder() as folder:
        yield folder / "agent.sock"


@pytest.fixture
def many_files():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 1000
    if before[1] < wanted:
        pytest.skip(f"this process may open {before[1]} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_client_gets_the_offer_and_memory(path):
    with serving(path, Guests(uids=frozenset({os.getuid()}))):
        offer = ask(path)
        assert offer == OFFER
        assert len(offer.feeds) == 1
        assert Feed(fd=offer.feeds[0]).newest_ns == 0
        offer.close()


@pytest.mark.usefixtures("many_files")
def test_ten_thousand_connections_that_nobody_closes(path, monkeypatch):
    """A few are kept, the rest is closed unanswered; once they are gone, the user is served again."""
    monkeypatch.setattr(doors_module, "_ANSWER_S", 0.0)  # or they would wait for 40 s
    held = []
    with serving(path, Guests(is_open=True)) as doors:
        held += [connected(path) for _ in range(CONNECTIONS)]
        with pytest.raises(SourceUnavailable, match="too many connections"):
            ask(path)
        assert len(doors._open) == USER_CONNECTIONS
        answered = [each for each in held if each.recv(1 << 18)]
        assert len(answered) == USER_CONNECTIONS
        for each in held:
            each.close()
        for _ in range(100):
            ask(path).close()


@needs_root
@pytest.mark.usefixtures("many_files")
def test_a_user_who_takes_all_connections_takes_none_from_another(path):
    with serving(path, Guests(is_open=True)):
        held = [connected(path) for _ in range(200)]
        assert as_user(54321, lambda: ask(path, ANSWER_S).close()) == 0
        for each in held:
            each.close()


@needs_root
def test_one_who_is_many_users_takes_no_room_from_those_who_may_have_more(path):
    """Subordinate ids (newuidmap(1)) are users of their own to the kernel."""
    everybody = path.with_name("coarse.sock")
    own = Guests(uids=frozenset({0}))
    with serving(path, own, everybody, Guests(is_open=True)) as doors:
        doors._room = 40
        held = []
        for uid in range(70_000, 70_010):
            os.seteuid(uid)
            try:
                held += [connected(everybody) for _ in range(8)]
            finally:
                os.seteuid(0)
        answered = [each for each in held if each.recv(1 << 18)]
        assert len(answered) == 30
        for _ in range(20):
            ask(path, ANSWER_S).close()
        for each in held:
            each.close()


def test_a_client_that_never_reads_or_hangs_up_at_once(path):
    with serving(path, Guests(is_open=True)) as doors:
        for _ in range(3 * USER_CONNECTIONS):
            connected(path).close()
        mute = [connected(path) for _ in range(USER_CONNECTIONS - 1)]
        offer = ask(path)
        offer.close()
        assert len(doors._open) <= USER_CONNECTIONS
        for each in mute:
            each.close()


def test_what_a_client_sends_is_read_by_nobody(path):
    """The kernel refuses it, or keeps it until the client has gone."""
    with serving(path, Guests(is_open=True)):
        for words in (b"", b"x", b"\0" * 65536, b"GET / HTTP/1.1\r\n\r\n", os.urandom(1000)):
            client = connected(path)
            assert client.recv(1 << 18).startswith(b"uj-agent")
            with pytest.raises(BrokenPipeError):
                client.send(words)
            with pytest.raises(BrokenPipeError):  # a descriptor, too
                socket.send_fds(client, [b"x"], [0])
            client.close()
        ask(path).close()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_of_another_kind_does_not_connect(path, kind):
    refused = pytest.raises(OSError, match="wrong type")
    with serving(path, Guests(is_open=True)), socket.socket(socket.AF_UNIX, kind) as client, refused:
        client.connect(str(path))


def test_who_may_not_have_it_gets_the_sentence_and_no_memory(path):
    with serving(path, Guests()):
        with pytest.raises(PermissionDenied, match="Not you"):
            ask(path)
        with connected(path) as client:
            _, fds, _, _ = socket.recv_fds(client, 1 << 18, 8)
            assert fds == []


@needs_root
@pytest.mark.parametrize(
    ("guests", "uid", "groups", "is_admitted"),
    [
        (Guests(uids=frozenset({0})), 54321, [], False),
        (Guests(uids=frozenset({0, 54321})), 54321, [], True),
        (Guests(gid=4242), 54321, [], False),
        (Guests(gid=4242), 54321, [1, 4242], True),
        (Guests(gid=54321), 54321, [], True),  # the first group of the process
        (Guests(gid=4242), 54321, list(range(1000, 1200)), False),
        (Guests(gid=4242), 54321, list(range(1000, 1400)), False),
        (Guests(gid=4242), 54321, list(range(1000, 9000)), True),
        (
            Guests(uids=frozenset({65534}), gid=65534),
            65534,
            [65534],
            False,
        ),  # whoever a namespace does not know
        (Guests(is_open=True), 65534, [], True),
    ],
)
def test_the_kernel_says_who_is_at_the_other_end(path, guests, uid, groups, is_admitted):
    with serving(path, guests):
        code = as_user(uid, lambda: ask(path).close(), groups)
    assert (code == 0) == is_admitted
