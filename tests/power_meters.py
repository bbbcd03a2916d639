"""Stand-ins of power meters on the loopback, of a known power: what a plug or a controller would answer."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Played:
    """What a stand-in plays, and what was asked of it.

    ``watts`` is the power by the monotonic clock in seconds; every ``update_s`` it shows the mean of the
    ``window_s`` before, in steps of ``step_w``.
    """

    watts: Callable[[float], float] = lambda _: 100.0
    window_s: float = 0.0
    update_s: float = 0.05
    step_w: float = 0.1
    clock_offset_s: float = 0.0
    delay_s: float = 0.0
    password: str = ""
    lost: Callable[[int], bool] = lambda _: False
    reply: bytes | None = None
    counted_j: float = 0.0
    counted_s: float = 0.0
    asked: int = 0
    paths: list[str] = field(default_factory=list)

    def shown_j(self) -> float:
        """The energy since the first reply, by steps of the power that is shown then."""
        now_s = time.monotonic()
        if self.counted_s:
            n = 20
            step_s = (now_s - self.counted_s) / n
            self.counted_j += sum(self.watts(self.counted_s + (i + 0.5) * step_s) for i in range(n)) * step_s
        self.counted_s = now_s
        return self.counted_j

    def shown_w(self) -> float:
        at_s = time.monotonic() // self.update_s * self.update_s
        if self.window_s:
            n = 50
            mean = sum(self.watts(at_s - self.window_s * (i + 0.5) / n) for i in range(n)) / n
        else:
            mean = self.watts(at_s)
        return round(mean / self.step_w) * self.step_w


def shelly(played: Played, _: str) -> object:
    """The status of a plug."""
    watts = played.shown_w()
    return {
        "switch:0": {
            "apower": round(watts, 1),
            "aenergy": {"total": round(played.shown_j() / 3600, 3)},
        },
        "sys": {"unixtime": int(time.time() + played.clock_offset_s)},
    }


def redfish(played: Played, path: str) -> object | None:
    """A controller with one chassis of the old kind, and one of the new."""
    watts = played.shown_w()
    pages = {
        "/redfish/v1": {"Chassis": {"@odata.id": "/redfish/v1/Chassis"}},
        "/redfish/v1/Chassis": {
            "Members": [{"@odata.id": f"/redfish/v1/Chassis/{name}"} for name in ("Fans", "Old", "New")]
        },
        "/redfish/v1/Chassis/Old/Power": {"PowerControl": [{"PowerConsumedWatts": watts}]},
        "/redfish/v1/Chassis/New/EnvironmentMetrics": {
            "PowerWatts": {"Reading": watts}, "EnergykWh": {"Reading": played.shown_j() / 3.6e6}
        },
    }  # fmt: skip
    return pages.get(path.rstrip("/"))


@contextmanager
def served(played: Played, pages: Callable[[Played, str], object | None] = shelly) -> Iterator[str]:
    """Serves a stand-in; its ``HOST:PORT``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            played.asked += 1
            played.paths.append(self.path)
            time.sleep(played.delay_s)
            if played.lost(played.asked):
                self.close_connection = True
                return
            if played.password and not self._is_known():
                self._send(401, b"", {"WWW-Authenticate": _CHALLENGE})
                return
            page = pages(played, self.path)
            self._send(404 if page is None else 200, played.reply or json.dumps(page).encode())

        def _is_known(self) -> bool:
            found = dict(re.findall(r'(\w+)="?([^",]+)"?', self.headers.get("Authorization", "")))
            return bool(found) and found.get("response") == _digest(found, played.password, self.path)

        def _send(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(code)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


_CHALLENGE = 'Digest qop="auth", realm="plug", nonce="60dc2c69", algorithm=SHA-256'


def _digest(found: dict[str, str], password: str, path: str) -> str:
    """RFC 7616: the response to a challenge."""

    def sha(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    user, nonce = sha(f"{found['username']}:plug:{password}"), found["nonce"]
    return sha(f"{user}:{nonce}:{found['nc']}:{found['cnonce']}:auth:{sha(f'GET:{path}')}")
