/* SPDX-License-Identifier: Apache-2.0
 *
 * microjoule's native core: reads numbers on time.
 *
 * It knows a few ways of reading a number (a decimal text file, an 8-byte register, a group of
 * perf events, a script) and nothing of packages, joules or money. A *sampler* is one thread that
 * reads its channels at absolute deadlines and pushes rows into its ring; the owner drains the
 * ring into columns. *Marks* are named instants that any thread or child process adds.
 *
 * Every function returns 0 or -errno unless it says otherwise, prints nothing, and takes its
 * out-parameters last; a close or free accepts NULL. Times are CLOCK_MONOTONIC nanoseconds.
 * The sampler's thread never allocates, locks, logs or raises while it samples.
 */
#ifndef MICROJOULE_H
#define MICROJOULE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors and clocks ------------------------------------------------------------------- */

/* What happened, on what: "open /dev/cpu/0/msr: Permission denied". Filled in whenever a function
 * that takes one returns a negative code; the remedy is the caller's to add. */
struct uj_error {
    int code; /* the negative errno that was returned */
    char what[256];
};

/* CLOCK_MONOTONIC now. Any thread, about 20 ns. */
int64_t uj_now_ns(void);

/* Reads another clock between two reads of CLOCK_MONOTONIC; the narrowest of a few brackets.
 * clock: a clockid_t. t_ns: the earlier monotonic time; read_ns: the bracket's width; value_ns:
 * the clock's reading. -EINVAL for a clock that does not exist. Any thread. */
int uj_clock_pair(int clock, int64_t *t_ns, uint32_t *read_ns, uint64_t *value_ns);

/* ---- rows -------------------------------------------------------------------------------- */

#define UJ_NO_SENSOR_TIME INT64_MIN

/* A status from here on is a code of NVIDIA's library plus this: 10015 is NVML's 15, GPU is lost.
 * Below it a status is an errno, which Linux keeps under 4096. */
#define UJ_STATUS_NVML 10000
/* The same of AMD's: 20002 is libamd_smi's 2, not supported; 30002 is librocm_smi64's. */
#define UJ_STATUS_AMDSMI 20000
#define UJ_STATUS_ROCM_SMI 30000
/* This plus n, of a perf event that was read and has a raw: n times since the reading before the
 * kernel took it off and put it on again, as somebody else opened an event; what came between is
 * not counted. Where it is not known between which two of some readings that was, the last of them
 * has n, and those before it have 0. */
#define UJ_STATUS_UNCOUNTED 5000
#define UJ_UNCOUNTED_MAX 4999

/* One reading of one channel: the row of the ring. No two rows of a channel have one t_ns. Where
 * one read brings several (a driver's buffer of samples), they have its time, its time + 1 ns, + 2
 * ns, ...; the instant that each speaks of is its sensor_ns. */
struct uj_sample {
    int64_t t_ns;      /* when the read began */
    uint64_t raw;      /* what the interface said; meaningless where the read failed */
    int64_t sensor_ns; /* the device's own time, or UJ_NO_SENSOR_TIME */
    uint32_t read_ns;  /* how long the read took; saturates */
    uint16_t channel;  /* uj_channel.code */
    uint16_t status;   /* 0, UJ_STATUS_UNCOUNTED + n, or the errno (or the library's code) of the
                        * failed read */
};

/* The same as columns, each of the capacity given to the drain. Bitmaps are Arrow's: bit set =
 * valid, least significant first, (capacity + 7) / 8 bytes. The caller owns all of them. */
struct uj_columns {
    int64_t *t_ns;
    uint32_t *read_ns;
    uint16_t *channel;
    uint64_t *raw;
    uint8_t *raw_valid;
    int64_t *sensor_ns;
    uint8_t *sensor_valid;
    uint16_t *status;
    size_t raw_nulls;    /* out: how many bits of raw_valid are clear */
    size_t sensor_nulls; /* out: how many bits of sensor_valid are clear */
};

/* ---- samplers ---------------------------------------------------------------------------- */

/* The name of the reader with that index, from 0; NULL past the last one. Any thread. */
const char *uj_reader_name(size_t index);

/* How to read one channel; what a reader makes of path, config, type and cpu its own file says in
 * full. The strings are read during uj_sampler_open only. */
