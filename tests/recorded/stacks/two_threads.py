"""One thread runs Python and one compresses in C; each writes its CPU time."""

import sys
import threading
import time
import zlib

DATA = bytes(range(256)) * 4000


def interpreted(until):
    while time.monotonic() < until:
        sum(n * n for n in range(2000))


def compressed(until):
    while time.monotonic() < until:
        zlib.compress(DATA, 9)


def timed(work, until, found):
    began = time.thread_time()
    work(until)
    found[work.__name__] = time.thread_time() - began


def main(seconds, path):
    until, found = time.monotonic() + seconds, {}
    both = [threading.Thread(target=timed, args=(work, until, found)) for work in (interpreted, compressed)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{name} {cpu_s}\n" for name, cpu_s in sorted(found.items()))


main(float(sys.argv[1]), sys.argv[2])
