# cython: language_level=3, freethreading_compatible=True
"""The native core for Python: each method is one call of csrc/microjoule.h.

Nothing is decided here. A call that can wait runs without the GIL, and its code goes through
``_check``, the one function that turns a code into an exception.
"""

from cpython.bytearray cimport PyByteArray_AsString, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.errno cimport EACCES, EAGAIN, EBUSY, ECHILD, EINVAL, ENODEV, ENOENT, ENOMEM, EPERM

import os

from .errors import MicrojouleError, PermissionDenied, SourceUnavailable

cdef extern from *:
    """
    /* Cython asks this while the module loads, and keeps the module for the first interpreter that
       loads it. A recorder's threads must end before their interpreter does, and only the main one waits
       for them: so it alone loads the module, and no other one can be first and keep it from the main one. */
    static int64_t uj_main_interpreter_only(PyInterpreterState *state) {
      int64_t id = PyInterpreterState_GetID(state);
      if (id <= 0) return id;
      PyErr_SetString(PyExc_ImportError, "not the main interpreter of its process");
      return -1;
    }
    #define PyInterpreterState_GetID uj_main_interpreter_only
    """


cdef object _exception(int code, str what):
    if code in (-EACCES, -EPERM):
        return PermissionDenied(what, "`uj probe` says who may read it and how to allow it")
    if code in (-ENOENT, -ENODEV):
        return SourceUnavailable(what, "`uj probe` says what this machine has")
    if code == -EINVAL:
        return ValueError(what)
    if code == -ENOMEM:
        return MemoryError(what)
    if code == -ECHILD:
        return MicrojouleError(
            "This sampler belongs to the parent process, and a forked child has no copy of its thread",
            "Open a recorder in the child, or record in the parent only",
        )
    if code == -EBUSY:
        return MicrojouleError("The sampler's thread is running", "Stop it first")
    if code == -EAGAIN:  # of pthread_create
        return MicrojouleError(what, "Raise the limits of processes and memory: ulimit -u, ulimit -v")
    return MicrojouleError(what)


cdef int _check(int code, uj_error *err) except -1:
    if code < 0:
        what = "the native core failed"
        if err is not NULL and err.code == code:
            what = err.what.decode("utf-8", "replace")
        else:
            what = f"{what}: {os.strerror(-code)}"
        raise _exception(code, what)
    return code


def now_ns():
    """CLOCK_MONOTONIC in nanoseconds."""
    return uj_now_ns()


def clock_pair(int clock):
    """A reading of another clock, bracketed: (t_ns, read_ns, value_ns)."""
    cdef int64_t t_ns
    cdef uint32_t read_ns
    cdef uint64_t value_ns
    _check(uj_clock_pair(clock, &t_ns, &read_ns, &value_ns), NULL)
    return t_ns, read_ns, value_ns


def work(uint64_t rounds):
    """A fixed piece of work of so many rounds, without the GIL: the nanoseconds (elapsed, on a CPU)."""
    cdef uj_work took
    with nogil:
        uj_work_done(rounds, &took)
    return took.wall_ns, took.cpu_ns


def reader_names():
    """The names of the readers in ``csrc/``: what ``access.reader`` of a sampled channel may be."""
    cdef size_t index = 0
    cdef list names = []
    while uj_reader_name(index) is not NULL:
        names.append(uj_reader_name(index).decode())
        index += 1
    return tuple(names)


cdef class Columns:
    """Rows drained from a sampler or a feed, as buffers that Arrow can wrap without a copy.

    Each is a ``bytearray`` of ``length`` items of the column's type; the two validity bitmaps are
    Arrow's. The object owns them.
    """

    cdef readonly Py_ssize_t length
    cdef readonly bytearray t_ns, read_ns, channel, raw, raw_valid, sensor_ns, sensor_valid, status
    cdef readonly Py_ssize_t raw_nulls, sensor_nulls

    cdef void _hold(self, size_t taken, uj_columns *columns):
        self.length = taken
        self.raw_nulls = columns.raw_nulls
        self.sensor_nulls = columns.sensor_nulls


cdef bytearray _room(Py_ssize_t nbytes):
    return PyByteArray_FromStringAndSize(NULL, nbytes)