struct uj_channel {
    const char *reader; /* a name that uj_reader_name gives: "text", "perf", ... */
    const char *path;   /* text, msr, script: the file. perf: the PMU's folder.
                         * nvml: "UUID@LIBRARY". amdsmi: "PCI ADDRESS@LIBRARY" */
    uint64_t config;    /* perf: event. msr: register. text: mask of fields to add, 0 = the first.
                         * nvml: field | scope << 32, or a call of its own << 48: 1 energy, 2 power,
                         * 3 temperature, 4 SM clock, 5 utilisation, 6 the driver's samples of a
                         * type. amdsmi: 1 energy, 2 average power */
    uint32_t type;      /* perf: the PMU's type */
    int32_t cpu;        /* perf: the CPU; -1: commands that the opening thread starts afterwards */
    uint16_t code;      /* what to write into uj_sample.channel */
};

/* When the thread reads, and what it keeps. */
enum uj_pace {
    UJ_PACE_DEADLINES, /* at each deadline */
    UJ_PACE_EDGES,     /* both sides of the lead channel's updates, which it predicts */
    UJ_PACE_POLL,      /* without a pause; both sides of each change of any channel */
    UJ_PACE_KERNEL,    /* at each deadline, in a timer interrupt: perf events of one CPU only */
};

struct uj_cadence {
    int64_t period_ns; /* between deadlines: 50 us (20 kHz) to 1 s (1 Hz). Edges: between two
                        * updates of the lead, about */
    int64_t spin_ns;   /* wake this long before each deadline and spin; 0: sleep only. Edges: how
                        * far around an update to look for it at most */
    int fifo_priority; /* 1 to 99: ask for SCHED_FIFO; 0: do not */
    const int *cpus;   /* run on these CPUs only */
    size_t n_cpus;     /* 0: wherever the scheduler likes */
    size_t ring_rows;  /* at least this many rows fit; rounded up to a power of two */
    int pace;          /* enum uj_pace */
    int one_in;        /* edges: of so many updates, one is caught; 1 to 10000 */
    uint16_t lead;     /* edges: uj_channel.code of the lead */
};

/* A sampler's own account, valid while it runs and after. Each only grows. Edge-locked, a deadline
 * is an update that is aimed at: caught it is a tick, and late where the thread woke after it was
 * due; otherwise it is missed. */
struct uj_counts {
    uint64_t ticks;       /* rounds of reads taken */
    uint64_t late;        /* of these, begun more than a tenth of a period after the deadline */
    uint64_t missed;      /* deadlines that passed while an earlier tick was not over: not taken */
    uint64_t dropped;     /* rows read that found the ring full */
    uint64_t errors;      /* rows of failed reads */
    uint64_t busy_ns;     /* CPU time of the thread */
    uint64_t late_max_ns; /* the latest tick */
    int fifo;             /* 1: SCHED_FIFO was granted; 0: not asked; -errno: refused */
    int pinned;           /* 1: pinned to the CPUs asked for; 0: not asked; -errno: refused */
    int kernel;           /* 1: the kernel samples; 0: not asked, or not yet; -errno: it did not, or
                           * was throttled, and the thread goes on at the deadlines */
    int locked;           /* 1: the ring and the thread's stack are locked; 0: not started;
                           * -errno: refused. Their pages are there from the start all the same */
};

/* A tick's lateness is counted in one of so many places: each is an eighth of an octave wide. */
#define UJ_LATE_PLACES 256

struct uj_sampler;

/* Opens every channel's reader and prepares the ring; samples nothing yet. Without any channel a
 * sampler is an empty loop that keeps its deadlines, to compare others with. On success the caller
 * owns *out and must close it. Codes: -EINVAL (a reader that does not exist, a cadence out of
 * range), -ENOMEM, and whatever opening the channel gave, with err->what naming it. A perf channel
 * with cpu -1 counts the commands that the calling thread starts after this. */
int uj_sampler_open(const struct uj_channel *channels, size_t n_channels,
                    const struct uj_cadence *cadence, const char *name, struct uj_sampler **out,
                    struct uj_error *err);

/* A sampler belongs to the process that opened it. In a fork every call says -ECHILD or that there
 * are no rows, and a close frees what the child has of it without a call of any vendor's library.
 */

/* Starts the thread. -EALREADY when it has run before, -EAGAIN when no thread can be had. */
int uj_sampler_start(struct uj_sampler *sampler, struct uj_error *err);

