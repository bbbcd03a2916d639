"""The experiments that want a real GPU: ``python benchmarks/gpu.py`` (with PyTorch), about four minutes.

Writes ``results/gpu-NAME.md`` and the trace of the first experiment beside it. What is asked:

1. *phases*: a square load with a period of 100 ms, at eight phases. A sensor that looks at 25 of 100 ms
   sees a different power at each phase; if the energy counter does too, it is made of that sensor's
   readings. The spread over the phases says which.
2. *agreement*: one long load between two rests. The counter, and every gauge integrated, are held against
   the counter within what both say of their own uncertainty.
3. *lanes*: a lane of 1 kHz that reads a text file, alone and beside the GPU's. It is not to be late more
   often for the slow neighbour.
4. *throughput*: steps of the load a second, without sampling and with it at 10, 100 and 1000 Hz, taking
   turns (A B A C A D, …). What sampling costs the load is the ratio to the blocks without it around.

``--load none`` puts rests in the load's place: the script runs to its end on any machine with the library,
the tests' stand-in too (``--root``), and its figures say nothing but that.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

import microjoule as uj
from microjoule.channel import Access, Channel, Kind, Place, Scale
from microjoule.joules.energy_trace import Trace
from microjoule.joules.gauges.gauge import Gauge
from microjoule.recording import Cadence, RawRecorder, RecordingPlan
from microjoule.recording.plan import machine_facts
from microjoule.sources import nvml, nvml_channels
from microjoule.sources.machine import Machine
from microjoule.sources.survey import Survey

RESULTS = Path(__file__).resolve().parent / "results"
NS = 1_000_000_000
MS = 1_000_000
PERIOD_NS = 100 * MS
PHASES = 8
RATES_HZ = (10, 100, 1000)
Clock = Callable[[], int]


# ---- loads ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """Something to keep a GPU busy with: a step that returns when the GPU has done it."""

    name: str
    step: Callable[[], object]


def nothing() -> Load:
    return Load("none: rests of a millisecond", lambda: time.sleep(0.001))


def matmul() -> Load:
    """Matrix products of about a millisecond each, waited for one by one."""
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("PyTorch sees no GPU: install a CUDA build, or pass --load none")
    a = torch.randn(4096, 4096, device="cuda", dtype=torch.bfloat16)
    b = torch.randn_like(a)

    def step() -> None:
        torch.matmul(a, b)
        torch.cuda.synchronize()

    for _ in range(100):
        step()
    return Load(f"torch {torch.__version__}: bfloat16 matmul 4096, synchronised each", step)


LOADS = {"torch": matmul, "none": nothing}


def work_until(load: Load, end_ns: int) -> int:
    """Steps until an instant; how many."""
    n = 0
    while time.monotonic_ns() < end_ns:
        load.step()
        n += 1
    return n


def rest_until(end_ns: int) -> None:
    time.sleep(max(0, end_ns - time.monotonic_ns()) / NS)


# ---- recording ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """What all experiments share."""

    load: Load
    survey: Survey
    root: Path
    scale: float
    folder: Path

    def length_ns(self, seconds: float) -> int:
        return round(seconds * self.scale * NS)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Of the first GPU that is seen."""
        gpu = self.survey.channels[0].lane
        return tuple(c for c in self.survey.channels if c.lane in (gpu, gpu + nvml_channels.SLOW))

    @contextmanager
    def recording(
        self, name: str, rate_hz: float, channels: tuple[Channel, ...] = ()
    ) -> Iterator[tuple[RawRecorder, Path]]:
        path = self.folder / f"{name}.arrows"
        facts = machine_facts(Machine(self.root), [self.survey])
        plan = RecordingPlan(
            path=path,
            channels=tuple(channels or self.channels),
            cadence=Cadence(rate_hz=rate_hz),
            facts=facts,
        )
        recorder = RawRecorder(plan)
        with recorder:
            yield recorder, path


def meters(trace: Trace) -> list[str]:
    """The channels of the GPU that say an energy, the counter first."""
    watts = [c.id for c in trace.channels.values() if c.kind is Kind.GAUGE and c.scale.quantity == "W"]
    return [*(c.id for c in trace.channels.values() if c.scale.quantity == "J"), *watts]


def figure(estimate: uj.Estimate) -> str:
    if estimate.value is None:
        return estimate.status
    return f"{estimate.value:.4g} ± {estimate.U:.2g} J"


