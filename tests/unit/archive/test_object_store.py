"""An archive in an object store: on a real S3-compatible server, which goes away and comes back."""

import socket
import threading
from uuid import uuid4

import pytest
from team import trace

import microjoule as uj
from microjoule.archive import adding, layout
from microjoule.archive.integrating import stored_trace
from microjoule.archive.totals import Question, totals
from microjoule.archive.verifying import verify
from microjoule.errors import ArchiveError
from microjoule.footprint import FactorOptions
from microjoule.footprint.chosen_factors import terms as chosen

pytest.importorskip("moto", reason="needs an S3 server: pip install 'moto[server]'")
pytest.importorskip("flask", reason="needs an S3 server: pip install 'moto[server]'")
pytest.importorskip("duckdb")
pytestmark = pytest.mark.filterwarnings("ignore")  # of the server's own libraries
TERMS = chosen(FactorOptions())


@pytest.fixture
def server(monkeypatch):
    from moto.server import ThreadedMotoServer

    for name, value in (
        ("ACCESS_KEY_ID", "a"),
        ("SECRET_ACCESS_KEY", "b"),
        ("EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    found = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    found.start()
    host, port = found.get_host_and_port()
    yield f"{host}:{port}"
    found.stop()


def address(place, bucket):
    query = "scheme=http&region=us-east-1&allow_bucket_creation=true"
    return f"s3://{bucket}/team?endpoint_override={place}&{query}"


@pytest.fixture
def bucket():
    """Of its own for each test: servers of one process share what they hold."""
    return f"traces-{uuid4().hex}"


@pytest.fixture
def of(server, bucket):
    from pyarrow import fs

    files, _ = fs.FileSystem.from_uri(address(server, bucket))
    files.create_dir(bucket)
    return layout.opened(address(server, bucket), is_made=True)


def test_an_archive_in_an_object_store_is_as_one_in_a_folder(of, tmp_path):
    here = layout.opened(str(tmp_path / "archive"), is_made=True)
    for number in range(3):
        path = trace(tmp_path / f"{number}.arrows", seed=number, windows=(("step", 0.5, 1.5),))
        for store in (of, here):
            assert adding.add(store, path, "p", TERMS).outcome == adding.ADDED
        assert adding.add(of, path, "other", TERMS).outcome == adding.THERE
    assert layout.entries(of) == layout.entries(here)
    for entry in layout.entries(here):
        for kind in (layout.READINGS, layout.WINDOWS):
            assert of.read(entry.name(kind)) == here.read(entry.name(kind))
    question = Question.of("project,month,name", layout.EVERYTHING)
    assert totals(of, question)["rows"] == totals(here, question)["rows"]
    assert verify(of, layout.EVERYTHING)["n_equal"] == 3
    whole = uj.load(tmp_path / "0.arrows")
    found = [stored_trace(of, entry).energy("step").total.value for entry in layout.entries(of)]
    assert whole.energy("step").total.value in found


def test_writers_at_one_time_leave_each_trace_once(of, server, bucket, tmp_path):
    paths = [trace(tmp_path / f"{number}.arrows", seed=number) for number in range(2)]
    failures = []

    def write(order):
        try:
            store = layout.opened(address(server, bucket), is_made=True)
            for path in order:
                adding.add(store, path, "p", TERMS)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(order,)) for order in (paths, paths[::-1], paths)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failures
    assert len(layout.entries(of)) == 2
    assert verify(of, layout.EVERYTHING)["findings"] == []


class Line:
    """A line to a server that can be cut: after so many bytes that were sent, or at once."""

    def __init__(self, place):
        host, _, port = place.rpartition(":")
        self.server = (host, int(port))
        self.left = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.place = "{}:{}".format(*self.listener.getsockname())
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.left == 0:
                near.close()
                continue
            far = socket.create_connection(self.server)
            threading.Thread(target=self.carry, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near, False), daemon=True).start()

    def carry(self, one, other, is_up):
        try:
            while data := one.recv(1 << 14):
                if is_up and self.left is not None:
                    self.left = max(self.left - len(data), 0)
                    if not self.left:
                        break
                other.sendall(data)
        except OSError:
            pass
        for each in (one, other):
            each.close()


def test_a_store_that_loses_its_connection_keeps_what_was_there_and_takes_the_rest_later(
    of, server, bucket, tmp_path
):
    first, second = (trace(tmp_path / f"{n}.arrows", seed=n, seconds=4.0) for n in range(2))
    line = Line(server)
    far = layout.opened(address(line.place, bucket))
    adding.add(far, first, "p", TERMS)
    line.left = 12_000  # the listing and a part of the readings
    with pytest.raises(ArchiveError, match=r"Cannot .* in s3://.*run the command again"):
        adding.add(far, second, "p", TERMS)
    assert len(layout.entries(of)) == 1
    assert totals(of, Question.of("", layout.EVERYTHING))["rows"][0]["n_traces"] == 1
    with pytest.raises(ArchiveError, match="connection"):
        totals(far, Question.of("", layout.EVERYTHING))
    line.left = None
    assert adding.add(layout.opened(address(line.place, bucket)), second, "p", TERMS).outcome == adding.ADDED
    assert verify(of, layout.EVERYTHING) == {
        "archive": of.address, "n_traces": 2, "n_equal": 2, "findings": [], "notes": [],
    }  # fmt: skip
