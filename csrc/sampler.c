/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop: wait for a deadline, read, push; and the account of how punctually it was done.
 *
 * Decision: absolute deadlines at start + k * period. A relative sleep adds its own wake-up time
 * to each period and reaches 900 of 1000 Hz. When a tick comes so late that later deadlines have
 * passed, those are counted as missed and not made up: a burst of reads would measure itself.
 * What is given up: a late tick is not told apart from the deadline that it stands for, but by
 * its t_ns.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "reader.h"
#include "ring.h"

#define PERIOD_MIN_NS 50000LL
#define PERIOD_MAX_NS UJ_NS_PER_S
#define NAP_NS 100000000LL /* the longest sleep that stop has to wait for */
#define LATE_SHARE 10      /* a tick is late by more than a tenth of the period */
#define STACK_BYTES (256 * 1024)
#define NAME_BYTES 16 /* what the kernel keeps of a thread's name */

/* The channels of one reader, next to one another in rows. */
struct bank {
    const struct uj_reader *reader;
    void *state;
    size_t first;
};

struct uj_sampler {
    struct uj_ring ring;
    /* Written by the thread, read by anyone; each has one writer, so a store is enough. */
    alignas(UJ_CACHE_LINE) _Atomic uint64_t ticks;
    _Atomic uint64_t late, missed, dropped, errors, late_max_ns;
    _Atomic int fifo, pinned;
    alignas(UJ_CACHE_LINE) _Atomic bool stop;
    pthread_t thread;
    _Atomic pid_t owner;  /* 0: never started */
    _Atomic bool running; /* from start to the end of stop */
    clockid_t busy_clock; /* the thread's CPU time; not through s->thread, which a stop ends */
    _Atomic uint64_t busy_at_end_ns;
    sem_t ready;
    struct uj_cadence cadence;
    cpu_set_t cpus;
    char name[NAME_BYTES];
    size_t n_banks, n_channels;
    struct bank *banks;
    struct uj_sample *rows;
};

static void add(_Atomic uint64_t *count, uint64_t n)
{
    uint64_t now = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, now + n, memory_order_relaxed);
}

static void tick(struct uj_sampler *s)
{
    for (size_t i = 0; i < s->n_banks; i++)
        s->banks[i].reader->read(s->banks[i].state, s->rows + s->banks[i].first);
    for (size_t i = 0; i < s->n_channels; i++) {
        if (s->rows[i].status != 0)
            add(&s->errors, 1);
        if (!uj_ring_push(&s->ring, &s->rows[i]))
            add(&s->dropped, 1);
    }
    add(&s->ticks, 1);
}

/* Waits for the deadline; false when asked to stop. */
static bool wait_until(struct uj_sampler *s, int64_t deadline_ns)
{
    int64_t wake_ns = deadline_ns - s->cadence.spin_ns;
    for (;;) {
        if (atomic_load_explicit(&s->stop, memory_order_relaxed))
            return false;
        int64_t left = wake_ns - uj_now_ns();
        if (left <= 0)
            break;
        uj_sleep_until(left > NAP_NS ? wake_ns - left + NAP_NS : wake_ns);
    }
    while (uj_now_ns() < deadline_ns)
        if (atomic_load_explicit(&s->stop, memory_order_relaxed))
            return false;
    return true;
}

static void settle(struct uj_sampler *s)
{
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    prctl(PR_SET_NAME, (unsigned long)s->name, 0UL, 0UL, 0UL);
    if (s->cadence.n_cpus > 0) {
        int code = pthread_setaffinity_np(pthread_self(), sizeof s->cpus, &s->cpus);
        atomic_store(&s->pinned, code == 0 ? 1 : -code);
    }
    if (s->cadence.fifo_priority > 0) {
        struct sched_param param = {.sched_priority = s->cadence.fifo_priority};
        int code = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
        atomic_store(&s->fifo, code == 0 ? 1 : -code);
    }
}

