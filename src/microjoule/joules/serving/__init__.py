"""The energy of each request to a server that runs several at a time.

- when requests ran: requests, log_lag, step_clock, saturation
- the share of each: request_shares, request_fit, added_shares
"""
