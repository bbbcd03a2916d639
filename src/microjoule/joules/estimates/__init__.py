"""A figure with its interval: how components combine, what a total adds, how it is said.

- a figure, its components and their groups: estimate, uncertainty, intervals, code_dependence, nnls
- of several meters: total, energies
- in words: estimate_text, sentence
- between which readings an edge of a window lies: brackets
- the window that is the whole of a run: run_window
- the lag that fits best, with its interval: lag_search
"""
