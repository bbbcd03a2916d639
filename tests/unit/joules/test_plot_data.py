"""The arrays of a picture hold the energies of the trace, to the raw unit."""

import time

import numpy as np
import pytest
from ideal import Ideal, constant, rows, write
from scripted import machine

import microjoule as uj
from microjoule.joules.energy_trace import load
from microjoule.joules.plot_data import _smooth, enveloped, pictured, side_by_side
from microjoule.trace.window import Window


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictured")
    with uj.record(folder / "t.arrows", uj.Meter(sources=["script"], root=machine(folder))) as recorder:
        with recorder.window("one"):
            time.sleep(0.15)
        with recorder.window("two"):
            time.sleep(0.1)
    return load(folder / "t.arrows")


def counters(trace):
    found = pictured(trace)
    return found["origin_ns"], [each for each in found["channels"] if each["kind"] == "counter"]


def test_the_steps_of_any_span_between_updates_add_up_to_its_energy(trace):
    origin_ns, channels = counters(trace)
    assert [each["id"] for each in channels] == ["package-0", "package-0/dram"]
    for each in channels:
        last = int(np.searchsorted(each["t_ns"], trace.meter(each["id"]).span_ns[1] - origin_ns, "right")) - 1
        sums = np.concatenate(([0], np.cumsum(each["steps"].astype(np.int64))))
        for i, j in ((0, last), (3, 40), (last // 2, last - 1)):
            edges = each["t_ns"][[i, j]] + origin_ns
            told = trace.energy(Window("span", int(edges[0]), int(edges[1])))[each["id"]]
            value, least, most = each["scale_j"]
            assert (sums[j] - sums[i]) * value == pytest.approx(told.value, rel=1e-14)
            low = sums - each["least"] - np.append(0, each["steps"])
            high = sums + each["most"] + np.append(each["steps"], 0)
            assert (low[j] - high[i]) * least == pytest.approx(told.low, rel=1e-12)
            assert (high[j] - low[i]) * most == pytest.approx(told.high, rel=1e-12)


def test_every_update_of_the_trace_is_an_edge_of_the_picture(trace):
    origin_ns, channels = counters(trace)
    for each in channels:
        bins = trace.power(each["id"])
        assert np.isin(bins.edges_ns[1:-1], each["t_ns"] + origin_ns).all()


def test_instants_are_counted_from_the_first_one_and_windows_are_all_there(trace):
    found = pictured(trace)
    assert min(int(each["t_ns"][0]) for each in found["channels"]) == 0
    bars = found["windows"]
    names = [(bars["names"][i], length) for i, length in zip(bars["name"], bars["length_ns"], strict=True)]
    assert names == [(window.name, window.duration_ns) for window in trace.windows]


@pytest.mark.parametrize("columns", [7, 50, 10_000])
def test_columns_keep_the_energy_and_hold_every_update(trace, columns):
    whole = {each["id"]: each for each in pictured(trace)["channels"]}
    for each in enveloped(pictured(trace), columns)["channels"]:
        of, seconds = whole[each["id"]], np.diff(each["edges_s"])
        end_ns = of["gaps"][0]["t0_ns"] if of["gaps"] else of["t_ns"][-1]
        known_s = np.minimum(each["edges_s"][1:], end_ns / 1e9) - each["edges_s"][:-1]
        joules = np.nansum(each["mean"] * np.where(seconds > known_s, known_s, seconds))
        assert joules == pytest.approx(of["steps"].sum(dtype=np.int64) * of["scale_j"][0], rel=1e-6)
        told = np.isfinite(each["mean"])
        assert (each["least"][told] <= each["mean"][told] * (1 + 1e-12)).all()
        assert (each["mean"][told] <= each["most"][told] * (1 + 1e-12)).all()
        assert len(each["mean"]) <= columns


def test_a_time_without_readings_is_a_silence(tmp_path):
    table = rows([Ideal(wave=constant(40.0), n=300)])
    t_ns = np.sort(table.column("t_ns").to_numpy())
    is_kept = ~(
        (table.column("t_ns").to_numpy() >= t_ns[100]) & (table.column("t_ns").to_numpy() < t_ns[150])
    )
    path = write(tmp_path / "t.arrows", table.filter(is_kept))
    picture = pictured(load(path))
    longest = picture["channels"][0]["silences"][0]
    assert longest["t0_ns"] + picture["origin_ns"] == t_ns[99]
    assert longest["t1_ns"] + picture["origin_ns"] == t_ns[150]


@pytest.mark.parametrize(("n_updates", "wide"), [(400, 17), (40_000, 3)])
def test_a_line_is_the_mean_over_three_columns_or_as_many_as_hold_sixteen_updates(n_updates, wide):
    rng = np.random.default_rng(1)
    time_ns, mean = rng.uniform(1e6, 2e6, 400), rng.uniform(20.0, 90.0, 400)
    line = _smooth(mean, mean * time_ns, time_ns, n_updates)
    for at in (wide, 200, 399 - wide):
        around = slice(at - wide // 2, at + wide // 2 + 1)
        assert line[at] == pytest.approx(np.average(mean[around], weights=time_ns[around]))
    few = mean[:100]
    assert _smooth(few, few, few, n_updates) is few


def picture(name, *rows):
    """A trace of one channel and a window of one name in each row."""
    number = np.arange(len(rows))
    windows = {"names": [name][: len(rows)], "name": 0 * number, "row": np.array(rows, np.int64)}
    windows |= {"t0_ns": 10 * number, "length_ns": 5 + number}
    return {"origin_ns": 7, "length_ns": 100, "channels": [{"id": "package-0"}], "windows": windows}


def test_traces_side_by_side_have_rows_of_their_own_below_one_another():
    one = picture("a", 0, 1)
    alone = side_by_side([one], ["x"])
    assert alone["windows"] is one["windows"]
    assert alone["channels"] == [{"id": "package-0", "trace": 0, "name": "package-0"}]
    three = side_by_side([one, picture("b"), picture("c", 0)], ["x", "y", "z"])
    bars = three["windows"]
    found = {(bars["names"][n], int(row)) for n, row in zip(bars["name"], bars["row"], strict=True)}
    assert found == {("a", 0), ("a", 1), ("c", 2)}
