import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import RECTANGULAR, Component
from microjoule.measuring.estimate_json import from_json, to_json
from microjoule.measuring.window_figures import figures
from microjoule.measuring.window_plan import Ask, Plan
from microjoule.plugins.pytest.fixture import MeasuredTest
from microjoule.plugins.pytest.options import limit
from microjoule.plugins.pytest.saved import document
from microjoule.plugins.pytest.table import table
from microjoule.plugins.pytest.verdict import judged, other_state, state_differences

GAIN = 0.05
N = 10


def energy(value, group="gain:package-0@host", scatter=0.0):
    parts = (Component("gain", GAIN * value, group=group), Component("edges", scatter))
    return Estimate(value=value, low=0.9 * value, high=1.1 * value, components=parts)


def measurement(value, n=N, spread=0.001):
    plan = Plan(
        mode="batch", counts=(1,) * n, offsets_s=(0.0,) * n, pad_s=0, idle_s=0, run_in_s=0, needed_s=0
    )
    each = [energy(value * (1 + spread * (-1) ** i)) for i in range(n)]
    return figures("t", Ask(), plan, ("package-0",), each, [1.0] * n, None)


def row(found):
    parts = {"energy": found.energy, "time": found.time, "power": found.power}
    return {"measurement": found.to_json(), "kept": {name: to_json(figure) for name, figure in parts.items()}}


def against(now, then, *limits, is_elsewhere=False):
    return judged(now, json.loads(json.dumps(row(then))), is_elsewhere, [limit(text) for text in limits])


def test_on_one_machine_the_gain_drops_out_of_the_ratio():
    found = against(measurement(10.2), measurement(10.0))
    assert found.ratio.value == pytest.approx(1.02)
    assert found.ratio.U < 0.005


def test_on_another_machine_the_gain_stays_in_it():
    found = against(measurement(10.2), measurement(10.0), "mean:1%", is_elsewhere=True)
    assert found.ratio.u == pytest.approx(math.hypot(GAIN, GAIN), rel=0.05)
    assert found.failure == ""
    assert found.remark == "no difference seen"


def test_a_rise_that_the_limit_allows_does_not_fail():
    assert against(measurement(10.2), measurement(10.0), "mean:5%").failure == ""
    assert against(measurement(10.2), measurement(10.0), "mean:300mJ").failure == ""


def test_a_rise_beyond_the_limit_fails_by_share_and_by_joules():
    by_share = against(measurement(10.2), measurement(10.0), "mean:1%").failure
    assert "it rose by 2 %" in by_share.replace("2.0", "2")
    assert "mean:1% is allowed" in by_share
    assert "it rose by 200" in against(measurement(10.2), measurement(10.0), "mean:100mJ").failure


def test_a_rise_within_its_uncertainty_does_not_fail_however_far_beyond_the_limit():
    now, then = measurement(10.6, spread=0.3), measurement(10.0, spread=0.3)
    for text in ("mean:1%", "mean:100mJ"):
        found = against(now, then, text)
        assert found.failure == ""
        assert found.remark == "no difference seen"


def test_a_fall_never_fails():
    assert against(measurement(5.0), measurement(10.0), "mean:0%", "mean:0J").failure == ""


def test_of_one_window_nothing_is_judged():
    found = against(measurement(20.0, n=1), measurement(10.0, n=1), "mean:1%")
    assert found.failure == ""
    assert "not judged" in found.remark


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (replace(measurement(10.0), channels=("psys",)), "other channels: psys now, package-0 then"),
        (
            replace(measurement(10.0), energy=replace(energy(10.0), provenance="estimated")),
            "estimated now, measured then",
        ),
        (
            replace(measurement(10.0), energy=replace(energy(10.0), value=None, status="reset")),
            "no figure: reset",
        ),
    ],
)
def test_what_cannot_be_set_side_by_side_fails_a_gate_and_is_a_remark_without_one(now, why):
    assert why in against(now, measurement(10.0), "mean:5%").failure
    without = against(now, measurement(10.0))
    assert why in without.remark
    assert (without.ratio, without.failure) == (None, "")


def test_a_new_test_has_nothing_to_be_compared_with():
    found = judged(measurement(1.0), None, False, [limit("mean:5%")])
    assert (found.ratio, found.failure) == (None, "")
    assert "new" in found.remark


@pytest.mark.parametrize(
    ("text", "of_ten"), [("mean:5%", 0.5), ("mean:2J", 2), ("mean:2.5 mJ", 0.0025), ("mean:3µJ", 3e-6)]
)
def test_a_limit_is_a_share_or_joules(text, of_ten):
    assert limit(text).allowed_j(10.0) == pytest.approx(of_ten)


