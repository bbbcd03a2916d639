"""wattameter: a tracker whose thread reads at 1 kHz. It has no windows, so no energy of a part."""

import time

from wattameter import Tracker
from wattameter.readers import RAPLReader


def sampling(work):
    """The times of the readings that its thread took at 1 kHz beside the work, in seconds."""
    behind_s = time.time() - time.monotonic()
    tracker = Tracker(RAPLReader(), dt_read=0.001)
    tracker.start(freq_write=0)
    work()
    tracker.stop(freq_write=0)
    return [t / 1e9 - behind_s for t in tracker.time_series]
