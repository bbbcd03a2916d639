/* SPDX-License-Identifier: Apache-2.0
 *
 * What sampler.c and the paces share: the sampler itself, one round of reads, and the waits. A pace
 * is the loop of the thread: it decides when to read and which readings are worth a row.
 */
#ifndef UJ_SAMPLER_H
#define UJ_SAMPLER_H

#ifndef _GNU_SOURCE
#error "cpu_set_t: define _GNU_SOURCE before the first header"
#endif

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/types.h>
#include <time.h>

#include "clock.h"
#include "lateness.h"
#include "order.h"
#include "reader.h"
#include "ring.h"
#include "wait.h"

/* The channels of one reader, next to one another in rows. */
struct uj_bank {
    const struct uj_reader *reader;
    void *state;
    size_t first;
};

struct uj_sampler {
    struct uj_ring ring;
    /* Written by the thread (after a stop, by a tick), read by anyone. */
    alignas(UJ_CACHE_LINE) _Atomic uint64_t ticks;
    _Atomic uint64_t late, missed, dropped, errors, late_max_ns;
    _Atomic int fifo, pinned, kernel, locked;
    struct uj_lateness lateness;
    alignas(UJ_CACHE_LINE) _Atomic uint32_t stop; /* a flag of wait.h */
    pthread_t thread;
    pid_t opener;
    pthread_mutex_t turn; /* of start, stop and tick: whoever may call them, one at a time */
    bool was_started;
    _Atomic bool running; /* from start to the end of stop */
    clockid_t busy_clock; /* the thread's CPU time; not through s->thread, which a stop ends */
    _Atomic uint64_t busy_at_end_ns;
    sem_t ready;
    struct uj_cadence cadence;
    cpu_set_t cpus;
    char name[16]; /* what the kernel keeps of a thread's name */
    void *stack;   /* what is locked of the thread's */
    size_t n_banks, n_channels;
    size_t lead; /* the row of the channel whose updates an edge-locked pace follows */
    struct uj_bank *banks;
    struct uj_sample *rows;   /* the latest round of reads */
    struct uj_sample *before; /* the round before it */
    uint32_t *untold;         /* how often each event was off that no row in the ring says */
    struct uj_sample *more;   /* what a reader has beyond a round; NULL: none of them has */
};

static inline bool uj_is_stopped(const struct uj_sampler *s)
{
    return uj_load_relaxed(&s->stop) != 0;
}

/* Reads every channel into rows; what was there becomes before. */
void uj_sampler_read(struct uj_sampler *s);

/* Pushes the latest round of reads, and what came with it; what finds no room is counted as
 * dropped. */
void uj_sampler_push(struct uj_sampler *s);

/* Pushes the round before it, alone. Before that one, as rows ascend. */
void uj_sampler_push_before(struct uj_sampler *s);

/* Counts a tick that began so long after it was due; late is what is no longer punctual. */
void uj_sampler_account(struct uj_sampler *s, int64_t late_ns, int64_t punctual_ns);

/* Sleeps until the instant; false when asked to stop. */
bool uj_sampler_sleep(struct uj_sampler *s, int64_t until_ns);

/* The paces, from the instant at which the thread had settled until it is asked to stop. */
void uj_pace_deadlines(struct uj_sampler *s, int64_t start_ns);
void uj_pace_edges(struct uj_sampler *s, int64_t start_ns);
void uj_pace_poll(struct uj_sampler *s, int64_t start_ns);
void uj_pace_kernel(struct uj_sampler *s, int64_t start_ns);

#endif
