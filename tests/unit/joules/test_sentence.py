"""The answer in one sentence."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from ideal import Ideal, constant, rows
from places import place_of

from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates import estimate_text
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.estimate_text import duration
from microjoule.joules.estimates.run_window import whole
from microjoule.joules.estimates.sentence import headline, places, sentence, subject_of
from microjoule.joules.estimates.total import Total
from microjoule.joules.estimates.uncertainty import Component
from microjoule.joules.power_line import power_line
from microjoule.report import written_numbers as figures
from microjoule.trace.window import Window

IDEAL = Ideal(constant(60.0), n=2000, limit_w=150.0)


def figure(value, u, *names, provenance="measured"):
    parts = tuple(Component(name, u) for name in names)
    return Estimate(value=value, low=0.0, high=1e9, components=parts, provenance=provenance)


def test_sentence_says_what_used_how_much_in_how_long_and_what_was_measured() -> None:
    energy = figure(185.0, 5.5, "gain")
    parts = [(place_of("package-0"), energy), (place_of("package-0/dram"), figure(1.0, 0.1, "gain"))]
    said = sentence("python train.py", 3.12, energy, parts)
    assert said == "python train.py used 185 J ± 11 J in 3.12 s (59.3 W); measured: package + DRAM"


def test_sentence_gives_no_uncertainty_that_leaves_the_sensor_out() -> None:
    """± 30 mJ of 185 J would be the readings' alone."""
    energy = figure(185.0, 0.015, "quantisation")
    said = sentence("a", 2.0, energy, [(place_of("psys"), energy)])
    assert said == "a used 185 J in 2.00 s (92.5 W); measured: psys (board) (sensor accuracy unknown)"
    of_parts = [(place_of("package-0"), figure(100.0, 5.0, "gain")), (place_of("gpu-0/energy"), energy)]
    assert sentence("a", 2.0, energy, of_parts).endswith("package + GPU (sensor accuracy unknown)")


def test_a_long_command_is_cut_to_48_characters() -> None:
    assert subject_of({"command": ["a" * 48]}) == "a" * 48
    assert subject_of({"command": ["a" * 49]}) == "a" * 47 + "…"


def test_sentence_of_a_model_says_estimated() -> None:
    energy = figure(1.4, 0.65, "model", provenance="estimated")
    said = sentence("sleep 1", 1.0, energy, [(place_of("cpu_time/command"), energy)])
    assert said == (
        "sleep 1 used 1.4 J ± 1.3 J in 1.00 s (1.4 W); estimated, not measured: CPU time of the command"
    )


def test_sentence_names_the_meters_that_are_not_added() -> None:
    """Of two ACPI meters either may hold the other: none of them is called the whole machine."""
    energy = Total(
        value=410.0,
        low=0.0,
        high=1e9,
        components=(Component("gain", 20.0),),
        channels=("machine-0/power",),
        excluded=("machine-1/power",),
    )
    said = sentence("a", 1.0, energy, [(place_of("machine-0/power"), energy)])
    assert said.endswith("measured: one of 2 meters, machine-0/power (not added: machine-1/power)")


def test_sentence_without_a_figure_says_why() -> None:
    unknown = Estimate(value=None, low=2.0, high=3.0, status="incomplete")
    said = sentence("a", 1.0, unknown, [(place_of("package-0"), unknown)])
    assert said == "a has no energy figure for 1.00 s: package incomplete (guaranteed 2.00 … 3.00 J)"


def test_sentence_without_a_figure_tells_what_was_read_from_what_was_not() -> None:
    """Of a package and a DRAM that had both failed it said that both were read."""
    failed = Estimate(value=None, low=0.0, high=math.inf, status="failed")
    both = [(place_of("package-0"), failed), (place_of("package-0/dram"), failed)]
    begin = "a has no energy figure for 1.00 s: package + DRAM failed"
    assert sentence("a", 1.0, failed, both) == begin
    assert sentence("a", 1.0, failed, [*both, (place_of("gpu-0/energy"), figure(1.0, 0.1))]) == (
        f"{begin}; read: GPU"
    )


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["package-0", "package-1", "package-0/dram", "package-1/dram"], "2 packages + 2 DRAM"),
        (["package-0", "gpu-0/energy", "gpu-1/energy"], "package + 2 GPUs"),
        (["node-0"], "whole node"),
    ],
)
def test_places_are_said_in_words(ids, words) -> None:
    assert places(map(place_of, ids)) == words


