"""Where nothing can be recorded and traces are read: macOS, Windows, a second interpreter of a process.

A process is made to look like that platform: ``sys.platform``, no native half, and none of the modules,
functions and signals that its Python lacks (https://docs.python.org/3/library/, "Availability"). Its numpy
and pyarrow stay those of Linux, and so do its paths.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from microjoule.cli import RECORDERS
from microjoule.errors import NativeMissing

TRACE = Path(__file__).parents[1] / "golden" / "powercap.arrows"
# Which arguments a command that records needs to get as far as recording.
ARGUMENTS = {
    "run": ["--", "true"],
    "flame": ["--", "true"],
    "compare": ["true", "false"],
    "profile": ["pass"],
    "bench": ["http://127.0.0.1:9"],
}
ELSEWHERE = """
import json, os, signal, sys, contextlib, io
import argparse, asyncio, importlib.metadata, shutil, socket, subprocess, sysconfig, tempfile
import numpy, pyarrow, pyarrow.ipc
sysconfig.get_config_vars()
platform, commands = sys.argv[1], json.loads(sys.argv[2])
MODULES = {"microjoule._native"}
if platform == "win32":
    MODULES |= {"fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog"}
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
for name in MODULES:
    sys.modules.pop(name, None)
LACKING = {os: "memfd_create sched_getaffinity sched_setaffinity pidfd_open eventfd setns unshare"}
if platform == "win32":
    LACKING[os] += " fork geteuid getuid getgid getegid chown fchown mkfifo statvfs uname getloadavg killpg"
    LACKING[os] += " setsid wait4 waitid WNOHANG sysconf O_NOFOLLOW O_CLOEXEC posix_fallocate"
    LACKING[signal] = "SIGHUP SIGKILL SIGQUIT SIGUSR1 SIGUSR2 SIGCHLD SIGALRM SIGPIPE pthread_sigmask"
    LACKING[signal] += " sigtimedwait sigwait setitimer"
for module, names in LACKING.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
sys.platform = platform
from microjoule.cli import main
import microjoule as uj
answers = []
for command in commands:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(command)
        except SystemExit as end:
            code = end.code
    answers.append([code, out.getvalue(), err.getvalue()])
with uj.window("not recorded"):
    pass
try:
    with uj.record():
        raise AssertionError("recorded without the native half")
except uj.errors.NativeMissing as error:
    answers.append([0, str(error), ""])
print(json.dumps(answers))
"""


def answers(platform: str, commands: list[list[str]], folder: Path) -> list[tuple[int, str, str]]:
    """What each command ends with and prints there, and the answer of ``uj.record()``."""
    command = [sys.executable, "-c", ELSEWHERE, platform, json.dumps(commands)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [tuple(answer) for answer in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.parametrize(
    ("platform", "name"), [("darwin", "macOS"), ("win32", "Windows"), ("freebsd14", "freebsd14")]
)
def test_traces_are_read_and_what_records_says_where_it_can(platform: str, name: str, tmp_path: Path) -> None:
    """No traceback, and no word of a file that is missing: Linux is the reason."""
    page, bundle = tmp_path / "page.html", tmp_path / "bundle.zip"
    analysis = [
        ["--version"],
        ["report", str(TRACE), "--html", str(page)],
        ["export", str(TRACE), "--csv", str(tmp_path / "samples.csv")],
        ["publish", str(TRACE), "-o", str(bundle)],
        ["verify", str(bundle)],
        ["zones", "DE"],
        ["run", "--help"],
    ]
    recorders = sorted(RECORDERS)
    found = answers(platform, analysis + [[one, *ARGUMENTS.get(one, ())] for one in recorders], tmp_path)
    *told, by_api = found[len(analysis) :]
    assert [code for code, _, _ in found[: len(analysis)]] == [0] * len(analysis), found[: len(analysis)]
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    sentence = (
        f"Energy is recorded on Linux only, and this is {name}. "
        "Record on Linux, and read the trace here: uj report TRACE"
    )
    assert [said for _, _, said in told] == [f"uj {one}: {sentence}\n" for one in recorders]
    assert {one: code for one, (code, _, _) in zip(recorders, told, strict=True) if code != 3} == {
        "run": 125,
        "flame": 125,
    }
    assert by_api[1] == sentence


def test_a_build_without_the_extension_makes_the_manual_where_there_is_no_fcntl() -> None:
    """setup.py takes the parser of all commands; where that cannot be imported, nothing can be installed."""
    program = (
        "import sys\n"
        "for name in ('fcntl', 'grp', 'pwd', 'resource', 'termios', 'tty', 'pty'):\n"
        "    sys.modules[name] = None\n"
        "from microjoule.cli import COMMANDS, parser\n"
        "from microjoule.cli.manual import page\n"
        "print(sum(page(parser(), '0').count(f'uj {name}') > 0 for name in COMMANDS) == len(COMMANDS))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


HANG_S = 120
IN_ANOTHER = """
import os, sys
try:
    import _interpreters as interpreters  # 3.13
