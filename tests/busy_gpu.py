"""A GPU beside a package, and who used which: what shares of GPUs are held against.

The GPU is a machine as in :mod:`busy`: its tenants are busy on it by their own random steps and it draws
``idle + Σ a_i busy_i`` watts. Its processes are known as a driver tells them: utilization in whole percent,
a mean over each sample period. Energy that a tenant uses by reading memory is beside that of its cores.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
from busy import BASE, Machine
from ideal import MS, T0, Ideal, S, constant, rows

from microjoule.joules.energy_trace import Trace
from microjoule.trace import schema
from microjoule.trace.label import Subject

COUNTER = Ideal(
    constant(1.0), poll_ns=20 * MS, update_ns=20 * MS, declared_max=3, unit=Fraction(1, 1000),
    limit_w=700.0, modulus=1 << 50, id="gpu-0/energy",
)  # fmt: skip
FIRST = 1 << 24  # the numbers of subjects on GPUs


@dataclass(frozen=True)
class GpuMachine:
    """A package with tenants, and a GPU with others; the first tenant of both is the command.

    ``sample_s`` is the driver's sample period. ``memory_w``: watts of each tenant's memory at 100 %, whose
    use is by steps of its own. ``is_watched``: whether the driver was asked.
    """

    seed: int = 0
    seconds: float = 6.0
    sample_s: float = 0.17
    memory_w: float = 0.0
    is_watched: bool = True
    gpu_names: tuple[str, ...] = ("burn", "python3")
    cpu: Machine = field(default_factory=Machine)
    gpu: Machine = field(default_factory=Machine)

    @classmethod
    def of(cls, seed: int, seconds: float = 6.0, *, per_s=(240.0, 150.0), **rest) -> GpuMachine:
        """A machine of chance; the rest are fields."""
        cpu = Machine(seed, seconds=seconds, base=replace(BASE, poll_ns=20 * MS))
        gpu = Machine(
            seed + 50_000, seconds=seconds, idle_w=60.0, per_s=per_s, busy=(1.0, 0.6)[: len(per_s)],
            step_s=0.6, base=COUNTER,
        )  # fmt: skip
        return cls(seed, seconds, cpu=cpu, gpu=gpu, **rest)

    @property
    def memory(self) -> np.ndarray:
        """float64[n, m], how busy each tenant keeps the memory in each step of the GPU."""
        busy = self.gpu.steps[1]
        chance = np.random.default_rng([self.seed, 31]).choice([0.1, 0.5, 1.0], busy.shape)
        return chance * (busy > 0)

    @property
    def ideal(self) -> Ideal:
        bounds, _ = self.gpu.steps
        from launches import piecewise

        watts = self.gpu.powers.sum(axis=1) + self.memory_w * self.memory.sum(axis=1)
        return replace(self.gpu.ideal, wave=piecewise(bounds, watts))

    def truth(self, number: int, t0_ns: int, t1_ns: int) -> float:
        """The joules on the GPU of a tenant, or with -1 of the idle GPU."""
        found = self.gpu.truth(number, t0_ns, t1_ns)
        if number >= 0:
            rates = self.memory_w * self.memory[:, number]
            before, after = self.gpu.until(rates, (np.array([t0_ns, t1_ns]) - T0) / S)
            found += float(after - before)
        return found

    @property
    def activity(self):
        """Rows of the processes on the GPU, as a recorder writes them."""
        rng = np.random.default_rng([self.seed, 32])
        begun = self.gpu.ideal.begun[0]
        at = np.arange(begun[0], begun[-1], self.sample_s * S) + rng.integers(0, 20 * MS)
        at = (at + rng.integers(0, 3 * MS, len(at))).astype(np.int64)
        whole = Subject("gpu", "gpu-0", device="gpu-0")
        found = [(T0, 0, schema.SUBJECT, FIRST, whole.to_label())]
        found += [(T0 + int(t), FIRST, schema.ACTIVITY, k, None) for k, t in enumerate(at)]
        for number, name in enumerate(self.gpu_names[: self.gpu.steps[1].shape[1]]):
            for engine, rates in (("sm", self.gpu.steps[1]), ("memory", self.memory)):
                mine = FIRST + 1 + 2 * number + (engine == "memory")
                one = Subject("gpu", name, 100 + 50 * (number > 0), device="gpu-0", engine=engine)
                one = one._replace(is_of_command=number == 0)
                found.append((T0, 0, schema.SUBJECT, mine, one.to_label()))
                busy = np.diff(self.gpu.until(rates[:, number], at / S)) / (np.diff(at) / S)
                each = np.rint(100 * busy) * np.diff(at) / 100
                used = np.concatenate(([0], np.cumsum(each).astype(np.int64)))
                found += [
                    (T0 + t, mine, schema.ACTIVITY, u, None)
                    for t, u in zip(at.tolist(), used.tolist(), strict=True)
                ]
        return found

    def trace(self, *windows: tuple[str, float, float]) -> Trace:
        """The recording, with windows at fractions of the time in which both were read."""
        marks = []
        last_ns = min(each.begun[0][-1] for each in (self.cpu.ideal, self.ideal))
        for number, (name, start, end) in enumerate(windows or [("run", 0.03, 0.95)]):
            a, b = (T0 + int(part * last_ns) for part in (start, end))
            marks += [(a, "@begin", number, name), (b, "@end", number, name)]
        ideals = [self.cpu.ideal, self.ideal]
        table = rows(ideals, marks)
        own = schema.OwnRows(table.schema, schema.dictionary([each.channel for each in ideals]))
        activity = [*self.cpu.activity, *(self.activity if self.is_watched else [])]
        batch = pa.Table.from_batches([own.batch(activity)])
        return Trace(pa.concat_tables([table, batch]).unify_dictionaries())