/* What a CPU clock says; 0 when its thread is gone. */
static uint64_t busy_ns(clockid_t clock)
{
    struct timespec busy;
    if (clock_gettime(clock, &busy) != 0)
        return 0;
    return (uint64_t)busy.tv_sec * (uint64_t)UJ_NS_PER_S + (uint64_t)busy.tv_nsec;
}

static void *run(void *started)
{
    struct uj_sampler *s = started;
    int64_t period = s->cadence.period_ns;
    settle(s);
    pthread_getcpuclockid(pthread_self(), &s->busy_clock);
    int64_t deadline = uj_now_ns() + period;
    sem_post(&s->ready);
    while (wait_until(s, deadline)) {
        int64_t late_ns = uj_now_ns() - deadline;
        int64_t passed = late_ns / period;
        if (passed > 0) {
            add(&s->missed, (uint64_t)passed);
            deadline += passed * period;
        }
        if (late_ns > period / LATE_SHARE)
            add(&s->late, 1);
        if ((uint64_t)late_ns > atomic_load_explicit(&s->late_max_ns, memory_order_relaxed))
            atomic_store_explicit(&s->late_max_ns, (uint64_t)late_ns, memory_order_relaxed);
        tick(s);
        deadline += period;
    }
    atomic_store(&s->busy_at_end_ns, busy_ns(CLOCK_THREAD_CPUTIME_ID));
    return NULL;
}

static int check_cadence(const struct uj_cadence *c, struct uj_error *err)
{
    if (c->period_ns < PERIOD_MIN_NS || c->period_ns > PERIOD_MAX_NS)
        return uj_fail(err, EINVAL, "start sampler", "period outside 50 us to 1 s");
    if (c->spin_ns < 0 || c->spin_ns > c->period_ns)
        return uj_fail(err, EINVAL, "start sampler", "spin longer than the period");
    if (c->fifo_priority < 0 || c->fifo_priority > 99)
        return uj_fail(err, EINVAL, "start sampler", "priority outside 0 to 99");
    for (size_t i = 0; i < c->n_cpus; i++)
        if (c->cpus[i] < 0 || c->cpus[i] >= CPU_SETSIZE)
            return uj_fail(err, EINVAL, "start sampler", "CPU number out of range");
    return 0;
}

/* Opens the channels reader by reader, in the order in which readers first appear. */
static int open_banks(struct uj_sampler *s, const struct uj_channel *channels, size_t n,
                      struct uj_error *err)
{
    struct uj_channel *same = calloc(n, sizeof *same);
    bool *is_open = calloc(n, sizeof *is_open);
    int code = same == NULL || is_open == NULL ? uj_fail(err, ENOMEM, "open", "channels") : 0;
    for (size_t i = 0; i < n && code == 0; i++) {
        if (is_open[i])
            continue;
        const struct uj_reader *reader = uj_reader_named(channels[i].reader);
        if (reader == NULL) {
            code = uj_fail(err, EINVAL, "find reader", channels[i].reader);
            break;
        }
        size_t n_same = 0;
        for (size_t k = i; k < n; k++) {
            if (strcmp(channels[k].reader, reader->name) != 0)
                continue;
            is_open[k] = true;
            same[n_same++] = channels[k];
        }
        struct bank bank = {reader, NULL, s->n_channels};
        code = reader->open(same, n_same, &bank.state, err);
        if (code == 0) {
            s->banks[s->n_banks++] = bank;
            s->n_channels += n_same;
        }
    }
    free(same);
    free(is_open);
    return code;
}

