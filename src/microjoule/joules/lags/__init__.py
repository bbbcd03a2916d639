"""By how much a counter or gauge trails what it measures, from what a trace shows.

- from the windows of a program: lag_of_windows, lag_of_gauge
- from another meter: lag_beside_gauge, lag_of_parts, lag_samples
- of all meters of a trace: related_lags
"""
