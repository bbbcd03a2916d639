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

__all__ = [
    "UNPLACED",
    "Access",
    "Channel",
    "Encoding",
    "Kind",
    "PowerModel",
    "Scale",
    "SensorError",
    "Timing",
    "Trust",
]