/* Wakes, ends and joins the thread: it takes as long as a read that has begun. Any thread. What the
 * ring holds can still be drained. 0 also when it does not run. -ECHILD in a fork: the thread did
 * not come along. */
int uj_sampler_stop(struct uj_sampler *sampler);

/* Reads once in the calling thread, as a tick does, and pushes the rows. -EBUSY while the thread
 * runs. For tests, for benchmarks, and for one last reading after a stop. */
int uj_sampler_tick(struct uj_sampler *sampler);

/* How many rows wait in the ring; none in a fork. One consumer at a time. */
size_t uj_sampler_waiting(const struct uj_sampler *sampler);

/* Moves up to capacity rows out of the ring into columns; returns how many. One consumer at a
 * time; never waits. */
size_t uj_sampler_drain(struct uj_sampler *sampler, size_t capacity, struct uj_columns *columns);

/* The account so far. Any thread. -ECHILD as in stop. */
int uj_sampler_counts(const struct uj_sampler *sampler, struct uj_counts *out);

/* How many ticks began how late, so far: ticks has UJ_LATE_PLACES places, and in each those from
 * uj_late_from_ns(place) up to the next. Any thread. -ECHILD as in stop. */
int uj_sampler_lateness(const struct uj_sampler *sampler, uint64_t *ticks);
int64_t uj_late_from_ns(size_t place);

/* How many rows the ring holds. */
size_t uj_sampler_capacity(const struct uj_sampler *sampler);

/* Stops if need be, closes the readers, frees. */
void uj_sampler_close(struct uj_sampler *sampler);

/* ---- feeds --------------------------------------------------------------------------------- */

/* Rows of one sampler in memory that its owner writes and any number of other processes read
 * (feed.h). A reader never delays the owner or another reader; one that falls behind loses the
 * oldest rows, and counts them. */
struct uj_feed;

/* How many counts of struct uj_counts a feed carries: ticks, late, missed, dropped, errors,
 * busy_ns, late_max_ns, and 1 where the kernel samples. */
#define UJ_FEED_N_COUNTS 8

/* As a code: rows of this channel are passed over. */
#define UJ_FEED_NOT_WANTED UINT16_MAX

/* New memory for at least rows rows, 64 to 2 million. The caller owns *out. */
int uj_feed_create(size_t rows, struct uj_feed **out, struct uj_error *err);

/* The descriptor to hand to readers; it belongs to the feed. -1 of a reader's. */
int uj_feed_fd(const struct uj_feed *feed);

/* Moves what waits in the sampler's ring into the feed, with its counts and the time. As the
 * sampler's consumer; one thread at a time. -EPERM of a reader's feed, -ECHILD in a fork. */
int uj_feed_publish(struct uj_feed *feed, struct uj_sampler *sampler);

/* The same with rows of the caller's, as one tick. */
int uj_feed_write(struct uj_feed *feed, const struct uj_sample *rows, size_t n);

/* Maps the feed behind a descriptor, which stays the caller's, for reading. -EINVAL where it is
 * none, or memory that could be cut. It begins with the oldest row. */
int uj_feed_open(int fd, struct uj_feed **out, struct uj_error *err);

/* When the last row began; 0: there is none. */
int64_t uj_feed_newest_ns(const struct uj_feed *feed);

/* Goes to the first row that began at or after that time, or to the end. */
void uj_feed_seek(struct uj_feed *feed, int64_t from_ns);

/* How many rows wait for this reader, at most; none in a fork. */
size_t uj_feed_waiting(const struct uj_feed *feed);

/* Takes up to capacity rows, as uj_sampler_drain. codes: what to write in place of each channel's
 * code, UJ_FEED_NOT_WANTED for those to be passed over, as all from n_codes on are. n_lost: rows
 * that were overwritten before they were taken. One thread at a time; never waits. */
size_t uj_feed_drain(struct uj_feed *feed, const uint16_t *codes, size_t n_codes, size_t capacity,
                     struct uj_columns *columns, uint64_t *n_lost);

/* The owner's UJ_FEED_N_COUNTS counts, and when it last published; 0: never. */
void uj_feed_counts(const struct uj_feed *feed, uint64_t *counts, int64_t *published_ns);

void uj_feed_close(struct uj_feed *feed);

