"""What is said of a gauge that stands still, and of one that contradicts the counter of its device."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import gauges
import gpu_counter
import numpy as np
import pytest
from ideal import rows, write

import microjoule as uj
from microjoule.joules.energy_trace import Trace
from microjoule.joules.sensor_notes import disagreements
from microjoule.joules.summary import summary
from microjoule.report import as_long_text, as_text


def test_a_sensor_that_never_changes_is_said_and_as_coarse_as_its_value():
    """688.7 J ± 1.4 µJ, it said of a meter that shows tenths of a watt."""
    flat = gauges.Load(np.array([3.0, 60.0]), np.array([68.87] * 3))
    coarse = gauges.Sensor(update_s=1.0, window_s=1.0, quantum_w=0.1, noise_w=0.0)
    found = gauges.gauge(flat, coarse, gauges.Poll(), 1)
    t0, t1 = gauges.windows(flat, 10.0, 20, 1, margin_s=-7.0)  # later readings say that it was steady
    for estimate, truth in zip(
        found.estimates(found.energies(t0, t1)), gauges.truth_j(flat, t0, t1), strict=True
    ):
        assert abs(estimate.value - truth) <= estimate.U < 1.0
    assert len(found.notes) == 1
    assert found.notes[0].startswith("gpu-0/power showed 68.9 W and nothing else for 6")


def test_a_gauge_that_contradicts_its_counter_is_reported(tmp_path):
    """Half of the power, by a wrong unit; and one that says the same is not."""
    load = gauges.steps(0.8, 20.0, 1)
    plain = gauges.SENSORS["100 of 100 ms"]
    halved = dataclasses.replace(load, watts=load.watts / 2)
    of = gpu_counter.GpuCounter()
    same = uj.load(gpu_counter.trace(tmp_path, load, of, plain, 1))
    other = uj.load(gpu_counter.trace(tmp_path, load, of, plain, 2, shown=halved))
    assert disagreements(same) == []
    (sentence,) = disagreements(other)
    assert sentence.startswith("gpu-0/power shows ")
    assert "further apart than both uncertainties" in sentence
    assert sentence in summary(other)["sensors"]


@pytest.mark.parametrize(("name", "is_said"), [("gpu-0/power_average", True), ("gpu-1/power", False)])
def test_two_gauges_of_one_device_that_contradict_each_other_are_reported(name, is_said):
    """Without a counter one of them is in the total; that of another device may show what it likes."""
    load, plain = gauges.steps(0.8, 20.0, 1), gauges.SENSORS["100 of 100 ms"]
    halved = dataclasses.replace(load, watts=load.watts / 2)
    both = [
        SimpleNamespace(
            channel=gauges.channel(plain.timing, id_), series=gauges.series(of, plain, gauges.Poll(), 1)
        )
        for id_, of in (("gpu-0/power", load), (name, halved))
    ]
    found = disagreements(Trace(rows(both)))
    assert len(found) == is_said
    assert all(sentence.startswith(f"{name} shows ") for sentence in found)  # of the other than the total's


def test_a_part_time_sensor_and_a_slow_swing_are_sentences_of_the_report():
    """A load of 97 ms under a sensor that looks at 25 of 100 ms, and the same sensor at rest."""
    one = gauges.SENSORS["25 of 100 ms"]
    found = {
        name: gauges.gauge(load, one, gauges.POLLS["10 ms"]).notes
        for name, load in gauges.loads(0.1, 60.0, 0).items()
    }
    assert any("swing as those" in note for note in found["near: 0.97 T"])
    assert [note for note in found["steady"] if "swing as those" in note] == []
    assert all(any("measures 25 ms of each" in note for note in notes) for notes in found.values())
    refuted = gauges.gauge(
        gauges.loads(0.1, 60.0, 0)["steps"], dataclasses.replace(one, update_s=0.05), gauges.POLLS["10 ms"]
    ).notes
    assert any("is updated every 50 ms in this trace, not every 100 ms" in note for note in refuted)


@pytest.mark.parametrize(("name", "is_more"), [("near: 0.97 T", True), ("near twice: 2.03 T", False)])
def test_a_load_that_may_swing_by_more_than_readings_show_is_said_with_what_they_show(name, is_more):
    """ "It may swing by 607 W" was said of readings of 60 to 334 W."""
    load = gauges.loads(0.1, 60.0, 0)[name]
    gauge = gauges.gauge(load, gauges.SENSORS["25 of 100 ms"], gauges.POLLS["10 ms"])
    (said,) = (note for note in gauge.notes if "swing as those" in note)
    assert ("W within 100 ms, though its readings are 60 to 330 W, and its" in said) == is_more


def test_a_period_of_seconds_is_said_in_seconds():
    load = gauges.loads(0.1, 60.0, 0)["steps"]
    slow = dataclasses.replace(gauges.SENSORS["100 of 100 ms"], update_s=3.0)
    found = gauges.gauge(load, slow, gauges.POLLS["10 ms"]).notes
    assert any("is updated every 3 s in this trace, not every 100 ms" in note for note in found)


def test_a_gauge_beside_its_counter_is_spoken_of_where_its_figures_are_shown(tmp_path):
    """Two of three warnings of a report whose every figure was the counter's."""
    load, part, counter = (
        gauges.square(0.097, 20.0, 1),
        gauges.SENSORS["25 of 100 ms"],
        gpu_counter.GpuCounter(),
    )
    gauge = SimpleNamespace(
        channel=gauges.channel(part.timing), series=gauges.series(load, part, gauges.Poll(), 1)
    )
    counted = SimpleNamespace(channel=counter.channel, series=counter.series(load, gauges.Poll(), 2))
    both, alone = (
        summary(uj.load(write(tmp_path / f"{len(read)}.arrows", rows(read))))
        for read in ([counted, gauge], [gauge])
    )
    shown = {form: " ".join(form.render(both).split()) for form in (as_text, as_long_text)}
    for said in ("measures 25 ms of each 100 ms", "swing as those of a load near its own frequency"):
        assert any(said in note for note in both["sensors_beside"])
        assert not any(said in note for note in both["sensors"])
        assert said not in shown[as_text]
        assert said in shown[as_long_text]
        assert said in " ".join(as_text.render(alone).split())
    assert alone["sensors_beside"] == []
