"""How far a clock may be off: what the kernel, chrony and PTP say of it."""

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

from microjoule.recording import clock_error
from microjoule.recording.clock_error import KEEPERS, UNKNOWN_NS, ClockErrors, of_chrony, of_kernel, of_ptp
from microjoule.trace import schema

TRACKING = (
    "C0A80101,ntp.example,3,1790000000.123,-0.000012345,0.000001,0.00002,-5.1,0.01,0.2,"
    "0.004000000,0.000500000,64.2,{leap}\n"
)
DATA_SET = """sending: GET CURRENT_DATA_SET
	001122.fffe.334455-0 seq 0 RESPONSE MANAGEMENT CURRENT_DATA_SET
		stepsRemoved     {steps}
		offsetFromMaster -120.0
		meanPathDelay    850.0
"""


def test_the_kernel_says_how_far_its_clock_may_be_off():
    found = of_kernel()
    assert found.source == "kernel"
    assert 0 <= found.bound_ns <= UNKNOWN_NS


@pytest.mark.parametrize(
    ("text", "bound_ns"),
    [
        (TRACKING.format(leap="Normal"), 12_345 + 500_000 + 2_000_000 + 1),
        (TRACKING.format(leap="Not synchronised"), None),
        (TRACKING.format(leap="Normal").replace("C0A80101", "7F7F0101"), None),  # it follows itself
        ("506 Cannot talk to daemon\n", None),
        (TRACKING.format(leap="Normal").replace("0.0005", "much"), None),
        (TRACKING.format(leap="Normal").replace("0.004", "99"), None),
        ("", None),
    ],
)
def test_chronys_bound_is_offset_and_dispersion_and_half_the_delay(text, bound_ns):
    assert of_chrony(text) == bound_ns


@pytest.mark.parametrize(
    ("text", "bound_ns"),
    [
        (DATA_SET.format(steps=1), 120 + 850 + 1),
        (DATA_SET.format(steps=0), None),  # it is the master itself, or has none
        ("sending: GET CURRENT_DATA_SET\n", None),
    ],
)
def test_ptps_bound_is_the_offset_and_the_path(text, bound_ns):
    assert of_ptp(text) == bound_ns


def printing(text):
    return (sys.executable, "-c", f"print({text!r}, end='')")


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([printing(TRACKING.format(leap="Normal"))], (2_512_346, "chrony")),
        ([("/nowhere/chronyc",), printing(DATA_SET.format(steps=2))], (971, "ptp")),
        ([printing("nonsense"), ("false",)], None),
        ([], None),
    ],
)
def test_the_first_keeper_that_answers_counts_and_else_the_kernel(commands, expected):
    readers = (("chrony", of_chrony), ("ptp", of_ptp))
    keepers = [(name, command, read) for (name, read), command in zip(readers, commands, strict=False)]
    errors = ClockErrors(keepers)
    errors.ask()
    errors._asked_s = time.monotonic()  # it was asked just now
    ((_, _, name, bound_ns, source),) = errors.now()
    assert name == schema.CLOCK_ERROR
    kernel = of_kernel()
    assert source == (expected or kernel)[1]
    assert bound_ns == expected[0] if expected else 0 <= bound_ns <= UNKNOWN_NS


def test_a_keeper_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(clock_error, "_PATIENCE_S", 0.2)
    errors = ClockErrors([("chrony", (sys.executable, "-c", "import time; time.sleep(60)"), of_chrony)])
    errors.ask()
    assert errors.now()[0][4] == "kernel"


def test_a_recorder_is_not_held_up_by_a_keeper(tmp_path):
    os.mkfifo(tmp_path / "may answer")
    answer = TRACKING.format(leap="Normal")
    program = f"open({str(tmp_path / 'may answer')!r}).read(); print({answer!r})"
    errors = ClockErrors([("chrony", (sys.executable, "-c", program), of_chrony)])
    assert errors.now()[0][4] == "kernel"  # asked beside: the answer comes in a later row
    (tmp_path / "may answer").write_text("now")
    errors._thread.join(60)
    assert errors.now()[0][3:] == (2_512_346, "chrony")


@pytest.mark.skipif(shutil.which("chronyd") is None, reason="chrony is not installed")
def test_a_real_chronyd_is_read(tmp_path):
    """It serves its own clock as the true time, touches nothing, and listens on a port of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    config = tmp_path / "chrony.conf"
    config.write_text(
        f"local stratum 8\nport 0\ncmdport {port}\nbindcmdaddress 127.0.0.1\npidfile {tmp_path}/pid\n"
        "bindcmdaddress /\n"
    )
    daemon = subprocess.Popen(
        ["chronyd", "-x", "-d", "-U", "-u", "root", "-f", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ask = ("chronyc", "-h", "127.0.0.1", "-p", port, "-c", "tracking")
        until = time.monotonic() + 30
        said = ""
        while "Normal" not in said and time.monotonic() < until and daemon.poll() is None:
            time.sleep(0.1)
            said = subprocess.run(ask, capture_output=True, text=True).stdout
        if daemon.poll() is not None:
            pytest.skip(f"chronyd ends here with {daemon.returncode}")
        assert of_chrony(said) is None  # it follows nobody
        assert 0 < of_chrony(said.replace("7F7F0101", "C0A80101")) < 10**9
        assert KEEPERS[0][1][1:] == ask[5:]
    finally:
        daemon.terminate()
        daemon.wait(30)
