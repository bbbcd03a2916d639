"""An oscilloscope for energy. See README.md for a first measurement.

The names are looked up when they are first used: importing this package costs a fraction of a
millisecond, and a program that only marks windows never loads numpy or Arrow.

(PYTEST_DONT_REWRITE: or a program that imports this package and then runs pytest is warned for nothing.)
"""

from .late import lazy

_HOMES = {
    "Channel": "channel",
    "Estimate": "joules.estimate",
    "Meter": "recording.meter",
    "MicrojouleError": "errors",
    "Trace": "joules.energy_trace",
    "Window": "trace.window",
    "compare": "measuring.compare",
    "energy": "measuring.energy_block",
    "load": "joules.energy_trace",
    "measure": "measuring.measure",
    "record": "measuring.record",
    "window": "recording.marking",
}

# What `%load_ext microjoule` looks for.
_EXTENSION = {
    "load_ipython_extension": "plugins.notebook.extension",
    "unload_ipython_extension": "plugins.notebook.extension",
}

__all__ = list(_HOMES)
__getattr__ = lazy(__name__, {**_HOMES, **_EXTENSION})


def __dir__() -> list[str]:
    return __all__