@pytest.mark.parametrize(
    ("of_s", "said"), [(0.0123, "12.3 ms"), (119.0, "119 s"), (750.0, "12.5 min"), (14472.0, "4.02 h")]
)
def test_durations_are_said_in_the_unit_that_fits(of_s, said) -> None:
    assert duration(of_s) == said


def test_a_command_is_one_short_line_without_control_characters() -> None:
    assert subject_of({"command": ["sleep", "1"]}) == "sleep 1"
    assert subject_of({}) == "the recording"
    said = subject_of({"command": ["python", "-c", "a\nb\x1b[31m\u202e" + "x" * 1000]})
    assert said.isprintable()
    assert len(said) <= 48


def test_power_line_has_the_power_of_each_bin() -> None:
    """60 W throughout, and nothing outside the readings."""
    trace = Trace(rows([IDEAL]))
    line = power_line(trace, trace.span, ["package-0"])
    assert line is not None
    known = [watts for watts in line["power_w"] if watts is not None]
    assert len(known) >= 58
    assert known == pytest.approx([60.0] * len(known), rel=0.03)
    assert line["bin_s"] * len(line["power_w"]) == pytest.approx(trace.span.duration_ns / 1e9)


@pytest.mark.parametrize(
    ("value", "half", "interval", "text"),
    [
        (0.004, 0.012, (0.0, 0.1), "at most 16 mJ"),
        (0.004, 0.0121, (0.0, 0.1), "at most 17 mJ"),  # rounded up, for it is a limit
        (0.004, 0.012, (0.0, 0.011), "at most 11 mJ"),  # and never above what is guaranteed
        (9.0, 12.0, (0.0, 16.8), "at most 16.8 J"),  # which may have more digits
        (9.0, 12.0, (0.0, 20.24), "at most 20.3 J"),
        (4.0, 12.5, (0.0, 16.8), "at most 16.8 J"),  # nor by rounding: 17 J cannot be
        (0.0, 12e-6, (0.0, 61e-6), "at most 12 µJ"),
        (0.0, 0.0, (0.0, 0.0), "0 J"),
        (0.012, 0.012, (0.0, 0.1), "12 mJ ± 12 mJ"),
        (0.004, 0.012, (-0.1, 0.1), "4 mJ ± 12 mJ"),  # a difference may be negative
        (-0.004, 0.012, (-0.1, 0.1), "-4 mJ ± 12 mJ"),
    ],
)
def test_a_figure_that_its_uncertainty_exceeds_is_an_upper_limit(value, half, interval, text):
    assert estimate_text.measured(value, half, interval, "J") == text


def test_the_sentence_and_every_table_say_at_most_and_the_document_keeps_the_value():
    quiet = Ideal(constant(0.02), n=300, limit_w=200.0)
    trace = Trace(rows([quiet]))
    a, _ = quiet.inside(0.4, 0.45)
    window = trace.energy(Window("quiet", a, a + 50_000))["package-0"]
    assert window.value is not None
    assert 0 <= window.value < window.U
    assert str(window).startswith("at most ")
    assert sentence("it", 0.01, window, [(trace.channels["package-0"].place, window)]).startswith(
        "it used at most "
    )
    of = {"energy_j": window.value, "U_j": window.U, "guaranteed_j": [window.low, window.high]}
    assert figures.energy(of["energy_j"], of["U_j"], of["guaranteed_j"]) == (str(window), "")
    assert window.to_json()["value"] == window.value
    assert (window + window).value == 2 * window.value


@pytest.mark.parametrize(
    ("command", "provenance", "subject"),
    [
        (["make"], "measured", "make: the machine"),
        (["make"], "estimated", "make"),
        (None, "measured", "the recording"),
        (None, "estimated", "the recording"),
    ],
)
def test_a_counter_counts_all_that_ran_beside_a_command(command, provenance, subject) -> None:
    """So what was measured is the machine's; what was estimated is the command's alone."""
    trace = Trace(rows([IDEAL]))
    trace.__dict__["facts"] = {**trace.facts, "command": command}
    energies = trace.energy(whole(trace))
    total = replace(energies.total, provenance=provenance)
    trace.energy = lambda _: Shown(energies, total)
    found = headline(trace)
    assert found.subject == subject
    assert found.sentence.startswith(f"{subject} used ")


class Shown:
    def __init__(self, of, total):
        self._of, self.total = of, total

    def __getitem__(self, name):
        return self._of[name]
