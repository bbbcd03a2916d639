"""By how much the clock of a log is off, as the power of its server shows.

Power follows the load. For each lag the load that the log has then is regressed on the power of the counter,
and the lag that explains most of the power's variation is the likeliest. All lags are tried at once: what a
regression needs are sums of products of the power and the load, shifted against one another, which two
transforms give.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...units import NS_PER_MS, NS_PER_S
from ..counters.update_record import Updates
from .requests import DECODE, PREFILL, RUNNING, Work

F64 = npt.NDArray[np.float64]

_STEP_NS = 50 * NS_PER_MS  # the finest lag that is distinguished
_MOST = 1 << 15  # steps of the power
_FEWEST = 40
_PART = 0.5  # of the power's time that a lag may be at most
_STATES = (RUNNING, PREFILL, DECODE)
_TINY = 1e-9
_CLEARLY = 0.7  # of what is left unexplained without a lag, what may be left with it
_MUCH = 0.2  # of the variation, what a lag must explain at least
_STEPS = 1.5  # that a lag must be at least


class LogLag(NamedTuple):
    """The lag that a log's times are best moved by.

    Attributes:
        lag_s: What to add to them.
        step_s: To how much that is known.
        explained: The share of the power's variation that the load explains then.
        as_is: The share that it explains without.
    """

    lag_s: float
    step_s: float
    explained: float
    as_is: float

    @property
    def is_clear(self) -> bool:
        """Whether the log fits so much better with it that its clock is likely off."""
        left, left_as_is = 1.0 - self.explained, 1.0 - self.as_is
        is_far = abs(self.lag_s) >= _STEPS * self.step_s
        return is_far and self.explained > _MUCH and left < _CLEARLY * left_as_is


def log_lag(of: Updates, works: Mapping[str, Work]) -> LogLag | None:
    """The lag between a log and power; None: the power's time is too short to tell.

    Args:
        of: The counter's updates, over more than the log's time if there is more.
        works: What the log says that there was to do.
    """
    start, end = int(of.edges_ns[0]), int(of.edges_ns[-1])
    usual_ns = int(np.median(np.diff(of.edges_ns)))
    step = max(_STEP_NS, usual_ns, -(-(end - start) // _MOST))
    n = (end - start) // step
    if n < _FEWEST:
        return None
    most = int(n * _PART)
    grid = start + step * np.arange(n + 1)
    counted = np.concatenate(([0.0], np.cumsum(of.energy_j)))
    power = np.diff(np.interp((grid - start).astype(float), (of.edges_ns - start).astype(float), counted))
    around = start + step * np.arange(-most, n + most + 1)
    load = np.stack([np.diff(works[state].until(around)) for state in _STATES])
    explained = _explained(power - power.mean(), load)
    # Load that comes `most - at` steps later than it is logged: the window at `at` is then over the power.
    best = int(np.argmax(explained))
    return LogLag(
        (most - best) * step / NS_PER_S, step / NS_PER_S, float(explained[best]), float(explained[most])
    )


def _explained(power: F64, load: F64) -> F64:
    """float64[windows]: the share of the power's variation that each window of the load explains.

    Args:
        power: float64[n], its mean taken off.
        load: float64[m, n + windows - 1].
    """
    n, variation = len(power), float(power @ power)
    load = load / np.maximum(load.std(axis=1, keepdims=True), _TINY)
    sums = _windowed(load, n)
    with_power = np.stack([_correlated(each, power) for each in load])
    products = load[:, None] * load[None]
    covariance = _windowed(products, n) - sums[:, None] * sums[None] / n
    # A window in which a state hardly is tells nothing of it; its covariance must not be divided by.
    floor = _TINY + 1e-6 * n
    matrix = covariance.transpose(2, 0, 1) + floor * np.eye(len(load))
    solved = np.linalg.solve(matrix, with_power.T[:, :, None])[:, :, 0]
    found: F64 = np.clip((solved * with_power.T).sum(axis=1) / max(variation, _TINY), 0.0, 1.0)
    return found


def _windowed(values: F64, n: int) -> F64:
    """Sums over each n neighbours along the last axis."""
    sums = np.cumsum(values, axis=-1)
    sums = np.concatenate((np.zeros((*values.shape[:-1], 1)), sums), axis=-1)
    found: F64 = sums[..., n:] - sums[..., :-n]
    return found


def _correlated(values: F64, power: F64) -> F64:
    """float64[windows]: the product of the power and each window of some values."""
    size = 1 << (len(values) + len(power)).bit_length()
    both = np.fft.irfft(np.fft.rfft(values, size) * np.conj(np.fft.rfft(power, size)), size)
    return both[: len(values) - len(power) + 1]
