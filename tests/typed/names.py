"""What a user meets of the public names, with the types that checkers must see. Checked, never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import assert_type

import microjoule as uj
from microjoule.joules.estimates.uncertainty import Component

# Traces and windows.
trace = uj.load("trace.arrows")
assert_type(trace, uj.Trace)
assert_type(uj.load(Path("trace.arrows")), uj.Trace)
assert_type(trace.windows, tuple[uj.Window, ...])
assert_type(trace.named("step"), tuple[uj.Window, ...])
assert_type(trace.window("step"), uj.Window)
assert_type(trace.span, uj.Window)
assert_type(trace.channels, Mapping[str, uj.Channel])
assert_type(uj.now(), int)
window = uj.Window("step", uj.now(), uj.now())
assert_type(window.duration_ns, int)

# Energies, estimates, power.
energies = trace.energy(window)
assert_type(energies, uj.Energies)
assert_type(trace.energy("step"), uj.Energies)
assert_type(trace.energy(), uj.Energies)
assert_type(energies["package-0"], uj.Estimate)
assert_type(energies.get("package-0"), uj.Estimate | None)
assert_type(energies.total, uj.Total)
assert_type(energies.add("package-0", "package-0/dram"), uj.Total)
estimate = energies["package-0"]
assert_type(estimate.value, float | None)
assert_type(estimate.low, float)
assert_type(estimate.U, float)
assert_type(estimate.components, tuple[Component, ...])
assert_type(estimate * 0.5, uj.Estimate)
assert_type(2 * estimate, uj.Estimate)
assert_type(estimate / 3.6e6, uj.Estimate)
assert_type(1000 / estimate, uj.Estimate)
assert_type(estimate - estimate, uj.Estimate)
assert_type(-estimate, uj.Estimate)
assert_type(float(estimate), float)
assert_type(f"{estimate:mJ} {estimate:.1f}", str)
summed = sum([estimate, estimate])
assert summed != 0
assert_type(float(summed), float)
assert_type(trace.power("package-0"), uj.Power)

# Recording and measuring.
meter = uj.Meter(root="/", sources=["powercap"], rate=uj.Cadence(rate_hz=100.0))
with uj.energy(meter) as block:
    assert_type(block, uj.EnergyBlock)
assert_type(block.total, uj.Total)
assert_type(block.time, uj.Estimate)
assert_type(block.energies, uj.Energies)
with uj.record() as recorder:
    assert_type(recorder, uj.Recorder)
    with recorder.window("step", sync="torch", tokens=12):
        pass
assert_type(recorder.energy, uj.Energies)
assert_type(recorder.trace.energy("step"), uj.Energies)
assert_type(recorder.trace.by_name(), tuple[uj.NameEnergy, ...])
assert_type(trace.channels["package-0"].place, uj.Place)
assert_type(recorder.trace, uj.Trace)
with uj.record("trace.arrows", meter) as recorder:
    pass
measured = uj.measure(lambda: sorted("text"), meter=meter)
assert_type(measured, uj.Measurement)
assert_type(measured.energy, uj.Estimate)
assert_type(measured.active, uj.Estimate | None)
compared = uj.compare([lambda: 1, lambda: 2], turns=uj.Turns(runs=5), meter=meter)
assert_type(compared, uj.Comparison)
assert_type(compared.ratios[0].energy, uj.Estimate)
found = uj.probe()
assert_type(found, uj.Probe)
assert_type(found.channels, tuple[uj.Channel, ...])


# Windows keep the type of what they decorate.
@uj.window
def bare(batch: list[str], *, size: int = 3) -> float:
    return len(batch) / size


@uj.window("named", tokens=12)
def named(text: str) -> int:
    return len(text)


@uj.window
async def awaited(n: int) -> str:
    return "x" * n


assert_type(bare(["a"], size=2), float)
assert_type(named("a"), int)


async def waits() -> None:
    assert_type(await awaited(3), str)


def of_footprint(footprint: uj.Footprint) -> uj.Estimate:
    return footprint.energy


# Errors and the rest.
assert_type(uj.__version__, str)
try:
    uj.load("nothing.arrows")
except uj.errors.TraceError as error:
    assert_type(error.remedy, str)
except uj.MicrojouleError as other:
    assert_type(other.what, str)
