/* SPDX-License-Identifier: Apache-2.0
 * The ring keeps order, drops the newest when full, survives the wrap of its indices, and turns
 * rows into columns with Arrow's bitmaps. */
#include "check.h"
#include "ring.h"

#define PLACES 64

static struct uj_sample numbered(uint64_t i)
{
    return (struct uj_sample){
        .t_ns = (int64_t)i * 10,
        .raw = i,
        .sensor_ns = i % 3 == 0 ? (int64_t)i : UJ_NO_SENSOR_TIME,
        .read_ns = (uint32_t)i,
        .channel = (uint16_t)i,
        .status = i % 5 == 0 ? EIO : 0,
    };
}

static void check_column(const struct uj_columns *c, size_t at, uint64_t i)
{
    struct uj_sample want = numbered(i);
    bool failed = want.status != 0, timed = want.sensor_ns != UJ_NO_SENSOR_TIME;
    CHECK_EQ(c->t_ns[at], want.t_ns);
    CHECK_EQ(c->read_ns[at], want.read_ns);
    CHECK_EQ(c->channel[at], want.channel);
    CHECK_EQ(c->status[at], want.status);
    CHECK_EQ(c->raw[at], failed ? 0 : want.raw);
    CHECK_EQ(bit(c->raw_valid, at), !failed);
    CHECK_EQ(c->sensor_ns[at], timed ? want.sensor_ns : 0);
    CHECK_EQ(bit(c->sensor_valid, at), timed);
}

static void push(struct uj_ring *ring, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        struct uj_sample row = numbered(i);
        CHECK(uj_ring_push(ring, &row));
    }
}

static void order_in_pieces(struct uj_ring *ring)
{
    struct uj_columns c = new_columns(PLACES);
    uint64_t written = 0, taken = 0;
    for (size_t piece = 0; piece < 200; piece++) {
        size_t n = piece % PLACES + 1;
        push(ring, written, written + n);
        written += n;
        CHECK_EQ(uj_ring_waiting(ring), n);
        while (taken < written) {
            size_t want = piece % 7 + 1, nulls = 0, untimed = 0;
            size_t got = uj_ring_drain(ring, want, &c);
            CHECK(got == want || (got < want && taken + got == written));
            for (size_t i = 0; i < got; i++) {
                check_column(&c, i, taken + i);
                nulls += (taken + i) % 5 == 0;
                untimed += (taken + i) % 3 != 0;
            }
            CHECK_EQ(c.raw_nulls, nulls);
            CHECK_EQ(c.sensor_nulls, untimed);
            taken += got;
        }
        CHECK_EQ(uj_ring_drain(ring, PLACES, &c), 0);
        CHECK_EQ(c.raw_nulls, 0);
    }
    free_columns(&c);
}

static void overflow_drops_the_newest(struct uj_ring *ring)
{
    struct uj_columns c = new_columns(PLACES);
    struct uj_sample newest = numbered(999);
    push(ring, 0, PLACES);
    for (int i = 0; i < 3; i++)
        CHECK(!uj_ring_push(ring, &newest));
    CHECK_EQ(uj_ring_waiting(ring), PLACES);
    CHECK_EQ(uj_ring_drain(ring, 1, &c), 1);
    check_column(&c, 0, 0);
    push(ring, PLACES, PLACES + 1); /* the one place that came free */
    CHECK(!uj_ring_push(ring, &newest));
    CHECK_EQ(uj_ring_drain(ring, PLACES, &c), PLACES);
    for (size_t i = 0; i < PLACES; i++)
        check_column(&c, i, i + 1);
    free_columns(&c);
}

static void indices_wrap(struct uj_ring *ring)
{
    size_t near_the_end = SIZE_MAX - 20;
    atomic_store(&ring->head, near_the_end);
    atomic_store(&ring->tail, near_the_end);
    ring->tail_seen = near_the_end;
    overflow_drops_the_newest(ring);
    order_in_pieces(ring);
    CHECK(atomic_load(&ring->head) < near_the_end);
}

int main(void)
{
    struct uj_ring ring;
    CHECK_EQ(uj_ring_init(&ring, 1), 0);
    CHECK_EQ(ring.mask + 1, PLACES); /* the smallest */
    order_in_pieces(&ring);
    overflow_drops_the_newest(&ring);
    indices_wrap(&ring);
    uj_ring_free(&ring);
    CHECK_EQ(uj_ring_init(&ring, 1000), 0);
    CHECK_EQ(ring.mask + 1, 1024);
    uj_ring_free(&ring);
    CHECK_EQ(uj_ring_init(&ring, SIZE_MAX), -ENOMEM);
    return 0;
}
