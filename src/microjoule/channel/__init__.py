"""A channel: one counter or gauge, with what it takes to read it and to understand its readings."""

from .channel import (
    FLAGS,
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
from .largest_rate import LIMIT_FACTOR, largest_rate, turn_ns
from .place import DEVICES, Device, Place, Role

__all__ = [
    "DEVICES",
    "FLAGS",
    "LIMIT_FACTOR",
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
    "largest_rate",
    "turn_ns",
]
