/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UJ_SLICE_H
#define UJ_SLICE_H

#include <stdint.h>

/* What sched_getattr and sched_setattr take (linux/sched/types.h, which does not go beside every C
 * library's sched.h). Of a fair thread runtime_ns is the length of its turns; 0: before Linux 6.12.
 */
struct uj_scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

/* Asks the fair scheduler for the shortest turns, for the calling thread. */
void uj_ask_short_turns(void);

#endif
