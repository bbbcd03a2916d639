/* SPDX-License-Identifier: Apache-2.0
 * The edge-locked pace keeps both sides of the lead's updates, survives jitter, missed updates, a
 * counter that stops and reads that fail, and accounts for what it aimed at; the poll keeps both
 * sides of every change. No test asserts how punctual the machine is. */
#include "check.h"

#define PATIENCE_NS (60 * 1000 * MS) /* only a hang takes longer */
#define PERIOD (5 * MS)
#define ROWS 65536
#define RUNS 20

struct run {
    struct uj_columns rows;
    size_t n;
    struct uj_counts counts;
};

static struct uj_sampler *open_lane(const char *const *scripts, size_t n, struct uj_cadence cadence)
{
    struct uj_channel channels[4] = {0};
    char paths[4][4096];
    struct uj_sampler *sampler = NULL;
    struct uj_error err = {0};
    for (size_t i = 0; i < n; i++) {
        snprintf(paths[i], sizeof paths[i], "%s", file_with(scripts[i], strlen(scripts[i])));
        channels[i] =
            (struct uj_channel){.reader = "script", .path = paths[i], .code = (uint16_t)(7 + i)};
    }
    cadence.ring_rows = ROWS;
    CHECK_EQ(uj_sampler_open(channels, n, &cadence, "edges", &sampler, &err), 0);
    for (size_t i = 0; i < n; i++)
        unlink(paths[i]);
    return sampler;
}

static struct uj_counts counts_of(const struct uj_sampler *sampler)
{
    struct uj_counts counts;
    CHECK_EQ(uj_sampler_counts(sampler, &counts), 0);
    return counts;
}

/* Until so many rows wait. */
static struct run run_lane(struct uj_sampler *sampler, size_t rows)
{
    struct run run = {.rows = new_columns(ROWS)};
    int64_t start_ns = uj_now_ns();
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    while (uj_sampler_waiting(sampler) < rows) {
        CHECK(uj_now_ns() - start_ns < PATIENCE_NS);
        nap_ms(1);
    }
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    run.counts = counts_of(sampler);
    run.n = uj_sampler_drain(sampler, ROWS, &run.rows);
    CHECK_EQ(run.counts.dropped, 0);
    uj_sampler_close(sampler);
    return run;
}

static struct run run_edges(const char *script, int one_in, size_t rows)
{
    struct uj_cadence cadence = {.period_ns = PERIOD,
                                 .spin_ns = PERIOD / 4,
                                 .pace = UJ_PACE_EDGES,
                                 .one_in = one_in,
                                 .lead = 7};
    return run_lane(open_lane(&script, 1, cadence), rows);
}

static int64_t end_ns(const struct run *run, size_t i)
{
    return run->rows.t_ns[i] + run->rows.read_ns[i];
}

/* A counter of one count an update and no jitter: each bracket, moved back by its count of periods,
 * holds the instant at which the script was opened, and so do all of them together. */
static void brackets_hold_the_updates(int one_in)
{
    struct run run = run_edges("repeat 5000000 1 0\n0 0\n", one_in, 60);
    int64_t low = INT64_MIN, high = INT64_MAX;
    uint64_t first = run.rows.raw[0], last = run.rows.raw[run.n - 1];
    for (size_t i = 1; i < run.n; i++) {
        CHECK(run.rows.t_ns[i] >= end_ns(&run, i - 1));
        if (run.rows.raw[i] != run.rows.raw[i - 1] + 1)
            continue; /* nothing new, or several updates between two that were caught */
        int64_t moved = PERIOD * (int64_t)run.rows.raw[i];
        int64_t from = run.rows.t_ns[i - 1] - moved, to = end_ns(&run, i) - moved;
        low = from > low ? from : low;
        high = to < high ? to : high;
    }
    CHECK(low <= high);
    CHECK(run.counts.ticks > 0);
    /* After a tick one_in updates are waited for, after a miss one; a hunt takes what comes. */
    uint64_t hunts = 1 + run.counts.missed / 16, ticks = run.counts.ticks;
    CHECK(ticks <= hunts || (ticks - hunts) * (uint64_t)one_in <= last - first + 1);
    /* A tick has two rows; a missed one has one, or none where the thread was held up. */
    CHECK(run.n >= 2 * run.counts.ticks);
    CHECK(run.n <= 2 * run.counts.ticks + run.counts.missed);
    free_columns(&run.rows);
}

