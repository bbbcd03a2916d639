"""Measures what a counter does and what sampling costs; ``microjoule.host`` stores what is found.

``calibrate`` polls each channel without a pause, then leaves it alone, then loads it. ``take`` times reads
back to back, loops at their deadlines, and what a victim loses.

==================== ===================================================================================
file                 what it does
==================== ===================================================================================
calibration_run      a whole calibration, lane by lane
polling              channels read by one sampler for a while, as arrays
update_statistics    times, period, increments and power of a channel's updates
lag                  by how much a reading trails a square load
filtering            whether Intel's energy filtering is on
agreement            whether the sources of one channel give the same energy
measurable           which lanes of a machine can be timed
sampling_loops       what samples while it is timed: an empty loop, a source's lane, a whole recorder
paired_blocks        blocks with and without sampling, in turns A BB AA BB …, and their differences
loop_cost            the cost of one loop, sampled one way
cost_plan            which loops are timed in which ways, and what there is time for
saturate             keeps the other cores busy
random_load          a load that goes on and off at random, for a meter outside
meter_log            a meter's own log as a trace, alone or beside a recording
sampling_cost        all of it, within a time
==================== ===================================================================================
"""

from __future__ import annotations

from ..late import lazy

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from .calibration_run import calibrate as calibrate
    from .cost_plan import CostOptions as CostOptions
    from .measurable import Site as Site
    from .measurable import site_of as site_of
    from .sampling_cost import take as take

_HOMES = {
    "Site": "measurable",
    "CostOptions": "cost_plan",
    "calibrate": "calibration_run",
    "site_of": "measurable",
    "take": "sampling_cost",
}
__getattr__ = lazy(__name__, _HOMES)
