"""Whether a machine is quiet enough for a benchmark: what is not, and the command that fixes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..sources.host import cpu_list, text_of
from .conditions import Conditions
from .cpu_settings import in_words
from .state import read_state

WATCH_S = 1.0
BUSY = 0.1  # CPUs' worth of other programs, and a hundredth of all, from which a machine is not quiet
WARM_C, COOLING_K = 70.0, 2.0  # a package above that leaks more; one that changes by that much is not settled
_SYS_CPU = "/sys/devices/system/cpu"
STEADY_DRIVERS = frozenset({"intel_pstate", "amd-pstate-epp"})  # their "powersave" follows the preference


class Check(NamedTuple):
    """One thing that a benchmark wants.

    Attributes:
        what: What was looked at.
        is_ready: Whether it is as a benchmark wants it.
        found: How it is, in words.
        fix: The command or the deed that makes it so; empty: nothing to do.
    """

    what: str
    is_ready: bool
    found: str
    fix: str = ""


def checks(
    root: Path, gpus: Iterable[Mapping[str, Any]] = (), sleep: Callable[[float], None] = time.sleep
) -> list[Check]:
    """What can be checked of the machine under ``root``; it is watched for ``WATCH_S``.

    Args:
        root: The folder that its files lie under.
        gpus: The fact ``gpus``.
        sleep: Waits so many seconds.
    """
    state, conditions = read_state(root), Conditions(root)
    first, busy_s = conditions.read(), _busy_s(root)
    sleep(WATCH_S)
    last = conditions.read()
    busy = None if busy_s is None else (_busy_s(root) or busy_s) - busy_s
    found = [*_clock(state), *_limits(state)]
    if busy is not None:
        found.append(_quiet(busy / WATCH_S, len(cpu_list(state.get("cpus_online"))) or 1))
    return [*found, *_heat(first, last), *(each for gpu in gpus for each in _gpu(gpu))]


def _clock(state: Mapping[str, Any]) -> Iterator[Check]:
    governor, preference = state.get("governor"), state.get("energy_preference")
    if governor is not None:
        driver = state.get("frequency_driver")  # a table where CPUs differ, and then none that follows
        follows = isinstance(driver, str) and driver in STEADY_DRIVERS and preference == "performance"
        words = (
            in_words(governor)
            if preference is None
            else f"{in_words(governor)}, energy preference {in_words(preference)}"
        )
        yield Check(
            "CPU frequency governor",
            governor == "performance" or follows,
            words,
            f"echo performance | sudo tee {_SYS_CPU}/cpu*/cpufreq/scaling_governor",
        )
    if "turbo" in state:
        is_intel = state.get("frequency_driver") == "intel_pstate"
        off = f"1 | sudo tee {_SYS_CPU}/intel_pstate/no_turbo"
        off = off if is_intel else f"0 | sudo tee {_SYS_CPU}/cpufreq/boost"
        is_on = bool(state["turbo"])
        words = "on: the clock depends on temperature and on other cores" if is_on else "off"
        yield Check("turbo", not is_on, words, f"echo {off}")


def _limits(state: Mapping[str, Any]) -> Iterator[Check]:
    if "on_battery" in state:
        words = "battery" if state["on_battery"] else "mains"
        yield Check("power supply", not state["on_battery"], words, "plug the machine in")
    limit = state.get("cgroup_cpu_max")
    if limit is not None:
        fix = "run outside the limited group or container"
        yield Check("CPU limit of the control group", False, f"{limit} µs", fix)


def _quiet(busy: float, cpus: int) -> Check:
    return Check(
        "other programs",
        busy <= max(BUSY, cpus / 100),
        f"{max(busy, 0.0):.2f} of {cpus} CPU{'s' * (cpus != 1)} busy over {WATCH_S:g} s",
        "stop what is busy: `top` shows it",
    )


def _heat(first: Mapping[str, float], last: Mapping[str, float]) -> Iterator[Check]:
    for name in first:
        if name.startswith("temperature_") and name in last:
            change = last[name] - first[name]
            yield Check(
                f"temperature of package {name.split('_')[1]}",
                last[name] <= WARM_C and abs(change) < COOLING_K,
                f"{last[name]:.0f} °C, {change:+.1f} K in {WATCH_S:g} s",
                "wait until it has cooled down",
            )
    if "throttle_events" in first and "throttle_events" in last:
        n = last["throttle_events"] - first["throttle_events"]
        words = f"{n:.0f} times in {WATCH_S:g} s" if n else "none"
        yield Check("throttling by heat", not n, words, "let it cool down, or cool it better")


def _gpu(gpu: Mapping[str, Any]) -> Iterator[Check]:
    name = f"GPU {gpu.get('index')}"
    settings = gpu.get("settings") or {}
    if "persistence" in settings:
        is_on = bool(settings["persistence"])
        yield Check(f"{name} persistence mode", is_on, "on" if is_on else "off", "sudo nvidia-smi -pm 1")
    reasons = gpu.get("clock_reasons")
    if reasons is not None:
        words = ", ".join(reasons) or "nothing"
        fix = "let it cool down, or see nvidia-smi -q -d PERFORMANCE"
        yield Check(f"{name} clock held down by", not reasons, words, fix)


def _busy_s(root: Path) -> float | None:
    """The CPU time that all programs have used, in seconds; None: the kernel does not say."""
    words = (text_of(root / "proc/stat") or "").partition("\n")[0].split()
    if len(words) < 5 or words[0] != "cpu" or not all(word.isdecimal() for word in words[1:]):
        return None
    ticks = [int(word) for word in words[1:]]
    return (sum(ticks[:8]) - ticks[3] - (ticks[4] if len(ticks) > 4 else 0)) / _HZ


_HZ = 100  # USER_HZ: the unit of /proc/stat on every architecture that Linux sells
