/* SPDX-License-Identifier: Apache-2.0
 * Between two threads each row arrives once, whole and in order, or is counted as dropped. */
#include <pthread.h>
#include <sched.h>

#include "check.h"
#include "ring.h"

#define ROWS 1000000u
#define PIECE 100

static struct uj_ring ring;
static _Atomic bool done;
static uint64_t dropped; /* the producer's; read after the join */

static void *produce(void *unused)
{
    (void)unused;
    for (uint64_t i = 0; i < ROWS; i++) {
        struct uj_sample row = {(int64_t)i, i * 7, UJ_NO_SENSOR_TIME, (uint32_t)i, (uint16_t)i, 0};
        if (!uj_ring_push(&ring, &row)) {
            dropped++;
            sched_yield(); /* on one core the consumer must have its turn */
        }
    }
    atomic_store(&done, true);
    return NULL;
}

int main(void)
{
    struct uj_columns c = new_columns(PIECE);
    pthread_t producer;
    uint64_t taken = 0;
    int64_t last = -1;
    CHECK_EQ(uj_ring_init(&ring, 256), 0);
    CHECK_EQ(pthread_create(&producer, NULL, produce, NULL), 0);
    for (;;) {
        bool ended = atomic_load(&done); /* before the drain: what it then leaves is nothing */
        size_t n = uj_ring_drain(&ring, PIECE, &c);
        for (size_t i = 0; i < n; i++) {
            CHECK(c.t_ns[i] > last);
            last = c.t_ns[i];
            CHECK(c.raw[i] == (uint64_t)last * 7 && c.read_ns[i] == (uint32_t)last &&
                  c.channel[i] == (uint16_t)last && c.status[i] == 0);
        }
        taken += n;
        if (n == 0 && ended)
            break;
        if (n == 0)
            sched_yield();
    }
    CHECK_EQ(pthread_join(producer, NULL), 0);
    CHECK_EQ(taken + dropped, ROWS);
    CHECK(taken > 0);
    uj_ring_free(&ring);
    free_columns(&c);
    return 0;
}
