"""Tenants of a machine whose power is known: what shares are held against.

Each tenant is busy by its own random steps; the package draws ``idle + Σ a_i busy_i`` watts, or that bent.
The counter is that of :mod:`ideal`, and the activity has the rows that a recorder would write.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from ideal import MS, T0, Ideal, S, constant, rows
from launches import piecewise

from microjoule.joules.energy_trace import Trace
from microjoule.trace import schema
from microjoule.trace.label import Subject

CHANCES = {2: [0.4, 0.6], 4: [0.25, 0.25, 0.2, 0.3]}
BASE = Ideal(constant(1.0), poll_ns=4 * MS, limit_w=400.0, modulus=1 << 50)


@dataclass(frozen=True)
class Machine:
    """Tenants over some seconds.

    ``per_s`` are joules per CPU second; ``busy`` the largest CPU seconds a second of each. ``bend``: dynamic
    power is raised to this. ``smt``: so much less of it where two are busy. ``wander``: of each tenant's
    joules per CPU second, slowly. ``idle_step_w``: by so much the idle machine's power steps once, in the
    middle half. ``rest_s``: at the end only the last tenant is busy. ``is_hidden``: nobody saw the command,
    the first tenant; only the machine's CPU time has it. ``has_cores``: each tenant has a logical CPU, the
    first two are threads of one core, and their times were recorded. ``levels``: of which each step is one.
    """

    seed: int = 0
    seconds: float = 8.0
    idle_w: float = 12.0
    per_s: tuple[float, ...] = (20.0, 9.0)
    busy: tuple[float, ...] = (2.0, 1.5)
    bend: float = 1.0
    smt: float = 0.0
    wander: float = 0.0
    idle_step_w: float = 0.0
    rest_s: float = 0.8
    look_s: float = 0.1
    step_s: float = 0.25
    together: bool = False
    is_hidden: bool = False
    has_cores: bool = False
    levels: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0)
    names: tuple[str, ...] = ("burn", "firefox", "sshd")
    base: Ideal = field(default=BASE, repr=False)

    @cached_property
    def steps(self):
        """Bounds in seconds, float64[n + 1], and what each tenant is busy, float64[n, m]."""
        rng = np.random.default_rng([self.seed, 21])
        n = int(self.seconds / self.step_s)
        bounds = np.concatenate(([0.0], np.cumsum(self.step_s * rng.uniform(0.5, 1.5, n))))
        level = rng.choice(self.levels, (n, len(self.busy)), p=CHANCES[len(self.levels)])
        if self.together:
            level = np.repeat(level[:, :1], len(self.busy), axis=1)
        level[bounds[1:] > bounds[-1] - self.rest_s, :-1] = 0.0
        return bounds, level * np.array(self.busy)

    @cached_property
    def powers(self):
        """float64[n, m + 1]: the watts of the idle machine and of each tenant in each step."""
        bounds, busy = self.steps
        rng = np.random.default_rng([self.seed, 22])
        middle = (bounds[:-1] + bounds[1:]) / 2
        phase, hz = rng.uniform(0, 2 * np.pi, len(self.busy)), rng.uniform(0.3, 1.2, len(self.busy))
        factor = 1 + self.wander * np.sin(2 * np.pi * hz * middle[:, None] + phase)
        own = busy * np.array(self.per_s) * factor
        total = own.sum(axis=1)
        bent = np.where(total > 0, total.max() ** (1 - self.bend) * total**self.bend, 0.0)
        bent *= 1 - self.smt * ((busy > 0).sum(axis=1) > 1)
        share = np.divide(own, total[:, None], out=np.zeros_like(own), where=total[:, None] > 0)
        idle = np.full(len(busy), self.idle_w)
        if self.idle_step_w:
            idle[rng.integers(len(busy) // 4, 3 * len(busy) // 4) :] += self.idle_step_w
        return np.column_stack((idle, bent[:, None] * share))

    @cached_property
    def ideal(self) -> Ideal:
        bounds, _ = self.steps
        n = int(bounds[-1] * S / self.base.poll_ns) - 2
        return replace(self.base, wave=piecewise(bounds, self.powers.sum(axis=1)), seed=self.seed, n=n)

    def until(self, rates, t_s):
        """The integral of a step function up to instants."""
        bounds, _ = self.steps
        sums = np.concatenate(([0.0], np.cumsum(rates * np.diff(bounds))))
        return np.interp(t_s, bounds, sums)

    def truth(self, number: int, t0_ns: int, t1_ns: int) -> float:
        """The joules of a tenant, or with -1 of the idle machine."""
        before, after = self.until(self.powers[:, number + 1], (np.array([t0_ns, t1_ns]) - T0) / S)
        return float(after - before)

    @cached_property
    def activity(self):
        """Rows ``(t_ns, read_ns, channel, raw, label)`` as a recorder writes them."""
        rng = np.random.default_rng([self.seed, 23])
        begun = self.ideal.begun[0]
        looks = np.arange(begun[0], begun[-1], self.look_s * S) + rng.integers(0, 2 * MS, 1)
        looks = (looks + rng.integers(0, 3 * MS, len(looks))).astype(np.int64)
        subjects = [Subject("machine", "machine")]
        subjects += [
            Subject("process", name, 100 + i, f"/{name}.service", "me", is_of_command=i == 0)
            for i, name in enumerate(self.names[: len(self.busy)])
        ]
        found = [(T0, 0, schema.SUBJECT, i, each.to_label()) for i, each in enumerate(subjects)]
        used = [self.until(busy, looks / S) for busy in self.steps[1].T]
        seen = list(enumerate([sum(used), *used]))
        last = len(subjects)
        if self.has_cores:
            cores = ["0/0", "0/0", "0/1"]
            cpus = [Subject("cpu", f"cpu{i}", device=cores[i]) for i in range(len(used))]
            found += [(T0, 0, schema.SUBJECT, last + i, each.to_label()) for i, each in enumerate(cpus)]
            seen += [(last + i, busy_s) for i, busy_s in enumerate(used)]
        for number, busy_s in seen[:1] + seen[1 + self.is_hidden :]:
            quantum = 10 * MS if number == 0 or number >= last else 1
            counted = (busy_s * S).astype(np.int64) // quantum * quantum
            found += [
                (T0 + t, number, schema.ACTIVITY, c, None)
                for t, c in zip(looks.tolist(), counted.tolist(), strict=True)
            ]
        return found

    def trace(self, *windows: tuple[str, float, float]) -> Trace:
        """The recording, with windows at fractions of it."""
        marks = []
        for number, (name, start, end) in enumerate(windows or [("run", 0.02, 0.9)]):
            a, b = self.ideal.inside(start, end)
            marks += [(a, "@begin", number, name), (b, "@end", number, name)]
        table = rows([self.ideal], marks)
        own = schema.OwnRows(table.schema, schema.dictionary([self.ideal.channel]))
        return Trace(
            pa.concat_tables([table, pa.Table.from_batches([own.batch(self.activity)])]).unify_dictionaries()
        )
