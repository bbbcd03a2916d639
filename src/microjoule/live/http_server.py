"""A small HTTP server that strangers may talk to: every wait and every number of things is bounded.

A page on another site can make a browser ask this server under a name of the site's own, which is then made
to lead here (DNS rebinding), and read what it answers. So the name that a request asks for must be one of
this machine: an address, ``localhost``, the machine's own name, or one that was allowed.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Collection, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONNECTIONS_MAX = 16
SILENT_S = 5.0  # between two bytes of a request
REQUEST_S = 15.0  # for a request and its answer altogether
_REFUSAL = (
    b"This name is not one of this machine. Ask by its address or host name, or allow the name: "
    b"uj serve --allow-host NAME\n"
)


class _Handler(WSGIRequestHandler):
    timeout = SILENT_S

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the library
        """Says nothing: a scrape comes every few seconds."""


class Server(ThreadingMixIn, WSGIServer):
    """Listens at an address and answers with an application, each request in a thread of its own.

    Args:
        bind: The address.
        port: The port; 0: any that is free.
        application: What answers.

    Raises:
        OSError, OverflowError: It cannot listen there.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, bind: str, port: int, application: WSGIApplication) -> None:
        found = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family = found[0][0]
        self._room = threading.Semaphore(CONNECTIONS_MAX)
        super().__init__((bind, port), _Handler)
        self.set_app(application)

    def server_bind(self) -> None:
        """Binds without asking any name server for this machine's name."""
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the library
        """Answers in a thread, if there is room for one more."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answers within ``REQUEST_S``, however slowly the other side writes and reads."""
        end = threading.Timer(REQUEST_S, _end, (request,))
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Says nothing of a client that went away or took too long."""


def _end(request: socket.socket) -> None:
    with contextlib.suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)  # closing alone would leave the thread waiting for more


def guarded(application: WSGIApplication, allowed: Collection[str] = ()) -> WSGIApplication:
    """An application that answers only where it is asked for by a name of this machine."""
    names = {"localhost", socket.gethostname().lower(), *(name.lower() for name in allowed)}

    def answer(request: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if is_own(request.get("HTTP_HOST", ""), names):
            return application(request, start_response)
        start_response("421 Misdirected Request", [("Content-Type", "text/plain; charset=utf-8")])
        return [_REFUSAL]

    return answer


def is_own(host: str, names: Collection[str]) -> bool:
    """Whether a ``Host`` header is an address, or one of these names; a port behind it does not matter."""
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") <= 1:
        name = name.partition(":")[0]
    name = name.rstrip(".")
    if not name:
        return True  # of HTTP/1.0: no browser leaves it out
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in names
    return True


def serving(server: Server) -> threading.Thread:
    """Serves in a thread until ``server.shutdown()``."""
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="uj-serve", daemon=True)
    thread.start()
    return thread
