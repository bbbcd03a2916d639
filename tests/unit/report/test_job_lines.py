"""The report of a job: its sentence first, its windows, and what went wrong."""

import json
from pathlib import Path

import pytest
from ideal import MS, Ideal, constant
from job_nodes import UNSYNCHRONISED_NS, Node

import microjoule
from microjoule.cli import main
from microjoule.cli.report import _states

A = Node("n1", Ideal(constant(50.0), n=400, seed=1, limit_w=100.0), bound_ns=2 * MS)
T = A.ideal.inside(0.2, 0.4, 0.6)
STEPS = [
    ("step", T[0], T[1], {"rank": 0}),
    ("step", T[1], T[2], {"rank": 1}),
    ("eval", T[0], T[1], {"rank": 1}),
]


def report(tmp_path, capsys, *files):
    path = tmp_path / "job.json"
    assert main(["report", *map(str, files), "--json", str(path)]) == 0
    return capsys.readouterr().out, json.loads(path.read_text())


@pytest.mark.parametrize(
    ("bound_ns", "said", "is_placed"),
    [
        (2 * MS, "off by 2.00 ms at most, as chrony says", True),
        (UNSYNCHRONISED_NS, "note: the clock of n2 is not synchronised", False),
    ],
)
def test_a_job_has_a_sentence_its_windows_and_its_clocks(tmp_path, capsys, bound_ns, said, is_placed):
    b = Node("n2", Ideal(constant(80.0), n=400, seed=2, limit_w=200.0), bound_ns=bound_ns)
    out, plain = report(tmp_path, capsys, A.written(tmp_path, STEPS), b.written(tmp_path, STEPS[:1]))
    first, *rest = out.splitlines()
    assert first.startswith("job 7: 2 nodes with 2 ranks used 4")
    assert said in " ".join(out.split())
    assert max(map(len, out.splitlines()[: rest.index("") + 8])) <= 80
    schema = Path(microjoule.__file__).parent / "report/project.schema.json"
    properties = json.loads(schema.read_text())["properties"]["job"]["properties"]
    job = plain["job"]
    assert set(job) == set(properties)
    assert (job["job"], job["nodes"], job["n_ranks"]) == ("7", ["n1", "n2"], 2)
    assert {each["name"]: each["n"] for each in job["windows"]} == {"step": 3, "eval": 1}
    assert [each["bound_s"] for each in job["clocks"]] == [0.002, 0.002 if is_placed else None]
    run_s = (A.ideal.inside(0.98)[0] - A.ideal.inside(0.02)[0]) / 1e9
    low, high = job["energy"]["guaranteed_j"]
    assert low < 130.0 * run_s < high
    step = next(each for each in job["windows"] if each["name"] == "step")
    assert (step["everywhere"] is not None) == (step["clock_U_j"] is not None) == is_placed
    low, high = step["own"]["guaranteed_j"]
    assert low < A.truth(T[0], T[2]) + b.truth(T[0], T[1]) < high


def test_a_setting_that_many_nodes_have_otherwise_is_one_note():
    facts = {f"n{number}": {"state": {"governor": "performance"}} for number in range(9)}
    for name in list(facts)[1:]:
        facts[name]["state"]["governor"] = "powersave"
    facts["n8"]["state"]["turbo"], facts["n0"]["state"]["turbo"] = True, False
    assert _states(facts) == [
        "CPU frequency governor: performance in n0, powersave in n1, n2, n3 and 5 more",
        "turbo: off in n0, on in n8",
    ]
    assert _states(dict(list(facts.items())[:5]))[0].endswith("powersave in n1, n2, n3, n4")
    assert _states({}) == []


def test_traces_of_two_jobs_or_of_none_have_no_job(tmp_path, capsys):
    one = A.written(tmp_path, STEPS)
    other = Node("n2", A.ideal, job="8").written(tmp_path, STEPS)
    out, plain = report(tmp_path, capsys, one, other)
    assert plain["job"] is None
    assert out.startswith("run ")
