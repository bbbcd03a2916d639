"""Energies as metrics: what `uj serve` tells Prometheus and OpenTelemetry.

``metrics`` is the table of what is served; ``component`` says which hardware a channel is of; ``prometheus``
and ``otlp`` bring it into the two languages. Nothing here samples.

A counter begins at zero when the service does, and says when that was. Both worlds take a restart of the
service for what it is: ``rate()`` and ``increase()`` see a reset, and no joule is counted twice.

Decision: channels that overlap (cores and their package, a package and the board) never stand in one
metric, so that ``sum()`` over any metric counts no joule twice. What was given up: one name for all of
them; the overlapping ones have theirs.
"""

PORT = 9464  # the default of OpenTelemetry's own Prometheus exporters
LOOPBACK = "127.0.0.1"
