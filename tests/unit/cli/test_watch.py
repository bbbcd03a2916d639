"""``uj watch`` in a terminal of 80 by 24, as it is typed."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager

import pytest
from scripted import DRAM_W, PACKAGE_W, machine

import microjoule as uj

pytest.importorskip("rich")
UJ = [sys.executable, "-m", "microjoule"]
PATIENCE_S = 60


class Terminal:
    """What a program in it has drawn, and its keyboard."""

    def __init__(self, place, process):
        self.place, self.process, self.drawn = place, process, ""

    def until(self, words):
        """Waits until that was drawn, since it was asked for last."""
        ends = time.monotonic() + PATIENCE_S
        while words not in self.drawn:
            assert time.monotonic() < ends, self.drawn[-2000:]
            self.read()
        self.drawn = self.drawn[self.drawn.index(words) + len(words) :]

    def read(self):
        if select.select([self.place], [], [], 0.1)[0]:
            try:
                self.drawn += os.read(self.place, 1 << 16).decode(errors="replace")
            except OSError:  # its other side is closed
                self.process.wait(PATIENCE_S)

    def press(self, key):
        os.write(self.place, key.encode())

    def resize(self, rows, columns):
        fcntl.ioctl(self.place, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def screens(self):
        """The screens that were drawn whole since something was asked for last: each begins in its corner."""
        return self.drawn.split("\x1b[H")[1:-1]

    def ends(self):
        """The exit code."""
        ends = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < ends
            self.read()
        return self.process.returncode


@contextmanager
def terminal(folder, *words, colours=False):
    place, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(inside)
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    for name in ("COLUMNS", "LINES"):  # which say the size of another terminal
        environment.pop(name, None)
    if colours:
        del environment["NO_COLOR"]
    process = subprocess.Popen(
        [*UJ, "watch", *map(str, words)],
        cwd=folder, stdin=inside, stdout=inside, stderr=inside, env=environment, start_new_session=True,
        # Who starts the tests in the background of a shell ignores it, and so would all their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs
    )  # fmt: skip
    try:
        yield Terminal(place, process)
        assert process.poll() is not None
        assert termios.tcgetattr(inside) == before  # as it was
    finally:
        process.kill()
        process.wait()
        os.close(inside)
        os.close(place)


def test_it_shows_watts_records_twice_and_quits(tmp_path):
    sampling = ("--source", "script", "--root", machine(tmp_path / "root"), "--rate", "200")
    with terminal(tmp_path, *sampling) as seen:
        seen.until("40.00 W")
        seen.until("45.00 W")  # the total
        for _ in range(2):
            seen.press("r")
            seen.until("recording watch-")
            seen.press("r")
            seen.until("recorded watch-")
        seen.press("q")
        assert seen.ends() == 0
    last = re.search(
        r"the machine used [\d.]+ J in [\d.]+ m?s \(([\d.]+) W\); measured: package \+ DRAM",
        seen.drawn,
    )
    assert float(last[1]) == pytest.approx(PACKAGE_W + DRAM_W, rel=0.03)  # its time is that of the readings
    paths = sorted(tmp_path.glob("watch-*.arrows"))
    assert len(paths) == 2
    for path in paths:
        trace = uj.load(path)
        (window,) = trace.windows
        total = trace.energy(window).total
        duration_s = (window.t1_ns - window.t0_ns) / 1e9
        assert window.name == "watch"
        assert total.status == "ok"
        assert total.low <= (PACKAGE_W + DRAM_W) * duration_s <= total.high


@pytest.mark.parametrize("colours", [True, False])
def test_each_channel_has_bars_of_its_own_colour_where_colours_are_wanted(tmp_path, colours):
    sampling = ("--source", "script", "--root", machine(tmp_path / "root"), "--rate", "200")
    with terminal(tmp_path, *sampling, colours=colours) as seen:
        seen.until("45.00 W")
        ends = time.monotonic() + PATIENCE_S
        while seen.drawn.count("q quits") < 2:
            assert time.monotonic() < ends, seen.drawn[-2000:]
            seen.read()
        found = set(re.findall(r"\x1b\[(3\d)m[▁-█]", seen.drawn))
        seen.press("q")
        assert seen.ends() == 0
    assert len(found) == (3 if colours else 0)  # two channels and the total


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (12, 50), (50, 132)])
def test_no_line_is_longer_than_the_terminal_is_wide(tmp_path, rows, columns):
    """As wide as it is when a frame is drawn, whatever it was at first."""
    sampling = ("--source", "script", "--root", machine(tmp_path / "root"), "--rate", "100")
    with terminal(tmp_path, *sampling) as seen:
        seen.until("q quits")
        seen.resize(rows, columns)
        ends = time.monotonic() + PATIENCE_S
        # Frames of the size before may be under way, and a loaded machine is late to notice the new one.
        while not all(fits(screen, rows, columns) for screen in seen.screens()[-2:] or ["\n" * 99]):
            assert time.monotonic() < ends, seen.drawn[-2000:]
            seen.read()
        seen.press("q")
        assert seen.ends() == 0


def fits(screen, rows, columns):
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen).split("\n")
    return len(lines) <= rows and max(len(line.rstrip("\r")) for line in lines) <= columns


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda sent: sent.name)
def test_a_signal_leaves_the_terminal_as_it_was_and_the_recording_whole(tmp_path, sent):
    sampling = ("--source", "script", "--root", machine(tmp_path / "root"), "--rate", "100")
    with terminal(tmp_path, *sampling) as seen:
        seen.until("45.00 W")
        seen.press("r")
        seen.until("recording watch-")
        seen.process.send_signal(sent)
        assert seen.ends() == 128 + sent
    (path,) = tmp_path.glob("watch-*.arrows")
    (window,) = uj.load(path).windows
    assert uj.load(path).energy(window).total.status == "ok"


def test_it_follows_what_another_process_records(tmp_path):
    path = tmp_path / "grows.arrows"
    recorder = uj.record(path, uj.Meter(rate=100, sources=["script"], root=machine(tmp_path / "root")))
    with recorder, terminal(tmp_path, path) as seen:
        seen.until("45.00 W")
        seen.until("following")
        seen.press("q")
        assert seen.ends() == 0
    trace = uj.load(path)
    seconds = int((trace.series("package-0").t_ns[-1] - trace.series("package-0").t_ns[0]) / 1e9)
    with terminal(tmp_path, path) as seen:
        seen.until("uj watch grows.arrows  00:")  # the recording's own time, not ours
        assert abs(int(seen.drawn[:2]) - seconds) <= 1
        seen.until("the recording has ended")
        seen.press("q")
        assert seen.ends() == 0


def test_a_file_that_stalls_is_said_and_so_are_batches_that_are_damaged(tmp_path):
    """The writer of the first was killed; of the second the first bytes of each column were lost."""
    path = tmp_path / "whole.arrows"
    with uj.record(path, uj.Meter(rate=100, sources=["script"], root=machine(tmp_path / "root"))):
        time.sleep(0.1)
    whole = path.read_bytes()
    (tmp_path / "stalled.arrows").write_bytes(whole[:-8])  # without the end of its stream
    with terminal(tmp_path, "stalled.arrows") as seen:
        seen.until("following")
        seen.until("its writer may be gone")
        seen.press("q")
        assert seen.ends() == 0
    (tmp_path / "damaged.arrows").write_bytes(whole.replace(b"\x28\xb5\x2f\xfd", b"\0\0\0\0"))
    with terminal(tmp_path, "damaged.arrows") as seen:
        seen.until("damaged batches left out")
        seen.press("q")
        seen.until("uj: a batch was left out:")
        assert seen.ends() == 0


@pytest.mark.parametrize(
    ("name", "sentence"), [("none.arrows", "No such file"), ("text", "is not a trace"), ("empty", "is empty")]
)
def test_what_cannot_be_followed_is_one_sentence(tmp_path, name, sentence):
    (tmp_path / "text").write_text("words\n" * 100)
    (tmp_path / "empty").touch()
    with terminal(tmp_path, name) as seen:
        seen.until(sentence)
        assert seen.ends() == 1


def test_without_a_terminal_it_says_what_to_use():
    done = subprocess.run([*UJ, "watch"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "uj record -o TRACE" in done.stderr
    assert "uj serve" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_library_is_named_with_its_extra(tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['rich'] = None\n")
    sampling = ("--source", "script", "--root", machine(tmp_path / "root"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(hidden))
        with terminal(tmp_path, *sampling) as seen:
            seen.until("microjoule[watch]")
            assert seen.ends() == 1
