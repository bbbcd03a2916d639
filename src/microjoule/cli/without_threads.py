"""numpy and pyarrow for the commands that record and report, without threads of their own.

numpy's OpenBLAS starts a thread a core when it is loaded, and the jemalloc inside pyarrow one more, though
Arrow takes its memory elsewhere. Recording multiplies no large matrices, so these threads only cost the
measured program time, and where memory is limited (``ulimit -v``) address space: a process that has loaded
both takes 190 MB of it instead of 370 MB on two cores, and the difference grows with the cores.

A report's matrices are tall and narrow: threads save no time there, and where other programs run they wait
for one another, so that a report took three times its CPU time.

Where they get too little memory OpenBLAS ends the process and Arrow aborts it, while they are loaded and
later on. So it is asked first whether a run's share can be had, and OpenBLAS takes its buffer before anything
is made that would be left behind.
"""

from __future__ import annotations

import mmap
import os

_SETTINGS = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
_RUN_BYTES = 240 << 20  # of address space: 190 MB loaded, then readings and a report


def load_libraries() -> None:
    """Imports them; what the user has set stands, and the environment is afterwards as it was before.

    Raises:
        MemoryError: So little memory may be used that they would end the process.
    """
    try:
        mmap.mmap(-1, _RUN_BYTES, mmap.MAP_PRIVATE, mmap.PROT_READ).close()
    except OSError as error:
        raise MemoryError from error
    ours = {name: value for name, value in _SETTINGS.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        import numpy as np
        import pyarrow as _  # noqa: F401
    finally:
        for name in ours:
            del os.environ[name]
    np.linalg.lstsq(np.eye(3, 2), np.ones(3), rcond=None)  # as a report's regression calls it