except ImportError:
    import _xxsubinterpreters as interpreters
kind, code = sys.argv[1:]
if "MICROJOULE_MARKS" in os.environ:
    import microjoule._native  # by the main interpreter first
if sys.version_info < (3, 13):
    made = interpreters.create(isolated=kind == "isolated")
else:
    made = interpreters.create(kind)
run = getattr(interpreters, "exec", None) or interpreters.run_string
failed = run(made, code)
interpreters.destroy(made)
assert failed is None, failed
"""
RECORD = """
import microjoule as uj
try:
    with uj.record():
        print("recorded")
except uj.errors.NativeMissing as error:
    print(error.remedy)
"""
LOAD = """
try:
    import microjoule._native
except ImportError:
    print("refused", flush=True)
"""
MARK = """
import microjoule as uj
with uj.window("step"):
    print("inside")
"""


def in_another(kind: str, code: str, then: str = "", **environment: str) -> tuple[str, str]:
    """What code prints, and warns, in a second interpreter, with a GIL of its own or a shared one.

    The main one goes on with ``then``.
    """
    known = ("_interpreters", "_xxsubinterpreters")
    if not any(name in sys.builtin_module_names or _found(name) for name in known):
        pytest.skip("this Python makes no second interpreter")
    command = [sys.executable, "-c", IN_ANOTHER + then, kind, code]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=HANG_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def _found(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the extension is for Linux")
@pytest.mark.parametrize("kind", ["isolated", "legacy"])
def test_a_second_interpreter_records_nothing_and_says_where_to(kind: str) -> None:
    """numpy warns there, or refuses. The native half refuses both kinds, the first to load it too."""
    printed, _ = in_another(kind, RECORD)
    assert printed == "Record in the main interpreter, or run this in a process of its own\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the extension is for Linux")
@pytest.mark.parametrize("kind", ["isolated", "legacy"])
def test_a_second_interpreter_that_is_first_does_not_keep_the_native_half_from_the_main_one(
    kind: str,
) -> None:
    """Of a module as Cython makes it, the interpreter that loads it first has it for itself."""
    then_main = "\nimport microjoule._native\nprint('the main one has it')\n"
    printed, _ = in_another(kind, LOAD, then_main)
    assert printed == "refused\nthe main one has it\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the extension is for Linux")
@pytest.mark.parametrize("kind", ["isolated", "legacy"])
def test_windows_of_a_second_interpreter_are_not_lost_in_silence(kind: str) -> None:
    """They harm nothing, and a recorder around the process gets a warning in their place."""
    assert in_another(kind, MARK) == ("inside\n", "")
    printed, warned = in_another(kind, MARK, MICROJOULE_MARKS="memfd:1:2:3:4:5")
    assert printed == "inside\n"
    assert "RuntimeWarning: The windows of this interpreter are not recorded" in warned


def test_each_reason_has_its_remedy() -> None:
    assert "Reinstall" not in str(NativeMissing.on("darwin", "No module named 'microjoule._native'"))
    assert "--no-binary microjoule" in NativeMissing.on("linux", "undefined symbol: uj_now_ns").remedy
