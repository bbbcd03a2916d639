"""The libraries of commands that report start no threads."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from scripted import machine

from microjoule.cli import main
from microjoule.joules.energy_trace import load


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with two traces of a scripted counter, a bundle, and a profile of calls in the first one."""
    folder = tmp_path_factory.mktemp("recorded")
    path, root = folder / "t.arrows", machine(folder / "root")
    assert main(["record", "--root", str(root), "--source", "script", "--for", "300ms", "-o", str(path)]) == 0
    shutil.copy(path, folder / "u.arrows")
    assert main(["publish", str(path), "-o", str(folder / "t.zip")]) == 0
    trace = load(path)
    first, last = trace.counter("package-0").span_ns
    calls = [
        {"name": f"f{n % 2}", "ph": "X", "pid": 1, "tid": 1, "ts": t / 1e3, "dur": 9_000}
        for n, t in enumerate(range(first + 50_000_000, last - 50_000_000, 10_000_000))
    ]
    (folder / "calls.json").write_text(json.dumps(calls))
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ("report", "t.arrows"),
        ("export", "t.arrows", "--csv", "/dev/null"),
        ("attribute", "t.arrows", "calls.json", "--json", "/dev/null"),
        ("compare", "t.arrows", "u.arrows", "--json", "c.json"),
        ("verify", "t.zip"),
    ],
    ids=lambda words: words[0],
)
def test_a_command_that_reasons_starts_no_threads_of_the_libraries(recorded, command):
    """They wait for one another where other programs run: a report took three times its CPU time."""
    said = (
        f"import os; from microjoule.cli import main; code = main({list(command)!r}); "
        "print(code, len(os.listdir('/proc/self/task')))"
    )
    names = ("OPENBLAS_NUM_THREADS", "JE_ARROW_MALLOC_CONF")
    plain = {key: value for key, value in os.environ.items() if key not in names}
    done = subprocess.run(
        [sys.executable, "-c", said], cwd=recorded, env=plain, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 1", done.stdout + done.stderr
