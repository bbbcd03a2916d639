/* SPDX-License-Identifier: Apache-2.0
 * What a sampler counts: each tick's lateness, for any thread that asks, and what an empty loop
 * does. */
#include <pthread.h>
#include <sched.h>

#include "script_sampler.h"

static uint64_t sum(const uint64_t *ticks, int64_t from_ns)
{
    uint64_t n = 0;
    for (size_t i = 0; i < UJ_LATE_PLACES; i++)
        n += uj_late_from_ns(i) >= from_ns ? ticks[i] : 0;
    return n;
}

/* Places ascend, and none is wider than an eighth of where it begins. */
static void places_of_lateness(void)
{
    for (size_t i = 0; i + 1 < UJ_LATE_PLACES; i++) {
        int64_t from_ns = uj_late_from_ns(i), width_ns = uj_late_from_ns(i + 1) - from_ns;
        CHECK(width_ns >= 1);
        CHECK(width_ns == 1 || width_ns * 8 <= from_ns);
    }
    CHECK(uj_late_from_ns(UJ_LATE_PLACES - 1) > 10 * 1000 * MS);
}

/* Without channels it keeps its deadlines and pushes nothing; each tick's lateness is counted. */
static void an_empty_loop_ticks(void)
{
    struct uj_cadence cadence = {.period_ns = MS / 5};
    struct uj_sampler *sampler = NULL;
    struct uj_error err;
    uint64_t late[UJ_LATE_PLACES];
    CHECK_EQ(uj_sampler_open(NULL, 0, &cadence, "empty", &sampler, &err), 0);
    CHECK_EQ(uj_sampler_start(sampler, &err), 0);
    wait_for_ticks(sampler, 100);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    CHECK_EQ(uj_sampler_waiting(sampler), 0);
    struct uj_counts counts = counts_of(sampler);
    CHECK_EQ(uj_sampler_lateness(sampler, late), 0);
    CHECK_EQ(sum(late, 0), counts.ticks);
    CHECK(counts.missed == 0 || sum(late, MS / 10) > 0);
    uint64_t wall_ns = 0;
    CHECK_EQ(uj_sampler_burst(sampler, 1000, &wall_ns), 0);
    CHECK(wall_ns > 0);
    CHECK_EQ(counts_of(sampler).ticks, counts.ticks + 1000);
    uj_sampler_close(sampler);
}

/* A read that takes five periods makes the next tick four late, at the least. */
static void lateness_is_told_apart(void)
{
    struct uj_sampler *sampler = open_every_ns("by reads\n1 5000000\n", MS);
    uint64_t late[UJ_LATE_PLACES];
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    wait_for_ticks(sampler, 10);
    CHECK_EQ(uj_sampler_burst(sampler, 1, late), -EBUSY);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    CHECK_EQ(uj_sampler_lateness(sampler, late), 0);
    struct uj_counts counts = counts_of(sampler);
    CHECK_EQ(sum(late, 0), counts.ticks);
    CHECK(sum(late, 3 * MS) >= counts.ticks - 1); /* 4 ms lie in a place that begins below it */
    uj_sampler_close(sampler);
}

/* Twice the rounds are the same work and then some more, and it says how long it took. */
static void work_is_always_the_same(void)
{
    struct uj_work took;
    CHECK_EQ(uj_work(1000, &took), uj_work(1000, &took));
    CHECK(uj_work(1000, &took) != uj_work(1001, &took));
    uj_work(1000000, &took);
    CHECK(took.cpu_ns > 0 && took.wall_ns > 0);
}

static void *count_until_stopped(void *sampler)
{
    uint64_t last = 0;
    for (int i = 0; i < 2000; i++) {
        struct uj_counts counts = counts_of(sampler);
        CHECK(counts.ticks >= last);
        last = counts.ticks;
        sched_yield();
    }
    return NULL;
}

/* Any thread may ask for the account, also while another drains, stops and asks again. */
static void counts_are_for_any_thread(void)
{
    struct uj_columns c = new_columns(100);
    for (int i = 0; i < 3; i++) {
        struct uj_sampler *sampler = open_every_ns("0 1\n", MS / 10);
        pthread_t other;
        CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
        CHECK_EQ(pthread_create(&other, NULL, count_until_stopped, sampler), 0);
        for (size_t taken = 0; taken < 20;)
            taken += uj_sampler_drain(sampler, 100, &c);
        CHECK_EQ(uj_sampler_stop(sampler), 0);
        CHECK_EQ(pthread_join(other, NULL), 0);
        uj_sampler_close(sampler);
    }
    free_columns(&c);
}

int main(void)
{
    places_of_lateness();
    an_empty_loop_ticks();
    lateness_is_told_apart();
    work_is_always_the_same();
    counts_are_for_any_thread();
    return 0;
}
