"""The faults of faults.py, each as a test; `make faults` plays them too and writes docs/reliability.md."""

import pytest

from faults.faults import FAULTS, NotHere


@pytest.mark.parametrize("name", FAULTS)
def test_a_recording_meets_a_fault(name, tmp_path):
    try:
        FAULTS[name](tmp_path)
    except NotHere as error:
        pytest.skip(str(error))
