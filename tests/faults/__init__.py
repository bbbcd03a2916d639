"""Faults and how they are played."""

import pytest

# Whose modules assert, and are no test modules.
MODULES = ("play", "of_counters", "of_files", "of_limits", "of_processes", "all_faults")
pytest.register_assert_rewrite(*(f"faults.{name}" for name in MODULES))
