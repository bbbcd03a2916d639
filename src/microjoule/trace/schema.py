"""The trace file: an Arrow IPC stream, one row a reading of one channel.

Everything after the opening is a row, because the metadata of a batch is lost by every consumer
that reads the whole stream at once. Rows whose channel begins with ``@`` are the recorder's own.

=========== ========================== ============================================================
column      type                       meaning
=========== ========================== ============================================================
t_ns        int64                      CLOCK_MONOTONIC when the read began
read_ns     uint32                     how long it took; one group read has one t_ns and one read_ns
channel     dictionary<uint16, utf8>   fixed at the opening
raw         uint64, null: read failed  what the interface said: not unwrapped, not scaled
sensor_ns   int64, null: none          the device's own time, unconverted
status      uint16                     0, or the code of the failed read
label       utf8, null but on marks    a window's name and attributes: ``microjoule.label``
=========== ========================== ============================================================

No two rows of a channel have one ``t_ns``. A read that brings several rows of one channel, such as the
samples that a GPU's driver has kept since the last read (``gpu-0/power_samples``), gives them its own
time, and that plus 1, 2, 3 ns: an index and no measurement. What instant each speaks of is ``sensor_ns``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from ..channel import Channel
from ..errors import TraceError

FORMAT = 1
KEY_FORMAT = b"microjoule.format"
KEY_CHANNELS = b"microjoule.channels"
KEY_FACTS = b"microjoule.facts"

BEGIN = "@begin"
END = "@end"
CLOCKS = ("@clock/realtime", "@clock/boottime")
LANE_COUNTS = ("ticks", "late", "missed", "dropped", "errors", "busy_ns", "late_max_ns")
MARKS_DROPPED = "@engine/marks/dropped"

COLUMNS = (
    pa.field("t_ns", pa.int64(), nullable=False),
    pa.field("read_ns", pa.uint32(), nullable=False),
    pa.field("channel", pa.dictionary(pa.uint16(), pa.utf8()), nullable=False),
    pa.field("raw", pa.uint64()),
    pa.field("sensor_ns", pa.int64()),
    pa.field("status", pa.uint16(), nullable=False),
    pa.field("label", pa.utf8()),
)


def dictionary(channels: Iterable[Channel]) -> list[str]:
    """The values of the ``channel`` column, in the order of their codes.

    The channels come first and in their own order, so that a channel's code is its index.
    """
    channels = list(channels)
    lanes = dict.fromkeys(channel.lane for channel in channels)
    counts = (engine(lane, count) for lane in lanes for count in LANE_COUNTS)
    return [channel.id for channel in channels] + [BEGIN, END, *CLOCKS, *counts, MARKS_DROPPED]


def engine(lane: str, count: str) -> str:
    """The channel that carries one of a lane's own counts."""
    return f"@engine/{lane}/{count}"


def schema(channels: Iterable[Channel], facts: Mapping[str, Any]) -> pa.Schema:
    """The schema of a trace of these channels.

    Args:
        channels: All that will be read.
        facts: The machine and the recording: JSON values only.
    """
    table = [channel.to_json() for channel in channels]
    return pa.schema(
        COLUMNS,
        metadata={
            KEY_FORMAT: str(FORMAT).encode(),
            KEY_CHANNELS: json.dumps(table).encode(),
            KEY_FACTS: json.dumps(dict(facts)).encode(),
        },
    )


def opening(found: pa.Schema, name: str) -> tuple[list[Channel], dict[str, Any]]:
    """The channel table and the facts of an opened file.

    Args:
        found: The file's schema.
        name: What to call the file in a message.

    Raises:
        TraceError: The file is not a trace, or is one of a later format.
    """
    metadata = found.metadata or {}
    if KEY_FORMAT not in metadata:
        raise TraceError(
            f"{name} is an Arrow file but not a microjoule trace",
            "Open a file that `uj run -o` or `uj record` wrote",
        )
    version = int(metadata[KEY_FORMAT])
    if version > FORMAT:
        raise TraceError(
            f"{name} is in trace format {version}, and this microjoule reads up to format {FORMAT}",
            "Update it: pip install --upgrade microjoule",
        )
    table = json.loads(metadata[KEY_CHANNELS])
    return [Channel.from_json(plain) for plain in table], json.loads(metadata[KEY_FACTS])
