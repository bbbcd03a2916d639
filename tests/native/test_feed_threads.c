/* SPDX-License-Identifier: Apache-2.0
 * Whatever the owner overwrites meanwhile, a reader takes whole rows only, in order, and counts
 * those that it has missed; the owner waits for none of them. */
#include <pthread.h>
#include <sched.h>

#include "check.h"
#include "feed.h"

#define ROWS 300000u
#define PIECE 16
#define HELD 64
#define READERS 2

static struct uj_feed *feed;
static _Atomic bool done;

static void *publish(void *unused)
{
    (void)unused;
    struct uj_sample rows[PIECE];
    for (uint64_t i = 0; i < ROWS; i += PIECE) {
        for (uint64_t k = 0; k < PIECE; k++)
            rows[k] = (struct uj_sample){(int64_t)(i + k),  (i + k) * 7, (int64_t)(i + k) * 3,
                                         (uint32_t)(i + k), 0,           0};
        uj_feed_append(feed, rows, PIECE);
        if (i % (PIECE * 8) == 0)
            sched_yield(); /* on one core the readers must have their turn */
    }
    atomic_store(&done, true);
    return NULL;
}

static void *read_on(void *counted)
{
    static const uint16_t code = 5;
    struct uj_columns c = new_columns(HELD);
    struct uj_feed *reader = NULL;
    uint64_t taken = 0, missed = 0, lost;
    int64_t last = -1;
    CHECK_EQ(uj_feed_open(uj_feed_fd(feed), &reader, NULL), 0);
    for (;;) {
        bool ended = atomic_load(&done); /* before the drain: what it then leaves is nothing */
        size_t n = uj_feed_drain(reader, &code, 1, HELD, &c, &lost);
        for (size_t i = 0; i < n; i++) {
            CHECK(c.t_ns[i] > last);
            last = c.t_ns[i];
            CHECK(c.raw[i] == (uint64_t)last * 7 && c.read_ns[i] == (uint32_t)last &&
                  c.sensor_ns[i] == last * 3 && c.channel[i] == code && c.status[i] == 0);
        }
        taken += n;
        missed += lost;
        if (n == 0 && lost == 0 && ended)
            break;
        if (n == 0)
            sched_yield();
    }
    CHECK_EQ(taken + missed, ROWS);
    *(uint64_t *)counted = taken;
    uj_feed_close(reader);
    free_columns(&c);
    return NULL;
}

int main(void)
{
    pthread_t owner, readers[READERS];
    uint64_t taken[READERS];
    CHECK_EQ(uj_feed_create(HELD, &feed, NULL), 0);
    for (size_t i = 0; i < READERS; i++)
        CHECK_EQ(pthread_create(&readers[i], NULL, read_on, &taken[i]), 0);
    CHECK_EQ(pthread_create(&owner, NULL, publish, NULL), 0);
    CHECK_EQ(pthread_join(owner, NULL), 0);
    for (size_t i = 0; i < READERS; i++) {
        CHECK_EQ(pthread_join(readers[i], NULL), 0);
        CHECK(taken[i] >= HELD - PIECE); /* the last ones at least */
    }
    uj_feed_close(feed);
    return 0;
}
