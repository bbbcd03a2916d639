/* SPDX-License-Identifier: Apache-2.0
 *
 * The usual pace: a round of reads at each deadline.
 *
 * Decision: absolute deadlines at start + k * period. A relative sleep adds its own wake-up time
 * to each period and reaches 900 of 1000 Hz. When a tick comes so late that later deadlines have
 * passed, those are counted as missed and not made up: a burst of reads would measure itself.
 * What is given up: a late tick is distinguished from its deadline only by
 * its t_ns.
 */
#define _GNU_SOURCE
#include "sampler.h"

#define LATE_SHARE 10 /* a tick is late by more than a tenth of the period */

/* Waits for the deadline, the last of it awake; false when asked to stop. */
static bool wait_until(struct uj_sampler *s, int64_t deadline_ns)
{
    if (!uj_sampler_sleep(s, deadline_ns - s->cadence.spin_ns))
        return false;
    while (uj_now_ns() < deadline_ns)
        if (uj_is_stopped(s))
            return false;
    return true;
}

void uj_pace_deadlines(struct uj_sampler *s, int64_t start_ns)
{
    int64_t period = s->cadence.period_ns;
    int64_t deadline = start_ns + period;
    while (wait_until(s, deadline)) {
        int64_t late_ns = uj_now_ns() - deadline;
        int64_t passed = late_ns / period;
        if (passed > 0) {
            uj_add(&s->missed, (uint64_t)passed);
            deadline += passed * period;
        }
        uj_sampler_account(s, late_ns, period / LATE_SHARE);
        uj_sampler_read(s);
        uj_sampler_push(s);
        uj_add(&s->ticks, 1);
        deadline += period;
    }
}
