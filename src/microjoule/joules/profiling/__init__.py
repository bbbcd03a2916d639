"""Whose energy, by what ran: the power of states, of code and of names.

- which state was when: occupancy, window_groups, reserved_names, listed_windows, sweep
- the power of each: attribution, regression, separability, state_fit, state_time
- energies of names: by_name, distribution
- of sampled stacks: sampled, sample_cells, sample_sums, sample_fit, stack_energy
"""
