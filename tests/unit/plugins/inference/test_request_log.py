"""``uj attribute TRACE requests``: logs in two formats, on either clock, and what is wrong with others."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from batching import Batching, saturating
from ideal import T0, Ideal, S, constant, rows, write
from request_logs import attribute, request_lines, saved

from microjoule.errors import RequestLogError
from microjoule.plugins.inference.request_log import is_log, read
from microjoule.report import request_table

SCENE = Batching(clients=8, n=200, seed=5, cached=0.3, pieces=True)
DAY_NS = 1_800_000_000 * S  # of the day's clock over the trace's


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("served")
    gpu = replace(SCENE.ideal, id="gpu-0/energy")
    pairs = [(T0 + k * S, "@clock/realtime", T0 + k * S + DAY_NS, None) for k in range(1, 40)]
    table = rows([gpu], pairs)
    write(found / "trace.arrows", table, batch_rows=5000)
    return found


def lines(at=int, scene=SCENE, **changed):
    return request_lines(scene, at, **changed)


def test_each_request_has_its_energy_and_all_adds_up(folder, capsys):
    log = saved(folder / "requests.jsonl", lines())
    code, out, err = attribute(capsys, folder / "trace.arrows", log, "--json", folder / "a.json")
    assert (code, err) == (0, "")
    assert out.startswith("A request takes ")
    assert all(len(line) <= 80 for line in out.splitlines()), out
    plain = json.loads((folder / "a.json").read_text())
    assert plain["schema"] == "microjoule.requests/1"
    assert plain["requests"] == {"count": 200, "whole": 200, "left_out": {}}
    values = np.array([row["energy"]["value"] for row in plain["rows"]])
    truth = SCENE.truth_j
    assert np.sqrt(np.mean(((values - truth) / truth) ** 2)) < 0.06
    states = sum(state["energy"]["value"] for state in plain["states"])
    assert states + plain["unexplained"]["value"] == pytest.approx(plain["measured"]["value"], rel=1e-9)
    shares = [state["energy"]["value"] for state in plain["states"] if state["name"] != "idle"]
    assert values.sum() == pytest.approx(sum(shares), rel=1e-3)
    each = plain["rows"][3]
    assert each["equal_split_error_j"] == pytest.approx(values.mean() - values[3])
    tokens = plain["tokens"]
    assert tokens["cached"] == int(SCENE.log.cached.sum()) > 0
    per_token = plain["per_output_token"]["value"]
    assert per_token == pytest.approx(values.sum() / SCENE.log.output.sum(), rel=1e-6)


def test_nothing_is_written_without_a_sign(folder, capsys):
    """Sums that come out a rounding below zero are nothing."""
    log = saved(folder / "requests.jsonl", lines())
    attribute(capsys, folder / "trace.arrows", log, "--json", folder / "a.json")
    plain = json.loads((folder / "a.json").read_text())
    signed_nothing = re.compile(r"(?<!\w)-0(\.0*)? ")
    assert not signed_nothing.search(request_table.render(plain))
    for each in (plain["unexplained"], *(state["energy"] for state in plain["states"])):
        each |= {"value": -1e-13, "U": 0.0}
    for state in plain["states"]:
        state["share"] = -1e-15
    written = request_table.render(plain)
    assert "0.0 %" in written
    assert not signed_nothing.search(written)


def test_power_that_saturates_is_said_to(tmp_path, capsys):
    scene = replace(SCENE, clients=32, n=400, power=saturating)
    write(tmp_path / "t.arrows", rows([replace(scene.ideal, id="gpu-0/energy")]), batch_rows=5000)
    log = saved(tmp_path / "r.jsonl", lines(scene=scene))
    code, out, _ = attribute(capsys, tmp_path / "t.arrows", log, "--json", tmp_path / "a.json")
    assert code == 0
    assert "Power rises less than in proportion to the load" in out
    plain = json.loads((tmp_path / "a.json").read_text())
    assert plain["saturation"] > 0.1


def test_a_clock_that_is_off_by_less_than_the_run_is_found_and_its_offset_named(folder, capsys):
    log = saved(folder / "early.jsonl", lines(at=lambda t: int(t) - 5 * S // 2))
    code, out, _ = attribute(capsys, folder / "trace.arrows", log, "--json", folder / "a.json")
    assert code == 0
    words = " ".join(out.split())
    assert "The log's clock is likely off" in words
    assert "if all times are 2.5 s later" in words
    assert "--offset 2.5." in words
    assert json.loads((folder / "a.json").read_text())["clock"]["offset_s"] == pytest.approx(2.5, abs=0.11)
    code, out, _ = attribute(capsys, folder / "trace.arrows", log, "--offset", "2.5")
    assert "likely off" not in out


def of_vllm():
    log = SCENE.log
    seconds = lambda t: (t - 0) / 1e9  # noqa: E731 - perf_counter() is CLOCK_MONOTONIC in s
    return {
        "backend": "vllm",
        "total_input_tokens": int(log.prompt.sum()),
        "input_lens": log.prompt.tolist(),
        "output_lens": log.output.tolist(),
        "start_times": [seconds(t) for t in log.start_ns],
        "ttfts": [seconds(t) for t in log.first_ns - log.start_ns],
        "itls": [
            np.diff([log.first_ns[i], *log.pieces_ns[i]]).astype(float).__truediv__(1e9).tolist()
            for i in range(len(log))
        ],
        "errors": [""] * len(log),
    }


def test_what_vllm_saves_gives_the_same_as_the_same_log(folder, capsys):
    path = folder / "vllm.json"
    path.write_text(json.dumps(of_vllm()))
    assert is_log(path)
    by_line = {row.name: row for row in read(saved(folder / "v.jsonl", lines())).rows}
    for number, row in enumerate(read(path).rows):
        other = by_line[f"r{number}"]
        assert (row.prompt, row.output, row.cached) == (other.prompt, other.output, 0)
        for mine, theirs in zip(row[1:4], other[1:4], strict=True):
            assert abs(mine - theirs) < 20_000  # a float of seconds has microseconds
        assert len(row.pieces_ns) == len(other.pieces_ns)
    code, out, _ = attribute(capsys, folder / "trace.arrows", path)
    assert code == 0
    assert "An equal split" in out


def test_seconds_other_names_and_the_time_to_the_first_token(folder):
    row = {"start": 12.5, "gen_ai.response.time_to_first_chunk": 0.25, "end": 14.0}
    row |= {"prompt_tokens": 7, "completion_tokens": 3, "cached_tokens": 9}
    (found,) = read(saved(folder / "s.jsonl", [row])).rows
    assert found[:7] == ("1", 12_500_000_000, 12_750_000_000, 14_000_000_000, 7, 7, 3)


def test_the_clock_of_the_day_is_known_by_its_size(folder):
    assert not read(saved(folder / "m.jsonl", lines())).is_realtime
    day = read(saved(folder / "d.jsonl", lines(lambda t: int(t) + DAY_NS)))
    assert day.is_realtime
    assert day.moved(-DAY_NS).span_ns == read(folder / "m.jsonl").span_ns


def test_a_log_of_the_clock_of_the_day_is_aligned_by_the_trace(folder, capsys):
    day = saved(folder / "day.jsonl", lines(lambda t: int(t) + DAY_NS))
    code, out, err = attribute(capsys, folder / "trace.arrows", day, "--json", "-")
    assert (code, err) == (0, "")
    right = attribute(capsys, folder / "trace.arrows", saved(folder / "m.jsonl", lines()), "--json", "-")
    one, other = json.loads(out)["rows"], json.loads(right[1])["rows"]
    for mine, theirs in zip(one, other, strict=True):
        assert mine["energy"]["value"] == pytest.approx(theirs["energy"]["value"], rel=1e-6)


@pytest.mark.parametrize("day_ns", [0, DAY_NS])
def test_a_server_clock_that_differs_is_named_and_can_be_moved(folder, capsys, day_ns):
    log = saved(folder / "late.jsonl", lines(lambda t: int(t) + 3600 * S + day_ns))
    code, out, err = attribute(capsys, folder / "trace.arrows", log)
    assert (code, out) == (1, "")
    assert "share no time: the requests began 35" in err
    assert "--offset SECONDS" in err
    moved = attribute(capsys, folder / "trace.arrows", log, "--offset", "-3600", "--json", "-")
    own = saved(folder / "r.jsonl", lines(lambda t: int(t) + day_ns))
    assert moved == attribute(capsys, folder / "trace.arrows", own, "--json", "-")


BAD = {
    "without counts": ({"gen_ai.usage.output_tokens": None}, "200 without token counts"),
    "without a first token": ({"first_token_ns": None}, "200 without a start, a first token or an end"),
    "failed": ({"error": "connection reset"}, "200 failed"),
    "out of order": ({"end_ns": T0 - S}, "200 with times out of order"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_log_without_one_usable_request_says_why(folder, capsys, name):
    changed, words = BAD[name]
    code, _, err = attribute(capsys, folder / "trace.arrows", saved(folder / "bad.jsonl", lines(**changed)))
    assert code == 1
    assert words in err


def test_some_unusable_requests_are_counted_in_the_report(folder, capsys):
    plains = list(lines())
    plains[7]["error"] = "timeout"
    del plains[9]["gen_ai.usage.output_tokens"]
    code, out, _ = attribute(capsys, folder / "trace.arrows", saved(folder / "some.jsonl", plains))
    assert code == 0
    flat = " ".join(out.split())
    assert "198 requests; left out: 1 failed, 1 without token counts" in flat


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("not json\n", "line 1 of"),
        ("[1, 2]\n", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ('{"ttfts": [0.1], "input_lens": [3]}', "--save-detailed"),
        ('{"start_times":[1],"ttfts":[],"itls":[[]],"input_lens":[3],"output_lens":[2]}', "differ in length"),
    ],
)
def test_what_is_no_log_is_refused_with_the_remedy(folder, text, words):
    path = folder / "odd.jsonl"
    path.write_text(text)
    with pytest.raises(RequestLogError) as caught:
        read(path)
    assert words in str(caught.value)


def test_two_clocks_in_one_log_are_refused(folder):
    plains = [*lines(), *lines(lambda t: int(t) + DAY_NS)]
    with pytest.raises(RequestLogError, match="mixes"):
        read(saved(folder / "two.jsonl", plains))


def test_a_profile_is_no_log(folder):
    path = folder / "profile.json"
    path.write_text('{"schemaVersion": 1, "traceEvents": [], "start": 3}')
    assert not is_log(path)


def test_options_of_profiles_are_refused(folder, capsys):
    log = saved(folder / "requests.jsonl", lines())
    code, _, err = attribute(capsys, folder / "trace.arrows", log, "--same-machine")
    assert code == 2
    assert "--same-machine" in err


def test_a_trace_with_too_few_updates_has_no_figure(folder, capsys):
    log = saved(folder / "requests.jsonl", lines())
    slow = Ideal(constant(50.0), n=60, poll_ns=S, update_ns=5 * S, id="gpu-0/energy", limit_w=900.0)
    write(folder / "slow.arrows", rows([slow]))
    code, out, err = attribute(capsys, folder / "slow.arrows", log)
    assert (code, out) == (2, "")
    assert "Record for longer" in err
