"""What is said where the machine has too little: memory, or processes, which threads count as."""

from __future__ import annotations

import errno

_MEMORY = "There is not enough memory for this. Free some, or raise its limit (ulimit -v)"
_THREADS = (
    "No thread can be started: there are too many processes, or too little memory. Raise the limits "
    "(ulimit -u, ulimit -v)"
)
# Of the dynamic loader (elf/dl-load.c), of CPython (Modules/_threadmodule.c), of strerror.
_SIGNS = {
    "failed to map segment": _MEMORY,
    "cannot allocate memory": _MEMORY,
    "can't start new thread": _THREADS,
    "Resource temporarily unavailable": _THREADS,
}


def shortage(error: BaseException) -> str | None:
    """The sentence for an error that comes of a shortage; None: it does not."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return _MEMORY
    cause = error.__cause__ or error.__context__
    words = str(error).lower()
    found = (sentence for sign, sentence in _SIGNS.items() if sign.lower() in words)
    return next(found, None) or (shortage(cause) if cause is not None else None)
