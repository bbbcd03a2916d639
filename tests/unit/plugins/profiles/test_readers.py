"""Profiles by perf, py-spy, VizTracer and JAX, and any Chrome trace, on the clock of the trace."""

import gzip
import io
import json
import tracemalloc
from pathlib import Path

import gpu_trace
import numpy as np
import pytest
from gpu_trace import OFFSET
from ideal import MS, T0

import microjoule as uj
from microjoule import spool
from microjoule.cli import main
from microjoule.errors import ProfileError
from microjoule.joules.profiling.reserved_names import IDLE
from microjoule.plugins.profiles import chrome, perf_script, readers, stacks
from microjoule.plugins.profiles.attribute import Asked
from microjoule.plugins.profiles.functions import functions
from microjoule.plugins.profiles.profile import Profile
from microjoule.plugins.profiles.stacks import Block

FOLDER = Path(__file__).parents[3] / "recorded" / "stacks"


def attribute(capsys, *arguments):
    code = main(["attribute", *map(str, arguments), "--json", "-"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if code == 0 else None, err


def rows(plain, kind):
    (table,) = (each for each in plain["tables"] if each["kind"] == kind)
    return {row["names"][0]: row for row in table["rows"]}


def every(samples):
    """All samples of a profile that is short."""
    return Block(*(np.concatenate(columns) for columns in zip(*samples.blocks(), strict=True)))


def test_a_recorded_perf_script_has_the_functions_of_its_victim(capsys):
    code, plain, _ = attribute(capsys, FOLDER / "perf.arrows", FOLDER / "perf.script.gz")
    assert code == 0
    inclusive = rows(plain, "function_all")
    assert {"victim", "main", "hot", "cold", "deeper", "work"} <= set(inclusive)
    # Whatever the machine did meanwhile: a function's samples lie in its own turns.
    samples = readers.read(FOLDER / "perf.script.gz")
    turns = [line.split() for line in (FOLDER / "perf.turns.txt").read_text().splitlines()]
    starts = np.array([int(begin) for _, begin, _ in turns])
    inside = right = 0
    for t, node in zip(*(column.tolist() for column in every(samples)[:2]), strict=True):
        names = {"hot", "cold", "deeper"} & set(samples.stacks.frames(node))
        inside += len(names)
        right += len(names & {turns[int(np.searchsorted(starts, t)) - 1][0]})
    assert inside > 150
    assert right == inside


def test_a_thread_in_c_has_the_time_of_its_processor_and_its_energy(capsys):
    """Two threads, one in Python and one in zlib, which has no symbols here: each wrote its CPU time."""
    lines = (FOLDER / "perf_threads.cpu.txt").read_text().splitlines()
    cpu_s = {name: float(value) for name, value in (line.split() for line in lines)}
    samples = readers.read(FOLDER / "perf_threads.script.gz")
    seen = every(samples)
    in_c = np.array(["[libz.so" in " ".join(samples.stacks.frames(node)) for node in seen.node.tolist()])
    threads = [set(seen.thread[where].tolist()) for where in (in_c, ~in_c)]
    assert len(threads[0]) == 1
    share = cpu_s["compressed"] / sum(cpu_s.values())
    n = len(samples)
    assert abs(in_c.mean() - share) < 4 * (share * (1 - share) / n) ** 0.5
    code, plain, _ = attribute(capsys, FOLDER / "perf_threads.arrows", FOLDER / "perf_threads.script.gz")
    assert code == 0
    found = rows(plain, "function_all")
    # It ran for its CPU time, and has the energy of that less what the other thread had of it meanwhile.
    compressing = next(row for name, row in found.items() if name.startswith("[libz.so"))
    assert compressing["time_s"] < cpu_s["compressed"] * 1.1
    assert compressing["energy"]["value"] == pytest.approx(40 * compressing["time_s"], rel=0.05)
    assert "threads at once" in {row["name"] for row in compressing["energy"]["budget"]}
    alone = rows(plain, "function")
    assert sum(row["energy"]["value"] for row in alone.values()) == pytest.approx(
        plain["measured"]["value"], rel=0.01
    )


def test_recursion_counts_once_and_parts_come_to_the_whole():
    trace = uj.load(FOLDER / "perf.arrows")
    found = functions(trace, readers.read(FOLDER / "perf.script.gz"), Asked()).plain
    whole = found["measured"]["value"]
    assert sum(row["own_j"] for row in found["frames"]) == pytest.approx(whole, rel=1e-9)
    children = {}
    for row in found["frames"][1:]:
        children[row["parent"]] = children.get(row["parent"], 0.0) + row["energy"]["value"]
    assert children[0] == pytest.approx(whole, rel=1e-9)
    of = {each["name"]: each for each in found["functions"]}
    deeper = [row for row in found["frames"] if row["name"] == "deeper"]
    assert len(deeper) >= 5  # one in the other
    assert of["deeper"]["energy"]["value"] == pytest.approx(max(row["energy"]["value"] for row in deeper))
    assert of["main"]["energy"]["value"] <= of["victim"]["energy"]["value"] <= whole
    assert {row["name"] for row in found["frames"] if row["parent"] == 0} >= {"victim", IDLE}
    counted = [row for row in found["frames"] if row["samples"]]
    assert sum(row["own_samples"] for row in counted) == found["samples"] == 200


def test_a_recorded_py_spy_profile_needs_its_start_and_then_has_its_functions(capsys):
    arguments = FOLDER / "py_spy.arrows", FOLDER / "py_spy.json.gz"
    code, _, err = attribute(capsys, *arguments)
    assert code == 1
    assert "--starts-at WINDOW" in err
    code, plain, _ = attribute(capsys, *arguments, "--starts-at", "run")
    assert code == 0
    alone = rows(plain, "function")
    assert {"hot (turns.py)", "cold (turns.py)"} <= set(alone)
    assert sum(row["time_s"] for row in alone.values()) == pytest.approx(plain["span_s"], rel=0.01)


def test_a_recorded_viztracer_profile_is_on_the_traces_own_clock(capsys):
    code, plain, _ = attribute(capsys, FOLDER / "viztracer.arrows", FOLDER / "viztracer.json.gz")
    assert code == 0
    assert plain["profiles"][0]["form"] == "VizTracer"
    assert plain["profiles"][0]["clock"] == "CLOCK_MONOTONIC"
    found = rows(plain, "call")
    assert "builtins.sum" in found
    assert any(name.startswith("hot (") for name in found)
    total = sum(row["energy"]["value"] for row in found.values())
    assert total == pytest.approx(plain["measured"]["value"], rel=0.1)


def calls(path, events, **head):
    path.write_text(json.dumps({"traceEvents": events, **head}))
    return path


def event(phase, name, t_ns, **more):
    return {"ph": phase, "name": name, "ts": t_ns / 1000, "pid": 1, "tid": 1, **more}


CLOCKS = {"CLOCK_MONOTONIC": 0, "CLOCK_REALTIME": OFFSET}


@pytest.mark.parametrize(("clock", "offset"), CLOCKS.items(), ids=CLOCKS)
def test_any_chrome_trace_is_aligned_by_the_clock_that_fits(capsys, tmp_path, clock, offset):
    trace = gpu_trace.trace(tmp_path / "t.arrows", {0: 100}, {})
    t, events = T0 + offset + 500 * MS, []
    for n in range(20):
        at = t + n * 150 * MS
        events += [event("B", "outer", at), event("X", "inner", at + 50 * MS, dur=50_000.0)]
        events.append(event("E", "outer", at + 150 * MS))
    events.append(event("E", "outer", t))  # an end without a begin
    path = calls(tmp_path / "c.json", events)
    code, plain, _ = attribute(capsys, trace, path, "--channel", "gpu-0/energy")
    assert code == 0
    assert plain["profiles"][0]["clock"] == clock
    assert sum(plain["profiles"][0]["events"]["impossible"].values()) == 1
    found = rows(plain, "call")
    assert found["inner"]["time_s"] == pytest.approx(1.0, abs=0.1)
    assert found["outer"]["time_s"] == pytest.approx(2.0, abs=0.1)
    for row in (found["inner"], found["outer"]):
        assert abs(row["energy"]["value"] - 100 * row["time_s"]) <= row["energy"]["U"]
    code, plain, _ = attribute(capsys, trace, path, "--channel", "gpu-0/energy", "--name", "in*")
    assert set(rows(plain, "call")) == {"inner", "(idle)"}


def test_a_clock_that_fits_nowhere_is_refused_with_the_clocks_that_were_tried(capsys, tmp_path):
    trace = gpu_trace.trace(tmp_path / "t.arrows", {0: 100}, {})
    path = calls(tmp_path / "c.json", [event("X", "f", 17 * MS, dur=3e6)])
    code, _, err = attribute(capsys, trace, path)
    assert code == 1
    assert "CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME" in err
    seconds = (T0 + 500 * MS) / 1e9
    code, plain, _ = attribute(capsys, trace, path, "--starts-at", seconds)
    assert code == 0
    assert rows(plain, "call")["f"]["time_s"] == pytest.approx(3, abs=0.05)


def test_a_jax_profile_has_the_kernels_of_its_streams(capsys, tmp_path):
    trace = gpu_trace.trace(tmp_path / "t.arrows", {0: 100, 1: 200}, {})
    label = {"ph": "M", "pid": 9, "args": {"name": "/device:GPU:1"}, "name": "process_name"}
    stream = {"ph": "M", "pid": 9, "tid": 3, "args": {"name": "Stream #3(Compute)"}, "name": "thread_name"}
    ops = {"ph": "M", "pid": 9, "tid": 4, "args": {"name": "XLA Ops"}, "name": "thread_name"}
    events = [
        {"ph": "X", "pid": 9, "tid": tid, "name": "fusion", "ts": n * 50_000, "dur": 25_000}
        for n in range(50)
        for tid in (3, 4)
    ]
    path = tmp_path / "host.trace.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"traceEvents": [label, *events, stream, ops]}).encode()))
    code, plain, _ = attribute(capsys, trace, path, "--starts-at", (T0 + 500 * MS) / 1e9)
    assert code == 0
    assert plain["channel"] == "gpu-1/energy"
    row = rows(plain, "kernel")["fusion"]
    assert row["launches"][0] <= 50
    assert abs(row["energy"]["value"] - 200 * row["time_s"]) <= row["energy"]["U"]


def script(*paragraphs):
    return ("\n\n".join(paragraphs) + "\n\n").encode()


FRAME = "\t    7f00 {name} (/usr/bin/prog)"


def sample(t_s, *frames, head="prog 12/13"):
    return "\n".join((f"{head}   {t_s:.9f}:     cpu-clock: ", *(FRAME.format(name=each) for each in frames)))


def taken(content):
    return perf_script.taken(io.BytesIO(content), Path("p"), "CLOCK_MONOTONIC", None)


def test_perfs_text_in_all_its_shapes():
    found = taken(
        b"# header line\n"
        + script(
            sample(1.25, "leaf+0x1f", "main"),
            sample(1.26, "leaf+0x2f", "main"),
            sample(1.27, "py::work:/home/x/a.py", "[unknown]", "[unknown]", "main"),
            sample(1.28, head="two words 12/14 [003]"),
            "PERF_RECORD_LOST lost 3",
            "no sample at all",
        )
    )
    stacks = [found.stacks.frames(node) for node in every(found).node.tolist()]
    assert stacks == [
        ["prog", "main", "leaf"],
        ["prog", "main", "leaf"],
        ["prog", "main", "[prog]", "[prog]", "work (a.py)"],
        ["two words"],
    ]
    assert every(found).t_ns.tolist() == [1_250_000_000, 1_260_000_000, 1_270_000_000, 1_280_000_000]
    assert every(found).thread.tolist() == [0, 0, 0, 1]
    assert found.processes == (12,)
    assert found.period_ns == 10_000_000
    assert found.lost == 1
    assert found.source.tally.impossible == {"a line that is no sample": 1}


def test_without_stacks_each_line_is_a_sample_and_its_one_frame():
    """perf script of a recording without -g, or without an empty line anywhere: 20,000 lines."""
    line = "prog 12/13 [001] {t:.9f}:    1003009 cpu/event=0x3c/u: 55ff12 leaf+0x1f (/usr/bin/prog)\n"
    found = taken("".join(line.format(t=1 + n / 1000) for n in range(20_000)).encode())
    assert len(found) == 20_000
    assert found.stacks.frames(int(every(found).node[-1])) == ["prog", "leaf"]
    assert found.period_ns == 1_000_000


def test_lines_may_end_as_on_windows():
    raw = script(sample(1.0, "leaf", "main"), sample(1.1, "leaf", "main"))
    found = taken(raw.replace(b"\n", b"\r\n"))
    assert [found.stacks.frames(node) for node in every(found).node.tolist()] == [
        ["prog", "main", "leaf"]
    ] * 2


class Stream:
    """A text of any length, made as it is read."""

    def __init__(self, pieces):
        self._pieces, self._rest = pieces, b""

    def read(self, n):
        while len(self._rest) < n and (piece := next(self._pieces, b"")):
            self._rest += piece
        given, self._rest = self._rest[:n], self._rest[n:]
        return given


def peak_bytes(n):
    """What a profile of n samples takes at most, read and gone through."""
    text = ("\n" + sample(0, "leaf", *(f"f{depth}" for depth in range(6)))).replace(
        "0.000000000", "{}.{:09d}"
    )
    pieces = (text.format(*divmod(t * 1_000_000, 10**9)).encode() + b"\n" for t in range(n))
    tracemalloc.start()
    try:
        found = perf_script.taken(Stream(pieces), Path("p"), "CLOCK_MONOTONIC", None)
        assert sum(len(block.t_ns) for block in found.blocks()) == n
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_memory_that_a_profile_takes_does_not_grow_with_it(monkeypatch):
    monkeypatch.setattr(stacks, "BLOCK", 1 << 10)
    monkeypatch.setattr(spool, "_IN_MEMORY", 1 << 14)
    assert peak_bytes(24_000) < 1.1 * peak_bytes(3_000)


def test_samples_in_no_order_are_put_in_order(monkeypatch):
    monkeypatch.setattr(stacks, "BLOCK", 7)
    found = stacks.Sampling()
    times = [t * 37 % 101 for t in range(101)]
    for t in times:
        found.add(t, t % 5, t % 3)
    for block in (joined := list(found.blocks())):
        assert (np.diff(block.t_ns) > 0).all()
        assert (block.node == block.t_ns % 5).all()
        assert (block.thread == [list(found.threads.known).index(t % 3) for t in block.t_ns.tolist()]).all()
    assert np.concatenate([block.t_ns for block in joined]).tolist() == sorted(times)


def test_names_in_any_encoding_stay_apart():
    raw = script(sample(1.0, "NAME"), sample(1.1, "NAME"))
    found = taken(raw.replace(b"NAME", "größe".encode(), 1).replace(b"NAME", b"gr\xf6\xdfe", 1))
    names = [found.stacks.frames(node)[-1] for node in every(found).node.tolist()]
    assert names == ["größe", r"gr\xf6\xdfe"]


def test_without_symbols_a_frame_is_called_by_its_file():
    head, inner = "prog 1/1  1.000000000:  cpu-clock: ", "\t 55ff [unknown] (/opt/lib/libx.so.1)"
    found = taken(f"{head}\n{inner}\n\t 66 [unknown] ([unknown])\n".encode())
    assert found.stacks.frames(int(every(found).node[0])) == ["prog", "[unknown]", "[libx.so.1]"]


NOTHING = {
    "empty": (b"", "is empty"),
    "words": (b"hello, world\n", "is not a profile"),
    "a table": (b"a,b\n1,2\n", "is not a profile"),
    "JSON without events": (b'{"a": 1}', "without traceEvents"),
    "a cut Chrome trace": (b'{"traceEvents": [{"ph": "X", "ts": 1, "na', "ends in the middle"),
    "events without durations": (b'[{"ph": "i", "ts": 1, "name": "x"}]', "no event with a duration"),
}


@pytest.mark.parametrize(("content", "sentence"), NOTHING.values(), ids=NOTHING)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_what_is_no_profile_is_refused_in_a_sentence(tmp_path, content, sentence, suffix):
    path = tmp_path / f"p{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    with pytest.raises(ProfileError, match=sentence) as caught:
        readers.read(path)
    assert caught.value.remedy


def test_text_of_perf_that_is_packed_and_cut_is_not_taken_for_json(tmp_path):
    packed = (FOLDER / "perf_threads.script.gz").read_bytes()
    path = tmp_path / "cut.gz"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ProfileError, match=r"cut\.gz is cut or damaged") as caught:
        readers.read(path)
    assert "Copy or pack it again" in caught.value.remedy


def test_perfs_own_file_is_named_with_the_command_that_makes_text_of_it(tmp_path):
    path = tmp_path / "perf.data"
    path.write_bytes(b"PERFILE2" + bytes(200))
    with pytest.raises(ProfileError, match="perf's own file") as caught:
        readers.read(path)
    assert f"perf script --ns -i {path}" in caught.value.remedy


def test_a_form_can_be_named_and_each_reader_knows_its_own(tmp_path):
    path = calls(tmp_path / "c.json", [event("X", "f", MS, dur=1.0)])
    assert readers.read(path, "viztracer").source.clock == "CLOCK_MONOTONIC"
    assert isinstance(readers.read(path), Profile)
    assert len(readers.read(path).events) == 1
    for name in ("perf.script.gz", "py_spy.json.gz", "viztracer.json.gz"):
        raw = gzip.decompress((FOLDER / name).read_bytes())
        opening = raw[:60_000].decode("latin-1")
        mine = [form for form, reader in readers.READERS.items() if reader.is_mine(opening)]
        assert name.split(".")[0].replace("_", "-") == mine[0]


def test_another_hour_is_refused(capsys, tmp_path):
    trace = gpu_trace.trace(tmp_path / "t.arrows", {0: 100}, {})
    later = tmp_path / "later.script"
    later.write_bytes(script(sample((T0 / 1e9) + 3600, "f"), sample((T0 / 1e9) + 3601, "f")))
    code, _, err = attribute(capsys, trace, later)
    assert code == 1
    assert "lie outside the trace on each clock that was tried" in err


def test_events_are_read_in_pieces_however_many_there_are(tmp_path, monkeypatch):
    """What is held of the text stays below a few pieces."""
    monkeypatch.setattr(chrome, "_CHUNK", 4096)
    path = calls(tmp_path / "c.json", [event("X", f"f{n % 7}", n * MS, dur=1.0) for n in range(5000)])
    longest = 0
    fill = chrome.Document._fill

    def watched(self):
        nonlocal longest
        found = fill(self)
        longest = max(longest, len(self._text))
        return found

    monkeypatch.setattr(chrome.Document, "_fill", watched)
    assert len(readers.read(path).events) == 5000
    assert path.stat().st_size > 50 * 4096
    assert longest < 4 * 4096
