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
