"""What explains a device's counter, and how far that may trail it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from microjoule.channel import Timing
from microjoule.joules.sharing import device_fit
from microjoule.joules.sharing.device_fit import _LAG_MIN_NS, MEMORY, DeviceFit, _doubt_ns, _engines, overlap
from microjoule.joules.sharing.parties import COMMAND, NEVER, OTHER, POOL, Amount, Party
from microjoule.trace.window import Window

MS = 1_000_000


def doubt_ns(**timing: Any) -> float:
    counter: Any = SimpleNamespace(channel=SimpleNamespace(timing=Timing(**timing)))
    return _doubt_ns(counter)


def test_a_counters_doubt_is_that_of_its_lag_and_half_an_update() -> None:
    """A lag of anything up to 80 ms is 40 ms, give or take 40."""
    assert doubt_ns(lag_ns=80 * MS, update_ns=30 * MS, update_max_ns=60 * MS) == 55 * MS
    assert doubt_ns(lag_ns=80 * MS) == 40 * MS
    assert doubt_ns(update_ns=100 * MS, update_max_ns=200 * MS) == 50 * MS


@pytest.mark.parametrize(("more_ns", "found_ns"), [(0, 0.0), (2, _LAG_MIN_NS + 1)])
def test_what_is_too_short_to_be_seen_is_no_doubt(more_ns: int, found_ns: float) -> None:
    update_ns = 2 * int(_LAG_MIN_NS) + more_ns
    assert doubt_ns(update_ns=update_ns, update_max_ns=update_ns) == found_ns


class Uses:
    """So many seconds, whenever it is asked."""

    def __init__(self, used_s: float) -> None:
        self.used_s = used_s

    def within(self, _t0_ns: int, _t1_ns: int) -> float:
        return self.used_s


def test_engines_that_ran_are_told_the_most_used_first_and_memory_last() -> None:
    used = {"compute": Uses(1.0), "decoder": Uses(2.0), "copy": Uses(0.0), MEMORY: Uses(9.0)}
    party: Any = SimpleNamespace(on=lambda _: used)
    assert _engines([party], "gpu0", Window("", 0, 1)) == ["decoder", "compute", MEMORY]


def test_both_threads_of_a_core_are_its_first_two() -> None:
    """Busy for a half and for a quarter of a second: both for an eighth. A third one is not looked at."""
    used_s = {1: 0.5, 2: 0.25, 3: 1.0}
    of: Any = SimpleNamespace(
        numbers=lambda _: list(used_s),
        subjects={n: SimpleNamespace(device="core0") for n in used_s},
        used_ns=lambda n, edges_ns: edges_ns * used_s[n],
    )
    both_s = overlap(of)
    assert both_s is not None
    assert both_s(np.array([0, 1000 * MS])).tolist() == [0.125]


def test_a_party_without_a_column_has_no_seconds_of_its_own() -> None:
    fit: Any = SimpleNamespace(columns=SimpleNamespace(parties=()))
    assert DeviceFit.own_s(fit, 3, Window("", 0, 1)) == 0.0


def test_the_rest_has_no_figure_of_its_own_on_a_gpu_whose_memory_nobody_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def party(kind: str, part: float) -> Party:
        used = Amount(lambda t_ns: part * t_ns, np.empty(0, np.int64))
        return Party(kind, kind, NEVER, np.empty((0, 2), np.int64), {"gpu-0/sm": used})

    trace: Any = SimpleNamespace(
        channels={"e": SimpleNamespace(place=SimpleNamespace(device="gpu", device_name="gpu-0"))},
        activity=SimpleNamespace(
            numbers=lambda _: [1],
            subjects={1: SimpleNamespace(device="gpu-0")},
            instants_ns=lambda _: np.empty(0, np.int64),
        ),
    )
    monkeypatch.setattr(device_fit, "_fit", lambda _, __, columns, ___: columns(100))
    parties = [party(COMMAND, 0.5), party(POOL, 0.4), party(OTHER, 0.01)]
    columns: Any = device_fit.gpu_fit(trace, "e", parties, Window("", 0, 1000 * MS))
    assert [sorted(column) for column in columns.own] == [[0], [1, 2]]
    assert columns.common == ()
