"""What a process asks for itself: fewer system calls, the next signal. A part of ``_native.pyx``."""


def confine():
    """Leaves this process, all its threads, the system calls of sampling and serving only, for good.

    Raises:
        MicrojouleError: The kernel refuses, or does not know how.
    """
    cdef uj_error err
    err.code = 0
    _check(uj_confine(&err), &err)


def signal_wait(numbers, int64_t timeout_ns):
    """The next of these signals, which the caller blocks: its number and who sent it (``si_code``).

    ``signal.sigtimedwait`` gives a signal that nobody sent where the process was stopped until the time was
    over (``signal_sigtimedwait_impl`` of CPython 3.11 does not look why the kernel woke it).

    Args:
        numbers: Up to 64 of them.
        timeout_ns: How long to wait at most.

    Returns:
        None where none came, or the wait was cut short, as a stop does: then call it again.

    Raises:
        ValueError: Too many numbers, or one that is no signal's.
    """
    cdef int[64] wanted
    cdef size_t n = 0
    cdef int code, number
    for each in numbers:
        if n == 64:
            raise ValueError("more than 64 signals")
        wanted[n] = each
        n += 1
    with nogil:
        number = uj_signal_wait(wanted, n, timeout_ns, &code)
    return (number, code) if _check(number, NULL) else None