/* Of three updates one never happens, and those that do come up to 0.3 ms early or late. */
static void missed_updates_and_jitter_are_lived_with(void)
{
    struct run run = run_edges("repeat 30000000 40 0\n0 0\n5200000 10\n9700000 20\n20300000 30\n"
                               "24800000 35\n",
                               1, 80);
    CHECK(run.counts.ticks > 0);
    CHECK(run.counts.missed > 0);
    free_columns(&run.rows);
}

static void a_counter_that_never_moves_is_read_once_a_period(void)
{
    struct run run = run_edges("0 42\n", 1, 20);
    CHECK_EQ(run.counts.ticks, 0);
    CHECK_EQ(run.counts.missed, run.n);
    for (size_t i = 0; i < run.n; i++) {
        CHECK_EQ(run.rows.raw[i], 42);
        CHECK(i == 0 || run.rows.t_ns[i] > run.rows.t_ns[i - 1]);
    }
    free_columns(&run.rows);
}

/* Whether some update between these counts of a round was caught. */
static bool has_edge(const struct run *run, uint64_t from, uint64_t to)
{
    for (size_t i = 1; i < run->n; i++) {
        uint64_t before = run->rows.raw[i - 1] % 40, after = run->rows.raw[i] % 40;
        if (after == before + 1 && before >= from && after <= to)
            return true;
    }
    return false;
}

/* It stands still for half a second, and goes on a third of a period later than before. One of a
 * few runs has readings on both sides of one update before the pause, and of one after it: where
 * the machine is so busy that the thread is held up at each of them, a run may have none. */
static void a_lost_lock_is_found_again(void)
{
    bool is_found = false;
    for (int i = 0; i < RUNS && !is_found; i++) {
        struct run run =
            run_edges("repeat 600000000 40 0\n0 0\n5000000 1\n10000000 2\n15000000 3\n"
                      "20000000 4\n25000000 5\n30000000 6\n532000000 7\n537000000 8\n"
                      "542000000 9\n547000000 10\n552000000 11\n557000000 12\n562000000 13\n",
                      1, 160);
        CHECK(run.counts.missed > 0);
        is_found = run.counts.ticks > 0 && has_edge(&run, 0, 6) && has_edge(&run, 7, 13);
        free_columns(&run.rows);
    }
    CHECK(is_found);
}

/* What is no reading is no update either, and neither is what follows it. */
static void failed_reads_are_no_updates(void)
{
    struct run run = run_edges("repeat 10000000 0 0\n0 1\n5000000 !5\n", 1, 40);
    CHECK_EQ(run.counts.ticks, 0);
    CHECK(run.counts.errors > 0);
    free_columns(&run.rows);
}

/* The lead need not be the first channel. */
static void the_lead_leads(void)
{
    const char *const scripts[] = {"0 5\n", "repeat 5000000 1 0\n0 0\n"};
    struct uj_cadence cadence = {
        .period_ns = PERIOD, .spin_ns = PERIOD / 4, .pace = UJ_PACE_EDGES, .one_in = 1, .lead = 8};
    struct run run = run_lane(open_lane(scripts, 2, cadence), 60);
    CHECK(run.counts.ticks > 0);
    CHECK_EQ(run.n % 2, 0);
    for (size_t i = 0; i < run.n; i++)
        CHECK_EQ(run.rows.channel[i], 7 + i % 2);
    free_columns(&run.rows);
}

/* A counter that moves at every fifth read: the first and the last of five reads are kept, and no
 * other. How fast the machine reads does not matter. */
