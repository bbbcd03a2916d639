from . import errors as errors
from .channel import Channel as Channel
from .channel import Place as Place
from .errors import MicrojouleError as MicrojouleError
from .footprint.footprint import Footprint as Footprint
from .joules.energy_trace import Trace as Trace
from .joules.energy_trace import load as load
from .joules.estimates.energies import Energies as Energies
from .joules.estimates.estimate import Estimate as Estimate
from .joules.estimates.total import Total as Total
from .joules.power import Power as Power
from .joules.profiling.by_name import NameEnergy as NameEnergy
from .measuring.compare import Turns as Turns
from .measuring.compare import compare as compare
from .measuring.comparison import Comparison as Comparison
from .measuring.energy_block import EnergyBlock as EnergyBlock
from .measuring.energy_block import energy as energy
from .measuring.measure import measure as measure
from .measuring.measurement import Measurement as Measurement
from .measuring.own_recorder import Recorder as Recorder
from .measuring.record import record as record
from .plugins.notebook.extension import load_ipython_extension as load_ipython_extension
from .plugins.notebook.extension import unload_ipython_extension as unload_ipython_extension
from .recording.lane import Cadence as Cadence
from .recording.marking import now as now
from .recording.marking import window as window
from .recording.meter import Meter as Meter
from .recording.meter import probe as probe
from .sources.probe import Probe as Probe
from .trace.window import Window as Window

__version__: str
__all__ = [
    "Cadence",
    "Channel",
    "Comparison",
    "Energies",
    "EnergyBlock",
    "Estimate",
    "Footprint",
    "Measurement",
    "Meter",
    "MicrojouleError",
    "NameEnergy",
    "Place",
    "Power",
    "Probe",
    "Recorder",
    "Total",
    "Trace",
    "Turns",
    "Window",
    "__version__",
    "compare",
    "energy",
    "errors",
    "load",
    "measure",
    "now",
    "probe",
    "record",
    "window",
]
