"""Whose energy where nothing counts it and a gauge shows the power: as in a laptop on its battery."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from busy import BASE, Machine
from gauges import POLLS, SENSORS, Load, Sensor, channel, series
from ideal import rows
from scipy.stats import binom

from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.run_window import whole
from microjoule.joules.sharing.shares import ShareModel
from microjoule.trace import schema

TENANTS = {"command": 0, "firefox": 1, "idle": -1}


def gauged(machine: Machine, sensor: Sensor) -> Trace:
    """The recording of a machine whose package has a gauge in place of a counter."""
    bounds, _ = machine.steps
    watts = machine.powers.sum(axis=1)
    load = Load(bounds, np.concatenate((watts[:1], watts, watts[-1:])))
    found = replace(channel(sensor.timing), id="package-0", place=machine.base.channel.place)
    gauge = SimpleNamespace(channel=found, series=series(load, sensor, POLLS["10 ms"], machine.seed))
    a, b = machine.ideal.inside(0.2, 0.78)
    table = rows([gauge], [(a, "@begin", 0, "run"), (b, "@end", 0, "run")])
    own = schema.OwnRows(table.schema, schema.dictionary([found]))
    batch = pa.Table.from_batches([own.batch(machine.activity)])
    return Trace(pa.concat_tables([table, batch]).unify_dictionaries())


@pytest.mark.parametrize(
    ("sensor", "most"),
    [
        ("100 of 100 ms", 0.03),
        ("10 of 20 ms", 0.05),
        ("100 of 100 ms, not declared", 0.06),
        ("mean of 1 s", 0.2),
    ],
)
def test_a_gauge_says_whose_energy_it_was(sensor, most):
    held, off = [], []
    for seed in range(5):
        machine = Machine(seed, seconds=8.0, step_s=0.5, base=BASE)
        trace = gauged(machine, SENSORS[sensor])
        window = whole(trace)
        found = ShareModel(trace, "name", window).of(window)
        assert found.status == "ok"
        given = [round(one.energy_j * 1e9) for one in found.shares if one.energy_j is not None]
        assert sum(given) == round(found.total_j * 1e9)
        each = {one.name: one for one in found.shares}
        for name, tenant in TENANTS.items():
            known = machine.truth(tenant, window.t0_ns, window.t1_ns)
            held.append(abs(each[name].energy_j - known) <= each[name].expanded_j)
            off.append(abs(each[name].energy_j / known - 1))
            assert known <= each[name].high_j * (1 + 1e-9)
    assert binom.cdf(sum(held), len(held), 0.93) > 1e-3, f"{np.mean(held):.3f} of {len(held)}"
    assert np.median(off) < most, np.median(off)


def test_a_share_is_no_better_known_than_the_figure_that_it_is_a_share_of():
    """A meter that stands still, of whose updates nothing is known: 820 ± 770 J, and all of it 821 ± 78 J."""
    quiet = Machine(1, seconds=2.6, idle_w=410.0, per_s=(0.0, 0.0))
    still = replace(SENSORS["100 of 100 ms, not declared"], noise_w=0.0, quantum_w=1.0)
    trace = gauged(quiet, still)
    window = whole(trace)
    total = trace.energy(window).total
    shares = ShareModel(trace, "name", window).of(window).shares
    assert 0.5 * total.value < total.U
    assert sum(one.expanded_j or 0.0 for one in shares) >= 0.99 * total.U
