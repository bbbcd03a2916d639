/* SPDX-License-Identifier: Apache-2.0
 *
 * The sampler: opens readers, runs a pace in a thread of its own, and keeps the account.
 */
#define _GNU_SOURCE
#include "sampler.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "error.h"
#include "fork.h"
#include "memory.h"
#include "reader_kernel.h"
#include "slice.h"

#define PERIOD_MIN_NS 50000LL
#define PERIOD_MAX_NS UJ_NS_PER_S
#define STACK_BYTES (1024 * 1024) /* reserved; what is touched is there */
#define ONE_IN_MAX 10000

static void (*const paces[])(struct uj_sampler *, int64_t start_ns) = {
    [UJ_PACE_DEADLINES] = uj_pace_deadlines,
    [UJ_PACE_EDGES] = uj_pace_edges,
    [UJ_PACE_POLL] = uj_pace_poll,
    [UJ_PACE_KERNEL] = uj_pace_kernel,
};

void uj_sampler_account(struct uj_sampler *s, int64_t late_ns, int64_t punctual_ns)
{
    uj_lateness_add(&s->lateness, late_ns);
    if (late_ns <= 0)
        return;
    if (late_ns > punctual_ns)
        uj_add(&s->late, 1);
    if ((uint64_t)late_ns > uj_load_relaxed(&s->late_max_ns))
        uj_store_relaxed(&s->late_max_ns, (uint64_t)late_ns);
}

static void round_of_reads(struct uj_sampler *s)
{
    uj_sampler_read(s);
    uj_sampler_push(s);
    uj_add(&s->ticks, 1);
}

bool uj_sampler_sleep(struct uj_sampler *s, int64_t until_ns)
{
    return uj_wait(&s->stop, until_ns);
}