cdef Columns _room_for(Py_ssize_t n, uj_columns *columns):
    cdef Columns made = Columns.__new__(Columns)
    made.t_ns = _room(n * 8)
    made.read_ns = _room(n * 4)
    made.channel = _room(n * 2)
    made.raw = _room(n * 8)
    made.raw_valid = _room((n + 7) // 8)
    made.sensor_ns = _room(n * 8)
    made.sensor_valid = _room((n + 7) // 8)
    made.status = _room(n * 2)
    columns.t_ns = <int64_t *>PyByteArray_AsString(made.t_ns)
    columns.read_ns = <uint32_t *>PyByteArray_AsString(made.read_ns)
    columns.channel = <uint16_t *>PyByteArray_AsString(made.channel)
    columns.raw = <uint64_t *>PyByteArray_AsString(made.raw)
    columns.raw_valid = <uint8_t *>PyByteArray_AsString(made.raw_valid)
    columns.sensor_ns = <int64_t *>PyByteArray_AsString(made.sensor_ns)
    columns.sensor_valid = <uint8_t *>PyByteArray_AsString(made.sensor_valid)
    columns.status = <uint16_t *>PyByteArray_AsString(made.status)
    return made


_PACES = {
    "deadlines": UJ_PACE_DEADLINES,
    "edges": UJ_PACE_EDGES,
    "poll": UJ_PACE_POLL,
    "kernel": UJ_PACE_KERNEL,
}


cdef class Sampler:
    """One lane: a native thread that reads its channels at absolute deadlines.

    Args:
        name: Of the lane; the thread is called ``uj-`` and this.
        channels: ``(reader, path, type, config, cpu, code)`` for each channel.
        period_ns: Between deadlines, 50 000 (20 kHz) to 1 000 000 000 (1 Hz).
        ring_rows: How many rows wait at most for a drain.
        pace: ``(spin_ns, fifo_priority, cpus)``, which reads at deadlines. With ``"poll"`` behind it:
            without a pause, both sides of each change. With ``"kernel"``: in the kernel's timer
            interrupt, perf events of one CPU only. With ``"edges", one_in, lead``: both sides of
            one in so many updates of the channel with that code.

    Raises:
        PermissionDenied, SourceUnavailable, ValueError, MemoryError: A channel cannot be opened,
            or the cadence is out of range; the message names which.
    """

    cdef uj_sampler *_sampler
    cdef readonly str name

    def __cinit__(self, str name, list channels, int64_t period_ns, size_t ring_rows, tuple pace=(0, 0, ())):
        cdef uj_error err
        cdef uj_cadence cadence
        cdef size_t i
        cdef size_t n = len(channels)
        cdef size_t n_cpus = len(pace[2])
        cdef list keep = []  # the encoded strings, alive for as long as C reads them
        err.code = 0
        self.name = name
        cpus = list(pace[2])
        cdef uj_channel *table = <uj_channel *>PyMem_Malloc((n + 1) * sizeof(uj_channel))
        cdef int *cpu_table = <int *>PyMem_Malloc((n_cpus + 1) * sizeof(int))
        try:
            if table is NULL or cpu_table is NULL:
                raise MemoryError()
            for i in range(n):
                reader, path, kind, config, cpu, code = channels[i]
                keep += [reader.encode(), os.fsencode(path)]
                table[i].reader = <bytes>keep[2 * i]
                table[i].path = <bytes>keep[2 * i + 1]
                table[i].type = kind
                table[i].config = config
                table[i].cpu = cpu
                table[i].code = code
            for i in range(n_cpus):
                cpu_table[i] = cpus[i]
            cadence.period_ns = period_ns
            cadence.spin_ns = pace[0]
            cadence.fifo_priority = pace[1]
            cadence.cpus = cpu_table
            cadence.n_cpus = n_cpus
            cadence.ring_rows = ring_rows
            kind, one_in, lead = pace[3:] + ("deadlines", 1, 0)[len(pace) - 3:]
            cadence.pace = _PACES[kind]
            cadence.one_in = one_in
            cadence.lead = lead
            encoded = name.encode()
            _check(uj_sampler_open(table, n, &cadence, encoded, &self._sampler, &err), &err)
        finally:
            PyMem_Free(table)
            PyMem_Free(cpu_table)

    def __dealloc__(self):
        with nogil:
            uj_sampler_close(self._sampler)

    def start(self):
        """Starts the thread. Once only."""
        cdef uj_error err
        cdef int code
        err.code = 0
        with nogil:
            code = uj_sampler_start(self._sampler, &err)
        _check(code, &err)

    def stop(self):
        """Ends and joins the thread; what the ring holds can still be drained."""
        cdef int code
        with nogil:
            code = uj_sampler_stop(self._sampler)
        _check(code, NULL)

    def tick(self):
        """Reads once in this thread. Only while the sampler's own does not run."""
        cdef int code
        with nogil:
            code = uj_sampler_tick(self._sampler)
        _check(code, NULL)

    def burst(self, uint64_t ticks):
        """Reads so many times in this thread, back to back; the nanoseconds that it took together."""
        cdef int code
        cdef uint64_t wall_ns = 0
        with nogil:
            code = uj_sampler_burst(self._sampler, ticks, &wall_ns)
        _check(code, NULL)
        return wall_ns

    def lateness(self):
        """How many ticks began how late: ``(from_ns, below_ns, ticks)``, ascending, where there are any."""
        cdef uint64_t[UJ_LATE_PLACES] ticks
        cdef size_t i, places = UJ_LATE_PLACES
        _check(uj_sampler_lateness(self._sampler, ticks), NULL)
        return [
            (uj_late_from_ns(i), uj_late_from_ns(i + 1), ticks[i]) for i in range(places) if ticks[i]
        ]

    @property
    def capacity(self):
        """How many rows the ring holds."""
        return uj_sampler_capacity(self._sampler)

    def counts(self):
        """The lane's own account: a dict of whole numbers, which only grow."""
        cdef uj_counts counts
        _check(uj_sampler_counts(self._sampler, &counts), NULL)
        return counts

    def drain(self):
        """All rows that wait, as :class:`Columns`. One thread at a time."""
        cdef uj_columns columns
        cdef Py_ssize_t n = uj_sampler_waiting(self._sampler)
        cdef Columns drained = _room_for(n, &columns)
        cdef size_t taken
        with nogil:
            taken = uj_sampler_drain(self._sampler, n, &columns)
        drained._hold(taken, &columns)
        return drained


cdef class Marks:
    """A ring of marks in memory that forked children share.

    Args:
        address: Of a ring that another process created for others; ``""``: a new one that others can open by
            its address; None: a new one that they cannot.
    """

    cdef uj_marks *_marks

    def __cinit__(self, str address=None):
        cdef uj_error err
        err.code = 0
        if address is None:
            _check(uj_marks_create(&self._marks, &err), &err)
        elif address == "":
            _check(uj_marks_create_for_others(&self._marks, &err), &err)
        else:
            encoded = os.fsencode(address)
            _check(uj_marks_open(encoded, &self._marks, &err), &err)

    def __dealloc__(self):
        uj_marks_close(self._marks)

    @property
    def address(self):
        """What another process opens the ring by; None: only forked children have it."""
        return uj_marks_address(self._marks).decode() or None

    def drain(self):
        """The marks that wait, oldest first: (kind, t_ns, number, label), kind "begin" or "end".

        At most as many as the ring holds, though writers go on meanwhile. Of the creator, one thread at
        a time.
        """
        cdef uj_mark mark
        cdef int _
        cdef list marks = []
        for _ in range(UJ_MARKS_CAPACITY):
            if uj_marks_take(self._marks, &mark) == 0:
                break
            kind = "begin" if mark.kind == UJ_MARK_BEGIN else "end"
            marks.append((kind, mark.t_ns, mark.number, mark.label[:mark.length].decode("utf-8", "replace")))
        return marks

    @property
    def waiting(self):
        """How many marks, or parts of long ones, are being written or were left unfinished; after a drain."""
        return uj_marks_waiting(self._marks)

    def losses(self):
        """How many marks are not there, by cause: a dict with ``full``, ``lost`` and ``damaged``."""
        cdef uj_mark_losses losses
        uj_marks_losses(self._marks, &losses)
        return losses


cdef str _encodable(str label):
    try:
        PyUnicode_AsUTF8AndSize(label, NULL)
    except UnicodeEncodeError:
        return label.encode("utf-8", "backslashreplace").decode()
    return label


cdef class Mark:
    """A window in the making. Begins at ``__enter__`` and ends at ``__exit__``; may be used again.

    Entered once more before its end it is two windows, one inside the other.

    Args:
        ring: Where its beginning and its end are marked.
        label: What the mark of its beginning carries. What of it cannot be UTF-8 is written out, as in
            ``\\udcff``: names from the file system may have that.
    """

    cdef Marks _ring
    cdef readonly str label
    cdef uint64_t _number
    cdef bint _begun, _entered
    cdef list _outer  # (number, begun) of the windows that it was entered inside of; None: none yet

    def __cinit__(self, Marks ring not None, str label not None):
        self._ring = ring
        self.label = _encodable(label)

    def __enter__(self):
        cdef Py_ssize_t length
        cdef const char *text = PyUnicode_AsUTF8AndSize(self.label, &length)
        if self._entered:
            if self._outer is None:
                self._outer = []
            self._outer.append((self._number, self._begun))
        self._entered = True
        # A full ring drops the mark and counts it; the measured program gets no message.
        self._begun = uj_marks_begin(self._ring._marks, text, length, &self._number) == 0
        return self

    def __exit__(self, *exc_info):
        if self._begun:
            uj_marks_end(self._ring._marks, self._number)
        if self._outer:
            self._number, self._begun = self._outer.pop()
        else:
            self._entered = self._begun = False
        return None


include "_native_feed.pxi"
include "_native_process.pxi"
