/* SPDX-License-Identifier: Apache-2.0
 * How often an event was off is said by the rows of its channel, each time once, whatever is
 * failed, dropped or not pushed between: of a script whose readings say so, by all paces. */
#include "script_sampler.h"

#define READS 2000
#define PASSES 20

static uint64_t drawn_state = 20261129;

static unsigned drawn(unsigned below)
{
    drawn_state = drawn_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(drawn_state >> 33) % below;
}

static uint64_t n_said(struct uj_sampler *sampler, struct uj_columns *c, size_t capacity)
{
    uint64_t n = 0;
    size_t rows = uj_sampler_drain(sampler, capacity, c);
    for (size_t i = 0; i < rows; i++) {
        bool is_read = c->raw_valid[i / 8] >> (i % 8) & 1;
        n += is_read && c->status[i] > 0 ? (uint64_t)(c->status[i] - UJ_STATUS_UNCOUNTED) : 0;
    }
    return n;
}

/* Of the reads one in so many says that its event was off up to three times, and one in so many
 * fails; the last one says nothing. */
static uint64_t write_script(char *text, unsigned one_in_off, unsigned one_in_failed)
{
    uint64_t n = 0;
    text += sprintf(text, "by reads\n");
    for (unsigned i = 0; i < READS; i++) {
        unsigned times = 1 + drawn(3);
        if (drawn(one_in_failed) == 0) {
            text += sprintf(text, "!5\n");
        } else if (drawn(one_in_off) == 0) {
            text += sprintf(text, "!%u\n", UJ_STATUS_UNCOUNTED + times);
            n += times;
        } else {
            text += sprintf(text, "%u\n", 1 + i / 7);
        }
    }
    sprintf(text, "%u\n", READS);
    return n;
}

/* The ring is full for a while again and again, of any length. */
static void of_failed_and_dropped_rows_none_is_lost_or_doubled(void)
{
    static char text[READS * 8];
    for (int pass = 0; pass < PASSES; pass++) {
        uint64_t n = write_script(text, 3, 3), said = 0;
        struct uj_sampler *sampler =
            open_at(text, (struct uj_cadence){.period_ns = MS, .ring_rows = 64});
        struct uj_columns c = new_columns(64);
        for (unsigned i = 0; i < READS; i++) {
            CHECK_EQ(uj_sampler_tick(sampler), 0);
            if (drawn(70) == 0)
                said += n_said(sampler, &c, 1 + drawn(64));
        }
        said += n_said(sampler, &c, 64);
        CHECK_EQ(uj_sampler_tick(sampler), 0);
        said += n_said(sampler, &c, 64);
        CHECK(counts_of(sampler).dropped > 0 && counts_of(sampler).errors > 0);
        CHECK_EQ(said, n);
        free_columns(&c);
        uj_sampler_close(sampler);
    }
}

/* These push a part of their rounds, and some of them after the next one was read. */
static void of_rounds_that_a_pace_leaves_out_none_is_lost_or_doubled(int pace)
{
    static char text[READS * 8];
    struct uj_cadence cadence = {
        .period_ns = MS / 5, .spin_ns = MS / 10, .ring_rows = 65536, .pace = pace, .one_in = 1};
    for (int pass = 0; pass < PASSES; pass++) {
        uint64_t n = write_script(text, 5, 50);
        struct uj_sampler *sampler = open_at(text, cadence);
        struct uj_columns c = new_columns(65536);
        CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
        wait_for_ticks(sampler, pace == UJ_PACE_POLL ? READS + 10 : 1);
        nap_ms(pace == UJ_PACE_POLL ? 0 : 30);
        CHECK_EQ(uj_sampler_stop(sampler), 0);
        for (unsigned i = 0; i < READS; i++) /* whatever the thread did not come to */
            CHECK_EQ(uj_sampler_tick(sampler), 0);
        CHECK_EQ(counts_of(sampler).dropped, 0);
        CHECK_EQ(n_said(sampler, &c, 65536), n);
        free_columns(&c);
        uj_sampler_close(sampler);
    }
}

int main(void)
{
    of_failed_and_dropped_rows_none_is_lost_or_doubled();
    of_rounds_that_a_pace_leaves_out_none_is_lost_or_doubled(UJ_PACE_POLL);
    of_rounds_that_a_pace_leaves_out_none_is_lost_or_doubled(UJ_PACE_EDGES);
    return 0;
}
