"""Writes the golden traces of this folder, each with the energies that it must give: energies.json.

    python tests/golden/write.py [FOLDER]

The channels are those that the sources list on machines of ``tests/machines``; the readings are what such
counters show of powers that are constant between instants, in exact integers. So the true energy of each
window is known, and no code of the analysis made it.

Format 2 grows until release 0.1.0: until then this script may write the files again. From then on the files
stay as they are, because every version of the format opens forever.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from machines import CLIENT, EMPTY_VM, write  # noqa: E402 - of the tests, once their folder is on the path

from microjoule.channel import Channel, Encoding, Kind  # noqa: E402
from microjoule.sources import Machine, choose, nvml, nvml_channels, survey  # noqa: E402
from microjoule.trace import checksum, schema  # noqa: E402
from microjoule.trace.label import label  # noqa: E402

MS, S = 1_000_000, 1_000_000_000
T0 = 7_000 * S
REALTIME_NS = 1_750_000_000 * S  # what the real-time clock was ahead by
BEGIN, END, LAST = T0 + 100 * MS, T0 + 300 * MS, T0 + 400 * MS  # the work, and the recording's last reading
READ_NS = 1984
MW_NS_PER_UNIT = 10**12  # a milliwatt for a nanosecond is 1e-12 J; of busy time read thousandths of a CPU


@dataclass(frozen=True)
class Power:
    """Milliwatts at rest, and from ``BEGIN`` to ``END``."""

    rest_mw: int
    work_mw: int

    def mw_ns(self, t_ns: int) -> int:
        """The exact energy since ``T0``, in milliwatts times nanoseconds."""
        worked_ns = min(max(t_ns - BEGIN, 0), END - BEGIN)
        return self.rest_mw * (t_ns - T0) + (self.work_mw - self.rest_mw) * worked_ns

    def energy_j(self, t0_ns: int, t1_ns: int) -> float:
        """The true energy between two instants."""
        return float(Fraction(self.mw_ns(t1_ns) - self.mw_ns(t0_ns), MW_NS_PER_UNIT))


POWERS = {
    "package-0": Power(40_000, 90_000),
    "package-0/core": Power(25_000, 70_000),
    "package-0/dram": Power(3_000, 8_000),
    "gpu-0/energy": Power(300_000, 300_000),
    "gpu-0/power": Power(300_000, 300_000),
    "gpu-1/energy": Power(70_000, 70_000),
    "gpu-1/power": Power(70_000, 70_000),
    "cpu_time/system": Power(500, 1_900),
}


@dataclass(frozen=True)
class Window:
    """A window: what the file says of it, and from when to when it was."""

    name: str
    t0_ns: int
    t1_ns: int | None  # None: never closed
    attributes: dict[str, Any] = field(default_factory=dict)


WORK = (Window("rest", T0 + 20 * MS, T0 + 90 * MS), Window("work", BEGIN, END))
NESTED = (
    Window("step", BEGIN, END, {"epoch": 1, "loss": 0.25}),
    Window("forward", BEGIN + 10 * MS, BEGIN + 60 * MS),
    Window("backward", BEGIN + 60 * MS, END - 10 * MS),
    Window("another thread's", BEGIN - 30 * MS, BEGIN + 40 * MS),
    Window("step", END + 10 * MS, END + 50 * MS, {"epoch": 2}),
    Window("left open", END + 20 * MS, None),
)


def counts(channel: Channel, power: Power, t_ns: int) -> int:
    """What the interface shows at an instant of a sensor that moves in steps of its update period."""
    update_ns = channel.timing.update_ns or MS
    shown_ns = max(T0, T0 + (t_ns - T0) // update_ns * update_ns)
    if channel.kind is Kind.GAUGE:
        at_mw = power.work_mw if BEGIN <= shown_ns < END else power.rest_mw
        return int(Fraction(at_mw, 1000) / channel.scale.unit)
    scale = channel.scale
    step = scale.unit if scale.shown_nj is not None else scale.unit * scale.quantum
    steps = int(Fraction(power.mw_ns(shown_ns), MW_NS_PER_UNIT) / step)
    if channel.encoding is Encoding.POWERCAP:
        count = ((1 << 32) - 3000 + steps) % (1 << 32)  # over the register's wrap on the way
        return count * (scale.shown_nj or 1) // 1000
    start = 0 if scale.starts_at_open or scale.modulus is None else scale.modulus - 3000
    return (start + steps * scale.quantum) % (scale.modulus or 1 << 64)


def rows(channels: Sequence[Channel], windows: Iterable[Window], period_ns: int) -> list[tuple[Any, ...]]:
    """The rows of a recording by time: readings, marks, pairs of clocks, the lanes' own counts."""
    found: list[tuple[Any, ...]] = []
    for tick, t_ns in enumerate(range(T0 + period_ns // 7, LAST, period_ns)):
        for channel in channels:
            stamp = None
            if channel.timing.sensor_clock == "realtime":
                update_ns = channel.timing.update_ns or 20 * MS
                stamp = T0 + (t_ns - T0) // update_ns * update_ns + REALTIME_NS
            raw = counts(channel, POWERS[channel.id], t_ns)
            found.append((t_ns, READ_NS, channel.id, raw, stamp, 0, None))
        if tick % 100 == 0:
            pair = (t_ns, 64, schema.CLOCKS[0], t_ns + REALTIME_NS, None, 0, None)
            found += [pair, (t_ns, 64, schema.CLOCKS[1], t_ns, None, 0, None)]
    for lane in dict.fromkeys(channel.lane for channel in channels):
        account = dict.fromkeys(schema.LANE_COUNTS, 0) | {"ticks": (LAST - T0) // period_ns}
        found += [
            (LAST, 0, schema.engine(lane, name), count, None, 0, None) for name, count in account.items()
        ]
    for number, window in enumerate(windows, start=1):
        text = label(window.name, window.attributes)
        found.append((window.t0_ns, 0, schema.BEGIN, number, None, 0, text))
        if window.t1_ns is not None:
            found.append((window.t1_ns, 0, schema.END, number, None, 0, None))
    return sorted(found, key=lambda row: row[0])


def stream(channels: Sequence[Channel], facts: dict[str, Any], found: list[tuple[Any, ...]]) -> bytes:
    """The file of these rows, in batches as a recorder writes them."""
    names = schema.dictionary(channels)
    codes = {name: code for code, name in enumerate(names)}
    made = schema.schema(channels, facts)
    made = made.with_metadata({**made.metadata, schema.KEY_CHECKSUMS: checksum.METHOD})
    stretches = checksum.Stretches(schema.OwnRows(made, names))
    column = list(zip(*found, strict=True))
    of = pa.DictionaryArray.from_arrays(
        pa.array([codes[name] for name in column[2]], pa.uint16()), pa.array(names, pa.utf8())
    )
    arrays = [
        of if name == "channel" else pa.array(values, made.field(name).type)
        for name, values in zip(made.names, column, strict=True)
    ]
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, made, options=options) as writer:
        batches = pa.Table.from_arrays(arrays, schema=made).to_batches(max_chunksize=300)
        number = 0
        for number, batch in enumerate(batches):
            first = [] if number else [stretches.opening(T0)]
            writer.write_batch(stretches.ended([*first, batch], LAST, number))
        writer.write_batch(stretches.ended([stretches.seal(LAST, number + 1)], LAST, number + 1))
    return sink.getvalue()


def truth(channels: Sequence[Channel], windows: Iterable[Window]) -> list[dict[str, Any]]:
    """What the analysis must find of each window: its energies in joules, by the model where there is one."""
    found = []
    for window in windows:
        end_ns = LAST if window.t1_ns is None else window.t1_ns
        energies = {
            channel.id: POWERS[channel.id].energy_j(window.t0_ns, end_ns)
            * (channel.trust.model.value_w if channel.trust.model else 1.0)
            for channel in channels
            if channel.kind is Kind.COUNTER
        }
        found.append(
            {
                "name": window.name,
                "attributes": window.attributes,
                "is_open": window.t1_ns is None,
                "t0_ns": window.t0_ns,
                "t1_ns": window.t1_ns,
                "energies": energies,
            }
        )
    return found


def rapl(root: Path, source: str) -> tuple[Channel, ...]:
    """A package, its cores and its memory through one of the three interfaces."""
    found = choose(survey(Machine(write(CLIENT, root))), [source])
    return tuple(channel for channel in found if channel.id in POWERS)


def gpus() -> tuple[Channel, ...]:
    """Two GPUs with an energy counter and the present power."""
    answers = frozenset({nvml_channels.field_config(83), nvml_channels.field_config(186)})
    found = [
        nvml_channels.Device(
            index=index,
            uuid=f"GPU-{index:08d}",
            name="NVIDIA H100 80GB HBM3",
            chip="gh100",
            driver="550.54.15",
            limit_w=700.0,
            is_mig=False,
            is_vgpu=False,
            answers=answers,
        )
        for index in (0, 1)
    ]
    return tuple(channel for each in found for channel in nvml_channels.channels_of(each, nvml.LIBRARY))


def main(folder: Path = HERE) -> None:
    """Writes the files and what they must give."""
    facts = {
        "microjoule": "before 0.1.0",
        "started_realtime_ns": REALTIME_NS + T0,
        "host": {"hostname": "golden"},
    }
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        perf, powercap, msr = (
            rapl(root / source, source) for source in ("rapl_perf", "powercap", "rapl_msr")
        )
        (busy,) = (
            channel
            for channel in choose(survey(Machine(write(EMPTY_VM, root / "vm"))), ["cpu_time"])
            if channel.id in POWERS
        )
    during = (Window("all", T0 + 150 * MS, T0 + 250 * MS),)
    kinds: dict[str, tuple[Sequence[Channel], Sequence[Window], int, list[str]]] = {
        "rapl_perf": (perf, WORK, MS, ["package-0", "package-0/dram"]),
        "powercap": (powercap, WORK, MS, ["package-0", "package-0/dram"]),
        "rapl_msr": (msr, WORK, MS, ["package-0", "package-0/dram"]),
        "nvml": (gpus(), during, 10 * MS, ["gpu-0/energy", "gpu-1/energy"]),
        "estimated": ((busy,), WORK, 10 * MS, ["cpu_time/system"]),
        "marks": (perf[:1], NESTED, MS, ["package-0"]),
    }
    expected: dict[str, Any] = {}
    for name, (channels, windows, period_ns, total) in kinds.items():
        found = rows(channels, windows, period_ns)
        content = stream(channels, facts, found)
        (folder / f"{name}.arrows").write_bytes(content)
        expected[name] = {
            "rows": len(found), "is_truncated": False, "total": total, "windows": truth(channels, windows),
        }  # fmt: skip
    content = (folder / "rapl_perf.arrows").read_bytes()
    (folder / "truncated.arrows").write_bytes(content[: len(content) * 6 // 10])
    whole = expected["rapl_perf"]
    expected["truncated"] = whole | {"rows": None, "is_truncated": True, "windows": whole["windows"][:1]}
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (folder / "energies.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
