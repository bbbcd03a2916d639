"""A gauge's energy in any window, from its readings, and how far that may be off.

- its energy: gauge, gauge_brackets, gauge_bound, gauge_notes, stand_in
- when it was updated: readings, gauge_updates, seldom_reads, stamps
- of what it is the mean: averaging, averaged_part
- of which little is known: little_known, few_updates
- power between its updates: profile, boxcar, banded, standstills, running
- what loads near its frequency it may be of: aliasing, coming_round, beats, repeating, irregular, smoothness
- what those, and steps of power, do to a window: swinging, step_loss, variances
- what it may have that no reading shows: within_update
"""
