"""Ctrl-C after the command of ``uj run`` has ended, while the report is made."""

import subprocess
import sys

import pytest
from scripted import machine

# Sends Ctrl-C to the process each time as it begins to import one of the modules.
RUN = """
import os, signal, sys
sys.argv = ["uj", *{words!r}]
signal.signal(signal.SIGINT, signal.default_int_handler)
sent = []
class Interrupts:
    def find_spec(name, path, target=None):
        if name in {modules!r}:
            sent.append(name)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts)
from microjoule.__main__ import main
try:
    sys.exit(main())
finally:
    assert sent == {modules!r}, sent
"""
IN_REPORT = ["microjoule.joules.summary", "microjoule.joules.power_line"]


def run(tmp_path, modules):
    program = "import sys; print('done'); sys.exit(3)"
    words = ["run", "--source", "script", "--root", str(machine(tmp_path / "root"))]
    words += ["--", sys.executable, "-c", program]
    return subprocess.run(
        [sys.executable, "-c", RUN.format(words=words, modules=modules)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("module", IN_REPORT)
def test_the_first_one_leaves_the_report_and_the_command_s_exit_code(tmp_path, module):
    done = run(tmp_path, [module])
    assert (done.returncode, done.stdout) == (3, "done\n")
    assert "measured: package + DRAM" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_second_one_ends_it(tmp_path):
    done = run(tmp_path, IN_REPORT)
    assert (done.returncode, done.stdout, done.stderr) == (130, "done\n", "")
