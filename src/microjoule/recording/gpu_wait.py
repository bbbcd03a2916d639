"""Waiting for a GPU at a window's edges, through the framework that gave it its work.

A kernel launch returns before the kernel runs. A window around launches alone ends while the GPU is
still at work, and its energy belongs to whatever comes next; one that waits at both edges holds the
work that was launched inside it and no other. Each framework has its own way to wait, and only one that the
program has imported already can have launched anything, so none is imported here.

All devices are waited for on which the process has work, whichever is the current one:

- ``torch``: ``torch.cuda.synchronize(device)``, all streams (ROCm's too); where CUDA was not initialised
  nothing was launched, and it is left so, because initialising it takes seconds.
- ``cupy``: ``Device(n).synchronize()``.
- ``jax``: blocks until every live array is ready. It has no call for a device; results that were dropped at
  once are waited for by a small computation on each accelerator, which runs work in order.

A device without a context has no work, and waiting for it would make one, of some 0.2 s and 300 MB. CUDA's
driver tells which have one (``cuDevicePrimaryCtxGetState``); without it all devices are waited for.

Decision: only on request, since waiting changes the program that is measured: it loses the overlap of
host and device at each edge. The report says which windows did not wait. ``torch-events`` waits for nothing:
events tell when the devices began and ended (:mod:`.gpu_events`).
"""

from __future__ import annotations

import sys

from ..errors import BadWindow

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ATTRIBUTE = "synchronised"
DRIVER = "libcuda.so.1"


def _torch(torch: ModuleType) -> None:
    if torch.cuda.is_initialized():
        for device in with_context(torch.cuda.device_count()):
            torch.cuda.synchronize(device)


def _cupy(cupy: ModuleType) -> None:
    for device in with_context(cupy.cuda.runtime.getDeviceCount()):
        cupy.cuda.Device(device).synchronize()


def _jax(jax: ModuleType) -> None:
    jax.block_until_ready(jax.live_arrays())
    for device in jax.local_devices():
        if device.platform != "cpu":  # there work is in no order
            (jax.device_put(0.0, device) + 0).block_until_ready()


EVENTS = "torch-events"
FRAMEWORKS = {"torch": _torch, "cupy": _cupy, "jax": _jax}


def with_context(count: int) -> list[int]:
    """Of so many CUDA devices those on which this process has a context; all where nobody knows."""
    if count < 2:
        return list(range(count))
    import ctypes

    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return list(range(count))
    handle, flags, active = ctypes.c_int(), ctypes.c_uint(), ctypes.c_int()
    found = []
    for device in range(count):
        code = driver.cuDeviceGet(ctypes.byref(handle), device)
        code = code or driver.cuDevicePrimaryCtxGetState(handle, ctypes.byref(flags), ctypes.byref(active))
        if code or active.value:
            found.append(device)
    return found


def wait_for_all() -> None:
    """Waits for the GPU work of those frameworks that are imported already; imports none."""
    for name, wait in FRAMEWORKS.items():
        module = sys.modules.get(name)
        if module is not None:
            wait(module)


def refuse_unknown(framework: str) -> None:
    """Refuses the name of a framework that no window can wait for.

    Raises:
        BadWindow: No framework has this name.
    """
    if framework not in (*FRAMEWORKS, EVENTS):
        known = ", ".join((*FRAMEWORKS, EVENTS))
        raise BadWindow(f"no framework {framework!r} to synchronise with", f"Take {known}")


def synchroniser(framework: str) -> Callable[[], None] | None:
    """What waits for the devices of a framework; None: nothing does, or the program has not imported it.

    Raises:
        BadWindow: No framework has this name.
    """
    refuse_unknown(framework)
    module = sys.modules.get(framework)
    if module is None:  # of events too, which nobody waits for
        return None
    wait = FRAMEWORKS[framework]
    return lambda: wait(module)
