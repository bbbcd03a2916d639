"""Profiles of other tools laid beside a trace: what ran when, on whose clock, and what energy it used."""
