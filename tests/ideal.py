"""The oracle: a counter whose true energy is known in closed form, and that misbehaves as real ones do.

An ``Ideal`` draws power by a waveform and shows it through a counter: updates that jitter, lag and
are missed, a quantum, a modulus, a start anywhere, reads that take time, fail, freeze or reset. It
gives the readings as a ``Series`` and the truth as a number, and never uses the code under test to
make either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from hypothesis import strategies as st
from places import identity

from microjoule.channel import Access, Channel, Encoding, Scale, Timing, Trust
from microjoule.trace import schema
from microjoule.trace.series import Series

F64 = npt.NDArray[np.float64]
MS = 1_000_000
US = 1_000
S = 1_000_000_000
T0 = 5_000_000_000_000  # no clock starts at zero


@dataclass(frozen=True)
class Wave:
    """Power over time: ``energy(t_s)`` is its exact integral from 0, ``peak_w`` its largest value."""

    name: str
    peak_w: float
    energy: Callable[[F64], F64] = field(repr=False)


def constant(p: float) -> Wave:
    return Wave(f"constant({p})", p, lambda t: p * t)


def step(p0: float, p1: float, at: float) -> Wave:
    return Wave(f"step({p0},{p1},{at})", max(p0, p1), lambda t: p0 * t + (p1 - p0) * np.maximum(t - at, 0))


def ramp(p0: float, p1: float, over: float) -> Wave:
    def energy(t: F64) -> F64:
        inside = np.minimum(t, over)
        return p0 * inside + (p1 - p0) * inside**2 / (2 * over) + p1 * np.maximum(t - over, 0)

    return Wave(f"ramp({p0},{p1},{over})", max(p0, p1), energy)


def sine(mean: float, amplitude: float, hz: float) -> Wave:
    w = 2 * np.pi * hz
    return Wave(
        f"sine({mean},{amplitude},{hz})",
        mean + amplitude,
        lambda t: mean * t + amplitude * (1 - np.cos(w * t)) / w,
    )


def square(low: float, high: float, period: float) -> Wave:
    def energy(t: F64) -> F64:
        whole = np.floor(t / period)
        return (
            low * t
            + (high - low) * (whole * period / 2)
            + (high - low) * np.minimum(t - whole * period, period / 2)
        )

    return Wave(f"square({low},{high},{period})", max(low, high), energy)


def pulses(p: float, tau: float, period: float) -> Wave:
    """Exponentially decaying pulses, one a period."""
    one = p * tau * (1 - np.exp(-period / tau))

    def energy(t: F64) -> F64:
        whole = np.floor(t / period)
        return whole * one + p * tau * (1 - np.exp(-(t - whole * period) / tau))

    return Wave(f"pulses({p},{tau},{period})", p, energy)


@dataclass(frozen=True)
class Ideal:
    """A counter over a waveform. Times are nanoseconds; all chance comes from ``seed``.

    ``missed`` is the share of updates that do not happen, never more than ``missed_run`` in a
    row; the last fifth of the record misses none, so that its end is declared truly.
    """

    wave: Wave
    seed: int = 0
    n: int = 400
    poll_ns: int = 1 * MS
    poll_jitter: float = 0.3
    read_ns: int = 5 * US
    update_ns: int = 1 * MS
    jitter: float = 0.1
    missed: float = 0.0
    missed_run: int = 3
    lag_ns: int = 0
    declared_max: float = 1.3  # update_max_ns, in update_ns
    unit: Fraction = Fraction(1, 1 << 14)
    quantum: int = 1
    modulus: int = 1 << 32
    start: int = 12345
    id: str = "package-0"
    encoding: Encoding = Encoding.COUNT
    failed: float = 0.0
    limit_w: float | None = None
    parents: tuple[str, ...] = ()

    @property
    def channel(self) -> Channel:
        return Channel(
            **identity(self.id),
            source="script",
            lane="lane-0",
            encoding=self.encoding,
            scale=Scale(
                quantity="J",
                unit=self.unit,
                unit_source="assumed",
                modulus=self.modulus,
                quantum=self.quantum,
            ),
            timing=Timing(
                update_ns=self.update_ns,
                update_max_ns=int(self.declared_max * self.update_ns),
                lag_ns=self.lag_ns,
            ),
            trust=Trust(
                power_limit_w=self.limit_w if self.limit_w is not None else self.wave.peak_w,
                parents=self.parents,
            ),
            access=Access(reader="script", path=""),
        )

    @cached_property
    def begun(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """When each read began, and how long it took."""
        rng = np.random.default_rng([self.seed, 1])
        took = rng.integers(0, self.read_ns + 1, self.n)
        gaps = self.poll_ns * (1 + self.poll_jitter * rng.uniform(-0.5, 0.5, self.n))
        begun = np.cumsum(np.maximum(gaps.astype(np.int64), self.read_ns + 1))
        return begun, took

    @cached_property
    def updates(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """When the counter was updated, and up to when each update counts the energy."""
        rng = np.random.default_rng([self.seed, 2])
        last = int(self.begun[0][-1] + self.read_ns)
        k = np.arange(-2, last // self.update_ns + 3)
        at = (k + self.jitter * rng.uniform(-0.5, 0.5, len(k))) * self.update_ns
        at = at.astype(np.int64) + int(rng.integers(0, self.update_ns))
        keep = rng.random(len(k)) >= self.missed
        keep[int(0.8 * len(k)) :] = True
        keep[: self.missed_run + 1] = True
        run = 0
        for i in range(len(k)):
            run = 0 if keep[i] else run + 1
            if run > self.missed_run:
                keep[i], run = True, 0
        at = at[keep]
        lag = rng.integers(0, self.lag_ns + 1, len(at))
        return at, np.maximum.accumulate(at - lag)

    @cached_property
    def counts(self) -> list[int]:
        """The counter at each read, before its modulus, as unbounded integers."""
        rng = np.random.default_rng([self.seed, 3])
        begun, took = self.begun
        sampled = begun + (rng.random(self.n) * took).astype(np.int64)
        at, content = self.updates
        shown = content[np.searchsorted(at, sampled, "right") - 1]
        joules = self.wave.energy(np.maximum(shown, 0) / S)
        whole = np.floor(joules / float(self.unit * self.quantum)).astype(np.int64)
        return [self.start + int(each) * self.quantum for each in whole]

    @cached_property
    def series(self) -> Series:
        rng = np.random.default_rng([self.seed, 4])
        begun, took = self.begun
        raw = np.array([encode(each % self.modulus, self) for each in self.counts], np.uint64)
        ok = rng.random(self.n) >= self.failed
        return Series(
            t_ns=T0 + begun,
            read_ns=took.astype(np.uint32),
            raw=np.where(ok, raw, np.uint64(0)),
            status=np.where(ok, 0, 5).astype(np.uint16),
            valid=None if ok.all() else ok,
        )

    def truth(self, t0_ns: int, t1_ns: int) -> float:
        """The true energy of ``[t0_ns, t1_ns)`` in joules."""
        e0, e1 = self.wave.energy(np.array([t0_ns - T0, t1_ns - T0]) / S)
        return float(e1 - e0)

    def inside(self, *parts: float) -> tuple[int, ...]:
        """Instants at these fractions of the recorded time."""
        begun = self.begun[0]
        return tuple(T0 + int(begun[0] + part * (begun[-1] - begun[0])) for part in parts)


def encode(count: int, ideal: Ideal) -> int:
    """What the interface shows for a count."""
    if ideal.encoding is Encoding.POWERCAP:
        return count * int(ideal.unit * 10**9) // 1000
    return count


def thinned(series: Series, keep: npt.NDArray[np.bool_]) -> Series:
    """The readings that are kept."""
    return Series(
        series.t_ns[keep],
        series.read_ns[keep],
        series.raw[keep],
        series.status[keep],
        None if series.valid is None else series.valid[keep],
    )


def rows(ideals: Iterable[Ideal], marks: Iterable[tuple[int, str, int, str]] = ()) -> pa.Table:
    """A trace table of several counters, their rows interleaved in time, with marks.

    Args:
        ideals: One a channel.
        marks: ``(t_ns, "@begin" | "@end", number, label)``.
    """
    ideals = list(ideals)
    found = schema.schema([each.channel for each in ideals], {"host": {"hostname": "ideal"}})
    names = schema.dictionary([each.channel for each in ideals])
    out = []
    for code, each in enumerate(ideals):
        s = each.series
        ok = np.ones(len(s), bool) if s.valid is None else s.valid
        for i in range(len(s)):
            raw = int(s.raw[i]) if ok[i] else None
            out.append((int(s.t_ns[i]), int(s.read_ns[i]), code, raw, int(s.status[i]), None))
    out += [(t, 0, names.index(kind), number, 0, label) for t, kind, number, label in marks]
    out.sort(key=lambda row: row[0])
    column = list(zip(*out, strict=True)) if out else [[]] * 6
    return pa.table(
        [
            pa.array(column[0], pa.int64()),
            pa.array(column[1], pa.uint32()),
            pa.DictionaryArray.from_arrays(pa.array(column[2], pa.uint16()), pa.array(names)),
            pa.array(column[3], pa.uint64()),
            pa.nulls(len(out), pa.int64()),
            pa.array(column[4], pa.uint16()),
            pa.array(column[5], pa.utf8()),
        ],
        schema=found,
    )


def write(path: Path, table: pa.Table, batch_rows: int = 200) -> Path:
    """A trace file of a table, as the recorder writes one."""
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(str(path), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=batch_rows)
    return path


_watts = st.floats(0.0, 300.0)
_short = st.floats(0.0007, 0.05)
waves = st.one_of(
    st.builds(constant, _watts),
    st.builds(step, _watts, _watts, st.floats(0.0, 0.3)),
    st.builds(ramp, _watts, _watts, st.floats(0.05, 0.3)),
    st.floats(10.0, 150.0).flatmap(lambda p: st.builds(sine, st.just(p), st.floats(0, p), st.floats(1, 700))),
    st.builds(square, _watts, _watts, _short),
    st.builds(pulses, _watts, st.floats(0.0002, 0.01), _short),
).map(lambda wave: replace(wave, peak_w=max(wave.peak_w, 1.0)))

moduli = st.sampled_from([1 << 32, 1 << 50, 1 << 64, 262143 << 32, 10**6 + 3])


def tame(n: int = 300) -> st.SearchStrategy[Ideal]:
    """Counters that keep what they declare, of every width and start."""
    return st.builds(
        lambda modulus, back, **kw: Ideal(n=n, modulus=modulus, start=(modulus - back) % modulus, **kw),
        modulus=moduli,
        back=st.integers(0, 200_000),
        wave=waves,
        seed=st.integers(0, 1 << 30),
        poll_ns=st.sampled_from([100 * US, 333 * US, 1 * MS, 1_024 * US, 5 * MS]),
        jitter=st.floats(0, 0.5),
        read_ns=st.sampled_from([0, 5 * US, 80 * US]),
        declared_max=st.just(1.6),
    )


def wild(n: int = 300) -> st.SearchStrategy[Ideal]:
    """Counters that break what an estimator would like: missed updates, lag, failures, quanta."""
    return st.tuples(
        tame(n),
        st.fixed_dictionaries(
            {
                "missed": st.floats(0, 0.6),
                "lag_ns": st.sampled_from([0, 100 * US, 900 * US, 3 * MS]),
                "failed": st.sampled_from([0.0, 0.0, 0.2]),
                "quantum": st.sampled_from([1, 1, 16]),
            }
        ),
    ).map(lambda both: replace(both[0], **both[1]))


parts = st.floats(0.0, 1.0)
windows = st.tuples(parts, parts).map(sorted)
