/* SPDX-License-Identifier: Apache-2.0
 *
 * Decision: CLOCK_MONOTONIC everywhere. It never steps, costs 20 ns through the vDSO, and perf can
 * stamp with it. Its rate is steered towards UTC, which is wanted for power; what is given up is a
 * clock that runs on in suspend, so the file carries pairs with CLOCK_BOOTTIME as well.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <time.h>

#include "microjoule.h"

#define PAIR_TRIES 5

int64_t uj_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * UJ_NS_PER_S + now.tv_nsec;
}

uint32_t uj_elapsed_ns(int64_t t0_ns, int64_t t1_ns)
{
    int64_t elapsed = t1_ns - t0_ns;
    return elapsed < 0 ? 0 : elapsed > UINT32_MAX ? UINT32_MAX : (uint32_t)elapsed;
}

int uj_clock_pair(int clock, int64_t *t_ns, uint32_t *read_ns, uint64_t *value_ns)
{
    *read_ns = UINT32_MAX;
    *t_ns = 0;
    *value_ns = 0;
    for (int i = 0; i < PAIR_TRIES; i++) {
        struct timespec other;
        int64_t before = uj_now_ns();
        if (clock_gettime(clock, &other) != 0)
            return -errno;
        uint32_t width = uj_elapsed_ns(before, uj_now_ns());
        if (i == 0 || width < *read_ns) {
            *t_ns = before;
            *read_ns = width;
            *value_ns = (uint64_t)other.tv_sec * (uint64_t)UJ_NS_PER_S + (uint64_t)other.tv_nsec;
        }
    }
    return 0;
}
