/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's own pace: it takes a round of reads in its timer interrupt at each deadline
 * (reader_kernel.c), and the thread wakes ten times a second to move the rows into the ring.
 *
 * The deadlines are the kernel's: it keeps to a grid, and passes over what it was kept from. So
 * ticks + missed is their number here too, and a gap between two rows says how many passed. Where
 * the grid lies is learnt from the rows: no row comes before its deadline, so that the earliest
 * tells; it yields slowly, as the kernel's timer moves by a little whenever somebody opens events.
 *
 * Decision: the default where the scheduler's tick goes on while a CPU idles
 * (src/microjoule/recording/idle_tick.py): there it delivers more than the thread, at 2 to 28 % of
 * its CPU time, and says closer when a value was read (benchmarks/results/kernel_lane.md). Where
 * the tick stops, the kernel takes a kilohertz for a storm and throttles it after
 * perf_event_max_sample_rate / HZ rounds, which since 6.16 stops the counts too: 1 kHz on an idle
 * CPU of the rig may last 0.4 s. So the first throttle ends it: the thread takes over at the
 * deadlines, on events that were never stopped, and what passed between is counted as missed.
 *
 * Decision: the thread runs on the CPU of the events and wakes ten times a second. A CPU that had
 * stopped its tick before starts it again only when a task runs there; a throttled or dead timer is
 * known within 0.1 s; and the program's GIL is kept out of it. What is given up: a thread that
 * never wakes, 0.1 to 0.8 % of a core here, the comparison of both groups among it.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "reader_kernel.h"
#include "sampler.h"

#define COLLECT_NS 100000000LL
#define EARLY_SHARE 10 /* a row may come this part of a period before the grid as known so far */
#define YIELD 256      /* the grid moves towards a row by this part of its lateness */
#define LATE_SHARE 10
#define DEAD_PERIODS 3 /* without a row for so long, and a collection: the timer is dead */

struct grid {
    int64_t period_ns;
    int64_t last_ns; /* the deadline that was covered last */
    bool is_known;   /* since the first row: its deadline is taken to be when it came */
    uint64_t lost;   /* rounds since that the kernel had no room for */
};

/* Accounts for a row, and for the deadlines that passed before it. */
static void account(struct uj_sampler *s, struct grid *grid, int64_t t_ns)
{
    if (!grid->is_known)
        grid->last_ns = t_ns - grid->period_ns;
    grid->is_known = true;
    int64_t since_ns = t_ns - grid->last_ns;
    int64_t k = (since_ns + grid->period_ns / EARLY_SHARE) / grid->period_ns;
    int64_t late_ns = since_ns - k * grid->period_ns;
    uint64_t passed = k > 1 ? (uint64_t)k - 1 : 0;
    uj_add(&s->missed, passed > grid->lost ? passed - grid->lost : 0);
    uj_add(&s->ticks, 1);
    uj_sampler_account(s, late_ns, grid->period_ns / LATE_SHARE);
    grid->last_ns = t_ns - (late_ns > 0 ? late_ns - late_ns / YIELD : 0);
    grid->lost = 0;
}

/* Moves what waits into the ring; false when no more will come. */
static bool collect(struct uj_sampler *s, struct grid *grid)
{
    void *state = s->banks[0].state;
    uint64_t n_lost = 0;
    if (!uj_kernel_collect(state))
        return false;
    for (;;) {
        switch (uj_kernel_next(state, s->rows, &n_lost)) {
        case UJ_KERNEL_SAMPLE:
            account(s, grid, s->rows[0].t_ns);
            uj_sampler_push(s);
            break;
        case UJ_KERNEL_LOST:
            grid->lost += n_lost;
            uj_add(&s->ticks, n_lost);
            uj_add(&s->dropped, n_lost * s->n_channels);
            break;
        case UJ_KERNEL_THROTTLED: return false;
        case UJ_KERNEL_NONE:
            return uj_now_ns() - grid->last_ns < COLLECT_NS + DEAD_PERIODS * grid->period_ns;
        }
    }
}

void uj_pace_kernel(struct uj_sampler *s, int64_t start_ns)
{
    struct grid grid = {.period_ns = s->cadence.period_ns, .last_ns = start_ns};
    bool is_able = uj_load_relaxed(&s->kernel) == 1; /* as it has settled */
    for (int64_t at_ns = start_ns; is_able;) {
        at_ns += COLLECT_NS;
        bool goes_on = uj_sampler_sleep(s, at_ns);
        is_able = collect(s, &grid);
        if (!goes_on)
            break;
        if (uj_now_ns() - at_ns > COLLECT_NS)
            at_ns = uj_now_ns();
    }
    uj_kernel_end(s->banks[0].state);
    if (is_able || uj_is_stopped(s))
        return;
    if (uj_load_relaxed(&s->kernel) == 1)
        uj_store_relaxed(&s->kernel, -EAGAIN);
    int64_t now_ns = uj_now_ns();
    if (now_ns - grid.last_ns > grid.period_ns)
        uj_add(&s->missed, (uint64_t)((now_ns - grid.last_ns) / grid.period_ns));
    uj_pace_deadlines(s, now_ns);
}
