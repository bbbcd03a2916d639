/* SPDX-License-Identifier: Apache-2.0
 *
 * A short turn of the scheduler for a thread that only takes moments (Linux 6.12, kernel/sched/
 * syscalls.c: __setparam_fair; fair.c: PREEMPT_SHORT; earlier kernels pass over sched_runtime).
 *
 * The fair scheduler lets a thread that wakes take a CPU from one whose deadline is later, and a
 * deadline is a turn away. With turns of equal length a sampler often waits for the end of the
 * other's, 3 ms or a tick: at 10 kHz that is forty ticks at once. A turn of 0.1 ms costs nobody
 * anything, for the sampler's share of the CPU stays the same, and needs no privilege.
 */
#define _GNU_SOURCE
#include "slice.h"

#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHORTEST_NS 100000ULL /* what the kernel allows */

/* linux/sched/types.h has it too, but not beside every C library's sched.h. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

void uj_ask_short_turns(void)
{
    struct attributes its;
    memset(&its, 0, sizeof its);
    if (syscall(SYS_sched_getattr, 0, &its, sizeof its, 0) != 0)
        return;
    if (its.policy != SCHED_OTHER && its.policy != SCHED_BATCH)
        return; /* somebody has chosen, and knows why */
    its.size = sizeof its;
    its.runtime_ns = SHORTEST_NS;
    syscall(SYS_sched_setattr, 0, &its, 0); /* refused, it is as it was */
}
