"""What is read in the calling thread brackets what was asked for, however long a read takes."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scripted import DRAM_W, MODULUS, MS, PACKAGE_W, machine

from microjoule.measuring.fitted import fit
from microjoule.measuring.poller import Poller
from microjoule.recording.meter import Meter
from microjoule.recording.native import now_ns
from microjoule.sources.script import Entry, Repeat, script_text


def poller(root, latency_ns=0):
    """Of a package and its memory in one lane; each read of the package takes so long."""
    machine(root)
    slow = [Entry(raw=0, latency_ns=latency_ns)]
    (root / "package.txt").write_text(script_text(slow, Repeat(MS, PACKAGE_W, MODULUS)))
    return Poller(fit(Meter(sources=("script",), root=root)).channels)


def test_a_spin_to_the_update_waits_for_each_channel_of_a_lane(tmp_path):
    """An update between the two reads of a lane shows in the second channel and not yet in the first."""
    of = poller(tmp_path, latency_ns=600_000)  # of an update a millisecond
    of.poll()
    begun_ns = now_ns()
    for i in range(40):
        time.sleep(3e-4 * (i % 7))
        ended_ns = now_ns()
        of.spin_to_update()
        found = {name: each.energy(begun_ns, ended_ns).status for name, each in of.counters().items()}
        assert found == {"package-0": "ok", "package-0/dram": "ok"}


@pytest.mark.parametrize("pass_time", ["spin_for", "idle_for"])
def test_time_that_is_over_before_it_began_is_read_once_all_the_same(tmp_path, pass_time):
    """A machine that keeps the thread away for long leaves no stretch without a reading."""
    of = poller(tmp_path)
    getattr(of, pass_time)(0.0)
    begun_ns = now_ns()
    time.sleep(0.01)
    getattr(of, pass_time)(0.0)
    of.spin_to_update()
    counters = of.counters()
    joules = [each.energy(begun_ns, begun_ns + 5 * MS) for each in counters.values()]
    assert [one.status for one in joules] == ["ok", "ok"]
    for one, power_w in zip(joules, (PACKAGE_W, DRAM_W), strict=True):
        assert one.low <= power_w * 0.005 <= one.high


def test_a_spin_passes_over_an_update_that_came_while_it_could_not_read(tmp_path):
    """Of ten milliseconds a read takes four: what changed meanwhile may have changed at any time of them."""
    root = machine(tmp_path)
    kept_away = [Entry(t_ns=k * MS, raw=PACKAGE_W * k, latency_ns=4 * MS * (k == 4)) for k in range(10)]
    (root / "package.txt").write_text(script_text(kept_away, Repeat(10 * MS, 10 * PACKAGE_W, MODULUS)))
    of, back_ns = Poller(fit(Meter(sources=("script",), root=root)).channels), []
    for _ in range(60):
        of.spin_to_update()
        back_ns.append(now_ns())
    for each in of.counters().values():
        at = each.changes[np.searchsorted(each.t_ns[each.changes], back_ns) - 1]
        assert np.all(each.ends_ns(at) - each.t_ns[at - 1] < MS / 2)
