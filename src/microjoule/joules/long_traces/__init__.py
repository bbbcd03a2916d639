"""Traces that do not fit in memory, or come in pieces.

- one pass over a file: streamed, kept_trace, digest
- pieces apart, and put together: fragments, counter_fragment, counter_seam
"""
