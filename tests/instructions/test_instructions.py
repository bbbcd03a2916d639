"""The hot paths take no more instructions than they did; see this folder's first lines."""

import pytest

from instructions import count

pytestmark = pytest.mark.skipif(bool(count.missing()), reason=count.missing())


def dearer(found, kept):
    return {path: (took, kept[path].most) for path, took in found.items() if took > kept[path].most}


def test_reads_pushes_and_drains_take_no_more_than_they_did(tmp_path):
    assert dearer(count.native(tmp_path, count.FLAGS), count.kept()) == {}


def test_a_native_path_that_does_more_is_found_out(tmp_path):
    """Without the compiler's optimisation they do."""
    names = {"push a row", "drain a row"}
    slow = count.native(tmp_path, ["-std=c11", "-O0"], names)
    assert dearer(slow, count.kept()).keys() == names


@pytest.mark.skipif(not count.HEADER.exists(), reason=f"no {count.HEADER}: valgrind came without it")
def test_the_integration_of_a_million_readings_takes_no_more_than_it_did(tmp_path):
    assert dearer({count.INTEGRATE: count.integration(tmp_path)}, count.kept()) == {}
