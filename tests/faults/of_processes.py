"""What happens to the recorder and to the command that it measures: signals, forks, streams, terminals."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import signal
import sys
import termios
import time
from pathlib import Path
from typing import Any

from faults.play import (
    PATIENCE_S,
    UJ,
    Fault,
    NotHere,
    as_another_user,
    counters,
    ended,
    program,
    readable,
    recording,
    reported,
    started,
    until,
)

STOPPED_S = 5.0


def by_signal(number: int) -> Fault:
    def fault(folder: Path) -> None:
        with recording(folder) as (running, path):
            assert ended(running, number)[0] == 0
            assert not readable(path).is_truncated

    name = signal.Signals(number).name
    fault.__doc__ = f"`uj record` gets {name} | the trace is whole and sealed; exit code 0"
    return fault


def run_by_signal(number: int) -> Fault:
    def fault(folder: Path) -> None:
        words = ["run", "-o", "t.arrows", *counters(folder), "--", "sh", "-c", "touch ready; exec sleep 100"]
        # What the caller ignores, as under nohup, `uj run` leaves ignored.
        heeded: dict[str, Any] = {"preexec_fn": lambda: signal.signal(number, signal.SIG_DFL)}
        running = started(folder, *words, **heeded)
        until((folder / "ready").exists)
        code, _, said = ended(running, number)
        assert code == -number
        assert "used" in said
        assert not readable(folder / "t.arrows").is_truncated

    name = signal.Signals(number).name
    fault.__doc__ = (
        f"`uj run` gets {name} | the command gets it; the report follows, and {name} as the ending"
    )
    return fault


def killed(folder: Path) -> None:
    """`uj record` is killed (-9) | every whole batch is read; the report says that it was not ended"""
    with recording(folder) as (running, path):
        running.kill()
        running.wait()
        assert readable(path).is_truncated
        assert "was not ended" in reported(path)


def run_killed(folder: Path) -> None:
    """`uj run` is killed (-9) | its temporary folder is removed by the next run"""
    running = started(folder, "run", *counters(folder), "--", "sleep", "100")
    until(lambda: any((folder / "tmp").glob("*/run.arrows")))
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    assert any((folder / "tmp").iterdir())
    other = started(folder, "run", *counters(folder), "--", "true")
    assert ended(other, None)[0] == 0


def stopped(folder: Path) -> None:
    """the recorder is stopped (SIGSTOP) for 5 s | missed ticks are counted, and no joule is lost"""
    with recording(folder) as (running, path):
        running.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        running.send_signal(signal.SIGCONT)
        size = path.stat().st_size
        until(lambda: path.stat().st_size > size)
        assert ended(running)[0] == 0
        assert readable(path).engine()["package-0"]["missed"] > 500 * STOPPED_S


FORKS = """
import os, sys, threading, time
import microjoule as uj

def busy():
    while not done:
        with uj.window("thread"):
            time.sleep(0.0005)

done = []
threads = [threading.Thread(target=busy) for _ in range(2)]
for thread in threads:
    thread.start()
children = []
for number in range(60):
    time.sleep(0.0007 * (number % 13))
    child = os.fork()
    if child == 0:
        with uj.window("child"):
            pass
        if number % 2:
            os._exit(0)
        sys.exit(0)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
done.append(True)
for thread in threads:
    thread.join()
sys.exit(any(codes))
"""
N_FORKS = 60
RECORD_AROUND = """
import sys
import microjoule as uj
from pathlib import Path
from typing import Any

with uj.record("t.arrows", uj.Meter(sources=("script",), root=Path(sys.argv[1]))):
    program = open("forks.py").read().replace("sys.exit(any(codes))", "assert not any(codes)")
    exec(compile(program, "forks.py", "exec"))
"""


def forks_of_the_command(folder: Path) -> None:
    """the command forks 60 times while its threads mark | each window of each child is in the trace"""
    (folder / "forks.py").write_text(FORKS)
    words = ["run", "-o", "t.arrows", *counters(folder), "--", sys.executable, "forks.py"]
    assert ended(started(folder, *words), None)[0] == 0
    assert marked(folder / "t.arrows")


def forks_of_the_recorder(folder: Path) -> None:
    """a program forks 60 times while it records itself | each child ends; the parent's trace is whole"""
    (folder / "forks.py").write_text(FORKS)
    (folder / "around.py").write_text(RECORD_AROUND)
    root = counters(folder)[-1]
    assert ended(program(folder, sys.executable, "around.py", root), None)[0] == 0
    assert marked(folder / "t.arrows")


def marked(path: Path) -> bool:
    """Whether a whole trace has the windows of all children; what found no room is counted."""
    trace = readable(path)
    names = [window.name for window in trace.windows]
    lost = trace.lost_marks
    assert not trace.is_truncated
    assert lost["damaged"] == 0
    assert "thread" in names
    return names.count("child") + lost["full"] >= N_FORKS


