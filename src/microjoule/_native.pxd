# The declarations of csrc/microjoule.h, and nothing else.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef extern from "microjoule.h" nogil:
    struct uj_error:
        int code
        char what[256]

    int64_t uj_now_ns()
    int uj_clock_pair(int clock, int64_t *t_ns, uint32_t *read_ns, uint64_t *value_ns)

    struct uj_columns:
        int64_t *t_ns
        uint32_t *read_ns
        uint16_t *channel
        uint64_t *raw
        uint8_t *raw_valid
        int64_t *sensor_ns
        uint8_t *sensor_valid
        uint16_t *status
        size_t raw_nulls
        size_t sensor_nulls

    const char *uj_reader_name(size_t index)

    struct uj_channel:
        const char *reader
        const char *path
        uint64_t config
        uint32_t type
        int32_t cpu
        uint16_t code

    enum:
        UJ_PACE_DEADLINES
        UJ_PACE_EDGES
        UJ_PACE_POLL
        UJ_PACE_KERNEL

    struct uj_cadence:
        int64_t period_ns
        int64_t spin_ns
        int fifo_priority
        const int *cpus
        size_t n_cpus
        size_t ring_rows
        int pace
        int one_in
        uint16_t lead

    struct uj_counts:
        uint64_t ticks
        uint64_t late
        uint64_t missed
        uint64_t dropped
        uint64_t errors
        uint64_t busy_ns
        uint64_t late_max_ns
        int fifo
        int pinned
        int kernel
        int locked

    enum:
        UJ_LATE_PLACES

    struct uj_sampler:
        pass

    int uj_sampler_open(const uj_channel *channels, size_t n_channels, const uj_cadence *cadence,
                        const char *name, uj_sampler **out, uj_error *err)
    int uj_sampler_start(uj_sampler *sampler, uj_error *err)
    int uj_sampler_stop(uj_sampler *sampler)
    int uj_sampler_tick(uj_sampler *sampler)
    size_t uj_sampler_waiting(const uj_sampler *sampler)
    size_t uj_sampler_drain(uj_sampler *sampler, size_t capacity, uj_columns *columns)
    int uj_sampler_counts(const uj_sampler *sampler, uj_counts *out)
    int uj_sampler_lateness(const uj_sampler *sampler, uint64_t *ticks)
    int64_t uj_late_from_ns(size_t place)
    size_t uj_sampler_capacity(const uj_sampler *sampler)
    void uj_sampler_close(uj_sampler *sampler)

    struct uj_work:
        uint64_t wall_ns
        uint64_t cpu_ns

    uint64_t uj_work_done "uj_work"(uint64_t rounds, uj_work *took)
    int uj_sampler_burst(uj_sampler *sampler, uint64_t ticks, uint64_t *wall_ns)

    enum:
        UJ_MARK_BEGIN
        UJ_MARK_END

    struct uj_mark:
        int64_t t_ns
        uint64_t number
        uint32_t kind
        uint32_t length
        char label[4096]

    struct uj_marks:
        pass

    enum:
        UJ_MARKS_CAPACITY

    struct uj_mark_losses:
        uint64_t full
        uint64_t lost
        uint64_t damaged

    int uj_marks_create(uj_marks **out, uj_error *err)
    int uj_marks_create_for_others(uj_marks **out, uj_error *err)
    uint64_t uj_marks_waiting(const uj_marks *marks)
    const char *uj_marks_address(const uj_marks *marks)
    int uj_marks_open(const char *address, uj_marks **out, uj_error *err)
    int uj_marks_begin(uj_marks *marks, const char *label, size_t length, uint64_t *number)
    int uj_marks_end(uj_marks *marks, uint64_t number)
    int uj_marks_take(uj_marks *marks, uj_mark *out)
    void uj_marks_losses(const uj_marks *marks, uj_mark_losses *out)
    void uj_marks_close(uj_marks *marks)

    struct uj_sample:
        int64_t t_ns
        uint64_t raw
        int64_t sensor_ns
        uint32_t read_ns
        uint16_t channel
        uint16_t status

    struct uj_feed:
        pass

    enum:
        UJ_FEED_N_COUNTS
        UJ_FEED_NOT_WANTED

    int uj_feed_create(size_t rows, uj_feed **out, uj_error *err)
    int uj_feed_fd(const uj_feed *feed)
    int uj_feed_publish(uj_feed *feed, uj_sampler *sampler)
    int uj_feed_write(uj_feed *feed, const uj_sample *rows, size_t n)
    int uj_feed_open(int fd, uj_feed **out, uj_error *err)
    int64_t uj_feed_newest_ns(const uj_feed *feed)
    void uj_feed_seek(uj_feed *feed, int64_t from_ns)
    size_t uj_feed_waiting(const uj_feed *feed)
    size_t uj_feed_drain(uj_feed *feed, const uint16_t *codes, size_t n_codes, size_t capacity,
                         uj_columns *columns, uint64_t *n_lost)
    void uj_feed_counts(const uj_feed *feed, uint64_t *counts, int64_t *published_ns)
    void uj_feed_close(uj_feed *feed)
    int uj_confine(uj_error *err)
    int uj_signal_wait(const int *numbers, size_t n_numbers, int64_t timeout_ns, int *code)