/* Takes from the whole process every system call but those that sampling and serving feeds need,
 * for good (confine.c). -ENOTSUP on a processor that it does not know, otherwise what the kernel
 * says. */
int uj_confine(struct uj_error *err);

/* Waits for one of the signals, which the caller blocks, for so long at most: its number, and in
 * *code who sent it (si_code of sigaction(2)). 0: none came, or the wait was cut short, as by a
 * stop of the process and its end (signal(7)); what came meanwhile is then given by the next call.
 */
int uj_signal_wait(const int *numbers, size_t n_numbers, int64_t timeout_ns, int *code);

/* ---- what sampling costs ------------------------------------------------------------------- */

struct uj_work {
    uint64_t wall_ns; /* how long it took */
    uint64_t cpu_ns;  /* of which the thread was on a CPU */
};

/* Works for so many rounds, about 2 ns each, always the same. Returns what came of it, so that no
 * compiler leaves it out. Any thread. */
uint64_t uj_work(uint64_t rounds, struct uj_work *took);

/* So many ticks one straight after the other, as uj_sampler_tick, whose codes it returns; what they
 * took together. Rows that find no room are dropped. */
int uj_sampler_burst(struct uj_sampler *sampler, uint64_t ticks, uint64_t *wall_ns);

/* ---- marks ------------------------------------------------------------------------------- */

#define UJ_MARK_LABEL 96 /* bytes of label in one slot; longer labels take several */

enum uj_mark_kind { UJ_MARK_BEGIN = 1, UJ_MARK_END = 2 };

struct uj_mark {
    int64_t t_ns;
    uint64_t number; /* of the window, unique within the ring */
    uint32_t kind;   /* enum uj_mark_kind */
    uint32_t length; /* bytes of label */
    char label[4096];
};

struct uj_marks;

/* A ring of marks in memory that forked children share and no other process has. The caller owns
 * *out. Nothing of it outlives the processes that have it, however they end. */
int uj_marks_create(struct uj_marks **out, struct uj_error *err);

/* The same in memory that other processes of this user may map as well, where there is such memory
 * (marks_memory.h). */
int uj_marks_create_for_others(struct uj_marks **out, struct uj_error *err);

/* What another process gives to uj_marks_open, to be put into its environment; "" where only forked
 * children can have it. Belongs to the ring. */
const char *uj_marks_address(const struct uj_marks *marks);

/* Maps the ring of that address. -EINVAL where it is none, or another by now. */
int uj_marks_open(const char *address, struct uj_marks **out, struct uj_error *err);

/* Adds a begin (with a label) and gives the window's number, or an end (number from its begin).
 * Any thread of any process, lock-free, about 100 ns, never more than a few us whatever other
 * processes write into the memory. Labels over 4096 bytes are cut. Returns 0, or -EAGAIN when the
 * ring is full: the mark is counted. */
int uj_marks_begin(struct uj_marks *marks, const char *label, size_t length, uint64_t *number);
int uj_marks_end(struct uj_marks *marks, uint64_t number);

/* How many marks the ring holds, and a consumer takes at most before it goes on to other work. */
#define UJ_MARKS_CAPACITY 65536

/* Takes the oldest mark: 1, or 0 when there is none. Only the creator, one thread at a time. A slot
 * whose writer ended in the middle is passed over after a second; what cannot be a mark, at once. A
 * call looks at UJ_MARKS_CAPACITY slots at most. */
int uj_marks_take(struct uj_marks *marks, struct uj_mark *out);

/* How many slots are claimed and not taken, as far as the memory can be believed: after a take of
 * 0, by writers that are writing or have ended. Of the creator, in its consumer's thread. */
uint64_t uj_marks_waiting(const struct uj_marks *marks);

/* Marks that are not there, by their cause. */
struct uj_mark_losses {
    uint64_t full; /* found no room. Counted by the writers, in memory that any of them can write */
    uint64_t lost; /* slots of marks whose writer ended in the middle; a long label has several */
    uint64_t damaged; /* slots, labels and indices that some process overwrote */
};

/* Of the creator, in its consumer's thread. */
void uj_marks_losses(const struct uj_marks *marks, struct uj_mark_losses *out);

void uj_marks_close(struct uj_marks *marks);

#ifdef __cplusplus
}
#endif
#endif