@pytest.mark.parametrize("text", ["5%", "mean:", "mean:5", "mean:-5%", "min:5%", "mean:5W", "mean:x%"])
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(ValueError, match=text):
        limit(text)


@given(
    st.floats(1e-6, 1e6),
    st.lists(st.tuples(st.sampled_from(["gain", "edges", "baseline"]), st.floats(1e-9, 1.0)), max_size=6),
)
def test_what_is_kept_has_its_value_its_uncertainty_and_its_sensor(value, parts):
    components = tuple(
        Component(name, u * value, form=RECTANGULAR if name == "edges" else "normal",
                  group="gain:x" if name == "gain" else f"{name}:{i}")
        for i, (name, u) in enumerate(parts)
    )  # fmt: skip
    whole = Estimate(value=value, low=0.5 * value, high=math.inf, components=components)
    back = from_json(json.loads(json.dumps(to_json(whole), allow_nan=False)))
    assert (back.value, back.low, back.high) == (whole.value, whole.low, whole.high)
    assert back.u == pytest.approx(whole.u)
    gains = sum(u for name, u in parts if name == "gain")
    assert (back / whole).u <= 1.0001 * math.sqrt(2) * math.hypot(
        *(u for name, u in parts if name != "gain"), 1e-12
    )
    assert sum(c.u for c in back.components if c.name == "gain") == pytest.approx(gains * value)


def run_of(hostname, earlier):
    run = MeasuredTest(None, is_worker=False)
    run.facts = {"host": {"hostname": hostname}}
    run.earlier = {"machine": {"name": earlier}, "tests": []}
    for value, group in ((2.0, "g"), (1.0, "g"), (5.0, "")):
        run.found.append(measurement(value))
        run.rows.append({**row(run.found[-1]), "name": str(value), "group": group})
        run.verdicts.append(None)
    return run


@pytest.mark.parametrize(
    ("here", "there", "says"),
    [
        ("a", "a", ""),
        ("a", "b", "another machine (b)"),
        ("a", None, "nothing says"),
        (None, None, "nothing says"),
    ],
)
def test_a_table_says_where_no_gain_cancels(here, there, says):
    notes = [note for note in table(run_of(here, there))["notes"] if "gain" in note]
    assert [says in note for note in notes] == ([True] if says else [])


def test_rows_of_a_group_stand_beside_the_least_of_it_and_those_of_none_alone():
    alone, group = table(run_of("a", "a"))["groups"]
    assert [r["to_least"] for r in alone["rows"]] == [None]
    least, most = group["rows"]
    assert (least["name"], most["name"]) == ("1.0", "2.0")
    assert least["to_least"] is None
    assert most["to_least"]["value"] == pytest.approx(2.0)
    assert most["to_least"]["U"] < GAIN  # the gain of one sensor is not in a ratio of its figures


def test_other_code_stays_in_the_ratio_unless_the_code_is_the_same():
    def with_code(value):
        found = measurement(value)
        part = Component("code", 0.08 * value, group="code:package-0@host")
        return replace(found, energy=replace(found.energy, components=(*found.energy.components, part)))

    now, then = with_code(12.0), json.loads(json.dumps(row(with_code(10.0))))
    limits = [limit("mean:5%")]
    assert judged(now, then, False, limits).failure == ""
    assert "it rose by 20 %" in judged(now, then, False, limits, is_same_code=True).failure
    # Two machines err by their own amounts, whatever runs.
    assert judged(now, then, True, limits, is_same_code=True).failure == ""


def test_a_run_of_another_state_fails_a_gate_with_the_setting_in_its_message():
    def run(governor, hostname="a"):
        return {"host": {"hostname": hostname}, "state": {"governor": governor, "microcode": governor}}

    saved = document(run("performance"), "2026-01-31T12:00:00+00:00", [])
    assert other_state(run("performance"), saved) == ""
    why = other_state(run("powersave"), saved)
    assert why == "CPU frequency governor: powersave in this run, performance in the earlier one"
    assert [each.what for each in state_differences(run("powersave"), saved)] == [
        "CPU frequency governor", "microcode",
    ]  # fmt: skip
    then = json.loads(json.dumps(row(measurement(10.0))))
    found = judged(measurement(10.0), then, False, [limit("mean:5%")], other_state=why)
    assert why in found.failure
    assert judged(measurement(10.0), then, False, [], other_state=why).failure == ""
