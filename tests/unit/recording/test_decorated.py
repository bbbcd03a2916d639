"""Functions, coroutines and generators that are windows."""

import functools
import time

import pytest
from scripted import machine

import microjoule as uj


def test_a_measured_coroutine_is_a_window_until_it_ends(tmp_path):
    import asyncio

    @uj.window
    async def work():
        await asyncio.sleep(0.02)
        return 5

    with uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=machine(tmp_path))):
        assert asyncio.run(work()) == 5
    (window,) = uj.load(tmp_path / "t.arrows").windows
    assert window.duration_ns >= 20_000_000


def test_a_measured_generator_is_a_window_until_its_end(tmp_path):
    @uj.window
    def items(n):
        for i in range(n):
            got = yield i
            assert got is None
        return "end"

    with uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=machine(tmp_path))):
        unused = items(3)
        for _ in items(2):
            time.sleep(0.01)
        left = items(5)
        next(left)
        left.close()
    del unused
    used, closed_early = uj.load(tmp_path / "t.arrows").windows
    assert used.duration_ns >= 20_000_000
    assert not closed_early.is_open


def test_what_cannot_be_measured_is_a_sentence():
    async def items():
        yield 1

    with pytest.raises(TypeError, match="asynchronous generator"):
        uj.window(items)
    with pytest.raises(TypeError, match="neither a name nor a function"):
        uj.window(classmethod(len))
    with pytest.raises(TypeError, match="5, which is neither a name nor a function"):
        uj.window(5)
    assert uj.window(functools.partial(int, "7"))() == 7


def test_a_decorator_has_a_name_and_attributes_of_its_own(tmp_path):
    """A function is a window of each recording around a call, whenever it was decorated."""

    def work(x):
        """Adds one."""
        return x + 1

    before = uj.window("decode", tokens=3)(work)
    assert before(1) == 2
    with uj.record(tmp_path / "first.arrows", uj.Meter(sources=["script"], root=machine(tmp_path))) as rec:
        during = uj.window("tab\tbed", tokens=4)(work)
        on_the_recorder = rec.window("on the recorder")(work)
        assert [before(1), during(2), on_the_recorder(3)] == [2, 3, 4]
    assert (during.__name__, during.__doc__) == ("work", "Adds one.")
    with uj.record(tmp_path / "second.arrows", uj.Meter(sources=["script"], root=machine(tmp_path))):
        assert [before(1), during(2), on_the_recorder(3)] == [2, 3, 4]
    for name in ("first", "second"):
        windows = uj.load(tmp_path / f"{name}.arrows").windows
        assert [each.name for each in windows] == ["decode", "tab bed", "on the recorder"]
        assert [dict(each.attributes) for each in windows] == [{"tokens": 3}, {"tokens": 4}, {}]
