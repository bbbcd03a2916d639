"""The libraries of commands that report start no threads."""

import os
import subprocess
import sys

from scripted import machine

from microjoule.cli import main


def test_a_report_starts_no_threads_of_the_libraries(tmp_path):
    """They wait for one another where other programs run: a report took three times its CPU time."""
    path = tmp_path / "t.arrows"
    root = machine(tmp_path / "root")
    assert main(["record", "--root", str(root), "--source", "script", "--for", "200ms", "-o", str(path)]) == 0
    said = (
        "import os; from microjoule.cli import main; code = main(['report', 't.arrows']); "
        "print(code, len(os.listdir('/proc/self/task')))"
    )
    names = ("OPENBLAS_NUM_THREADS", "JE_ARROW_MALLOC_CONF")
    plain = {key: value for key, value in os.environ.items() if key not in names}
    done = subprocess.run(
        [sys.executable, "-c", said], cwd=tmp_path, env=plain, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 1"
