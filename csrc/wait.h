/* SPDX-License-Identifier: Apache-2.0
 *
 * Sleeping until an instant or until somebody raises a flag, whichever comes first (futex(2)).
 *
 * Decision: a futex with an absolute deadline. It wakes as punctually as clock_nanosleep, with
 * which it shares the kernel's timer, and a flag that is raised ends it at once, however far the
 * deadline is. It is a system call of its own because no C library has this wait without a lock.
 */
#ifndef UJ_WAIT_H
#define UJ_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "order.h"

/* Sleeps until the monotonic instant; true when it has come, false when the flag was raised. */
bool uj_wait(_Atomic uint32_t *flag, int64_t until_ns);

/* Raises the flag for good and wakes who waits for it. Any thread. */
void uj_raise(_Atomic uint32_t *flag);

#endif
