"""A provider that lives on loopback and gives the replies it was handed, one a request."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPLIES = Path(__file__).parent / "replies"


class Answer:
    """One reply: a recorded file or a text, a status, headers, and how many bytes of it are sent."""

    def __init__(self, body="", status=200, headers=None, cut=None, delay=None):
        path = REPLIES / body if body and len(body) < 60 else None
        self.body = path.read_bytes() if path and path.is_file() else body.encode()
        self.status, self.headers, self.cut, self.delay = status, headers or {}, cut, delay


class TestClock:
    """A clock that never waits, and remembers for how long it was asked to."""

    __test__ = False

    def __init__(self, now=datetime(2026, 3, 2, 12, tzinfo=UTC)):
        self._now, self.slept = now, []

    def now(self):
        return self._now

    def sleep(self, duration_s):
        self.slept.append(duration_s)
        self._now += timedelta(seconds=duration_s)


@contextmanager
def serving(*answers):
    """The address of a server that gives these answers, the last one for ever, and the requests it saw."""
    left, seen, over = list(answers), [], threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, dict(self.headers)))
            answer = left.pop(0) if len(left) > 1 else left[0]
            if answer.delay:
                over.wait(answer.delay)
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            with suppress(OSError):  # the client may have given up
                self.wfile.write(answer.body[: answer.cut])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
