"""Where other programs meet microjoule: notebooks, pytest, training loops, profiles of profilers, SQL."""
