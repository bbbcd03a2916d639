/* SPDX-License-Identifier: Apache-2.0
 * Readings say whether the kernel had their events off since the reading before, as somebody else
 * opened one: on the time stamp counter of the `msr` PMU. Others may do so on this machine at any
 * time, so that a law of readings that say nothing has several tries. */
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "check.h"

#define TSC 0 /* the msr PMU's event, arch/x86/events/msr.c */
#define ROWS 8192
#define TRIES 50
#define ONCE (UJ_STATUS_UNCOUNTED + 1)

static uint32_t pmu;
static bool is_failing;

/* In place of the C library's: of events too. */
ssize_t read(int fd, void *bytes, size_t n)
{
    if (is_failing) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_read, fd, bytes, n);
}

static int opened(uint32_t type, uint64_t config, bool is_pinned, int leader)
{
    struct perf_event_attr attr = {
        .size = sizeof attr, .type = type, .config = config, .pinned = is_pinned};
    int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, leader, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0 && (errno == EACCES || errno == EPERM || errno == ENOSYS))
        skip("perf events of a CPU are not permitted");
    CHECK(fd >= 0);
    return fd;
}

static void others_open(bool is_pinned)
{
    close(opened(pmu, TSC, is_pinned, -1));
}

static struct uj_sampler *sampler_of(size_t n, int pace, size_t ring_rows)
{
    struct uj_channel channels[5];
    for (uint16_t i = 0; i < 5; i++)
        channels[i] = (struct uj_channel){
            .reader = "perf", .path = "", .type = pmu, .config = TSC, .code = i};
    struct uj_cadence cadence = {
        .period_ns = MS, .ring_rows = ring_rows, .pace = pace, .one_in = 1};
    struct uj_sampler *sampler = NULL;
    struct uj_error err = {0};
    CHECK_EQ(uj_sampler_open(channels, n, &cadence, "test", &sampler, &err), 0);
    return sampler;
}

/* The readings after an opening of others: that of the first one, and whether the second says
 * nothing. */
static bool is_told_once(struct uj_sampler *sampler, bool is_pinned, uint16_t *first)
{
    others_open(is_pinned);
    *first = read_once(sampler).status;
    return read_once(sampler).status == 0;
}

static void a_reading_says_that_its_event_was_off(void)
{
    struct uj_sampler *sampler = sampler_of(1, UJ_PACE_DEADLINES, 64);
    read_once(sampler); /* whatever was before */
    uint16_t first = 0;
    for (int i = 0; i < TRIES; i++) {
        is_told_once(sampler, true, &first);
        CHECK(first > UJ_STATUS_UNCOUNTED);
    }
    bool is_told = false, is_silent = false;
    for (int i = 0; i < TRIES && !(is_told && is_silent); i++) {
        is_told = is_told || (is_told_once(sampler, true, &first) && first == ONCE);
        is_silent = is_silent || (is_told_once(sampler, false, &first) && first == 0);
    }
    CHECK(is_told);   /* of one opening, by one reading */
    CHECK(is_silent); /* flexible events of others leave it on */
    struct uj_counts counts;
    CHECK_EQ(uj_sampler_counts(sampler, &counts), 0);
    CHECK_EQ(counts.errors, 0);
    uj_sampler_close(sampler);
}

/* It is said by the next row that was read. */
static void a_failed_read_does_not_swallow_it(void)
{
    struct uj_sampler *sampler = sampler_of(1, UJ_PACE_DEADLINES, 64);
    read_once(sampler);
    for (int i = 0; i < TRIES; i++) {
        is_failing = true;
        others_open(true);
        uint16_t failed = read_once(sampler).status;
        uint16_t again = read_once(sampler).status;
        is_failing = false;
        CHECK_EQ(failed, EIO);
        CHECK_EQ(again, EIO);
        CHECK(read_once(sampler).status >= ONCE);
    }
    uj_sampler_close(sampler);
}

