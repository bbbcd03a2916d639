"""A server on several GPUs: their energies are added, each joule once, and so are their uncertainties."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from batching import Batching
from ideal import MS, Wave, constant, rows, write
from request_logs import attribute, request_lines, saved

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import updates
from microjoule.joules.energy_trace import load
from microjoule.joules.serving.added_shares import added_shares
from microjoule.plugins.inference.chosen_counters import counters_of

SCENE = Batching(clients=8, n=300, seed=7, pieces=True)


def gpu(number, times=1.0, **changed):
    """A GPU that draws so many times the power of the scene, with updates and readings of its own."""
    of = SCENE.ideal
    wave = Wave("batching", 2000.0 * times, lambda t: times * of.wave.energy(t))
    return replace(
        of, wave=wave, id=f"gpu-{number}/energy", seed=SCENE.seed + number, limit_w=4000.0, **changed
    )


GPUS = (gpu(0), gpu(1, 0.5, update_ns=20 * MS))


def counter(of):
    return Counter(of.series, of.channel)


def shared(*gpus):
    of = [counter(each) for each in gpus]
    return added_shares([(each, updates(each, *each.span_ns)) for each in of], SCENE.log)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("gpus")
    memory = gpu(0, 0.1, parents=("gpu-0/energy",))
    table = rows([*GPUS, replace(memory, id="gpu-0/memory"), replace(gpu(3), id="package-0")])
    write(found / "t.arrows", table, batch_rows=5000)
    saved(found / "r.jsonl", request_lines(SCENE))
    return found


def plain(folder, capsys, *words):
    code, out, err = attribute(capsys, folder / "t.arrows", folder / "r.jsonl", "--json", "-", *words)
    assert code == 0, err
    return json.loads(out)


def test_all_gpus_are_added_and_all_adds_up_to_what_they_measured(folder, capsys):
    both = plain(folder, capsys)
    assert both["channels"] == ["gpu-0/energy", "gpu-1/energy"]
    assert both["channel"] == "gpu-0/energy + gpu-1/energy"
    each = [plain(folder, capsys, "--device", f"gpu-{n}") for n in (0, 1)]
    assert [of["channels"] for of in each] == [["gpu-0/energy"], ["gpu-1/energy"]]
    measured = both["measured"]["value"]
    assert measured == pytest.approx(sum(of["measured"]["value"] for of in each), rel=1e-3)
    states = {state["name"]: state["energy"]["value"] for state in both["states"]}
    assert sum(states.values()) + both["unexplained"]["value"] == pytest.approx(measured, rel=1e-12)
    values = np.array([row["energy"]["value"] for row in both["rows"]])
    of_requests = sum(value for name, value in states.items() if name != "idle")
    assert values.sum() == pytest.approx(of_requests, rel=1e-3)
    truth = 1.5 * SCENE.truth_j
    assert np.sqrt(np.mean(((values - truth) / truth) ** 2)) < 0.05


CHOICES = {
    "nothing": ((), ()),
    "channels": (("gpu-1/energy", "gpu-0/energy", "gpu-1/energy"), ()),
    "devices": ((), ("gpu-0", "gpu-1")),
    "both": (("gpu-1/energy",), ("gpu-0",)),
}


@pytest.mark.parametrize("name", CHOICES)
def test_what_is_named_is_added_once(folder, name):
    found = counters_of(load(folder / "t.arrows"), *CHOICES[name])
    assert sorted(each.channel.id for each in found) == ["gpu-0/energy", "gpu-1/energy"]


BAD = {
    "a part beside its whole": (("--channel", "gpu-0/energy", "--channel", "gpu-0/memory"), "same joules"),
    "no such GPU": (("--device", "gpu-7"), "Its devices: gpu-0, gpu-1, package-0"),
    "no such channel": (("--channel", "gpu-0/energy", "--channel", "gpu-7/energy"), "no channel"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_added_is_refused_and_named(folder, capsys, name):
    words, said = BAD[name]
    code, out, err = attribute(capsys, folder / "t.arrows", folder / "r.jsonl", *words)
    assert (code != 0, out) == (True, "")
    assert said in " ".join(err.split())


def test_the_text_names_the_gpus_in_80_columns(folder, capsys):
    code, out, _ = attribute(capsys, folder / "t.arrows", folder / "r.jsonl")
    assert code == 0
    assert "gpu-0/energy + gpu-1/energy: " in out
    assert all(len(line) <= 80 for line in out.splitlines()), out


def of_fit(estimate):
    names = {"regression", "alignment", "work times", "prompt rate", "lack of fit", "saturation"}
    groups: dict[str, float] = {}
    for each in estimate.components:
        if each.name in names:
            groups[each.group] = groups.get(each.group, 0.0) + each.u
    return math.hypot(*groups.values())


def test_what_is_common_to_two_gpus_adds_up_and_does_not_average_away():
    one, two = shared(gpu(0)), shared(gpu(0), replace(gpu(0), id="gpu-1/energy"))
    for number in (0, 100, 299):
        assert two.share(number).value == pytest.approx(2 * one.share(number).value, rel=1e-9)
        assert of_fit(two.share(number)) == pytest.approx(2 * of_fit(one.share(number)), rel=1e-6)
    assert of_fit(two.unexplained) == pytest.approx(2 * of_fit(one.unexplained), rel=1e-6)


def test_intervals_of_sums_cover_the_truth():
    found = shared(*GPUS)
    truth = 1.5 * SCENE.truth_j
    inside = [
        abs(found.share(n).value - truth[n]) <= found.share(n).U for n in np.flatnonzero(found.is_whole)
    ]
    assert len(inside) > 290
    assert np.mean(inside) >= 0.93


def test_a_gpu_that_does_nothing_adds_its_idle_power_and_no_more():
    unused = replace(GPUS[0], wave=constant(60.0), id="gpu-2/energy", seed=11)
    alone, beside = shared(*GPUS), shared(*GPUS, unused)
    assert shared(unused).bend == 0.0
    assert beside.bend == pytest.approx(alone.bend, abs=0.01)
    assert beside.inseparable == alone.inseparable
    more_j = beside.of_state(["idle"]).value - alone.of_state(["idle"]).value
    assert more_j == pytest.approx(shared(unused).measured.value, rel=1e-3)
    for number in (0, 100, 299):
        assert beside.share(number).value == pytest.approx(alone.share(number).value, rel=1e-3)
        assert beside.share(number).U < 1.1 * alone.share(number).U


def test_a_profile_takes_one_counter(folder, capsys):
    (folder / "profile.json").write_text('{"traceEvents": []}')
    words = ("--channel", "gpu-0/energy", "--channel", "gpu-1/energy")
    code, out, err = attribute(capsys, folder / "t.arrows", folder / "profile.json", *words)
    assert (code, out) == (2, "")
    assert "Give one --channel" in err
