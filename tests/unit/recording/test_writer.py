"""What the writer makes of drained rows."""

import numpy as np
from scripted import channel, steady

from microjoule._native import Sampler
from microjoule.recording.writer import Writer
from microjoule.trace import schema
from microjoule.trace.raw_trace import RawTrace

ENDLESS = np.iinfo(np.uint32).max


def test_a_read_lies_inside_the_time_that_the_file_gives_it(tmp_path):
    """Its length is rounded up, by less than a step; one that took too long to tell stays so."""
    script = tmp_path / "x.txt"
    script.write_text(steady(40, 7))
    channels = [channel("a", str(script)), channel("b", str(script))]
    table = [("script", str(script), 0, 0, -1, code) for code in range(2)]
    lane = Sampler("x", table, 1_000_000, 256)
    for _ in range(50):
        lane.tick()
    drained = lane.drain()
    lengths = np.frombuffer(drained.read_ns, np.uint32)
    lengths[:4] = (0, 63, ENDLESS - 64, ENDLESS)
    taken = lengths.copy()
    writer = Writer(tmp_path / "t.arrows", channels, {})
    writer.write([writer.columns(drained)])
    writer.close()
    trace = RawTrace.load(tmp_path / "t.arrows")
    found = np.stack([trace.series("a").read_ns, trace.series("b").read_ns], axis=1).ravel()
    assert len(found) == 100
    assert (found >= taken).all()
    assert (found - taken < schema.READ_STEP_NS).all()
    assert found[3] == ENDLESS
    assert found[2] < ENDLESS
