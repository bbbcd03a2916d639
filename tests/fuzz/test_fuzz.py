"""Each target of `make fuzz`, on its seeds and on small changes of them; the long form is atheris's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import TARGETS, seeds

SHORT = {"trace": 60, "offer": 150, "sysfs": 60, "perf": 60, "profile": 150, "csv": 150, "reply": 60}
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["flip", "cut", "put", "drop"]), st.binary(max_size=4)),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read_or_refused(name, tmp_path):
    found = seeds(name)
    assert found
    for data in found:
        TARGETS[name](data, tmp_path)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_seeds_are_read_or_refused(name, tmp_path_factory):
    @settings(max_examples=SHORT[name], deadline=None)
    @given(seed=st.sampled_from(seeds(name)), edits=EDITS)
    def changed(seed, edits):
        TARGETS[name](edited(seed, edits), folder)

    folder = tmp_path_factory.mktemp("fuzz")
    changed()


def edited(data, edits):
    found = bytearray(data)
    for share, how, content in edits:
        at = int(share * len(found))
        if how == "cut":
            del found[at:]
        elif how == "drop":
            del found[at : at + len(content)]
        elif how == "put":
            found[at:at] = content
        elif found:
            found[min(at, len(found) - 1)] ^= content[0] if content else 1
    return bytes(found)
