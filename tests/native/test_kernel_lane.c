/* SPDX-License-Identifier: Apache-2.0
 * The kernel's own pace, on the time stamp counter of the `msr` PMU: what it delivers, when, how it
 * is stopped, and what it is not for. */
#include <linux/perf_event.h>
#include <math.h>
#include <sys/resource.h>

#include "check.h"

#define TSC 0 /* the msr PMU's event, arch/x86/events/msr.c */
#define ROWS 16384

static struct uj_channel events[2] = {
    {.reader = "perf", .path = "", .config = TSC, .code = 0},
    {.reader = "perf", .path = "", .config = TSC, .code = 1},
};

static void find_pmu(void)
{
    events[0].type = events[1].type = msr_type();
}

static int open_kernel(const struct uj_channel *channels, size_t n, int64_t period_ns,
                       struct uj_sampler **out, struct uj_error *err)
{
    struct uj_cadence cadence = {
        .period_ns = period_ns, .ring_rows = ROWS, .pace = UJ_PACE_KERNEL, .one_in = 1};
    *err = (struct uj_error){0};
    return uj_sampler_open(channels, n, &cadence, "kernel", out, err);
}

static struct uj_sampler *open_or_skip(int64_t period_ns)
{
    struct uj_sampler *sampler = NULL;
    struct uj_error err;
    int code = open_kernel(events, 2, period_ns, &sampler, &err);
    if (code == -EACCES || code == -EPERM || code == -ENOSYS)
        skip(err.what);
    if (code != 0) {
        fprintf(stderr, "%s\n", err.what);
        exit(1);
    }
    return sampler;
}

/* Each round has one time, times and counts ascend, through the first and the last reading of the
 * thread; and the counter is linear: no row lies outside its own read_ns by more than what the
 * first and last one leave open. */
static void check_rows(const struct uj_columns *c, size_t n)
{
    CHECK_EQ(n % 2, 0);
    CHECK_EQ(c->raw_nulls, 0);
    size_t last = n - 2;
    double rate = (double)(c->raw[last] - c->raw[0]) / (double)(c->t_ns[last] - c->t_ns[0]);
    double open_ns = (double)(c->read_ns[0] + c->read_ns[last]) + 20e3;
    for (size_t i = 0; i < n; i += 2) {
        CHECK_EQ(c->t_ns[i], c->t_ns[i + 1]);
        CHECK_EQ(c->channel[i], 0);
        CHECK_EQ(c->channel[i + 1], 1);
        CHECK(c->read_ns[i] > 0);
        if (i == 0)
            continue;
        CHECK(c->t_ns[i] > c->t_ns[i - 2]);
        CHECK(c->raw[i] > c->raw[i - 2]);
        double off_ns = (double)(c->raw[i] - c->raw[0]) / rate - (double)(c->t_ns[i] - c->t_ns[0]);
        CHECK(fabs(off_ns) <= (double)c->read_ns[i] + open_ns);
    }
}

static void samples_arrive(void)
{
    struct uj_sampler *sampler = open_or_skip(MS);
    struct uj_columns c = new_columns(ROWS);
    struct uj_error err;
    struct uj_counts counts;
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    int64_t t0_ns = uj_now_ns();
    CHECK_EQ(uj_sampler_start(sampler, &err), 0);
    CHECK_EQ(uj_sampler_tick(sampler), -EBUSY);
    nap_ms(450);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    int64_t took_ns = uj_now_ns() - t0_ns;
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_sampler_counts(sampler, &counts), 0);
    size_t n = uj_sampler_drain(sampler, ROWS, &c);
    CHECK_EQ(n, 2 * counts.ticks);
    CHECK_EQ(counts.dropped, 0);
    CHECK_EQ(counts.errors, 0);
    check_rows(&c, n);
    /* Two ticks are not the pace's; the first and last deadline may fall either way. */
    int64_t covered = (int64_t)(counts.ticks - 2 + counts.missed);
    CHECK(llabs(covered - took_ns / MS) <= 105);
    if (counts.kernel != 1)
        skip("the kernel throttled its timer, so the thread went on");
    free_columns(&c);
    uj_sampler_close(sampler);
}

/* A counter that stands still, as RAPL's does between two updates, goes on in the kernel's rows
 * where the thread's reading left it, and in the thread's where these leave it. */