# ---- 1 --------------------------------------------------------------------------------------------


def phases(bench: Bench) -> tuple[list[str], Path]:
    """A square load at eight phases of the sensor's period."""
    length_ns = max(2 * PERIOD_NS, bench.length_ns(3.0) // PERIOD_NS * PERIOD_NS)
    with bench.recording("phases", 100) as (recorder, path):
        rest_until(time.monotonic_ns() + bench.length_ns(1.5))
        for phase in range(PHASES):
            now = time.monotonic_ns()
            start = now - now % PERIOD_NS + 2 * PERIOD_NS + phase * PERIOD_NS // PHASES
            rest_until(start)
            with recorder.window(f"phase {phase}", synchronised=True):
                for edge in range(start, start + length_ns, PERIOD_NS):
                    work_until(bench.load, edge + PERIOD_NS // 2)
                    rest_until(edge + PERIOD_NS)
            rest_until(time.monotonic_ns() + bench.length_ns(1.5))
    trace = uj.load(path)
    names = meters(trace)
    lines = ["| phase | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 1)]
    watts: dict[str, list[float]] = {name: [] for name in names}
    for window in trace.windows:
        cells = []
        for name in names:
            value = trace.meter(name).energy(window.t0_ns, window.t1_ns).value
            cells.append("–" if value is None else f"{value * NS / window.duration_ns:.1f} W")
            if value is not None:
                watts[name].append(value * NS / window.duration_ns)
        lines.append(f"| {window.name[-1]}/8 | " + " | ".join(cells) + " |")
    spreads = [spread(watts[name]) for name in names]
    return [*lines, "| (max − min) / mean | " + " | ".join(spreads) + " |"], path


def spread(values: list[float]) -> str:
    if len(values) < 2 or not statistics.mean(values):
        return "–"
    return f"{100 * (max(values) - min(values)) / statistics.mean(values):.1f} %"


# ---- 2 --------------------------------------------------------------------------------------------


def agreement(bench: Bench) -> list[str]:
    """A long load between two rests, by the counter and by every gauge."""
    with bench.recording("agreement", 100) as (recorder, path):
        for name, seconds in (("rest before", 5.0), ("load", 30.0), ("rest after", 5.0)):
            end_ns = time.monotonic_ns() + bench.length_ns(seconds)
            with recorder.window(name, synchronised=True):
                work_until(bench.load, end_ns) if name == "load" else rest_until(end_ns)
    trace = uj.load(path)
    names = meters(trace)
    lines = ["| window | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 1)]
    for window in trace.windows:
        found = [trace.meter(name).energy(window.t0_ns, window.t1_ns) for name in names]
        lines.append(f"| {window.name} | " + " | ".join(map(figure, found)) + " |")
        if window.name == "load":
            lines.append("| load / the first | " + " | ".join(ratio(one, found[0]) for one in found) + " |")
    return [*lines, "", *updates(trace, names)]


def ratio(one: uj.Estimate, first: uj.Estimate) -> str:
    if one.value is None or not first.value:
        return "–"
    if one is first:
        return "1"
    of = one / first
    word = "agrees" if of.value is not None and abs(of.value - 1) <= of.U else "DISAGREES"
    return f"{of.value:.4f} ± {of.U:.4f}, {word}"


def updates(trace: Trace, names: list[str]) -> list[str]:
    """How often each channel was seen to move, and how long a read of it took."""
    lines = ["| channel | updates (median, 5–95 %) | read (median, 99 %) |", "|---|---|---|"]
    for name in names:
        meter = trace.meter(name)
        at = meter.readings.t_ns if isinstance(meter, Gauge) else meter.update_ns(meter.changes)
        steps = np.diff(at) / MS
        read_us = trace.series(name).read_ns / 1000
        moved = "never" if not len(steps) else "{:.1f} ms, {:.1f}–{:.1f}".format(
            *np.percentile(steps, [50, 5, 95])
        )  # fmt: skip
        lines.append(f"| {name} | {moved} | {np.median(read_us):.0f} µs, {np.percentile(read_us, 99):.0f} |")
    return lines


# ---- 3 --------------------------------------------------------------------------------------------


def lanes(bench: Bench) -> list[str]:
    """A lane of 1 kHz alone, and beside the GPU's."""
    file = bench.folder / "counter"
    file.write_text("1\n")
    text = Channel(
        id="package-0",
        place=Place(device="package", number=0),
        hw_type="cpu",
        source="bench",
        lane="package-0",
        scale=Scale(quantity="J", unit=Fraction(1, 1_000_000), unit_source="assumed"),
        access=Access(reader="text", path=str(file)),
    )
    lines = ["| | ticks | late | missed | latest |", "|---|---|---|---|---|"]
    for name, channels in (("alone", (text,)), ("beside the GPU", (text, *bench.channels))) * 2:
        with bench.recording("lanes", 1000, channels) as (_, path):
            work_until(bench.load, time.monotonic_ns() + bench.length_ns(5.0))
        counts = uj.load(path).engine()["package-0"]
        latest_us = counts["late_max_ns"] / 1000
        shares = [f"{100 * counts[what] / max(counts['ticks'], 1):.2f} %" for what in ("late", "missed")]
        cells = f"{counts['ticks']} | {' | '.join(shares)} | {latest_us:.0f} µs"
        lines.append(f"| {name} | {cells} |")
    return lines


# ---- 4 --------------------------------------------------------------------------------------------


def throughput(bench: Bench) -> list[str]:
    """Steps a second with and without sampling, in turns."""
    # A GPU's lane is held to 100 Hz; under another name it gets the rate that is asked for.
    unbound = tuple(replace(channel, lane="unbound") for channel in bench.channels)
    ratios: dict[int, list[float]] = {rate: [] for rate in RATES_HZ}
    plain = [steps_per_s(bench)]
    for _ in range(3):
        for rate in RATES_HZ:
            with bench.recording("throughput", rate, unbound):
                sampled = steps_per_s(bench)
            plain.append(steps_per_s(bench))
            ratios[rate].append(2 * sampled / (plain[-2] + plain[-1]))
    lines = ["| sampled at | throughput, of that without |", "|---|---|"]
    for rate, found in ratios.items():
        low, middle, high = min(found), statistics.median(found), max(found)
        lines.append(f"| {rate} Hz | {100 * middle:.2f} % ({100 * low:.2f} – {100 * high:.2f}) |")
    return [*lines, "", f"Without sampling {statistics.median(plain):.1f} steps a second."]


def steps_per_s(bench: Bench) -> float:
    start = time.monotonic_ns()
    n = work_until(bench.load, start + bench.length_ns(4.0))
    return n * NS / (time.monotonic_ns() - start)


# ---- all ------------------------------------------------------------------------------------------


def facts(bench: Bench, device: nvml.Device) -> list[str]:
    moment = datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes")
    return [
        f"- taken: {moment}, lengths × {bench.scale:g}",
        f"- GPU: {device.name}, chip {device.chip}, driver {device.driver}, limit {device.limit_w} W, "
        f"MIG {'on' if device.is_mig else 'off'}",
        f"- load: {bench.load.name}",
        f"- channels: {', '.join(channel.id for channel in bench.channels)}",
        f"- machine: {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--load", choices=tuple(LOADS), default="torch")
    parser.add_argument("--gpu", default="0", help="as in CUDA_VISIBLE_DEVICES (0)")
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the library lies")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies every length of time (1)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results go")
    arguments = parser.parse_args()
    survey = nvml.survey(Machine(arguments.root, arguments.gpu))
    if not survey.channels:
        raise SystemExit("; ".join(f"{o.what}. {o.remedy}" for o in survey.obstacles) or "no NVIDIA GPU")
    device = nvml.devices(Machine(arguments.root, arguments.gpu))[0]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(LOADS[arguments.load](), survey, arguments.root, arguments.scale, Path(folder))
        by_phase, trace = phases(bench)
        parts = (
            ("Square load of 100 ms at eight phases", by_phase),
            ("One long load", agreement(bench)),
            ("A lane of 1 kHz", lanes(bench)),
            ("Throughput", throughput(bench)),
            ("The machine", facts(bench, device)),
        )
        text = "# What a GPU tells of itself\n\nTaken by `python benchmarks/gpu.py`.\n\n"
        text += "\n\n".join("\n".join([f"## {title}", "", *lines]) for title, lines in parts) + "\n"
        name = re.sub(r"[^a-z0-9]+", "-", device.name.lower()).strip("-")
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / f"gpu-{name}.md").write_text(text)
        (arguments.out / f"gpu-{name}.arrows").write_bytes(trace.read_bytes())
    print(text)


if __name__ == "__main__":
    main()
