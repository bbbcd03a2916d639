"""codecarbon: a task of its offline tracker."""

import time

from codecarbon import OfflineEmissionsTracker

J_PER_KWH = 3.6e6
done = []


def _tracker(seconds):
    return OfflineEmissionsTracker(
        country_iso_code="FRA",
        measure_power_secs=seconds,
        save_to_file=False,
        log_level="critical",
        allow_multiple_runs=True,
    )


def start():
    """Makes the tracker; the first task makes it look for hardware, so one is thrown away."""
    global tracker
    tracker = _tracker(15)
    begin()
    end()
    done.clear()


def begin():
    """Begins a task."""
    tracker.start_task("work")


def end():
    """Ends it."""
    done.append(tracker.stop_task("work"))
    tracker._tasks.pop("work", None)


def energies_j():
    """The CPU's joules of each task."""
    return [None if each is None else each.cpu_energy * J_PER_KWH for each in done]


def sampling(work):
    """The times at which it measured, asked for a thousand times a second, beside the work."""
    times = []
    tracker = _tracker(0.001)
    measure = tracker._measure_power_and_energy

    def noted():
        times.append(time.monotonic())
        measure()

    tracker._measure_power_and_energy = noted
    tracker.start()
    tracker._scheduler.function = noted
    work()
    tracker.stop()
    return times
