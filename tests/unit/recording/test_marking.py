"""A window never breaks the program that it is in, whatever the recorder around it is or was."""

import os
import subprocess
import sys

import pytest

from microjoule.recording.mark_rings import OTHERS, REST_MAX, MarkRings
from microjoule.recording.marking import mark
from microjoule.recording.native import Marks

PROGRAM = """
import sys
import microjoule as uj
from microjoule.recording import marking
with uj.window("work"):
    print("worked", marking.is_recorded())
"""


def ended_ring():
    ring = Marks("")
    address = ring.address
    del ring
    return address


@pytest.mark.parametrize(
    "address",
    [
        "/etc/passwd",
        "memfd:",
        "memfd:1:0:1",
        "memfd:999999999:3:1",
        pytest.param(f"memfd:{os.getpid()}:0:1", id="own process"),
        "sysv:0:1",
        "sysv:-1:1",
        "nonsense\udcff",
        "x" * 10_000,
        pytest.param(ended_ring() or "sysv:1:1", id="ended ring"),
    ],
    ids=range(10),  # process numbers differ from one worker of the suite to the next
)
def test_an_address_that_leads_nowhere_is_no_recording(address):
    environment = {**os.environ, "MICROJOULE_MARKS": address}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "worked False\n", "")


def test_another_program_finds_a_ring_by_its_address():
    rings = MarkRings()
    address = rings.share()
    assert address is not None
    assert rings.share() == address
    environment = {**os.environ, "MICROJOULE_MARKS": address}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    assert ran.stdout == "worked True\n", ran.stderr
    (begin, end) = rings.drain_rest()
    assert (begin[0], begin[3], end[0]) == ("begin", "work", "end")
    assert begin[2] == end[2] >= OTHERS
    assert rings.losses() == {"full": 0, "lost": 0, "damaged": 0}


def test_a_program_that_never_stops_marking_does_not_keep_a_recording_from_its_end():
    rings = MarkRings()
    program = "import microjoule as uj\nwhile True:\n    with uj.window('flood'): pass\n"
    environment = {**os.environ, "MICROJOULE_MARKS": rings.share() or ""}
    flood = subprocess.Popen([sys.executable, "-c", program], env=environment)
    try:
        while not rings.losses()["full"]:
            assert flood.poll() is None
        rest = rings.drain_rest()
    finally:
        flood.kill()
        flood.wait()
    assert 0 < len(rest) < REST_MAX + 65536


def test_no_program_ends_a_window_of_the_recorder():
    rings = MarkRings()
    other = Marks(rings.share())
    with mark(rings.own, "run", {}):
        with mark(other, "step", {}):  # both are the first of their rings
            pass
        marks = rings.drain()
    marks += rings.drain()
    numbers = {label: number for kind, _, number, label in marks if kind == "begin"}
    ended = [number for kind, _, number, _ in marks if kind == "end"]
    assert numbers["run"] != numbers["step"]
    assert sorted(ended) == sorted(numbers.values())


@pytest.mark.parametrize(
    ("name", "shown"),
    [("plain", "plain"), ("caf\udce9", "caf\\udce9"), ("\ud800", "\\ud800"), ("\0", "\0"), ("", "")],
)
def test_a_label_is_utf_8_or_written_out(name, shown):
    ring = Marks()
    window = mark(ring, name, {})
    with window:
        pass
    assert window.label == shown
    assert [each[3] for each in ring.drain()] == [shown, ""]
