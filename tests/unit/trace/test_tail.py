"""A file that grows: its whole batches come once each, however it is cut."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import machine

from microjoule.errors import TraceError
from microjoule.recording import RawRecorder
from microjoule.recording.meter import Meter
from microjoule.recording.plan import plan
from microjoule.trace.messages import FileSource, Kind, Message, messages
from microjoule.trace.raw_trace import RawTrace
from microjoule.trace.tail import Tail


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tail")
    path = folder / "whole.arrows"
    found = plan(path, Meter(rate=100, sources=["script"], root=machine(folder / "root")))
    recorder = RawRecorder(replace(found, drain_s=0.05))
    with recorder, recorder.window("a"):
        pass
    return path.read_bytes(), RawTrace.open(path).table.num_rows if hasattr(RawTrace, "open") else None


@settings(max_examples=25)
@given(st.data())
def test_whole_batches_come_once_each_however_the_file_grows(tmp_path_factory, recorded, data):
    whole, _ = recorded
    path = tmp_path_factory.mktemp("grow") / "t.arrows"
    opening = whole.index(b"microjoule")  # somewhere inside the opening
    cuts = sorted(data.draw(st.lists(st.integers(opening, len(whole)), max_size=6)))
    found, tail = [], None
    for cut in [*cuts, len(whole)]:
        path.write_bytes(whole[:cut]) if tail is None else append(path, whole, cut)
        if tail is None:
            try:
                tail = Tail(path)
            except TraceError:
                continue  # its opening is not whole yet
        found += tail.read()
        assert tail.is_ended == (cut == len(whole))
    assert tail is not None
    again = Tail(path)
    assert found
    assert sum(batch.num_rows for batch in found) == sum(batch.num_rows for batch in again.read())
    assert tail.read() == []


def append(path, whole, cut):
    with path.open("ab") as file:
        file.write(whole[path.stat().st_size : cut])


def test_a_file_that_is_replaced_or_gone_is_a_sentence(tmp_path, recorded):
    whole, _ = recorded
    path = tmp_path / "t.arrows"
    path.write_bytes(whole)
    tail = Tail(path)
    tail.read()
    path.write_bytes(whole[:2000])
    with pytest.raises(TraceError, match="replaced"):
        tail.read()
    path.unlink()
    with pytest.raises(TraceError, match="is gone"):
        tail.read()


def batches_of(path):
    with path.open("rb") as file:
        found = list(messages(FileSource(file.fileno())))
    return [each for each in found if isinstance(each, Message) and each.kind is Kind.BATCH]


def test_a_batch_that_is_damaged_inside_is_named_and_not_waited_for(tmp_path, recorded):
    whole, _ = recorded
    path = tmp_path / "t.arrows"
    path.write_bytes(whole)
    number = 3
    place = batches_of(path)[number]
    body = whole.index(
        b"\x28\xb5\x2f\xfd", place.begin, place.end
    )  # zstd's magic number: a column of the batch
    path.write_bytes(whole[:body] + b"\0" * 4 + whole[body + 4 :])
    tail, intact = Tail(path), len(batches_of(path))
    assert len(tail.read()) == intact - 1
    (why,) = tail.damage
    assert "ZSTD" in why or "decompress" in why
    assert tail.is_ended


def test_a_bit_that_flipped_in_the_middle_of_a_batch_costs_that_batch(tmp_path, recorded):
    """Wherever it is, the others come, and something is said."""
    whole, _ = recorded
    path = tmp_path / "t.arrows"
    path.write_bytes(whole)
    place = batches_of(path)[2]
    rows = sum(batch.num_rows for batch in Tail(path).read())
    for at in range(place.begin, place.end):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        tail = Tail(path)
        n = sum(batch.num_rows for batch in tail.read())
        assert tail.damage or n == rows


def test_a_unit_that_changed_is_refused(tmp_path, recorded):
    """It decodes well, and every figure would be another."""
    whole, _ = recorded
    assert whole.count(b'"quantity": "J"')
    path = tmp_path / "t.arrows"
    path.write_bytes(whole.replace(b'"quantity": "J"', b'"quantity": "W"', 1))
    tail = Tail(path)
    with pytest.raises(TraceError, match="channel table does not match its checksum"):
        tail.read()
