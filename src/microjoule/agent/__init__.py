"""An agent: it samples once per node, with the privilege, and hands the readings to programs without it.

The samplers of a recording write into rings; here one thread moves the rows on into memory that clients map
for reading (:mod:`.publishing`, ``csrc/feed.h``), and once a second a rounded reading of each counter into
the memory of the coarse view (:mod:`.coarse`). A second thread answers on two Unix sockets with what is
offered and the descriptors of that memory (:mod:`.doors`). Before it answers anybody the process has opened
all that it reads and gives up its user, its capabilities and most system calls (:mod:`.confinement`).

The client's half is ``sources/agent.py``, ``sources/agent_offer.py`` and ``recording/agent_lane.py``.
"""
