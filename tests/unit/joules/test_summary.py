"""The plain data of a report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ideal import Ideal, constant, rows

from microjoule.errors import BadWindow, TraceError, UnknownChannel
from microjoule.joules.energy_trace import Trace
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.summary import summary

IDEAL = Ideal(constant(100.0), n=600, limit_w=150.0)


def trace(*windows: tuple[str, float, float]) -> Trace:
    marks = []
    for number, (name, start, end) in enumerate(windows):
        a, b = IDEAL.inside(start, end)
        marks += [(a, "@begin", number, name), (b, "@end", number, name)]
    return Trace(rows([IDEAL, replace(IDEAL, id="package-0/dram", seed=3)], marks))


def test_window_has_the_fields_of_report_1() -> None:
    """Every field of microjoule.report/1, as JSON values."""
    found = summary(trace(("run", 0.1, 0.9)))
    assert found["schema"] == "microjoule.report/1"
    (window,) = json.loads(json.dumps(found, allow_nan=False))["windows"]
    assert {"name", "t0_ns", "t1_ns", "duration_s", "channels", "total"} <= set(window)
    channel = window["channels"][0]
    assert list(channel) == [
        "channel", "place", "hw_type", "source", "provenance", "energy_j", "guaranteed_j", "u_j",
        "U_j", "k", "budget", "accuracy", "is_sensor_assessed", "mean_w", "peak_w",
        "peak_over_s", "status",
    ]  # fmt: skip
    assert channel["place"] == {
        "device": "package", "number": 0, "part": "", "die": None, "role": "whole", "owner": "",
    }  # fmt: skip
    assert channel["hw_type"] == "cpu"
    assert channel["accuracy"] == "unknown"
    assert channel["mean_w"] == pytest.approx(100.0, rel=0.01)
    assert channel["peak_w"] == pytest.approx(100.0, rel=0.05)
    assert channel["guaranteed_j"][0] < channel["energy_j"] < channel["guaranteed_j"][1]
    assert window["total"]["channels"] == ["package-0", "package-0/dram"]


def test_figures_are_null_where_the_status_forbids_them() -> None:
    """A window that outlasts the readings has its lower bound and no more."""
    found = summary(trace(("late", 0.5, 1.0)))["windows"][0]["channels"][0]
    assert found["status"] == "incomplete"
    assert (found["energy_j"], found["mean_w"], found["peak_w"]) == (None, None, None)
    assert found["guaranteed_j"][0] > 20
    assert found["guaranteed_j"][1] is None


def test_windows_of_one_name_have_a_row_without_those_that_the_recording_cuts() -> None:
    found = summary(trace(("e", 0.1, 0.3), ("e", 0.3, 0.5), ("e", 0.9, 1.0), ("f", 0.5, 0.6)))
    rows = {row["name"]: row for row in found["by_name"]}
    assert (rows["e"]["n"], rows["e"]["n_cut"], rows["f"]["n"]) == (2, 1, 1)
    values = [w["total"]["energy_j"] for w in found["windows"][:2]]
    assert rows["e"]["energy_j"] == pytest.approx(sum(values), rel=0.01)
    assert rows["e"]["per_window"]["energy_j"] == pytest.approx(sum(values) / 2, rel=0.01)
    assert rows["e"]["U_j"] > 0


def test_of_many_windows_the_first_are_listed_and_the_first_few_of_each_later_name() -> None:
    many = [("step", 0.1 + 0.001 * i, 0.1005 + 0.001 * i) for i in range(300)]
    of = trace(
        *many[:200],
        ("evaluate", 0.7, 0.72),
        *many[200:],
        *[("save", 0.8 + t, 0.81 + t) for t in (0, 0.02, 0.04, 0.06)],
    )
    some, all_ = summary(of, windows_max=100), summary(of, windows_max=None)
    assert some["n_windows"] == all_["n_windows"] == len(all_["windows"]) == 305
    assert [window["name"] for window in some["windows"][98:]] == ["step", "step", "evaluate", *["save"] * 3]
    assert [window["n_of_name"] for window in some["windows"][99:102]] == [300, 1, 4]
    by_start = {window["t0_ns"]: window for window in all_["windows"]}
    assert all(window == by_start[window["t0_ns"]] for window in some["windows"])
    assert some["by_name"] == all_["by_name"]


def test_names_without_end_are_listed_up_to_a_bound() -> None:
    of = trace(*[(f"n{i}", 0.1 + 0.001 * i, 0.1005 + 0.001 * i) for i in range(600)])
    assert len(summary(of, windows_max=10)["windows"]) == 200


def test_summary_and_energy_agree() -> None:
    """The vectorised figures are those of one window at a time."""
    of = trace(("a", 0.1, 0.3), ("b", 0.2, 0.25))
    for window in summary(of)["windows"]:
        energies = of.energy(window["name"])
        assert window["total"]["energy_j"] == energies.total.value
        for row in window["channels"]:
            estimate = energies[row["channel"]]
            assert (row["energy_j"], row["guaranteed_j"]) == (estimate.value, [estimate.low, estimate.high])


def test_trace_without_windows_is_one_window() -> None:
    """All of it that is bracketed on both sides is the window 'trace', with status ok."""
    (window,) = summary(trace())["windows"]
    assert window["name"] == "trace"
    assert window["total"]["status"] == "ok"
    assert window["total"]["energy_j"] == pytest.approx(2 * 100 * window["duration_s"], rel=0.02)


def test_trace_without_readings_has_no_windows() -> None:
    """Nothing was read: the summary says so by being empty, and the energy raises with a remedy."""
    empty = Trace(rows([IDEAL]).slice(0, 0))
    assert summary(empty)["windows"] == []
    with pytest.raises(TraceError, match="Record for longer"):
        empty.energy()


def test_unknown_names_are_answered_with_the_nearest() -> None:
    """A slip of the pen is mended by the message."""
    of = trace(("epoch", 0.1, 0.3))
    with pytest.raises(BadWindow, match="'epoch'"):
        of.energy("epohc")
    with pytest.raises(TraceError, match="Nearest: 'package-0'"):
        of.power("pakage-0")
    energies = of.energy()
    for asked in (lambda: energies["pakage-0"], lambda: energies.add("package-0/dram", "pakage-0")):
        with pytest.raises(UnknownChannel, match="Nearest: 'package-0'"):
            asked()
    assert energies.get("gpu-7") is None
    assert "gpu-7" not in energies
    with pytest.raises(BadWindow, match="There are none"):
        trace().energy("epoch")


def test_one_window_of_several_is_asked_for_by_object() -> None:
    """A name that several have is no window; its energy is the sum over them."""
    of = trace(("e", 0.1, 0.3), ("e", 0.4, 0.5), ("f", 0.5, 0.6))
    first, second = of.named("e")
    with pytest.raises(BadWindow, match=r"2 windows have the name 'e'.*trace\.named\('e'\).*sum"):
        of.power("package-0", "e")
    assert of.power("package-0", "f").edges_ns[0] == of.windows[2].t0_ns
    whole = of.energy("e").total
    parts = of.energy(first).total + of.energy(second).total
    assert (whole.value, whole.low, whole.high) == pytest.approx((parts.value, parts.low, parts.high))
    assert whole.channels == ("package-0", "package-0/dram")


def test_a_prompt_waits_for_no_figure() -> None:
    """Of many windows, of readings that were not kept, and without readings, the line says what there is."""
    many = trace(*(("w", 0.1 + 1e-3 * i, 0.1005 + 1e-3 * i) for i in range(101)))
    assert repr(many) == "Trace(in memory, 2 channels, 101 windows)"
    assert not many._meters
    assert repr(Trace(rows([IDEAL]).slice(0, 0))) == "Trace(in memory, 1 channel, 0 windows)"
    golden = Path(__file__).parents[2] / "golden" / "marks.arrows"
    assert " windows" in repr(stream(golden))


def test_energies_of_names_and_windows_are_those_of_each_in_their_order() -> None:
    of = trace(("e", 0.1, 0.3), ("e", 0.4, 0.5), ("f", 0.5, 0.6))
    asked = ["f", of.windows[1], "e", of.windows[0]]
    assert of.energies(asked) == [of.energy(each) for each in asked]
    assert of.energies(["e", "f"]) == [of.energy("e"), of.energy("f")]
    assert of.energies(each for each in asked) == of.energies(iter(asked)) == of.energies(asked)


def test_what_is_no_window_is_refused_by_a_sentence() -> None:
    of = trace(("e", 0.1, 0.3))
    for asked in (5, (0, 5), b"e", ["e"]):
        with pytest.raises(BadWindow, match=r"is not a window\. Give a window of this trace, or its name"):
            of.energy(asked)
        with pytest.raises(BadWindow, match="is not a window"):
            of.energies([asked])
    for asked in ("e", of.windows[0], 5, None, 3.5):
        with pytest.raises(BadWindow, match=r"is not a list of windows\. Give a list: `trace\.named"):
            of.energies(asked)
    with pytest.raises(BadWindow, match="Nearest: 'e'"):
        of.energies(["ee"])
    for asked in (5, None, ["e"]):
        with pytest.raises(BadWindow, match=r"There is no window .*\. There are: 'e'"):
            of.named(asked)


@pytest.mark.parametrize("asked", [5, None, b"a", ["a"], {}])
def test_what_is_no_channel_is_refused_by_a_sentence(asked) -> None:
    of = trace(("e", 0.1, 0.3))
    for ask in (of.power, of.meter, of.counter, of.series, of.updates):
        with pytest.raises(UnknownChannel, match=r"The trace has no channel .*\. There are: '"):
            ask(asked)


def test_traces_and_energies_say_the_sentence() -> None:
    """``str`` is the sentence, which the report has too; a prompt shows the channels in one line."""
    of = trace(("run", 0.1, 0.9))
    assert repr(of) == f"Trace(in memory, 2 channels, 1 window: {of.energy('run').total} in 480 ms)"
    assert str(of) == summary(of)["sentence"]
    energies = of.energy("run")
    assert str(energies) == str(of).replace("the recording", "run")
    dram = energies["package-0/dram"]
    assert repr(energies) == (
        f"Energies(total {energies.total}; package-0 {energies['package-0']}; package-0/dram {dram})"
    )


def test_a_package_that_never_moved_has_failed_and_a_part_of_one_has_not() -> None:
    """A package cannot draw 0 W, its graphics can."""
    still = Ideal(constant(0.0), n=600)
    of = Trace(rows([still, replace(still, id="package-0/uncore")]))
    found = summary(of)
    (window,) = found["windows"]
    assert [row["status"] for row in window["channels"]] == ["failed", "ok"]
    assert window["channels"][0]["energy_j"] is None
    assert window["channels"][0]["guaranteed_j"] == [0.0, None]
    assert (window["total"]["status"], window["total"]["energy_j"]) == ("failed", None)
    assert of.energy().total.status == "failed"
    assert "package-0" in found["engine"]["stuck"]


@pytest.mark.parametrize(("name", "is_waited"), [("package-0", None), ("gpu-0/energy", False)])
def test_whether_a_gpu_was_waited_for_is_told_of_windows_beside_one(
    name: str, is_waited: bool | None
) -> None:
    """Nobody marked that it was; the whole recording is no window that anybody marks."""
    one = replace(IDEAL, id=name)
    a, b = one.inside(0.2, 0.8)
    marked = Trace(rows([one], [(a, "@begin", 0, "run"), (b, "@end", 0, "run")]))
    assert [each["synchronised"] for each in summary(marked)["windows"]] == [is_waited]
    assert [each["synchronised"] for each in summary(Trace(rows([one])))["windows"]] == [None]
