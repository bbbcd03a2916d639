"""Whatever a child writes into the memory of the marks, taking them ends, and others' windows come again.

The child is a process of its own (``attacker.py``), which has the memory as any child of ``uj run`` has it.
``tests/native/test_marks_attacked.c`` plays attacks in C, with an oracle of each mark.
"""

import subprocess
import sys
import time
from pathlib import Path

import attacker
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from microjoule._native import Mark, Marks

CHILD = Path(attacker.__file__)
GRACE_S = 1.0  # GRACE_NS of csrc/marks.c
words = st.one_of(
    st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1, attacker.COUNT, attacker.COUNT + 1, 2 * attacker.COUNT]),
    st.integers(0, 200),
    st.integers(0, 2**64 - 1),
)
near = st.integers(0, 300).map(lambda slot: attacker.SLOTS + slot * attacker.SLOT)
anywhere = st.integers(0, attacker.SIZE // 8 - 1).map(lambda word: 8 * word)
lines = st.one_of(
    st.builds("word {} {}".format, st.just(attacker.HEAD), words),
    st.builds("word {} {}".format, st.just(attacker.FULL), words),
    st.builds("word {} {}".format, near, words),
    st.builds("word {} {}".format, st.builds(int.__add__, near, st.sampled_from(range(0, 128, 8))), words),
    st.builds("word {} {}".format, anywhere, words),
    st.builds("fill {} {} {}".format, near, st.integers(1, 9000), st.integers(0, 255)),
    st.builds("punch {} {}".format, st.just(0), st.sampled_from([4096, attacker.SIZE])),
    st.builds("cut {}".format, st.sampled_from([0, 1, attacker.SIZE - 1, 2 * attacker.SIZE])),
)


class Child:
    """The hostile process and the ring that it shares with this one."""

    def __init__(self) -> None:
        self.ring = Marks("")
        if not (self.ring.address or "").startswith("memfd:"):
            pytest.skip(f"no sealed memory here: {self.ring.address}")
        self.process = subprocess.Popen(
            [sys.executable, CHILD, self.ring.address], stdin=-1, stdout=-1, text=True, bufsize=1
        )
        self.n = 0

    def attack(self, line: str) -> str:
        print(line, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def is_well(self) -> bool:
        """Whether windows that are marked now all come through, with their labels."""
        names = [f"{self.n + i} {'x' * 40 * i}" for i in range(8)]
        self.n += len(names)
        for name in names:
            with Mark(self.ring, name):
                pass
        marks = self.ring.drain()
        begun = [label for kind, _, _, label in marks if kind == "begin"]
        return begun == names and len(marks) == 2 * len(names)


@pytest.fixture(scope="module")
def child():
    one = Child()
    with one.process:
        yield one


@settings(max_examples=20, deadline=None)
@example(plan=[f"word {attacker.HEAD} {2**63}"])  # each of these kept `uj run` from ending
@example(plan=[f"word {attacker.HEAD} {2**32}"])
@example(plan=["cut 0"])  # and this ended it with SIGBUS
@given(plan=st.lists(lines, max_size=12))
def test_marks_come_through_again_when_the_child_stops(child, plan):
    for i, line in enumerate(plan):
        if i % 3 == 0:
            child.is_well()
        assert child.attack(line) == "done"
    assert len(child.ring.drain()) <= attacker.COUNT
    # The writers and the recorder pass what was overwritten; what looks like a killed writer has a second.
    until = time.monotonic() + 20 * GRACE_S
    while not all(child.is_well() for _ in range(4)) and time.monotonic() < until:
        time.sleep(GRACE_S / 20)
    assert all(child.is_well() for _ in range(4))


def test_marking_goes_on_while_a_child_overwrites(child):
    for word in range(200):
        child.attack(f"word {attacker.SLOTS + word % 40 * attacker.SLOT} {word}")
        with Mark(child.ring, "step"):
            pass
        child.ring.drain()
    assert child.ring.losses()["damaged"] > 0
