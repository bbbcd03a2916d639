"""A headless Chromium at the end of a pair of pipes: its own protocol, and no library between."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

PROGRAM = shutil.which("chromium")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Chromium:
    """A page of a browser of its own, with all that it logged and asked the network for.

    Args:
        folder: Where the browser may write.
        size: Width and height of its window.
    """

    def __init__(self, folder: Path, size: tuple[int, int] = (1280, 1000)) -> None:
        (theirs_in, self._out), (self._in, theirs_out) = os.pipe(), os.pipe()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._number, self._session, self._left = 0, None, b""
        self._size = size

        own = (f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}", "about:blank")
        # The browser reads from descriptor 3 and writes to 4, whatever numbers the pipes had.
        command = 'exec 13<&"$1" 14>&"$2" 3<&13 4>&14; shift 2; exec "$@"'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", command, "-", str(theirs_in), str(theirs_out), str(PROGRAM), *_FLAGS, *own],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        pages = self.call("Target.getTargets")["targetInfos"]
        page = next(each["targetId"] for each in pages if each["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        self._session = None
        self.call("Browser.close")
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **parameters: object) -> dict:
        """What the browser answers; what it tells meanwhile is kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while True:
            told = self._told()
            if told.get("id") == self._number:
                assert "error" not in told, told
                return told["result"]
            self._keep(told)

    def _told(self) -> dict:
        while b"\0" not in self._left:
            more = os.read(self._in, 1 << 16)
            assert more, "the browser ended"
            self._left += more
        first, _, self._left = self._left.partition(b"\0")
        return json.loads(first)

    def _keep(self, told: dict) -> None:
        of, what = told.get("params", {}), told.get("method")
        if what == "Network.requestWillBeSent":
            self.requests.append(of["request"]["url"])
        elif what == "Runtime.exceptionThrown" or (
            what == "Runtime.consoleAPICalled" and of["type"] != "log"
        ):
            self.complaints.append(json.dumps(of))
        elif what == "Log.entryAdded" and of["entry"]["level"] in ("warning", "error"):
            self.complaints.append(of["entry"]["text"])

    def open(self, page: Path) -> None:
        """Opens a file and waits until its script says that it is ready."""
        self.call("Page.navigate", url=page.resolve().as_uri())
        self.value(
            "new Promise(done => { const look = () => document.readyState === 'complete' && "
            "document.documentElement.dataset.ready ? done(1) : setTimeout(look, 10); look(); })"
        )

    def value(self, expression: str) -> object:
        """What an expression, or its promise, comes to."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def mouse(self, kind: str, x: float, y: float, **more: object) -> None:
        """A move, press, release or turn of the wheel."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def screenshot(self, path: Path) -> None:
        """The window as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def pdf(self, path: Path) -> None:
        """The page as it is printed."""
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))
