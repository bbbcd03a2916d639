"""Ctrl-C while a command starts ends it with 130 and without a word, wherever it comes."""

import subprocess
import sys

import pytest

# Sends Ctrl-C to the process as it begins to import a module.
STARTED = """
import os, signal, sys
sys.argv = ["uj", "report", "--help"]
signal.signal(signal.SIGINT, signal.{handler})
sent = []
class Interrupts:
    def find_spec(name, path, target=None):
        if name == {module!r}:
            sent.append(name)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts)
from microjoule.__main__ import main
try:
    sys.exit(main())
finally:
    assert sent, "was not imported"
"""
MODULES = ("microjoule.cli", "argparse", "microjoule.errors", "microjoule.cli.report", "microjoule.cli.pages")


def started(module, handler):
    program = STARTED.format(module=module, handler=handler)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", MODULES)
def test_it_comes_while_a_module_is_imported(module):
    done = started(module, "default_int_handler")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("module", MODULES)
def test_who_ignores_it_goes_on(module):
    """As a job of a shell in the background, or under nohup."""
    done = started(module, "SIG_IGN")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: uj report")
