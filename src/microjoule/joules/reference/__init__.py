"""A second meter beside: how well both agree.

- its line against the meter: beside_meter, reference_fit
- when it was updated: meter_updates
"""
