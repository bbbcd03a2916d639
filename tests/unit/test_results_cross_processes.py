"""What microjoule answers goes to another process and back whole: by pickle, and by copy."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from scripted import machine

import microjoule as uj
from microjoule import errors
from microjoule.errors import TraceError
from microjoule.footprint import FactorOptions
from microjoule.footprint.chosen_factors import terms
from microjoule.footprint.footprint import footprint
from microjoule.joules.long_traces.streamed import stream

GOLDEN = Path(__file__).parents[1] / "golden" / "marks.arrows"
WAYS = {
    "pickle": lambda of: pickle.loads(pickle.dumps(of)),
    "old pickle": lambda of: pickle.loads(pickle.dumps(of, protocol=2)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


def _work() -> int:
    return sum(range(5000))


def _other() -> int:
    return sum(range(9000))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One object of each public kind, from a scripted machine where it takes one."""
    meter = uj.Meter(sources=["script"], root=machine(tmp_path_factory.mktemp("machine")))
    trace = uj.load(GOLDEN)
    energy = trace.energy()
    with uj.energy(meter) as block:
        _work()
    turns = uj.Turns(runs=2, max_time_s=2, warm_up=0)
    options = FactorOptions(zone="DE")
    return {
        "Cadence": uj.Cadence(),
        "Channel": next(iter(trace.channels.values())),
        "Comparison": uj.compare([_work, _other], turns=turns, meter=meter),
        "Energies": energy,
        "EnergyBlock": block,
        "Estimate": energy[trace.energy_channels[0]] / 2,
        "Footprint": footprint(energy.total, terms(options), 1.0),
        "Measurement": uj.measure(_work, rel=0.5, max_time_s=5, meter=meter),
        "Meter": meter,
        "NameEnergy": trace.by_name()[0],
        "Place": next(iter(trace.channels.values())).place,
        "Power": trace.power(trace.energy_channels[0]),
        "Probe": uj.probe(meter),
        "Total": energy.total,
        "Trace": trace,
        "Turns": turns,
        "Window": trace.windows[0],
        "energies of windows": trace.energies(trace.windows),
        "channels of a trace": trace.channels,
        "facts of a trace": trace.facts,
        "factors": options,
    }


def plain(of):
    """The figures of an object as plain values."""
    if isinstance(of, uj.Trace):
        return of.by_name(), of.energy(), of.table, of.path, dict(of.facts), dict(of.channels)
    if isinstance(of, uj.Energies | uj.EnergyBlock):
        return {name: each.to_json() for name, each in of.items()}, of.total.to_json(), str(of)
    if isinstance(of, uj.Power):
        return [np.nan_to_num(getattr(of, each.name)).tolist() for each in fields(of)]
    return of.to_json() if hasattr(of, "to_json") else of


@pytest.mark.parametrize("way", WAYS)
def test_a_result_of_each_public_kind_comes_back_as_it_was(results, way):
    kinds = {name for name in uj.__all__ if inspect.isclass(getattr(uj, name))}
    assert kinds - set(results) == {"MicrojouleError", "Recorder"}, "one more public kind: does it come back?"
    for name, sent in results.items():
        back = WAYS[way](sent)
        assert type(back) is type(sent), name
        assert repr(back) == repr(sent), name
        assert plain(back) == plain(sent), name


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("channel", ["gpu-0/energy", "gpu-0/power"])
def test_a_meter_of_a_trace_answers_as_before_in_another_process(way, channel):
    """Before its first figure and after it, a counter as a gauge."""
    trace = uj.load(GOLDEN.with_name("nvml.arrows"))
    span = trace.span

    def figures(meter):
        return [each.to_json() for each in meter.estimates(meter.energies([span.t0_ns], [span.t1_ns]))]

    fresh = WAYS[way](trace.meter(channel))
    expected = figures(trace.meter(channel))
    assert figures(fresh) == expected
    assert figures(WAYS[way](trace.meter(channel))) == expected


@pytest.mark.parametrize("way", WAYS)
def test_an_error_comes_back_with_its_remedy(way):
    """A worker's error goes up in the process that waits for it."""
    kinds = [each for each in vars(errors).values() if inspect.isclass(each)]
    kinds = [each for each in kinds if issubclass(each, uj.MicrojouleError)]
    assert len(kinds) > 10
    for kind in kinds:
        sent = kind("It is so", "Do this")
        back = WAYS[way](sent)
        assert type(back) is kind
        assert (back.what, back.remedy, str(back)) == (sent.what, sent.remedy, "It is so. Do this")


@pytest.mark.parametrize("way", WAYS)
def test_a_trace_without_its_rows_says_why_it_cannot_be_sent(way):
    with pytest.raises(TraceError, match=r"Use `uj\.load`"):
        WAYS[way](stream(GOLDEN))
