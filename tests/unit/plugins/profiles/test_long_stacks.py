"""A long profile of py-spy: gone through in blocks."""

import json
import tracemalloc

import numpy as np
from ideal import MS

from microjoule import spool
from microjoule.plugins.profiles import chrome, py_spy, readers, stacks


def spied(path, n):
    """n changes of two threads as py-spy writes them, 10 ms apart."""
    events = []
    for number in range(n):
        inner = f"f{number % 5}"
        for thread in (1, 2):
            track = {"cat": "py-spy", "pid": 1, "tid": thread, "ts": number * 10_000}
            if number:
                events.append({"ph": "E", "name": f"f{(number - 1) % 5}", **track})
            events.append({"ph": "B", "name": inner, **track})
    path.write_text(json.dumps(events))
    return path


def spied_peak_bytes(path):
    tracemalloc.start()
    try:
        found = readers.read(path, "py-spy")
        assert sum(1 for _ in found.blocks()) > 1
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_profile_of_py_spy_takes_no_more_memory_than_a_short_one(tmp_path, monkeypatch):
    for module, name, value in (
        (stacks, "BLOCK", 1 << 9),
        (stacks, "_READ", 1 << 6),
        (py_spy, "BLOCK", 1 << 9),
        (py_spy, "_FIRST", 1 << 9),
        (spool, "_IN_MEMORY", 1 << 14),
        (chrome, "_CHUNK", 1 << 14),
    ):
        monkeypatch.setattr(module, name, value)
    spied_peak_bytes(spied(tmp_path / "first.json", 600))  # with what is imported late
    found, few = spied_peak_bytes(spied(tmp_path / "few.json", 600))
    assert found.period_ns == 10 * MS
    nodes = {node for block in found.blocks() for node in block.node.tolist()}
    assert {found.stacks.frames(node)[-1] for node in nodes} == {f"f{n}" for n in range(5)}
    assert len(found) == 1200
    found, many = spied_peak_bytes(spied(tmp_path / "many.json", 4800))
    assert len(found) == 9600
    t_ns = np.concatenate([block.t_ns for block in found.blocks()])
    assert (np.diff(t_ns) >= 0).all()
    assert many < few + 8 * (9600 - 1200)  # half of what is kept of a sample
