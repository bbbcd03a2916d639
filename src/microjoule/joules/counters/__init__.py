"""A counter's energy in any window, from its readings, and how far that may be off.

- its energy: counter, short_windows, counter_notes
- which of its readings count: unwrap, unwrapped, glitches, doubtful_counts, resets, uncounted, identity
- when it was updated: update_times, update_period, update_record, lessons, stillness, sparse_readings
- and by how much it grew: quanta, cut_quanta
- what is kept of all that: kept_rows
- by how much it trails: lag, lags_left_open
- what it had counted at an instant: interpolation, readings_around
- how far that may be off: budget, neighbourhood, swings, ripple, slow_updates, gap_edges, grid_phase
"""
