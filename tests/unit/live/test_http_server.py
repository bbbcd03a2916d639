"""The server of the page: whom it answers, and what it does with those who take their time."""

import http.client
import socket
import time

import pytest

from microjoule.live import http_server
from microjoule.live.http_server import CONNECTIONS_MAX, Server, guarded, is_own, serving

PATIENCE_S = 30


def hello(_, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


@pytest.fixture
def port():
    server = Server("127.0.0.1", 0, guarded(hello, ["metrics.example"]))
    thread = serving(server)
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def asked(port, host):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", "/metrics", headers={"Host": host})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize(
    "host", ["127.0.0.1:9464", "localhost", "[::1]:9464", "10.0.0.7", "Metrics.Example:80"]
)
def test_addresses_the_machines_names_and_allowed_ones_are_answered(port, host):
    assert asked(port, host) == (200, b"hello")


def test_the_machines_own_name_is_answered(port):
    assert asked(port, f"{socket.gethostname()}:9464") == (200, b"hello")


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "a b", "::x"]
)
def test_other_names_are_refused_with_what_to_do(port, host):
    """As a browser would ask for a page that was made to lead here."""
    status, body = asked(port, host)
    assert status == 421
    assert b"--allow-host" in body
    assert not is_own(host, {"localhost"})


def test_half_open_requests_take_a_bounded_number_of_threads_and_end(port, monkeypatch):
    """More connections than there is room for are closed at once, and the others in time."""
    monkeypatch.setattr(http_server._Handler, "timeout", 1.0)
    waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS_MAX)]
    for each in waiting:
        each.sendall(b"GET /metr")
    time.sleep(0.3)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as refused:
        assert refused.recv(100) == b""
    for each in waiting:  # silent for too long
        each.settimeout(PATIENCE_S)
        assert each.recv(1000) == b""
        each.close()
    assert asked(port, "localhost") == (200, b"hello")


def test_a_request_that_comes_byte_by_byte_ends_too(port, monkeypatch):
    monkeypatch.setattr(http_server, "REQUEST_S", 0.5)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as slow:
        assert until_refused(slow)


def until_refused(slow):
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        try:
            slow.sendall(b"G")
        except OSError:
            return True
        time.sleep(0.02)
    return False