/* It is said by the first row that is kept. */
static void a_full_ring_does_not_swallow_it(void)
{
    struct uj_sampler *sampler = sampler_of(1, UJ_PACE_DEADLINES, 16);
    size_t capacity = uj_sampler_capacity(sampler);
    struct uj_columns c = new_columns(capacity);
    for (size_t i = 0; i < capacity; i++)
        CHECK_EQ(uj_sampler_tick(sampler), 0);
    others_open(true);
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_sampler_drain(sampler, capacity, &c), capacity);
    CHECK(read_once(sampler).status >= ONCE);
    free_columns(&c);
    uj_sampler_close(sampler);
}

/* A group of five is put on once, and not once a member: of a few tries the least, as others may
 * open theirs meanwhile. */
static void a_recording_takes_others_off_once(int pace, uint32_t times)
{
    int leader = opened(pmu, TSC, true, -1);
    int fd = opened(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY, false, leader);
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    struct perf_event_mmap_page *page = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(page != MAP_FAILED);
    uint32_t least = UINT32_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint32_t before = *(volatile uint32_t *)&page->lock;
        struct uj_sampler *sampler = sampler_of(5, pace, 64);
        uint32_t now = (*(volatile uint32_t *)&page->lock - before) / 2;
        least = now < least ? now : least;
        uj_sampler_close(sampler);
    }
    CHECK(least >= 1 && least <= times);
    munmap(page, bytes);
    close(fd);
    close(leader);
}

/* Whether rows that say so, up to one with a number, are around an opening. */
static bool is_found(const struct uj_columns *c, size_t n, const int64_t *open_ns)
{
    for (size_t i = 1, first = 1; i < n; i++) {
        if (c->status[i - 1] != UJ_STATUS_UNCOUNTED)
            first = i;
        if (c->status[i] > UJ_STATUS_UNCOUNTED && c->t_ns[first - 1] <= open_ns[1] &&
            open_ns[0] <= c->t_ns[i] + c->read_ns[i])
            return true;
    }
    return false;
}

static void the_kernels_rows_say_between_which_two_it_was(void)
{
    int64_t opened_ns[4][2];
    struct uj_sampler *sampler = sampler_of(1, UJ_PACE_KERNEL, ROWS);
    struct uj_columns c = new_columns(ROWS);
    struct uj_error err;
    struct uj_counts counts;
    CHECK_EQ(uj_sampler_start(sampler, &err), 0);
    nap_ms(150);
    for (int i = 0; i < 4; i++) {
        nap_ms(37);
        opened_ns[i][0] = uj_now_ns();
        /* Of the PMU that its group is in: events of `msr` are software events to the kernel, so
         * that it does not move their group to theirs, as it does with those of energy. */
        close(opened(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, true, -1));
        opened_ns[i][1] = uj_now_ns();
    }
    nap_ms(150);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    size_t n = uj_sampler_drain(sampler, ROWS, &c), n_told = 0;
    for (int i = 0; i < 4; i++)
        CHECK(is_found(&c, n, opened_ns[i]));
    for (size_t i = 0; i < n; i++)
        n_told += c.status[i] > 0 ? (size_t)(c.status[i] - UJ_STATUS_UNCOUNTED) : 0;
    CHECK(n_told >= 4);
    CHECK(n_told < n / 2);
    CHECK_EQ(c.raw_nulls, 0);
    CHECK_EQ(uj_sampler_counts(sampler, &counts), 0);
    free_columns(&c);
    uj_sampler_close(sampler);
    if (counts.kernel != 1)
        skip("the kernel throttled its timer, so the thread went on");
}

int main(void)
{
    pmu = msr_type();
    others_open(true);
    a_reading_says_that_its_event_was_off();
    a_failed_read_does_not_swallow_it();
    a_full_ring_does_not_swallow_it();
    a_recording_takes_others_off_once(UJ_PACE_DEADLINES, 1);
    a_recording_takes_others_off_once(UJ_PACE_KERNEL, 2);
    the_kernels_rows_say_between_which_two_it_was();
    return 0;
}
