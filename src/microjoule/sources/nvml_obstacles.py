"""Why an NVIDIA GPU's figures cannot be read, each with what fixes it.

The codes are ``nvmlReturn_t`` of ``nvml.h``; ``channel/failed_read.py`` has the rest of them in words.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ..channel.failed_read import NVML, meaning
from .host import text_of
from .survey import Cause, Obstacle

NVIDIA = "0x10de"  # PCI vendor
DISPLAY = "0x03"  # PCI class, its first byte: VGA, 3D and other display controllers

NO_GPUS = ("", "-1", "none", "NoDevFiles")  # lists that people and Slurm write to hide all GPUs

JETSON_GPU = "nvgpu"  # "Orin (nvgpu)": what the library calls the GPU of a Jetson
NO_SENSOR = "has no power sensor in NVML: it answers neither with energy nor with power"
JETSON_REMEDY = "A Jetson's power monitor is the INA3221 on its board: see `ina` in `uj probe`"

REFUSALS = {
    3: (
        Cause.NO_HARDWARE,
        "NVML does not support this GPU",
        "See `nvidia-smi -q`: what is N/A there cannot be read here either",
    ),
    4: (
        Cause.PERMISSION,
        "this user may not talk to the NVIDIA driver",
        "Run `sudo chmod a+rw /dev/nvidiactl /dev/nvidia[0-9]*`; in a container, start it with `--gpus all`",
    ),
    9: (
        Cause.MODULE,
        "the NVIDIA driver is not loaded",
        "Run `sudo modprobe nvidia`, and see `sudo dmesg | grep -i nvrm` where that fails",
    ),
    15: (
        Cause.FAILING,
        "the GPU is lost: it has fallen off the bus",
        "See `sudo dmesg | grep -i xid`; a reboot, or `sudo nvidia-smi --gpu-reset`, may bring it back",
    ),
    16: (Cause.FAILING, "the GPU needs a reset", "Run `sudo nvidia-smi --gpu-reset`"),
    17: (
        Cause.PERMISSION,
        "the system or its cgroups block the GPU's device files",
        "In a container, start it with `--gpus all` and restart it after `systemctl daemon-reload`",
    ),
    18: (
        Cause.FAILING,
        "the driver's kernel module and its library are of different versions",
        "Reboot, or `sudo rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia && sudo modprobe nvidia`: "
        "the driver was updated while it was loaded",
    ),
}

NO_PYNVML = Obstacle(
    Cause.MODULE,
    "the Python package nvidia-ml-py is not installed: without it no GPU is found",
    "Run `pip install nvidia-ml-py`",
)
ANOTHER_LIBRARY = Obstacle(
    Cause.FAILING,
    "another libnvidia-ml.so.1 is already loaded in this process",
    "Survey the other one in a process of its own",
)
NO_DEVICES = Obstacle(
    Cause.NO_HARDWARE,
    "the NVIDIA driver is loaded and sees no GPU",
    "See `nvidia-smi -L`; in a container, start it with `--gpus all`",
)


def unloadable(root: Path, library: str, said: str) -> Obstacle:
    """Why the library cannot be loaded: what the machine's other files say about it."""
    if "cannot open shared object file" not in said:
        return Obstacle(
            Cause.FAILING,
            f"{library} cannot be loaded: {said}",
            "Install the NVIDIA driver again: its library is not one for this machine",
        )
    if os.path.exists(root / "proc/driver/nvidia/version"):
        return Obstacle(
            Cause.HIDDEN,
            f"the NVIDIA driver is loaded and {library} is missing",
            "In a container, start it with `--gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility`; "
            "elsewhere install the driver's library (Debian: `sudo apt install libnvidia-ml1`)",
        )
    if _has_gpu(root):
        return Obstacle(
            Cause.MODULE,
            f"an NVIDIA GPU is here and its driver is not: {library} is missing",
            "Install NVIDIA's driver (Ubuntu: `sudo ubuntu-drivers install --gpgpu`)",
        )
    return Obstacle(Cause.NO_HARDWARE, f"no NVIDIA GPU: there is no {library}, and no such PCI device")


def lacks(library: str, symbol: str) -> Obstacle:
    """The library is there and is too old, or is not NVML."""
    return Obstacle(
        Cause.FAILING,
        f"{library} has no {symbol}",
        "Update the NVIDIA driver: its library is too old to be read here, or is not NVIDIA's",
    )


def refusal(who: str, code: int) -> Obstacle:
    """What the library, or one GPU, answered instead of a figure."""
    unknown = (Cause.FAILING, meaning(NVML, code), "See `nvidia-smi`, which asks the same library")
    cause, what, remedy = REFUSALS.get(code, unknown)
    return Obstacle(cause, f"{who}: {what}", remedy)


def partitioned(index: int, name: str) -> Obstacle:
    """The GPU is cut into slices, and its figures are not."""
    return Obstacle(
        Cause.MISLEADING,
        f"gpu-{index} ({name}) is cut into MIG slices: its energy and power are the whole GPU's, "
        "the work of other slices included",
        "`uj run` divides it by how busy the slices are, from Hopper on. "
        f"For the energy of one program run it alone, or `sudo nvidia-smi -i {index} -mig 0`",
    )


def silent(index: int, name: str, is_vgpu: bool) -> Obstacle:
    """The GPU answers, and neither with energy nor with power."""
    if is_vgpu:
        return Obstacle(
            Cause.HIDDEN,
            f"gpu-{index} ({name}) is a vGPU: the hypervisor keeps energy and power to itself",
            "Measure on the host, or use a machine with the whole GPU passed through",
        )
    remedy = JETSON_REMEDY if JETSON_GPU in name else ""
    return Obstacle(Cause.NO_SENSOR, f"gpu-{index} ({name}) {NO_SENSOR}", remedy)


def several_modules(indices: Iterable[int]) -> Obstacle:
    """Several GPUs answer for the module that they sit on, which may be one."""
    names = ", ".join(f"gpu-{index}" for index in indices)
    what = f"{names} show the energy or power of their modules, and which of them share a module is not known"
    return Obstacle(Cause.EXCLUDED, f"{what}: it is recorded and enters no total")


def unseen(visible: str) -> Obstacle:
    """A list of visible devices leaves none, on purpose or not."""
    if visible.strip() in NO_GPUS:
        what = f"CUDA_VISIBLE_DEVICES={visible!r} leaves out all GPUs on purpose"
        return Obstacle(Cause.EXCLUDED, what, "Measure them with `--all-gpus`")
    return Obstacle(
        Cause.HIDDEN,
        f"none of the GPUs is in the list of visible devices {visible!r}",
        "Correct CUDA_VISIBLE_DEVICES, or measure all with `--all-gpus`",
    )


def cuda_order(visible: str) -> Obstacle:
    """Indices mean one thing to CUDA and another to NVML where the GPUs differ."""
    return Obstacle(
        Cause.MISLEADING,
        f"visible devices {visible!r} are numbers, the GPUs here differ, and CUDA numbers the fastest first "
        "while NVML numbers by PCI bus: they may be other GPUs than the program's",
        "Set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name the GPUs by UUID (`nvidia-smi -L`)",
    )


def _has_gpu(root: Path) -> bool:
    return any(
        text_of(vendor) == NVIDIA and (text_of(vendor.parent / "class") or "").startswith(DISPLAY)
        for vendor in (root / "sys/bus/pci/devices").glob("*/vendor")
    )