static void a_poll_keeps_the_reads_around_each_change(void)
{
    const char *script = "by reads\nrepeat 0 1 0\n0\n0\n0\n0\n0\n";
    struct uj_cadence cadence = {.period_ns = MS, .pace = UJ_PACE_POLL};
    struct uj_sampler *sampler = open_lane(&script, 1, cadence);
    struct run run = {.rows = new_columns(ROWS)};
    int64_t start_ns = uj_now_ns();
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    while (uj_sampler_waiting(sampler) < 1000)
        CHECK(uj_now_ns() - start_ns < PATIENCE_NS);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    run.counts =
        counts_of(sampler); /* the ring may be full by now: the newest rows are not in it */
    run.n = uj_sampler_drain(sampler, ROWS, &run.rows);
    for (size_t i = 0; i < run.n; i++)
        CHECK_EQ(run.rows.raw[i], i / 2);
    uint64_t later =
        run.counts.ticks - 1; /* than the first read, which is kept as the last one is */
    CHECK_EQ(run.n + run.counts.dropped, 1 + 2 * (later / 5) + (later % 5 != 0));
    free_columns(&run.rows);
    uj_sampler_close(sampler);
}

/* Two successive rows of a channel that differ are two successive reads: where more than one update
 * lies between them, the thread was held up for that long. */
static void a_poll_keeps_both_sides_of_each_change(void)
{
    const char *const scripts[] = {"repeat 5000000 1 0\n0 0\n",
                                   "repeat 3000000 0 0\n0 1\n1000000 !5\n2000000 7\n"};
    struct uj_cadence cadence = {.period_ns = MS, .pace = UJ_PACE_POLL};
    struct run run = run_lane(open_lane(scripts, 2, cadence), 200);
    size_t changes = 0;
    CHECK_EQ(run.n % 2, 0);
    for (size_t i = 2; i < run.n; i += 2) {
        CHECK(run.rows.t_ns[i] > run.rows.t_ns[i - 2]); /* no round twice */
        bool first = run.rows.raw[i] != run.rows.raw[i - 2];
        changes += first;
        int64_t updates = (int64_t)(run.rows.raw[i] - run.rows.raw[i - 2]);
        CHECK(!first || updates >= 1);
        CHECK(!first || run.rows.t_ns[i] - run.rows.t_ns[i - 2] > (updates - 1) * PERIOD);
    }
    CHECK(changes > 0);
    CHECK(run.counts.ticks * 2 >= run.n);
    CHECK(run.counts.errors > 0);
    free_columns(&run.rows);
}

static void bad_cadences(void)
{
    const struct uj_cadence bad[] = {
        {.period_ns = MS, .pace = 3},
        {.period_ns = MS, .pace = -1},
        {.period_ns = MS, .pace = UJ_PACE_EDGES, .one_in = 1},
        {.period_ns = MS, .pace = UJ_PACE_EDGES, .spin_ns = 1000},
        {.period_ns = MS, .pace = UJ_PACE_EDGES, .spin_ns = 1000, .one_in = 10001},
        {.period_ns = MS, .pace = UJ_PACE_EDGES, .spin_ns = MS + 1, .one_in = 1},
    };
    struct uj_channel channel = {.reader = "text", .path = "/proc/stat"};
    struct uj_sampler *sampler = NULL;
    struct uj_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_EQ(uj_sampler_open(&channel, 1, &bad[i], "bad", &sampler, &err), -EINVAL);
    CHECK(sampler == NULL);
}

int main(void)
{
    bad_cadences();
    brackets_hold_the_updates(1);
    brackets_hold_the_updates(4);
    missed_updates_and_jitter_are_lived_with();
    a_counter_that_never_moves_is_read_once_a_period();
    a_lost_lock_is_found_again();
    failed_reads_are_no_updates();
    the_lead_leads();
    a_poll_keeps_the_reads_around_each_change();
    a_poll_keeps_both_sides_of_each_change();
    return 0;
}
