"""What users rely on changes on purpose only."""

import difflib

from promises import KEPT, promises


def test_the_public_names_commands_keys_columns_and_codes_are_those_that_are_kept():
    kept, found = KEPT.read_text(encoding="utf-8").splitlines(), promises().splitlines()
    changed = [line for line in difflib.unified_diff(kept, found, lineterm="", n=0) if line[:1] in "+-"]
    assert not changed[2:], "\n".join(
        [
            "a promise of docs/stability.md changed: if on purpose, name it in the CHANGELOG and run",
            "python tests/promises.py > tests/promises.txt",
            *changed,
        ]
    )
    assert len(kept) > 500  # and all of it is looked at
