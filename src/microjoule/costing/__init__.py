"""Measures what sampling costs: reads back to back, loops at their deadlines, and what a victim loses.

``take`` is the whole of it; ``microjoule.overhead`` keeps what it finds.

========== =========================================================================================
file       what it does
========== =========================================================================================
site       what there is on the machine
subject    what samples: an empty loop, a source's lane, a whole recorder
blocks     blocks with and without it, in turns A BB AA BB …, and what their pairs come to
single     one subject, sampled one way: its cost
plan       which of them, and what there is time for
saturate   keeps the other cores busy
taking     all of it, within a time
========== =========================================================================================
"""

from __future__ import annotations

from ..lazy import lazy

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from .plan import Wishes as Wishes
    from .site import Site as Site
    from .site import site_of as site_of
    from .taking import take as take

__getattr__ = lazy(__name__, {"take": "taking", "Wishes": "plan", "Site": "site", "site_of": "site"})
