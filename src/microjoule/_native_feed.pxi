"""Feeds: rows of a sampler in memory that others read (``csrc/feed.h``). A part of ``_native.pyx``."""

FEED_COUNTS = (
    "ticks", "late", "missed", "dropped", "errors", "busy_ns", "late_max_ns", "kernel"
)


cdef class Feed:
    """Rows that this process publishes and others read, or that another publishes and this reads.

    Args:
        rows: How many it holds, for a new one. The newest stay.
        fd: In place of them, the descriptor of another process's feed; it stays the caller's.

    Raises:
        MemoryError: There is no memory for it.
        ValueError: The descriptor is no feed, or memory that could be cut.
    """

    cdef uj_feed *_feed

    def __cinit__(self, size_t rows=0, int fd=-1):
        cdef uj_error err
        err.code = 0
        if fd >= 0:
            _check(uj_feed_open(fd, &self._feed, &err), &err)
        else:
            _check(uj_feed_create(rows, &self._feed, &err), &err)

    def __dealloc__(self):
        uj_feed_close(self._feed)

    @property
    def fd(self):
        """What readers open it by; -1 of a reader's."""
        return uj_feed_fd(self._feed)

    def publish(self, Sampler sampler not None):
        """Moves what waits in a sampler into the feed. As its consumer, one thread at a time."""
        cdef int code
        with nogil:
            code = uj_feed_publish(self._feed, sampler._sampler)
        _check(code, NULL)

    def write(self, bytes rows not None):
        """Appends rows of 32 bytes each: t_ns, raw, sensor_ns, read_ns, channel and status, as in C.

        Raises:
            ValueError: They are no whole number of rows.
        """
        if len(rows) % sizeof(uj_sample):
            raise ValueError(f"{len(rows)} bytes are no whole number of rows")
        cdef size_t n = len(rows) // sizeof(uj_sample)
        _check(uj_feed_write(self._feed, <const uj_sample *><const char *>rows, n), NULL)

    @property
    def newest_ns(self):
        """When the last row began; 0: there is none."""
        return uj_feed_newest_ns(self._feed)

    def seek(self, int64_t from_ns):
        """Goes to the first row that began at or after that time, or to the end."""
        with nogil:
            uj_feed_seek(self._feed, from_ns)

    def drain(self, bytes codes not None):
        """The rows that this reader has not taken: :class:`Columns`, and how many were overwritten before.

        Args:
            codes: What to write in place of each code of a channel, 16 bits each in this machine's order;
                channels of 65535 and those beyond are passed over.
        """
        cdef uj_columns columns
        cdef Py_ssize_t n = uj_feed_waiting(self._feed)
        cdef Columns drained = _room_for(n, &columns)
        cdef size_t taken
        cdef uint64_t n_lost = 0
        cdef size_t n_codes = len(codes) // sizeof(uint16_t)
        cdef const uint16_t *table = <const uint16_t *><const char *>codes
        with nogil:
            taken = uj_feed_drain(self._feed, table, n_codes, n, &columns, &n_lost)
        drained._hold(taken, &columns)
        return drained, n_lost

    def counts(self):
        """The owner's account of its sampler: whole numbers by name, those of ``Sampler.counts``."""
        cdef uint64_t[UJ_FEED_N_COUNTS] counts
        cdef int64_t published_ns
        uj_feed_counts(self._feed, counts, &published_ns)
        return {name: counts[i] for i, name in enumerate(FEED_COUNTS)}

    @property
    def published_ns(self):
        """When the owner last published, CLOCK_MONOTONIC; 0: never."""
        cdef uint64_t[UJ_FEED_N_COUNTS] counts
        cdef int64_t published_ns
        uj_feed_counts(self._feed, counts, &published_ns)
        return published_ns
