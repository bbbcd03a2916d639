"""What a confined process can still do, and what not: each line is tried in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import errno, fcntl, json, mmap, os, socket, sys, threading, time
from microjoule.recording.native import confine

def code(does):
    try:
        does()
    except OSError as error:
        return error.errno
    except RuntimeError:  # of a thread
        return errno.EPERM
    return 0

listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind("\\0uj-test-%d" % os.getpid())
listener.listen()
client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
client.connect(listener.getsockname())
asked = threading.Event()
found = {}

def elsewhere():
    asked.wait()
    found["another thread opens"] = code(lambda: os.open("x", os.O_WRONLY | os.O_CREAT))

thread = threading.Thread(target=elsewhere)
thread.start()
confine()
asked.set()
thread.join()
forbidden = {
    "start a program": lambda: os.execv(sys.executable, ["python"]),
    "fork": os.fork,
    "start a thread": lambda: threading.Thread(target=print).start(),
    "make a file": lambda: os.open("x", os.O_WRONLY | os.O_CREAT, 0o600),
    "write a file": lambda: os.open(sys.argv[1], os.O_RDWR),
    "cut a file": lambda: os.open(sys.argv[1], os.O_RDONLY | os.O_TRUNC),
    "remove a file": lambda: os.unlink(sys.argv[1]),
    "rename a file": lambda: os.rename(sys.argv[1], "y"),
    "make a socket": lambda: socket.socket(),
    "connect": lambda: client.connect(listener.getsockname()),
    "receive": lambda: client.recv(1),
    "signal another": lambda: os.kill(os.getppid(), 0),
    "map memory to be executed": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "change the user": lambda: os.setresuid(0, 0, 0),
    "ask a terminal": lambda: fcntl.ioctl(0, 0x5401, bytes(64)),
}
allowed = {
    "read a file": lambda: open(sys.argv[1]).read(),
    "accept and send": lambda: listener.accept()[0].sendmsg([b"x"], [], socket.MSG_DONTWAIT),
    "wait": lambda: time.sleep(0.001),
    "map memory": lambda: mmap.mmap(-1, 1 << 24),
}
found |= {name: code(does) for name, does in (forbidden | allowed).items()}
print(json.dumps([found, list(allowed)]))
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    folder = tmp_path_factory.mktemp("confined")
    (folder / "file").write_text("x")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "file")], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in folder.iterdir()] == ["file"]
    return json.loads(done.stdout)


def test_the_rest_is_refused_with_a_code_in_every_thread(tried):
    found, allowed = tried
    assert {name: code for name, code in found.items() if code != 1} == dict.fromkeys(allowed, 0)
    assert len(found) == 20


def test_reading_waiting_and_answering_go_on(tried):
    found, allowed = tried
    assert [found[name] for name in allowed] == [0] * 4