int uj_sampler_open(const struct uj_channel *channels, size_t n_channels,
                    const struct uj_cadence *cadence, const char *name, struct uj_sampler **out,
                    struct uj_error *err)
{
    int code = check_cadence(cadence, err);
    if (code != 0)
        return code;
    if (n_channels == 0)
        return uj_fail(err, EINVAL, "start sampler", "no channels");
    struct uj_sampler *s = aligned_alloc(UJ_CACHE_LINE, sizeof *s);
    if (s == NULL)
        return uj_fail(err, ENOMEM, "start sampler", name);
    memset(s, 0, sizeof *s);
    sem_init(&s->ready, 0, 0);
    s->cadence = *cadence;
    for (size_t i = 0; i < cadence->n_cpus; i++)
        CPU_SET((size_t)cadence->cpus[i], &s->cpus);
    s->cadence.cpus = NULL; /* the caller's array may go away */
    snprintf(s->name, sizeof s->name, "uj-%s", name);
    s->banks = calloc(n_channels, sizeof *s->banks);
    s->rows = calloc(n_channels, sizeof *s->rows);
    if (s->banks == NULL || s->rows == NULL || uj_ring_init(&s->ring, cadence->ring_rows) != 0)
        code = uj_fail(err, ENOMEM, "start sampler", name);
    if (code == 0)
        code = open_banks(s, channels, n_channels, err);
    if (code != 0) {
        uj_sampler_close(s);
        return code;
    }
    *out = s;
    return 0;
}

int uj_sampler_start(struct uj_sampler *s, struct uj_error *err)
{
    if (s->owner != 0)
        return uj_fail(err, EALREADY, "start sampler", s->name);
    pthread_attr_t attr;
    sigset_t all, before;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    /* The thread inherits the mask: signals are the program's, never the sampler's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&s->thread, &attr, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (code != 0)
        return uj_fail(err, code, "start sampler", s->name);
    while (sem_wait(&s->ready) != 0 && errno == EINTR)
        continue;
    s->owner = getpid();
    s->running = true; /* after the thread has told its clock */
    return 0;
}

static bool is_forked(const struct uj_sampler *s)
{
    return s->owner != 0 && s->owner != getpid();
}

static uint64_t thread_busy_ns(const struct uj_sampler *s)
{
    uint64_t now = s->running ? busy_ns(s->busy_clock) : 0;
    return now != 0 ? now : atomic_load(&s->busy_at_end_ns);
}

int uj_sampler_stop(struct uj_sampler *s)
{
    if (is_forked(s))
        return -ECHILD;
    if (!s->running)
        return 0;
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    s->running = false;
    return 0;
}

int uj_sampler_tick(struct uj_sampler *s)
{
    if (is_forked(s))
        return -ECHILD;
    if (s->running)
        return -EBUSY;
    tick(s);
    return 0;
}

size_t uj_sampler_waiting(const struct uj_sampler *s)
{
    return uj_ring_waiting(&s->ring);
}

size_t uj_sampler_drain(struct uj_sampler *s, size_t capacity, struct uj_columns *columns)
{
    return uj_ring_drain(&s->ring, capacity, columns);
}

int uj_sampler_counts(const struct uj_sampler *s, struct uj_counts *out)
{
    if (is_forked(s))
        return -ECHILD;
    *out = (struct uj_counts){
        .ticks = atomic_load_explicit(&s->ticks, memory_order_relaxed),
        .late = atomic_load_explicit(&s->late, memory_order_relaxed),
        .missed = atomic_load_explicit(&s->missed, memory_order_relaxed),
        .dropped = atomic_load_explicit(&s->dropped, memory_order_relaxed),
        .errors = atomic_load_explicit(&s->errors, memory_order_relaxed),
        .late_max_ns = atomic_load_explicit(&s->late_max_ns, memory_order_relaxed),
        .busy_ns = thread_busy_ns(s),
        .fifo = atomic_load(&s->fifo),
        .pinned = atomic_load(&s->pinned),
    };
    return 0;
}

size_t uj_sampler_capacity(const struct uj_sampler *s)
{
    return s->ring.mask + 1;
}

void uj_sampler_close(struct uj_sampler *s)
{
    if (s == NULL)
        return;
    uj_sampler_stop(s);
    for (size_t i = 0; i < s->n_banks; i++)
        s->banks[i].reader->close(s->banks[i].state);
    uj_ring_free(&s->ring);
    sem_destroy(&s->ready);
    free(s->banks);
    free(s->rows);
    free(s);
}
