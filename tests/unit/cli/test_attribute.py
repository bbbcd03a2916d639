"""``uj attribute`` on what torch's profiler recorded, and on a GPU's profile in shape."""

import gzip
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import gpu_profile
import pytest
from gpu_profile import BASE_NS, document, event, kernel
from gpu_trace import OFFSET, clocked
from ideal import MS, T0, US, Ideal, constant, rows, write
from launches import Launches, piecewise

from microjoule.cli import main

FOLDER = Path(__file__).parents[2] / "recorded" / "torch_cpu"
PROFILE = FOLDER / "profile.json.gz"


def attribute(capsys, *arguments):
    code = main(["attribute", *map(str, arguments)])
    return code, *capsys.readouterr()


def table(plain, kind):
    (found,) = (each for each in plain["tables"] if each["kind"] == kind)
    return found


def test_under_a_steady_40_w_each_operator_of_a_recorded_profile_used_40_w(capsys, tmp_path):
    code, out, err = attribute(capsys, FOLDER / "scripted.arrows", PROFILE, "--json", tmp_path / "a.json")
    assert (code, err) == (0, "")
    assert "aten::mm" in out
    assert "by annotated range" in out
    assert "ESTIMATED" not in out
    plain = json.loads((tmp_path / "a.json").read_text())
    for each in plain["tables"]:
        for row in each["rows"]:
            truth = 40.0 * row["time_s"]
            assert abs(row["energy"]["value"] - truth) <= 1.5 * row["energy"]["U"], row
            assert row["energy"]["guaranteed"][0] <= truth <= row["energy"]["guaranteed"][1]
    operators = table(plain, "operator")
    names = {name for row in operators["rows"] for name in row["names"]}
    assert {"aten::mm", "aten::exp", "aten::add", "(idle)"} <= names
    assert operators["sum"]["value"] == pytest.approx(plain["measured"]["value"], abs=operators["sum"]["U"])
    (mm,) = (row for row in operators["rows"] if row["names"] == ["aten::mm"])
    assert mm["launches"] == [480]
    assert mm["energy"]["U"] < 0.02 * mm["energy"]["value"]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_fits_the_terminal_and_keeps_each_name(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = attribute(capsys, FOLDER / "scripted.arrows", PROFILE)
    assert code == 0
    assert max(map(len, out.splitlines())) <= width
    assert all(name in out for name in ("aten::mm", "aten::resolve_conj", "exponentiate"))


def test_estimated_energy_says_so_first_and_windows_are_ranges_too(capsys):
    code, out, _ = attribute(capsys, FOLDER / "cpu_time.arrows", PROFILE)
    assert code == 0
    assert out.startswith("cpu_time/system is ESTIMATED")
    assert "by window of the trace" in out
    assert "profiled" in out


def test_a_trace_taken_in_parts_gives_what_the_whole_one_gives(capsys, tmp_path):
    """To write a profile with power the whole trace is loaded; the figures are the same, to the bit."""
    each = []
    for number, options in enumerate(((), ("-o", tmp_path / "p.json"))):
        to = tmp_path / f"{number}.json"
        assert attribute(capsys, FOLDER / "scripted.arrows", PROFILE, "--json", to, *options)[0] == 0
        each.append(to.read_text())
    assert each[0] == each[1]


def test_the_profile_comes_back_whole_with_the_power_on_its_clock(capsys, tmp_path):
    target = tmp_path / "with_power.json.gz"
    code, _, err = attribute(capsys, FOLDER / "scripted.arrows", PROFILE, "-o", target)
    assert (code, err) == (0, "")
    whole, before = (json.loads(gzip.decompress(path.read_bytes())) for path in (target, PROFILE))
    n = len(before["traceEvents"])
    assert whole["traceEvents"][:n] == before["traceEvents"]
    assert {**whole, "traceEvents": 0} == {**before, "traceEvents": 0}
    name, *counters = whole["traceEvents"][n:]
    assert name["args"] == {"name": "power (microjoule)"}
    assert {each["name"] for each in counters} == {"package-0", "package-0/dram"}
    ops = [each for each in before["traceEvents"] if each.get("cat") == "cpu_op"]
    first, last = min(e["ts"] for e in ops), max(e["ts"] + e["dur"] for e in ops)
    package = [each for each in counters if each["name"] == "package-0"]
    assert all(first - 5000 <= each["ts"] <= last + 5000 for each in package)
    watts = [each["args"]["W"] for each in package]
    assert sum(watts) / len(watts) == pytest.approx(40, rel=0.05)
    assert len(package) > 1000


@pytest.fixture
def gpu(tmp_path):
    """A GPU that runs two kernels on one stream, a third beside them on another, and its counter."""
    scene = Launches(
        replace(Ideal(constant(1.0), n=3000, poll_ns=250 * US, limit_w=700.0), id="gpu-0/energy"),
        3,
        powers_w=(60.0, 400.0, 250.0, 500.0),
        length_ms=(0.3, 0.5, 0.4, 0.2),
    )
    name, bounds, watts = scene.pieces
    ideal = replace(scene.ideal, wave=piecewise(bounds / 1e9, watts), seed=3)
    path = write(tmp_path / "gpu.arrows", clocked(rows([ideal])))
    events, real = [], [int(t) + T0 + OFFSET for t in bounds]
    for n, (a, b) in enumerate(pairwise(real)):
        if b > T0 + OFFSET + 740 * MS:
            break
        # Of the fourth kind of piece both kernels run at once, each on its stream.
        for kind, stream in {1: [("gemm", 7)], 2: [("add", 7)], 3: [("gemm", 7), ("copy", 20)]}.get(
            name[n], []
        ):
            events.append(kernel(kind, a, b, stream=stream))
    events.append(event("gpu_user_annotation", "forward", real[40], real[900], 0, 7, {"device": 0}))
    return path, gpu_profile.write(tmp_path / "gpu.json.gz", document(events)), scene


def test_kernels_of_a_gpu_and_those_that_overlap_have_figures_of_their_own(capsys, gpu):
    path, profile, _ = gpu
    code, out, err = attribute(capsys, path, profile, "--json", "-")
    assert (code, err) == (0, "")
    plain = json.loads(out)
    assert plain["channel"] == "gpu-0/energy"
    found = {tuple(row["names"]): row for row in table(plain, "kernel")["rows"]}
    truth = {("gemm",): 400.0, ("add",): 250.0, ("copy ∥ gemm",): 500.0, ("(idle)",): 60.0}
    assert set(found) == set(truth)
    for names, row in found.items():
        assert abs(row["mean_w"] - truth[names]) <= 1.5 * row["mean_U_w"]
        assert row["mean_U_w"] < 0.1 * truth[names]
    assert found[("gemm",)]["launches"] != [None]
    (forward,) = (row for row in table(plain, "range")["rows"] if row["names"] == ["forward"])
    assert forward["method"] == "bracketed"


def refusals(tmp_path, gpu):
    path, profile, _ = gpu
    whole = json.loads(gzip.decompress(profile.read_bytes()))
    late = {**whole, "baseTimeNanoseconds": BASE_NS + 3_600_000_000_000}
    other = {**whole, "host_name": "elsewhere"}
    cpu = document([event("cpu_op", "mm", T0 + OFFSET, T0 + OFFSET + 2 * MS)])
    two = document([kernel("k", T0 + OFFSET, T0 + OFFSET + MS, device=d) for d in (3, 4)])
    yield (path, late), 1, "share no time: the profile began 3599"
    yield (path, other), 1, "comes from the machine 'elsewhere', and the trace from 'ideal'"
    yield (path, two), 1, "kernels of GPU 3, 4, and the trace no energy counter of it"
    yield (path, cpu), 2, "shows 0 updates in the"
    yield (write(tmp_path / "no_clock.arrows", rows([Ideal(constant(9.0))])), cpu), 1, "no pairs of its clock"
    yield (path, "{"), 1, "ends in the middle"
    yield (profile, cpu), 1, "not a trace"


def test_what_does_not_belong_together_is_refused_in_one_sentence(capsys, tmp_path, gpu):
    for number, ((trace, profile), expected, sentence) in enumerate(refusals(tmp_path, gpu)):
        path = gpu_profile.write(tmp_path / f"{number}.json", profile)
        code, out, err = attribute(capsys, trace, path)
        assert sentence in err
        assert err.count("\n") == 1
        assert (code, out) == (expected, "")


def test_a_channel_that_counts_no_energy_is_refused(capsys, tmp_path, gpu):
    path, profile, _ = gpu
    code, _, err = attribute(capsys, path, profile, "--channel", "gpu-0/power")
    assert code == 1
    assert "has no channel 'gpu-0/power'. Its energy counters: gpu-0/energy" in err
    code, _, err = attribute(capsys, path, profile, "-o", profile)
    assert code == 2
    assert "would be overwritten" in err
    code, _, err = attribute(capsys, path, profile, "-o", tmp_path / "no" / "such.json")
    assert code == 1
    assert "cannot write" in err
