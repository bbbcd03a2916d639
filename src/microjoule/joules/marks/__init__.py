"""Energies between the marks of a program, which lie between two updates.

- what had been counted at a mark: mark_positions, between_marks, mark_closure, unseen_scatter
- which windows have a power that follows a pattern: uneven_windows
- which windows are found so: mark_fits, marked_edges
- what is said of windows that end within an update: within_updates
- where a gauge tells when the energy of a counter was used: fused_edges, scaled_gauge
"""
