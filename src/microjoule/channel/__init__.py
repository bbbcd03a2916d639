"""A channel: one counter or gauge, with what it takes to read it and to understand its readings."""

from .channel import (
    UNPLACED,
    Access,
    Channel,
    Encoding,
    Kind,
    PowerModel,
    Scale,
    SensorError,
    Timing,
    Trust,
)
from .place import DEVICES, Device, Place, Role

__all__ = [
    "DEVICES",
    "UNPLACED",
    "Access",
    "Channel",
    "Device",
    "Encoding",
    "Kind",
    "Place",
    "PowerModel",
    "Role",
    "Scale",
    "SensorError",
    "Timing",
    "Trust",
]
