"""Whose energy, by CPU time, on a machine that several programs share.

- who they are: parties, owners
- the share of each: shares, share_fit, share_laws, share_bound, device_fit
- as rows of a report: share_rows
"""
