/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge-locked pace: predicts the next update of the lead channel's counter, sleeps until
 * shortly before, reads as fast as it goes until the update is seen, and keeps the two rounds of
 * reads on both sides of it. The time of the update is then known to one read, at the cost of the
 * wake-up and of a short spin.
 *
 *          sleep            wake     spin     update
 *   ────────────────────────┊· · · ·│││││││││▲ keep these two
 *                           ╰ usual lateness ╯╰ 4 deviations of earlier updates
 *
 * Theory. A counter's clock is as good as the CPU's, so period and phase are followed by a filter
 * of second order on the error of each prediction. How early to be there is what TCP does for its
 * timeout: a running mean and a running mean deviation, for the lateness of the wake-up and for
 * the error of the prediction, each a few bits of integer arithmetic.
 *
 * An update that is aimed at is a deadline: caught it is a tick, otherwise it is missed, whether
 * the counter left it out, the thread overslept, or it came outside the spin. One reading is kept
 * then all the same. After LOST in a row the lock is given up and the pace hunts: it spins for
 * two periods, and where nothing moves in that time it reads once a period until something does.
 *
 * Decision: the deviations count for at most spin_ns before and after the prediction, and the
 * lateness of wake-ups for at most as much again; a counter that jitters by more is seen less
 * often, and does not cost more.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "sampler.h"

#define LOST 16           /* updates missed in a row */
#define RETRIES 2         /* at the very next update */
#define HUNT_PERIODS 2    /* no counter is two periods late twice */
#define DEVIATIONS 4      /* as in RFC 6298 */
#define LATE_DEVIATIONS 3 /* likewise; each costs CPU time at every update */
#define GAIN 8            /* of the running means: each new value counts an eighth */
#define PERIOD_GAIN 16    /* likewise of the period */
#define MARGIN_NS 2000LL  /* a read or two */
#define LATE_NS 80000LL   /* what a wake-up is taken to need before any has been seen */

