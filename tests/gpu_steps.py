"""The oracle for steps of a program on a GPU: kernels of two kinds, their windows, and the power."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from gauges import REST_S, Load, Sensor
from gpu_counter import GpuCounter, trace
from ideal import T0, S

import microjoule as uj
from microjoule.joules.estimates.code_dependence import CODE
from microjoule.joules.estimates.uncertainty import combined, gathered
from microjoule.sources.nvml_behaviour import Figure, behaviour, timing

IDLE_W, BUSY_W = 60.0, 360.0
STEPS_S = {"prefill": 0.12, "decode": 0.06}
#: What a GH100 has beside its counter: 25 of each 100 ms.
BESIDE = Sensor(window_s=0.025, timing=timing(Figure.INSTANT, behaviour(Figure.INSTANT, "hopper", 570)))
EVENTS, WAITED, NEITHER = '\t{"synchronised": true, "device_u_ns": 2000}', '\t{"synchronised": true}', ""
OF_SENSOR = {"gain", "offset", "linearity", CODE}


class Steps(NamedTuple):
    """A program's windows.

    Attributes:
        load: What the GPU draws.
        marks: As ``ideal.rows`` takes them.
        names: Of each window.
        used_j: By each window.
    """

    load: Load
    marks: list[tuple[int, str, int, str]]
    names: list[str]
    used_j: np.ndarray


def steps(
    seed: int,
    scale: float = 1.0,
    *,
    busy_w: float = BUSY_W,
    host_s: float = 0.0,
    early_s: float = 0.0,
    told: str = EVENTS,
) -> Steps:
    """Twenty-four windows, prefill and decode in turns, and idle time between.

    Args:
        seed: Of all chance.
        scale: Times the usual length of a step.
        busy_w: What a kernel draws.
        host_s: From a window's beginning to its kernel's.
        early_s: From a kernel's end to its window's.
        told: The attributes of windows: whether they waited for their kernels, or have events.
    """
    chance = np.random.default_rng([seed, 61])
    edges, watts, marks, names, used = [REST_S], [IDLE_W], [], [], []
    at_s = REST_S + 0.5 + chance.uniform(0, 0.1)
    for number in range(24):
        name = ("prefill", "decode")[number % 2]
        for t_s, kind, words in (
            (at_s, "@begin", name + told),
            (at_s + host_s + scale * STEPS_S[name] + early_s, "@end", ""),
        ):
            marks.append((T0 + round(t_s * S), kind, number, words))
        edges += [at_s + host_s, at_s + host_s + scale * STEPS_S[name]]
        watts += [IDLE_W, busy_w]
        names.append(name)
        used.append(IDLE_W * (host_s + early_s) + busy_w * scale * STEPS_S[name])
        at_s = edges[-1] + early_s + 0.05 + 0.01 * (number * 7 % 11) + chance.uniform(0, 0.004)
    load = Load(np.array([*edges, at_s + 0.5]), np.array([*watts, IDLE_W, IDLE_W]))
    return Steps(load, marks, names, np.array(used))


def recorded(folder: Path, of: Steps, counter: GpuCounter, seed: int) -> Path:
    """A recording of them, with a GH100's gauge."""
    return trace(folder, of.load, counter, BESIDE, seed, of.marks)


def without_sensor(estimate: uj.Estimate) -> float:
    """U of all but the sensor's own error, which no oracle here has any of."""
    return combined(gathered([each for each in estimate.components if each.name not in OF_SENSOR])).U
