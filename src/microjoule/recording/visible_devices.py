"""Which GPUs a program that starts here sees, and in which order: what its profile's device numbers mean.

A profile says "device 0" of the first GPU that the program saw. The variables below say which one that is, so
that every trace keeps them beside the list of GPUs with their UUIDs.
"""

from __future__ import annotations

import os

VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
)


def visible_devices() -> dict[str, str]:
    """The variables that are set, with their values; empty: a program sees all GPUs."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}
