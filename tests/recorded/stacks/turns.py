import sys
import time


def hot(until):
    while time.monotonic() < until:
        sum(range(2000))


def cold(until):
    while time.monotonic() < until:
        sum(range(2000))


def main(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        turn = int(time.monotonic() / 0.07)
        (hot if turn % 2 else cold)((turn + 1) * 0.07)


main(float(sys.argv[1]))
