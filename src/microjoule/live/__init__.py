"""Energy while it is being used: for a screen, and as metrics for Prometheus and OpenTelemetry.

A :class:`~microjoule.live.session.Session` samples as a recording does and keeps no file; ``Totals`` adds up
its batches as they come; a ``Level`` is what is known of one channel at a moment; ``Lasting`` goes on where a
source dies. Windows, brackets and budgets need a trace.

``metrics`` is the table of what is served; ``component`` says which hardware a channel is of; ``prometheus``
and ``otlp`` write it in the two formats. A served counter begins at zero when the service does, and says when
that was: ``rate()`` and ``increase()`` see a restart as a reset, and no joule is counted twice.

Decision: channels that overlap (cores and their package, a package and the board) are never in one metric,
so that ``sum()`` over any metric counts no joule twice. The cost is that overlapping channels have metrics of
their own.
"""

PORT = 9464  # the default of OpenTelemetry's own Prometheus exporters
LOOPBACK = "127.0.0.1"