static void a_counter_that_stands_still_is_taken_over_to_the_count(void)
{
    struct uj_channel counters[2] = {
        {.reader = "perf", .path = "", .type = PERF_TYPE_SOFTWARE, .code = 0},
        {.reader = "perf", .path = "", .type = PERF_TYPE_SOFTWARE, .code = 1},
    };
    counters[0].config = PERF_COUNT_SW_CONTEXT_SWITCHES;
    counters[1].config = PERF_COUNT_SW_EMULATION_FAULTS; /* there are none, anywhere */
    struct uj_sampler *sampler = NULL;
    struct uj_error err;
    struct uj_counts counts;
    struct uj_columns c = new_columns(ROWS);
    CHECK_EQ(open_kernel(counters, 2, MS, &sampler, &err), 0);
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_sampler_start(sampler, &err), 0);
    nap_ms(250);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_sampler_counts(sampler, &counts), 0);
    size_t n = uj_sampler_drain(sampler, ROWS, &c);
    CHECK_EQ(n, 2 * counts.ticks);
    CHECK(n > 4);
    for (size_t i = 2; i < n; i += 2) {
        CHECK(c.raw[i] >= c.raw[i - 2]);
        CHECK_EQ(c.raw[i + 1], c.raw[1]);
    }
    uj_sampler_close(sampler);
    free_columns(&c);
}

/* The ring's memory and the kernel's were touched before. */
static void no_page_is_touched_first_while_sampling(void)
{
    struct uj_sampler *sampler = open_or_skip(MS / 4);
    struct uj_error err;
    struct rusage before, after;
    CHECK_EQ(uj_sampler_start(sampler, &err), 0);
    nap_ms(250); /* the thread's stack, and code that runs for the first time */
    CHECK_EQ(getrusage(RUSAGE_SELF, &before), 0);
    nap_ms(400);
    CHECK_EQ(getrusage(RUSAGE_SELF, &after), 0);
#if !defined __SANITIZE_THREAD__ && !defined __SANITIZE_ADDRESS__
    CHECK(after.ru_minflt - before.ru_minflt <= 4); /* this thread's own; sanitizers keep more */
#endif
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    uj_sampler_close(sampler);
}

/* A ring that is full drops rows, counts them, and nothing else suffers. */
static void a_full_ring_is_counted(void)
{
    struct uj_cadence cadence = {.period_ns = MS, .ring_rows = 16, .pace = UJ_PACE_KERNEL};
    struct uj_sampler *sampler = NULL;
    struct uj_error err;
    struct uj_counts counts;
    struct uj_columns c = new_columns(64);
    CHECK_EQ(uj_sampler_open(events, 2, &cadence, "kernel", &sampler, &err), 0);
    CHECK_EQ(uj_sampler_start(sampler, &err), 0);
    nap_ms(250);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    CHECK_EQ(uj_sampler_counts(sampler, &counts), 0);
    CHECK_EQ(uj_sampler_drain(sampler, 64, &c) + counts.dropped, 2 * counts.ticks);
    CHECK(counts.dropped > 0);
    free_columns(&c);
    uj_sampler_close(sampler);
}

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += write(fd, "", 0) == 0 || errno != EBADF;
    return n;
}

static void what_it_is_not_for_is_refused(void)
{
    struct uj_sampler *sampler = NULL;
    struct uj_error err;
    int before = open_descriptors();
    struct uj_channel text = {.reader = "text", .path = "/proc/uptime"};
    CHECK_EQ(open_kernel(&text, 1, MS, &sampler, &err), -EINVAL);
    CHECK(strstr(err.what, "kernel") != NULL);
    struct uj_channel commands = {.reader = "perf", .path = "", .type = 1, .config = 1, .cpu = -1};
    CHECK_EQ(open_kernel(&commands, 1, MS, &sampler, &err), -EINVAL);
    struct uj_channel absent = events[0];
    absent.config = 0xffff;
    CHECK(open_kernel(&absent, 1, MS, &sampler, &err) < 0);
    CHECK(strlen(err.what) > 0);
    CHECK_EQ(open_descriptors(), before);
}

int main(void)
{
    find_pmu();
    uj_sampler_close(open_or_skip(MS));
    what_it_is_not_for_is_refused();
    a_full_ring_is_counted();
    a_counter_that_stands_still_is_taken_over_to_the_count();
    no_page_is_touched_first_while_sampling();
    samples_arrive();
    return 0;
}
