/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring of samples for one producer and one consumer.
 *
 * Decision: a full ring drops the newest row. For a counter a lost row costs resolution, never
 * joules, and the producer never has to touch what the consumer owns (MEMORY_ORDER.md).
 * The producer keeps a copy of the consumer's index and looks at the real one only when the copy
 * says full, so that a push usually touches no line that the other core writes.
 */
#ifndef UJ_RING_H
#define UJ_RING_H

#include <stdalign.h>
#include <stdbool.h>

#include "microjoule.h"
#include "order.h"

#define UJ_CACHE_LINE 64

struct uj_ring {
    alignas(UJ_CACHE_LINE) _Atomic size_t head; /* next to write: the producer's */
    size_t tail_seen;
    alignas(UJ_CACHE_LINE) _Atomic size_t tail; /* next to read: the consumer's */
    alignas(UJ_CACHE_LINE) struct uj_sample *rows;
    size_t mask;
    int locked; /* 1, or -errno */
};

/* Allocates at least rows places, of which no page is missing while sampling; locks them if it may
 * and says so in locked. */
int uj_ring_init(struct uj_ring *ring, size_t rows);

/* Whether a row tells when its event was off. */
static inline bool uj_is_uncounted(const struct uj_sample *row)
{
    return row->status >= UJ_STATUS_UNCOUNTED &&
           row->status <= UJ_STATUS_UNCOUNTED + UJ_UNCOUNTED_MAX;
}

/* Whether a row has a raw. */
static inline bool uj_is_read(const struct uj_sample *row)
{
    return row->status == 0 || uj_is_uncounted(row);
}

/* How often its event was off since the row before. */
static inline uint32_t uj_times_off(const struct uj_sample *row)
{
    return uj_is_uncounted(row) ? row->status - (uint32_t)UJ_STATUS_UNCOUNTED : 0;
}

/* Says of a row that was read that its event was off so many times more. */
static inline void uj_add_uncounted(struct uj_sample *row, uint32_t n)
{
    if (n == 0 || !uj_is_read(row))
        return;
    n += uj_times_off(row);
    row->status = (uint16_t)(UJ_STATUS_UNCOUNTED + (n < UJ_UNCOUNTED_MAX ? n : UJ_UNCOUNTED_MAX));
}

/* The same as uj_times_off, and the row says it no longer. */
static inline uint32_t uj_take_times_off(struct uj_sample *row)
{
    uint32_t n = uj_times_off(row);
    if (uj_is_uncounted(row))
        row->status = 0;
    return n;
}

/* Producer: false, and nothing written, when there is no room. */
bool uj_ring_push(struct uj_ring *ring, const struct uj_sample *row);

/* Consumer: how many rows wait. */
size_t uj_ring_waiting(const struct uj_ring *ring);

/* Consumer: moves up to capacity rows into columns; returns how many. */
size_t uj_ring_drain(struct uj_ring *ring, size_t capacity, struct uj_columns *columns);

/* Consumer: the same as rows. */
size_t uj_ring_take(struct uj_ring *ring, size_t capacity, struct uj_sample *rows);

/* Writes a row at place i of the columns, and counts what it has not. Places ascend from 0. */
void uj_columns_put(struct uj_columns *columns, size_t i, const struct uj_sample *row);

void uj_ring_free(struct uj_ring *ring);

#endif
