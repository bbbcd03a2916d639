/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <errno.h>

#include "memory.h"

int uj_ring_init(struct uj_ring *ring, size_t rows)
{
    size_t places = 64;
    if (rows > SIZE_MAX / 2 / sizeof *ring->rows)
        return -ENOMEM;
    while (places < rows)
        places *= 2;
    ring->rows = uj_memory_map(places * sizeof *ring->rows);
    if (ring->rows == NULL)
        return -ENOMEM;
    ring->mask = places - 1;
    ring->locked = uj_memory_lock(ring->rows, places * sizeof *ring->rows);
    ring->tail_seen = 0;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    return 0;
}

bool uj_ring_push(struct uj_ring *ring, const struct uj_sample *row)
{
    size_t head = uj_load_relaxed(&ring->head);
    if (head - ring->tail_seen > ring->mask) {
        ring->tail_seen = uj_load_acquire(&ring->tail);
        if (head - ring->tail_seen > ring->mask)
            return false;
    }
    ring->rows[head & ring->mask] = *row;
    uj_store_release(&ring->head, head + 1);
    return true;
}

size_t uj_ring_waiting(const struct uj_ring *ring)
{
    return uj_load_acquire(&ring->head) - uj_load_relaxed(&ring->tail);
}

static void put_bit(uint8_t *bits, size_t i, bool set)
{
    uint8_t bit = (uint8_t)(1u << (i & 7));
    if ((i & 7) == 0)
        bits[i >> 3] = 0;
    if (set)
        bits[i >> 3] |= bit;
}

void uj_columns_put(struct uj_columns *columns, size_t i, const struct uj_sample *row)
{
    bool has_raw = uj_is_read(row);
    bool has_sensor = row->sensor_ns != UJ_NO_SENSOR_TIME;
    columns->t_ns[i] = row->t_ns;
    columns->read_ns[i] = row->read_ns;
    columns->channel[i] = row->channel;
    columns->raw[i] = has_raw ? row->raw : 0;
    columns->sensor_ns[i] = has_sensor ? row->sensor_ns : 0;
    columns->status[i] = row->status;
    put_bit(columns->raw_valid, i, has_raw);
    put_bit(columns->sensor_valid, i, has_sensor);
    columns->raw_nulls += !has_raw;
    columns->sensor_nulls += !has_sensor;
}

size_t uj_ring_take(struct uj_ring *ring, size_t capacity, struct uj_sample *rows)
{
    size_t tail = uj_load_relaxed(&ring->tail);
    size_t n = uj_ring_waiting(ring);
    if (n > capacity)
        n = capacity;
    for (size_t i = 0; i < n; i++)
        rows[i] = ring->rows[(tail + i) & ring->mask];
    uj_store_release(&ring->tail, tail + n);
    return n;
}

size_t uj_ring_drain(struct uj_ring *ring, size_t capacity, struct uj_columns *columns)
{
    size_t tail = uj_load_relaxed(&ring->tail);
    size_t n = uj_ring_waiting(ring);
    if (n > capacity)
        n = capacity;
    columns->raw_nulls = columns->sensor_nulls = 0;
    for (size_t i = 0; i < n; i++)
        uj_columns_put(columns, i, &ring->rows[(tail + i) & ring->mask]);
    uj_store_release(&ring->tail, tail + n);
    return n;
}

void uj_ring_free(struct uj_ring *ring)
{
    uj_memory_unmap(ring->rows, (ring->mask + 1) * sizeof *ring->rows);
    ring->rows = NULL;
}
