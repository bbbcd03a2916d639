"""A real Prometheus server that scrapes one target several times a second."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

MISSING = None if shutil.which("prometheus") else "prometheus (Debian: prometheus) is not installed"
PATIENCE_S = 60.0
LOOK_AGAIN_S = 0.2

CONFIG = """\
scrape_configs:
  - job_name: uj
    scrape_interval: 200ms
    scrape_timeout: 200ms
    static_configs: [{{targets: ["{target}"]}}]
"""


class Server:
    """A server, by the address of its API."""

    def __init__(self, url):
        self.url = url

    def ask(self, question):
        """What an expression gives now: labels and value of each series."""
        with urllib.request.urlopen(
            f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': question})}", timeout=10
        ) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        return [(one["metric"], float(one["value"][1])) for one in found["data"]["result"]]

    def value(self, question):
        """The value of an expression of one series; None: it has none yet."""
        found = self.ask(question)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def eventually(self, question, is_so):
        """The value of an expression once it is so; of what never is so, the last."""
        until = time.monotonic() + PATIENCE_S
        while True:
            value = self.value(question)
            if (value is not None and is_so(value)) or time.monotonic() > until:
                return value
            time.sleep(LOOK_AGAIN_S)


@contextmanager
def prometheus(folder, target):
    """A server that keeps its files in the folder and scrapes ``host:port``."""
    config = folder / "prometheus.yml"
    config.write_text(CONFIG.format(target=target))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(["prometheus", *arguments], stderr=log) as server,
    ):
        try:
            _wait(f"http://127.0.0.1:{port}/-/ready", server)
            yield Server(f"http://127.0.0.1:{port}")
        finally:
            server.kill()  # its files go with the folder


def _wait(url, server):
    until = time.monotonic() + PATIENCE_S
    while True:
        assert server.poll() is None, "prometheus ended; its log is beside its configuration"
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < until
            time.sleep(LOOK_AGAIN_S)