def closed_stderr(folder: Path) -> None:
    """standard error is closed | the recording goes on; exit code 0"""
    path = folder / "t.arrows"
    words = [*UJ, "record", "--for", "300ms", "-o", str(path), *counters(folder)]
    assert ended(program(folder, "sh", "-c", 'exec "$@" 2>&-', "sh", *words), None)[0] == 0
    readable(path)


def closed_streams(folder: Path) -> None:
    """all three standard streams are closed | the trace is no mixture; `uj run` gives the command's code"""
    words = [
        *UJ,
        "run",
        "-o",
        "t.arrows",
        *counters(folder),
        "--",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 7",
    ]
    running = program(folder, "sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *words)
    assert ended(running, None) == (7, "", "")
    readable(folder / "t.arrows")


def stubborn_command(folder: Path) -> None:
    """the command ignores SIGTERM | `uj run` waits for it and gives its code"""
    words = "trap '' TERM; touch ready; sleep 1; exit 7"
    running = started(folder, "run", *counters(folder), "--", "sh", "-c", words)
    until((folder / "ready").exists)
    assert ended(running, signal.SIGTERM)[0] == 7


def setuid_command(folder: Path) -> None:
    """the command becomes root, so that `uj run` cannot signal it | it is waited for and gives its code"""
    as_other = as_another_user()
    if not as_other:
        raise NotHere("only root can make a setuid command")
    if os.statvfs(folder).f_flag & os.ST_NOSUID:
        raise NotHere("setuid is switched off for this folder")
    command = folder / "as_root"
    shutil.copy(shutil.which("setpriv") or "", command)
    command.chmod(0o4755)
    becomes_root = [str(command), "--reuid=0", "--regid=0", "--clear-groups"]
    words = [*becomes_root, "sh", "-c", "touch ready; sleep 1; exit 7"]
    running = program(folder, *as_other, *UJ, "run", *counters(folder), "--", *words)
    until((folder / "ready").exists)
    code, _, said = ended(running, signal.SIGTERM)
    assert code == 7, said
    assert "used" in said


def daemon(folder: Path) -> None:
    """the command leaves a daemon behind | `uj run` ends with the command; the daemon's marks do no harm"""
    lasting = (
        "import microjoule as uj, time\nfor _ in range(100):\n  with uj.window('late'): time.sleep(0.05)\n"
    )
    (folder / "lasting.py").write_text(lasting)
    words = f"setsid {sys.executable} lasting.py >/dev/null 2>&1 </dev/null & echo $! >daemon; exit 0"
    running = started(folder, "run", *counters(folder), "--", "sh", "-c", words)
    assert ended(running, None)[0] == 0
    lasting_pid = int((folder / "daemon").read_text())
    with_it = f"/proc/{lasting_pid}"
    time.sleep(0.3)
    assert Path(with_it).exists()
    os.kill(lasting_pid, signal.SIGTERM)
    until(lambda: not Path(with_it).exists())


def job_control(folder: Path) -> None:
    """Ctrl-Z in a terminal, `fg` two seconds later | missed ticks are counted, and no joule is lost"""
    leader, follower = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        os.tcsetpgrp(0, os.getpid())

    # The kernel stops no leader of a session, whom nobody could continue: a shell goes first.
    words = [
        *UJ,
        "run",
        "-o",
        "t.arrows",
        *counters(folder),
        "--",
        "sh",
        "-c",
        "touch ready; sleep 1; exit 7",
    ]
    shell = 'set -m; "$@"; echo stopped >stopped; sleep 2; fg >/dev/null; echo $? >code'
    running = program(
        folder,
        *("bash", "-c", shell, "bash", *words),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        preexec_fn=take_terminal,
    )
    os.close(follower)
    try:
        until((folder / "ready").exists)
        os.write(leader, b"\x1a")
        until((folder / "stopped").exists)
        until((folder / "code").exists)
        said = os.read(leader, 1 << 16).decode()
        assert running.wait(PATIENCE_S) == 0
    finally:
        os.close(leader)
    assert (folder / "code").read_text() == "7\n", said
    assert "used" in said
    assert readable(folder / "t.arrows").engine()["package-0"]["missed"] > 500


FAULTS: dict[str, Fault] = {
    "kill -9": killed,
    "kill -9 of uj run": run_killed,
    **{signal.Signals(one).name: by_signal(one) for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)},
    "SIGTERM of uj run": run_by_signal(signal.SIGTERM),
    "SIGHUP of uj run": run_by_signal(signal.SIGHUP),
    "SIGSTOP": stopped,
    "forks of the command": forks_of_the_command,
    "forks of the recorder": forks_of_the_recorder,
    "closed stderr": closed_stderr,
    "closed streams": closed_streams,
    "stubborn command": stubborn_command,
    "setuid command": setuid_command,
    "daemon": daemon,
    "job control": job_control,
}