static void settle(struct uj_sampler *s)
{
    int code = uj_memory_hold_stack(&s->stack);
    uj_store_relaxed(&s->locked, s->ring.locked == 1 ? code : s->ring.locked);
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    uj_ask_short_turns();
    prctl(PR_SET_NAME, (unsigned long)s->name, 0UL, 0UL, 0UL);
    if (s->cadence.n_cpus > 0) {
        code = pthread_setaffinity_np(pthread_self(), sizeof s->cpus, &s->cpus);
        uj_store_relaxed(&s->pinned, code == 0 ? 1 : -code);
    }
    if (s->cadence.fifo_priority > 0) {
        struct sched_param param = {.sched_priority = s->cadence.fifo_priority};
        code = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
        uj_store_relaxed(&s->fifo, code == 0 ? 1 : -code);
    }
    if (s->cadence.pace == UJ_PACE_KERNEL) {
        bool is_able = uj_kernel_start(s->banks[0].state, s->cadence.period_ns);
        uj_store_relaxed(&s->kernel, is_able ? 1 : -EIO);
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
    settle(s);
    pthread_getcpuclockid(pthread_self(), &s->busy_clock);
    int64_t start_ns = uj_now_ns();
    sem_post(&s->ready);
    paces[s->cadence.pace](s, start_ns);
    uj_store_relaxed(&s->busy_at_end_ns, busy_ns(CLOCK_THREAD_CPUTIME_ID));
    uj_memory_release_stack(s->stack);
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
    if (c->pace < 0 || (size_t)c->pace >= sizeof paces / sizeof *paces)
        return uj_fail(err, EINVAL, "start sampler", "no such pace");
    if (c->pace == UJ_PACE_EDGES && (c->one_in < 1 || c->one_in > ONE_IN_MAX || c->spin_ns == 0))
        return uj_fail(err, EINVAL, "start sampler", "edges want a spin, and one in 1 to 10000");
    for (size_t i = 0; i < c->n_cpus; i++)
        if (c->cpus[i] < 0 || c->cpus[i] >= CPU_SETSIZE)
            return uj_fail(err, EINVAL, "start sampler", "CPU number out of range");
    return 0;
}

/* Opens the channels reader by reader, in the order in which readers first appear. */
static int open_banks(struct uj_sampler *s, const struct uj_channel *channels, size_t n,
                      struct uj_error *err)
{
    struct uj_channel *same = calloc(n + 1, sizeof *same);
    bool *is_open = calloc(n + 1, sizeof *is_open);
    int code = same == NULL || is_open == NULL ? uj_fail(err, ENOMEM, "open", "channels") : 0;
    for (size_t i = 0; i < n && code == 0; i++) {
        if (is_open[i])
            continue;
        const struct uj_reader *reader = uj_reader_named(channels[i].reader);
        if (reader == NULL) {
            code = uj_fail(err, EINVAL, "find reader", channels[i].reader);
            break;
        }
        if (s->cadence.pace == UJ_PACE_KERNEL) {
            if (reader != &uj_reader_perf) {
                code = uj_fail(err, EINVAL, "sample in the kernel", channels[i].reader);
                break;
            }
            reader = &uj_reader_kernel;
        }
        size_t n_same = 0;
        for (size_t k = i; k < n; k++) {
            if (strcmp(channels[k].reader, reader->name) != 0)
                continue;
            is_open[k] = true;
            if (channels[k].code == s->cadence.lead)
                s->lead = s->n_channels + n_same;
            same[n_same++] = channels[k];
        }
        struct uj_bank bank = {reader, NULL, s->n_channels};
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

/* For what readers have beyond one row a channel. */
static int make_room(struct uj_sampler *s, struct uj_error *err)
{
    bool is_needed = false;
    for (size_t i = 0; i < s->n_banks; i++)
        is_needed |= s->banks[i].reader->read_more != NULL;
    s->more = is_needed ? calloc(UJ_MORE_ROWS, sizeof *s->more) : NULL;
    return is_needed && s->more == NULL ? uj_fail(err, ENOMEM, "start sampler", s->name) : 0;
}

int uj_sampler_open(const struct uj_channel *channels, size_t n_channels,
                    const struct uj_cadence *cadence, const char *name, struct uj_sampler **out,
                    struct uj_error *err)
{
    int code = check_cadence(cadence, err);
    if (code != 0)
        return code;
    if (n_channels == 0 && cadence->pace != UJ_PACE_DEADLINES)
        return uj_fail(err, EINVAL, "start sampler", "no channels");
    struct uj_sampler *s = aligned_alloc(UJ_CACHE_LINE, sizeof *s);
    if (s == NULL)
        return uj_fail(err, ENOMEM, "start sampler", name);
    memset(s, 0, sizeof *s);
    s->opener = getpid();
    sem_init(&s->ready, 0, 0);
    pthread_mutex_init(&s->turn, NULL);
    s->cadence = *cadence;
    for (size_t i = 0; i < cadence->n_cpus; i++)
        CPU_SET((size_t)cadence->cpus[i], &s->cpus);
    s->cadence.cpus = NULL; /* the caller's array may go away */
    snprintf(s->name, sizeof s->name, "uj-%s", name);
    s->banks = calloc(n_channels + 1, sizeof *s->banks);
    s->rows = calloc(n_channels + 1, sizeof *s->rows);
    s->before = calloc(n_channels + 1, sizeof *s->before);
    s->untold = calloc(n_channels + 1, sizeof *s->untold);
    if (s->banks == NULL || s->rows == NULL || s->before == NULL || s->untold == NULL ||
        uj_ring_init(&s->ring, cadence->ring_rows) != 0)
        code = uj_fail(err, ENOMEM, "start sampler", name);
    if (code == 0)
        code = open_banks(s, channels, n_channels, err);
    if (code == 0)
        code = make_room(s, err);
    if (code != 0) {
        uj_sampler_close(s);
        return code;
    }
    *out = s;
    return 0;
}

/* The thread inherits the mask: signals are the program's, never the sampler's. */
static int start_thread(struct uj_sampler *s)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int code = pthread_attr_init(&attr);
    if (code != 0)
        return code;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (code == 0)
        code = pthread_create(&s->thread, &attr, run, s);
    /* Thread-local data of the program that does not fit takes a stack of the usual size. */
    if (code == EINVAL)
        code = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return code;
}

static int start(struct uj_sampler *s)
{
    if (s->was_started)
        return EALREADY;
    int code = start_thread(s);
    if (code != 0)
        return code;
    while (sem_wait(&s->ready) != 0 && errno == EINTR)
        continue;
    s->was_started = true;
    uj_store_release(&s->running, true); /* the thread has stored its clock */
    return 0;
}

int uj_sampler_start(struct uj_sampler *s, struct uj_error *err)
{
    if (uj_is_forked(s->opener))
        return uj_fail(err, ECHILD, "start sampler", s->name);
    pthread_mutex_lock(&s->turn);
    int code = start(s);
    pthread_mutex_unlock(&s->turn);
    return code == 0 ? 0 : uj_fail(err, code, "start sampler", s->name);
}

static uint64_t thread_busy_ns(const struct uj_sampler *s)
{
    uint64_t now = uj_load_acquire(&s->running) ? busy_ns(s->busy_clock) : 0;
    return now != 0 ? now : uj_load_relaxed(&s->busy_at_end_ns);
}

int uj_sampler_stop(struct uj_sampler *s)
{
    if (uj_is_forked(s->opener))
        return -ECHILD;
    pthread_mutex_lock(&s->turn);
    if (uj_load_relaxed(&s->running)) {
        uj_raise(&s->stop);
        pthread_join(s->thread, NULL);
        uj_store_relaxed(&s->running, false);
    }
    pthread_mutex_unlock(&s->turn);
    return 0;
}

int uj_sampler_burst(struct uj_sampler *s, uint64_t ticks, uint64_t *wall_ns)
{
    if (uj_is_forked(s->opener))
        return -ECHILD;
    pthread_mutex_lock(&s->turn);
    bool is_running = uj_load_relaxed(&s->running);
    int64_t start_ns = uj_now_ns();
    for (uint64_t i = 0; i < ticks && !is_running; i++)
        round_of_reads(s);
    *wall_ns = (uint64_t)(uj_now_ns() - start_ns);
    pthread_mutex_unlock(&s->turn);
    return is_running ? -EBUSY : 0;
}

int uj_sampler_tick(struct uj_sampler *s)
{
    uint64_t wall_ns;
    return uj_sampler_burst(s, 1, &wall_ns);
}

size_t uj_sampler_waiting(const struct uj_sampler *s)
{
    return uj_is_forked(s->opener) ? 0 : uj_ring_waiting(&s->ring);
}

size_t uj_sampler_drain(struct uj_sampler *s, size_t capacity, struct uj_columns *columns)
{
    return uj_ring_drain(&s->ring, uj_is_forked(s->opener) ? 0 : capacity, columns);
}

int uj_sampler_counts(const struct uj_sampler *s, struct uj_counts *out)
{
    if (uj_is_forked(s->opener))
        return -ECHILD;
    *out = (struct uj_counts){
        .ticks = uj_load_relaxed(&s->ticks),
        .late = uj_load_relaxed(&s->late),
        .missed = uj_load_relaxed(&s->missed),
        .dropped = uj_load_relaxed(&s->dropped),
        .errors = uj_load_relaxed(&s->errors),
        .late_max_ns = uj_load_relaxed(&s->late_max_ns),
        .busy_ns = thread_busy_ns(s),
        .fifo = uj_load_relaxed(&s->fifo),
        .pinned = uj_load_relaxed(&s->pinned),
        .kernel = uj_load_relaxed(&s->kernel),
        .locked = uj_load_relaxed(&s->locked),
    };
    return 0;
}

int uj_sampler_lateness(const struct uj_sampler *s, uint64_t *ticks)
{
    if (uj_is_forked(s->opener))
        return -ECHILD;
    for (size_t i = 0; i < UJ_LATE_PLACES; i++)
        ticks[i] = uj_load_relaxed(&s->lateness.ticks[i]);
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
    pthread_mutex_destroy(&s->turn);
    free(s->banks);
    free(s->rows);
    free(s->before);
    free(s->untold);
    free(s->more);
    free(s);
}