struct lock {
    int64_t next_ns;      /* when the update that is aimed at is due */
    int64_t period_ns;    /* between two updates, as learnt so far */
    int64_t deviation_ns; /* mean absolute error of the predictions */
    int64_t late_ns;      /* mean lateness of the wake-ups */
    int64_t late_deviation_ns;
    int64_t step_ns; /* from one aim to the next: one_in periods */
    unsigned missed; /* in a row */
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool lead_differs(const struct uj_sampler *s)
{
    const struct uj_sample *now = &s->rows[s->lead], *before = &s->before[s->lead];
    return now->raw != before->raw && uj_is_read(now) && uj_is_read(before);
}

/* Reads until the lead changes or the instant has passed; whether it changed. */
static bool spin_until(struct uj_sampler *s, int64_t end_ns)
{
    uj_sampler_read(s);
    while (!uj_is_stopped(s)) {
        uj_sampler_read(s);
        if (lead_differs(s))
            return true;
        if (s->rows[s->lead].t_ns >= end_ns)
            return false;
    }
    return false;
}

/* The middle of the time in which the change that was just seen must have happened. */
static int64_t edge_ns(const struct uj_sampler *s)
{
    const struct uj_sample *now = &s->rows[s->lead], *before = &s->before[s->lead];
    return before->t_ns + (now->t_ns + now->read_ns - before->t_ns) / 2;
}

static void keep_edge(struct uj_sampler *s)
{
    uj_sampler_push_before(s);
    uj_sampler_push(s);
    uj_add(&s->ticks, 1);
}

static void aim(struct lock *lock, int64_t from_ns)
{
    lock->next_ns = from_ns + lock->step_ns;
}

/* Reads once a period until the lead has moved; false when asked to stop. */
static bool wait_for_life(struct uj_sampler *s, const struct lock *lock)
{
    for (int64_t at_ns = uj_now_ns();; at_ns += lock->period_ns) {
        if (!uj_sampler_sleep(s, at_ns + lock->period_ns))
            return false;
        uj_sampler_read(s);
        uj_sampler_push(s);
        if (lead_differs(s))
            return true;
        uj_add(&s->missed, 1);
    }
}

/* Finds an update by reading without a pause; false when asked to stop. */
static bool hunt(struct uj_sampler *s, struct lock *lock)
{
    for (;;) {
        if (spin_until(s, uj_now_ns() + HUNT_PERIODS * lock->period_ns)) {
            keep_edge(s);
            lock->missed = 0;
            lock->deviation_ns = s->cadence.spin_ns / DEVIATIONS;
            aim(lock, edge_ns(s));
            return true;
        }
        if (uj_is_stopped(s) || !wait_for_life(s, lock))
            return false;
    }
}

/* Learns from an update that came so long after its prediction. */
static void learn(const struct uj_sampler *s, struct lock *lock, int64_t error_ns)
{
    int64_t usual_ns = s->cadence.period_ns;
    lock->period_ns += error_ns / PERIOD_GAIN / s->cadence.one_in;
    /* A counter that leaves updates out must not talk the lock into a multiple of its period. */
    if (llabs(lock->period_ns - usual_ns) > usual_ns / 4)
        lock->period_ns = usual_ns;
    lock->step_ns = lock->period_ns * s->cadence.one_in;
    lock->deviation_ns += (llabs(error_ns) - lock->deviation_ns) / GAIN;
    lock->missed = 0;
    aim(lock, lock->next_ns + error_ns / 2);
}

static void miss(struct uj_sampler *s, struct lock *lock)
{
    uj_sampler_push(s);
    uj_add(&s->missed, 1);
    lock->missed++;
    lock->deviation_ns = smaller(lock->deviation_ns * 3 / 2 + MARGIN_NS, s->cadence.spin_ns);
    /* The very next one, whatever one_in is; but where that fails too the machine is busy. */
    lock->next_ns += lock->missed <= RETRIES ? lock->period_ns : lock->step_ns;
}

/* Sleeps and spins for one update; false when asked to stop. */
static bool follow(struct uj_sampler *s, struct lock *lock)
{
    int64_t spin_ns = s->cadence.spin_ns;
    int64_t around_ns = smaller(DEVIATIONS * lock->deviation_ns + MARGIN_NS, spin_ns);
    int64_t early_ns =
        around_ns + smaller(lock->late_ns + LATE_DEVIATIONS * lock->late_deviation_ns, spin_ns);
    int64_t passed = (uj_now_ns() + early_ns - lock->next_ns) / lock->step_ns;
    if (passed > 0) { /* the program was held up: these cannot be aimed at any more */
        uj_add(&s->missed, (uint64_t)passed);
        aim(lock, lock->next_ns + (passed - 1) * lock->step_ns);
    }
    int64_t wake_ns = lock->next_ns - early_ns;
    bool slept = uj_now_ns() < wake_ns;
    if (!uj_sampler_sleep(s, wake_ns))
        return false;
    int64_t late_ns = uj_now_ns() - wake_ns;
    uj_sampler_account(s, late_ns - early_ns, 0);
    if (slept) { /* one that was late by a scheduler's slice says nothing of the next */
        late_ns = smaller(late_ns, spin_ns);
        lock->late_deviation_ns +=
            (llabs(late_ns - lock->late_ns) - lock->late_deviation_ns) / GAIN;
        lock->late_ns += (late_ns - lock->late_ns) / GAIN;
    }
    if (spin_until(s, lock->next_ns + around_ns)) {
        keep_edge(s);
        learn(s, lock, edge_ns(s) - lock->next_ns);
    } else if (!uj_is_stopped(s)) {
        miss(s, lock);
    }
    return true;
}

void uj_pace_edges(struct uj_sampler *s, int64_t start_ns)
{
    (void)start_ns;
    struct lock lock = {
        .period_ns = s->cadence.period_ns,
        .late_ns = smaller(LATE_NS, s->cadence.spin_ns),
        .step_ns = s->cadence.period_ns * s->cadence.one_in,
    };
    while (!uj_is_stopped(s) && hunt(s, &lock))
        while (lock.missed < LOST && follow(s, &lock))
            continue;
}
