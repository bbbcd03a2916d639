/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "wait.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "microjoule.h"

#ifdef SYS_futex_time64 /* where a long, and the older call's time, has 32 bits */
#define FUTEX SYS_futex_time64
#else
#define FUTEX SYS_futex
#endif

bool uj_wait(_Atomic uint32_t *flag, int64_t until_ns)
{
    int64_t until[2] = {until_ns / UJ_NS_PER_S, until_ns % UJ_NS_PER_S}; /* the kernel's timespec */
    for (;;) {
        if (uj_load_relaxed(flag) != 0)
            return false;
        if (uj_now_ns() >= until_ns)
            return true;
        /* The kernel compares the flag with 0 once more before it sleeps, so no raise is missed. */
        syscall(FUTEX, flag, FUTEX_WAIT_BITSET_PRIVATE, 0, until, NULL, FUTEX_BITSET_MATCH_ANY);
    }
}

void uj_raise(_Atomic uint32_t *flag)
{
    uj_store_relaxed(flag, 1);
    syscall(FUTEX, flag, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
