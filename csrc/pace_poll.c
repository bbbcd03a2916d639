/* SPDX-License-Identifier: Apache-2.0
 *
 * The pace of a calibration: read as fast as it goes, and keep the two rounds of reads on both
 * sides of each change of any channel. Two successive rows of a channel that differ are then two
 * successive reads, so that the update between them is known as well as this machine can know it.
 *
 * It takes a whole core. ticks counts all rounds of reads, whether kept or not: their number over
 * the time is the resolution.
 */
#define _GNU_SOURCE
#include "sampler.h"

static bool has_changed(const struct uj_sampler *s)
{
    for (size_t i = 0; i < s->n_channels; i++)
        if (s->rows[i].raw != s->before[i].raw || s->rows[i].status != s->before[i].status)
            return true;
    return false;
}

void uj_pace_poll(struct uj_sampler *s, int64_t start_ns)
{
    (void)start_ns;
    bool is_kept = true; /* whether the round before has its rows already */
    uj_sampler_read(s);
    uj_sampler_push(s);
    uj_add(&s->ticks, 1);
    while (!uj_is_stopped(s)) {
        uj_sampler_read(s);
        uj_add(&s->ticks, 1);
        bool is_changed = has_changed(s);
        if (is_changed && !is_kept)
            uj_sampler_push_before(s);
        if (is_changed)
            uj_sampler_push(s);
        is_kept = is_changed;
    }
    if (!is_kept)
        uj_sampler_push(s);
}
