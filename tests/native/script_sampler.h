/* SPDX-License-Identifier: Apache-2.0
 * Samplers of a script, for the tests of the sampler. */
#ifndef SCRIPT_SAMPLER_H
#define SCRIPT_SAMPLER_H

#include "check.h"

#define PATIENCE_NS (20 * 1000 * MS) /* only a hang takes longer */

static inline struct uj_sampler *open_at(const char *script, struct uj_cadence cadence)
{
    const char *path = file_with(script, strlen(script));
    struct uj_channel channel = {.reader = "script", .path = path};
    struct uj_sampler *sampler = NULL;
    struct uj_error err = {0};
    CHECK_EQ(uj_sampler_open(&channel, 1, &cadence, "test", &sampler, &err), 0);
    unlink(path);
    return sampler;
}

static inline struct uj_sampler *open_every_ns(const char *script, int64_t period_ns)
{
    return open_at(script, (struct uj_cadence){.period_ns = period_ns, .ring_rows = 65536});
}

static inline struct uj_counts counts_of(const struct uj_sampler *sampler)
{
    struct uj_counts counts;
    CHECK_EQ(uj_sampler_counts(sampler, &counts), 0);
    return counts;
}

static inline void wait_for_ticks(const struct uj_sampler *sampler, uint64_t ticks)
{
    int64_t start_ns = uj_now_ns();
    while (counts_of(sampler).ticks < ticks) {
        CHECK(uj_now_ns() - start_ns < PATIENCE_NS);
        nap_ms(1);
    }
}

#endif
