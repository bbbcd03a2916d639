"""The faults of this folder, each as a test; `make faults` plays them too and writes docs/reliability.md."""

import pytest

from faults.all_faults import FAULTS, LONG, played
from faults.play import NotHere


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in LONG])
def test_a_recording_meets_a_fault(name, tmp_path):
    try:
        played(FAULTS[name], tmp_path)
    except NotHere as error:
        pytest.skip(str(error))
