"""An agent as a process of its own, over a machine whose counters a test writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from places import identity

from microjoule.channel import Access, Channel, Scale, Timing, Trust
from microjoule.sources.script import write_machine

MS = 1_000_000
UNIT = Fraction(1, 1 << 14)
MODULUS = 1 << 32
FIRST = 1_000_000


class Counter:
    """A counter in a text file, which readers see whole: each change is the write of one byte."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digits = list(str(FIRST))
        path.write_text(str(FIRST) + "\n")

    @property
    def value(self) -> int:
        return int("".join(self._digits))

    def count_up(self, place: int) -> int:
        """Adds 10 to the power of a place whose digit is below 9; what the counter says then."""
        at = len(self._digits) - 1 - place
        self._digits[at] = str(int(self._digits[at]) + 1)
        with self._path.open("r+b", buffering=0) as file:
            file.seek(at)
            file.write(self._digits[at].encode())
        return self.value


def written_machine(
    root: Path, names: tuple[str, ...] = ("package-0", "package-0/dram")
) -> dict[str, Counter]:
    """A machine under ``root`` whose counters are files; the counters by the id of their channel."""
    channels, counters = [], {}
    root.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        counters[name] = Counter(root / f"counter-{number}")
        scale = Scale(quantity="J", unit=UNIT, unit_source="register", modulus=MODULUS)
        channels.append(
            Channel(
                **identity(name),
                source="script",
                lane="package-0",
                scale=scale,
                timing=Timing(update_ns=MS, update_max_ns=2 * MS),
                trust=Trust(power_limit_w=1e4, power_limit_source="script"),
                access=Access(reader="text", path=f"counter-{number}"),
            )
        )
    write_machine(root, channels)
    return counters


def sockets(root: Path) -> Path:
    """Where a client whose machine is ``root`` looks for an agent."""
    return root / "run/microjoule"


@contextmanager
def agent(root: Path, client: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """An agent of the machine under ``root`` that clients of ``client`` find; its process, once it serves."""
    command = [sys.executable, "-m", "microjoule", "agent", "--root", str(root), "--calibration", "none"]
    command += ["--runtime", str(sockets(client)), *options]
    if "--group" not in options:
        command += ["--group", "none"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if line.endswith("Ctrl-C ends it\n"):
                    break
            else:
                raise AssertionError("".join([*said, f"exit code {process.wait(60)}"]))
            process.said = "".join(said)  # type: ignore[attr-defined]
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may search; pytest's own are for one user."""
    with tempfile.TemporaryDirectory(prefix="uj-agent-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_user(uid: int, does: Callable[[], object], groups: Sequence[int] = ()) -> int:
    """0 where a fork that has become another user can call something, 1 where that raises."""
    with warnings.catch_warnings():  # of a process with threads; this copy of it only does this and ends
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups(groups)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            does()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
