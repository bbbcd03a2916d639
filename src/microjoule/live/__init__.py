"""What has been drawn so far, while it is being drawn: for a screen, and for those who scrape.

A :class:`~microjoule.live.session.Session` samples as a recording does and keeps no file; ``Totals`` adds up
its batches as they come; a ``Level`` is what is known of one channel at a moment; ``Lasting`` goes on where a
source dies. Windows, brackets and
budgets need a trace; here is only what goes on.
"""
