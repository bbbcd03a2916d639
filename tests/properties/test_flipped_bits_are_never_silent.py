"""A file in which bits have flipped gives no false interval without a message, whatever bits they are.

Bits flip alone and in bursts. A disk loses, blanks, repeats and exchanges whole sectors of 512 bytes and
pages of 4 KiB: then each part of the file is what a recorder wrote, only not there.

``UJ_FLIPS=10000 pytest tests/properties/test_flipped_bits_are_never_silent.py`` takes the long form.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ideal import Ideal, constant, rows
from reached import reached

from microjoule.errors import TraceError
from microjoule.joules.energy_trace import Trace, load
from microjoule.joules.long_traces.streamed import stream
from microjoule.trace import checksum, schema

FLIPS = int(os.environ.get("UJ_FLIPS", "56"))
SECTOR, PAGE = 512, 4096
CHANNELS = ("package-0", "package-0/dram")


class Whole(NamedTuple):
    data: bytes
    table: pa.Table
    opening: int
    truth: dict[tuple[str, str], float]
    windows: list[tuple[str, int, int]]


def sealed(path: Path, table: pa.Table, piece: int, compression: str | None = "zstd") -> bytes:
    """The file of a table, with a checksum each so many rows, as a recorder writes it."""
    made = table.schema.with_metadata({**table.schema.metadata, schema.KEY_CHECKSUMS: checksum.METHOD})
    names = table["channel"].chunk(0).dictionary.to_pylist()
    stretches = checksum.Stretches(schema.OwnRows(made, names))
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(str(path), made, options=options) as writer:
        batches = table.cast(made).to_batches(max_chunksize=piece)
        for number, batch in enumerate(batches):
            first = [] if number else [stretches.opening(0)]
            writer.write_batch(stretches.ended([*first, batch], 0, number))
        writer.write_batch(stretches.ended([stretches.seal(0, len(batches))], 0, len(batches)))
    return path.read_bytes()


def recorded(path: Path, n: int, piece: int, compression: str | None = "zstd") -> Whole:
    """A recording of so many readings of each channel, in batches of so many rows."""
    ideals = [Ideal(constant(80.0), n=n), Ideal(constant(9.0), n=n, seed=5, id="package-0/dram")]
    places = [(0.1, 0.5), (0.3, 0.4), (0.6, 0.95)]
    marks, truth, windows = [], {}, []
    for number, (begin, end) in enumerate(places, start=1):
        t0, t1 = ideals[0].inside(begin, end)
        name = f"window {number}"
        marks += [(t0, "@begin", number, f'{name}\t{{"n": {number}}}'), (t1, "@end", number, "")]
        windows.append((name, t0, t1))
        for ideal in ideals:
            truth[name, ideal.id] = ideal.truth(t0, t1)
    data = sealed(path, rows(ideals, marks), piece, compression)
    trace = load(path)
    assert not trace.is_truncated
    assert trace.damage == ()
    with pa.OSFile(str(path)) as source, pa.ipc.open_stream(source):
        opening = source.tell()
    return Whole(data, read(path), truth=truth, opening=opening, windows=windows)


def read(path: Path) -> pa.Table:
    """The rows of a file, but for those that check others, and no times of sensors, which none has here."""
    with pa.OSFile(str(path)) as source, pa.ipc.open_stream(source) as batches:
        table = batches.read_all().drop_columns(["sensor_ns"])
    table = table.set_column(2, "channel", table["channel"].cast(pa.utf8()))
    return table.filter(pc.invert(pc.is_in(table["channel"], pa.array(schema.CHECKS))))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return recorded(tmp_path_factory.mktemp("flips") / "whole.arrows", 150, 60)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The same, not compressed: each bit is one of a number, and no decoder finds it."""
    return recorded(tmp_path_factory.mktemp("plain") / "plain.arrows", 150, 60, compression=None)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A file of more than twelve pages, whose batches are each about as long as one."""
    found = recorded(tmp_path_factory.mktemp("pages") / "pages.arrows", 2600, 400)
    assert len(found.data) > 12 * PAGE
    return found


def messages_of(trace: Trace) -> list[str]:
    return [damage.why for damage in trace.damage] + ["cut"] * trace.is_truncated


def is_silent(path: Path, whole: Whole) -> bool:
    """Loads the file in both ways: an error, a message, or all as it was; whether neither said anything."""
    silent = True
    for way in (load, stream):
        try:
            trace = way(path)
        except TraceError as error:
            silent = not reached("refused", error.remedy)
            continue
        silent &= not reached("with a message", messages_of(trace))
        found = [(window.name, window.t0_ns, window.t1_ns) for window in trace.windows]
        assert messages_of(trace) or (found == whole.windows and read(path).equals(whole.table))
        # What is left still holds the truth, however much wider it may be.
        for name, _, _ in set(found) & set(whole.windows):
            energies = trace.energy(name)
            for channel in CHANNELS:
                assert energies[channel].low <= whole.truth[name, channel] <= energies[channel].high
    return silent


@pytest.mark.reaches(**{"refused": 3, "with a message": 25})
@pytest.mark.parametrize(("form", "n_bits"), [("plain", 1), ("whole", 2), ("plain", 8)])
def test_flipped_bits_are_never_silent(
    request: pytest.FixtureRequest, tmp_path: Path, form: str, n_bits: int
) -> None:
    """Single bits, and bursts near one another."""
    whole: Whole = request.getfixturevalue(form)
    path = tmp_path / "flipped.arrows"
    draw = random.Random(n_bits)
    for _ in range(FLIPS):
        data = bytearray(whole.data)
        at = draw.randrange(8 * len(data))
        for _ in range(n_bits):
            bit = min(max(at + draw.randrange(-64, 64) * (n_bits > 1), 0), 8 * len(data) - 1)
            data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        is_silent(path, whole)


@pytest.mark.reaches(**{"with a message": 15})
def test_bytes_that_are_missing_doubled_or_blank_are_never_silent(whole: Whole, tmp_path: Path) -> None:
    """Blocks of a file that a disk has lost, written twice, or filled with zeros."""
    path = tmp_path / "blocks.arrows"
    draw = random.Random(5)
    for _ in range(FLIPS // 4):
        at = draw.randrange(whole.opening, len(whole.data))
        n = draw.choice([1, 7, 8, 64, 512, 4096])
        before, block, after = whole.data[:at], whole.data[at : at + n], whole.data[at + n :]
        versions = {before + after, before + block + block + after, before + bytes(len(block)) + after}
        for data in versions - {whole.data}:
            path.write_bytes(data)
            is_silent(path, whole)  # a blank may fall on bytes that mean nothing


def burst(data: bytearray, draw: random.Random) -> None:
    """2 to 32 neighbouring bits take other values: the first and the last of them, and any between."""
    n = draw.randrange(2, 33)
    pattern = draw.getrandbits(n) | 1 | 1 << n - 1
    at = draw.randrange(8 * len(data) - n)
    first, last = at // 8, (at + n - 1) // 8 + 1
    found = int.from_bytes(data[first:last], "little") ^ pattern << at % 8
    data[first:last] = found.to_bytes(last - first, "little")


def blank_sector(data: bytearray, draw: random.Random) -> None:
    at = SECTOR * draw.randrange(len(data) // SECTOR)
    data[at : at + SECTOR] = bytes(SECTOR)


def swapped_sectors(data: bytearray, draw: random.Random) -> None:
    a, b = (SECTOR * each for each in draw.sample(range(len(data) // SECTOR), 2))
    data[a : a + SECTOR], data[b : b + SECTOR] = data[b : b + SECTOR], data[a : a + SECTOR]


def replaced_page(data: bytearray, draw: random.Random) -> None:
    to, of = (PAGE * each for each in draw.sample(range(len(data) // PAGE), 2))
    data[to : to + PAGE] = data[of : of + PAGE]


@pytest.mark.reaches(**{"with a message": 5})
@pytest.mark.parametrize("damage", [burst, blank_sector, swapped_sectors, replaced_page])
def test_bursts_sectors_and_pages_are_never_silent(
    pages: Whole, tmp_path: Path, damage: Callable[[bytearray, random.Random], None]
) -> None:
    path = tmp_path / "damaged.arrows"
    draw = random.Random(damage.__name__)
    for _ in range(FLIPS // 8):
        data = bytearray(pages.data)
        damage(data, draw)
        path.write_bytes(data)
        is_silent(path, pages)
