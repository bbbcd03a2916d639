"""An oscilloscope for energy. See README.md for a first measurement.

The names are looked up when they are first used: importing this package costs a fraction of a
millisecond, and a program that only marks windows never loads numpy or Arrow. ``__init__.pyi`` gives
type checkers the same names with their types.

(PYTEST_DONT_REWRITE: or a program that imports this package and then runs pytest is warned for nothing.)
"""

import sys as _sys
from os import environ as _environ

if _sys.version_info < (3, 11):  # noqa: UP036 - a folder of packages that another Python installed
    _ours = ".".join(map(str, _sys.version_info[:3]))
    raise ImportError(
        f"microjoule needs Python 3.11 or later, and this is Python {_ours}. "
        "Install it with a newer one: python3.11 -m pip install microjoule"
    )

from .late import found, lazy
from .version import VERSION

__version__ = VERSION

_HOMES = {
    "Cadence": "recording.lane",
    "Channel": "channel",
    "Comparison": "measuring.comparison",
    "Energies": "joules.estimates.energies",
    "EnergyBlock": "measuring.energy_block",
    "Estimate": "joules.estimates.estimate",
    "Footprint": "footprint.footprint",
    "Measurement": "measuring.measurement",
    "Meter": "recording.meter",
    "MicrojouleError": "errors",
    "NameEnergy": "joules.profiling.by_name",
    "Place": "channel",
    "Power": "joules.power",
    "Probe": "sources.probe",
    "Recorder": "measuring.own_recorder",
    "Total": "joules.estimates.total",
    "Trace": "joules.energy_trace",
    "Turns": "measuring.compare",
    "Window": "trace.window",
    "compare": "measuring.compare",
    "energy": "measuring.energy_block",
    "errors": "",
    "load": "joules.energy_trace",
    "measure": "measuring.measure",
    "now": "recording.marking",
    "probe": "recording.meter",
    "record": "measuring.record",
    "window": "recording.marking",
}

# What `%load_ext microjoule` looks for.
_EXTENSION = {
    "load_ipython_extension": "plugins.notebook.extension",
    "unload_ipython_extension": "plugins.notebook.extension",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604
__getattr__ = lazy(__name__, {**_HOMES, **_EXTENSION})

# Under `uj run` what windows need is loaded now: a child that is forked while another thread imports waits
# for that import for ever.
if "MICROJOULE_MARKS" in _environ:
    found(f"{__name__}.recording.marking", "load")()


def __dir__() -> list[str]:
    return __all__
