"""Files that claim more than they can hold are refused before memory is taken for it."""

import struct
import tracemalloc

import pyarrow as pa
import pytest
from ideal import Ideal, constant, rows, write

from microjoule.errors import TraceError
from microjoule.joules.energy_trace import load
from microjoule.joules.long_traces.streamed import stream
from microjoule.trace import schema
from microjoule.trace.messages import Break, FileSource, Kind, Message, messages
from microjoule.trace.raw_trace import RawTrace

ONE = Ideal(constant(80.0), n=300)
LIMIT_BYTES = 64 << 20


def framed(path):
    with path.open("rb") as file:
        return list(messages(FileSource(file.fileno())))


def claims(path, n_bytes):
    """Lets the first compressed buffer of the second batch claim to hold so many bytes."""
    data = bytearray(path.read_bytes())
    place = [each for each in framed(path) if isinstance(each, Message) and each.kind is Kind.BATCH][1]
    body = data.index(b"\x28\xb5\x2f\xfd", place.begin, place.end) - 8  # in front of zstd's magic number
    struct.pack_into("<q", data, body, n_bytes)
    path.write_bytes(data)


@pytest.mark.parametrize("way", [load, stream])
@pytest.mark.parametrize("n_bytes", [1 << 33, 1 << 40, (1 << 62) + 8])
def test_a_batch_that_claims_terabytes_is_left_out_and_named(tmp_path, way, n_bytes):
    path = write(tmp_path / "t.arrows", rows([ONE]), 60)
    claims(path, n_bytes)
    tracemalloc.start()
    trace = way(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LIMIT_BYTES
    (damage,) = trace.damage
    assert "would decompress to" in damage.why


def test_a_bomb_that_keeps_its_promise_is_left_out_too(tmp_path):
    """128 MB of zeros in some kilobytes of zstd."""
    n = 1 << 24
    zeros = pa.Array.from_buffers(pa.int64(), n, [None, pa.py_buffer(bytes(8 * n))])
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, pa.schema([("t_ns", pa.int64())]), options=options) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays([zeros], names=["t_ns"]))
    path = tmp_path / "bomb"
    path.write_bytes(sink.getvalue())
    found = [each for each in framed(path) if isinstance(each, Break)]
    assert ["would decompress" in each.why for each in found] == [True]


def test_a_million_channels_are_refused_quickly():
    table = rows([ONE])
    metadata = {**table.schema.metadata, schema.KEY_CHANNELS: b"[" + b"{}," * 999_999 + b"{}]"}
    with pytest.raises(TraceError, match="1,000,000 channels"):
        RawTrace(table.replace_schema_metadata(metadata))
