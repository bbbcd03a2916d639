"""How ``uj run`` waits for the command that it measures."""

import os
import signal
import subprocess
import sys
import threading

from microjoule.cli import run_command


def test_an_end_whose_signal_another_thread_took_is_noticed(monkeypatch):
    """SIGCHLD is not among the signals that are waited for, as if it had gone elsewhere."""
    monkeypatch.setattr(run_command, "LOOK_S", 0.05)
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as child:
        found = []
        waits = threading.Thread(
            target=lambda: found.append(run_command._wait(child, {signal.SIGUSR2})), daemon=True
        )
        waits.start()
        waits.join(60)
        assert [os.waitstatus_to_exitcode(status) for status, _ in found] == [3]
