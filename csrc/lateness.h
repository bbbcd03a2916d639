/* SPDX-License-Identifier: Apache-2.0
 *
 * How late ticks began, as a histogram: a place an eighth of an octave, so that it knows each to an
 * eighth of itself, from a nanosecond to a quarter of a minute.
 *
 * Decision: it is kept here and not derived from the rows' t_ns afterwards. Only the pace knows the
 * deadlines: a file tells neither where their grid lies nor which of them a tick stands for that
 * came more than a period late, and an empty loop has no rows at all. It costs one addition a tick.
 */
#ifndef UJ_LATENESS_H
#define UJ_LATENESS_H

#include <stddef.h>
#include <stdint.h>

#include "microjoule.h"
#include "order.h"

struct uj_lateness {
    _Atomic uint64_t ticks[UJ_LATE_PLACES];
};

/* The place of a lateness; what is early is 0. */
size_t uj_late_place(int64_t late_ns);

static inline void uj_lateness_add(struct uj_lateness *lateness, int64_t late_ns)
{
    uj_add(&lateness->ticks[uj_late_place(late_ns)], 1);
}

#endif
