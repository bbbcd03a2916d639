"""A program that plays a hostile child: it overwrites the memory of the marks that `uj run` hands it.

``python attacker.py [ADDRESS]`` reads one attack a line from standard input and answers each with a line.
Without an address it takes that of its environment, as any child has it.

- ``word OFFSET VALUE``: a word of 8 bytes at a byte offset
- ``claim N``: what is left of so many marks by a program that is killed while it marks
- ``fill OFFSET LENGTH BYTE``
- ``cut LENGTH``: truncates the memory, in every way there is
- ``punch OFFSET LENGTH``: gives pages back
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import sys

HEAD = 64  # offsets of marks.h
FULL = 128
SLOTS = 192
SLOT = 128
COUNT = 65536
SIZE = SLOTS + COUNT * SLOT


def opened(address: str) -> tuple[int, mmap.mmap]:
    """The descriptor and the memory of a ring of which the address begins with ``memfd``."""
    kind, pid, number, *_ = address.split(":")
    assert kind == "memfd", address
    fd = os.open(f"/proc/{pid}/fd/{number}", os.O_RDWR)
    return fd, mmap.mmap(fd, SIZE)


def attack(fd: int, memory: mmap.mmap, line: str) -> str:
    """Carries out one line."""
    what, *numbers = line.split()
    values = [int(number) for number in numbers]
    if what == "word":
        memory[values[0] : values[0] + 8] = struct.pack("<Q", values[1])
    elif what == "claim":
        (head,) = struct.unpack_from("<Q", memory, HEAD)
        struct.pack_into("<Q", memory, HEAD, head + values[0])
    elif what == "fill":
        memory[values[0] : values[0] + values[1]] = bytes([values[2]]) * values[1]
    elif what == "punch":
        libc = ctypes.CDLL(None, use_errno=True)
        keep_size_and_punch = 3
        libc.fallocate(fd, keep_size_and_punch, ctypes.c_long(values[0]), ctypes.c_long(values[1]))
    elif what == "cut":
        for cut in (os.ftruncate, lambda fd, n: os.truncate(f"/proc/self/fd/{fd}", n)):
            try:
                cut(fd, values[0])
                return "was cut"
            except OSError:
                continue
    return "done"


if __name__ == "__main__":
    own = opened(sys.argv[1] if len(sys.argv) > 1 else os.environ["MICROJOULE_MARKS"])
    for each in sys.stdin:
        print(attack(*own, each), flush=True)
