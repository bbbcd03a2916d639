"""``python -m instructions [renew]``, in ``tests``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from . import count


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1:] == ["renew"]:
            found = count.renew(Path(folder))
        else:
            found = count.native(Path(folder), count.FLAGS)
            found[count.INTEGRATE] = count.integration(Path(folder))
    kept = count.kept()
    for path, took in found.items():
        print(f"{took:10.2f}  at most {kept[path].most:8.2f}  {path}")


main()
