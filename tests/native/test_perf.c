/* SPDX-License-Identifier: Apache-2.0
 * The perf reader against counters of the real kernel: the time stamp counter of the `msr` PMU,
 * which virtual machines have too, and the task clock of commands. */
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "check.h"

#define TSC 0 /* the msr PMU's event, arch/x86/events/msr.c */
#define BURN_NS (50 * MS)
#define OPENINGS 2000
#define NARROW 100000 /* counts between two reads that were not interrupted */

static struct uj_sampler *open_or_skip(const struct uj_channel *channels, size_t n)
{
    struct uj_cadence cadence = {.period_ns = MS, .ring_rows = 256};
    struct uj_sampler *sampler = NULL;
    struct uj_error err = {0};
    int code = uj_sampler_open(channels, n, &cadence, "perf", &sampler, &err);
    if (code == -EACCES || code == -EPERM || code == -ENOSYS)
        skip(err.what);
    if (code != 0) {
        fprintf(stderr, "%s\n", err.what);
        exit(1);
    }
    return sampler;
}

static void read_all(struct uj_sampler *sampler, size_t n, struct uj_columns *c)
{
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_sampler_drain(sampler, n, c), n);
    CHECK_EQ(c->raw_nulls, 0);
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(c->channel[i], i);
}

/* Between two reads the counter advanced at a rate within these bounds, whatever delayed us. */
struct rate {
    double low, high;
};

static struct rate rate_between(struct uj_sample a, struct uj_sample b)
{
    double steps = (double)(b.raw - a.raw);
    int64_t most = b.t_ns + b.read_ns - a.t_ns, least = b.t_ns - (a.t_ns + a.read_ns);
    return (struct rate){steps / (double)most, steps / (double)least};
}

/* Whether successive intervals have one rate, to 0.1 %. */
static bool has_one_rate(struct uj_sampler *sampler)
{
    struct rate all = {0, 1e9};
    struct uj_sample last = read_once(sampler);
    for (int i = 0; i < 5; i++) {
        nap_ms(40);
        struct uj_sample next = read_once(sampler);
        CHECK_EQ(next.status, 0);
        CHECK(next.raw > last.raw);
        struct rate now = rate_between(last, next);
        all.low = now.low > all.low ? now.low : all.low;
        all.high = now.high < all.high ? now.high : all.high;
        last = next;
    }
    if (all.low <= all.high * 1.001)
        return true;
    fprintf(stderr, "rates differ: %.6f to %.6f counts a ns\n", all.high, all.low);
    return false;
}

/* Careful: whenever anybody opens or closes an event on this CPU, the kernel takes the others off
 * and puts them on again, and they do not count meanwhile: hence more than one try. */
static void a_group_of_one_has_the_rate_of_the_clock(uint32_t type)
{
    struct uj_channel channel = {.reader = "perf", .type = type, .config = TSC, .cpu = 0};
    struct uj_sampler *sampler = open_or_skip(&channel, 1);
    int tries = 0;
    while (!has_one_rate(sampler))
        CHECK(++tries < 20);
    uj_sampler_close(sampler);
}

/* One t_ns for all says that they were one read(). */
static void two_events_are_one_read(uint32_t type)
{
    struct uj_channel channels[] = {
        {.reader = "perf", .type = type, .config = TSC, .cpu = 0, .code = 0},
        {.reader = "perf", .type = type, .config = TSC, .cpu = 0, .code = 1},
    };
    struct uj_sampler *sampler = open_or_skip(channels, 2);
    struct uj_columns c = new_columns(2);
    uint64_t last[2] = {0, 0};
    for (int i = 0; i < 10; i++) {
        read_all(sampler, 2, &c);
        CHECK_EQ(c.t_ns[0], c.t_ns[1]);
        CHECK_EQ(c.read_ns[0], c.read_ns[1]);
        for (size_t k = 0; k < 2; k++) {
            CHECK(i == 0 || c.raw[k] > last[k]);
            last[k] = c.raw[k];
        }
    }
    free_columns(&c);
    uj_sampler_close(sampler);
}

/* Groups do not cross CPUs, and each reading finds its own row. */
static void groups_interleave(uint32_t type)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return;
    struct uj_channel channels[4];
    for (uint16_t i = 0; i < 4; i++)
        channels[i] = (struct uj_channel){
            .reader = "perf", .type = type, .config = TSC, .cpu = i % 2, .code = i};
    struct uj_sampler *sampler = open_or_skip(channels, 4);
    struct uj_columns c = new_columns(4);
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_sampler_drain(sampler, 4, &c), 4);
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(c.channel[i], i);
    CHECK_EQ(c.raw_nulls, 0);
    CHECK_EQ(c.t_ns[0], c.t_ns[2]);
    CHECK_EQ(c.t_ns[1], c.t_ns[3]);
    CHECK(c.t_ns[1] >= c.t_ns[0] + c.read_ns[0]);
    free_columns(&c);
    uj_sampler_close(sampler);
}

/* More events than one read() takes, and just as many, and one more. */
static void large_groups_are_split(uint32_t type)
{
    const size_t sizes[] = {31, 32, 33, 64, 65};
    struct uj_channel channels[65];
    struct uj_columns c = new_columns(65);
    for (uint16_t i = 0; i < 65; i++)
        channels[i] = (struct uj_channel){.reader = "perf", .type = type, .config = TSC, .code = i};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct uj_sampler *sampler = open_or_skip(channels, sizes[s]);
        read_all(sampler, sizes[s], &c);
        CHECK_EQ(c.t_ns[0], c.t_ns[sizes[s] < 32 ? sizes[s] - 1 : 31]);
        CHECK(sizes[s] <= 32 || c.t_ns[32] >= c.t_ns[31] + c.read_ns[31]);
        uj_sampler_close(sampler);
    }
    free_columns(&c);
}

static void burn(void)
{
    struct timespec used, start;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    while ((used.tv_sec - start.tv_sec) * 1000 * MS + used.tv_nsec - start.tv_nsec < BURN_NS);
}

static void commands_are_counted_and_their_starter_is_not(void)
{
    struct uj_channel channel = {.reader = "perf",
                                 .type = PERF_TYPE_SOFTWARE,
                                 .config = PERF_COUNT_SW_TASK_CLOCK,
                                 .cpu = -1};
    struct uj_sampler *sampler = open_or_skip(&channel, 1);
    burn();
    struct uj_sample row = read_once(sampler);
    CHECK_EQ(row.status, 0);
    CHECK_EQ(row.raw, 0);

    pid_t child = fork();
    if (child == 0) { /* not yet a command */
        burn();
        _exit(0);
    }
    CHECK(child_is_well(child));
    CHECK_EQ(read_once(sampler).raw, 0);

    int64_t before_ns = uj_now_ns();
    child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "test_perf", "burn", (char *)NULL);
        _exit(1);
    }
    CHECK(child_is_well(child));
    row = read_once(sampler);
    CHECK_EQ(row.status, 0);
    /* The command and its own child, one after the other: so no more than the time that passed. */
    CHECK(row.raw >= 2 * BURN_NS * 9 / 10);
    CHECK((int64_t)row.raw <= uj_now_ns() - before_ns);
    burn();
    CHECK_EQ(read_once(sampler).raw, row.raw);
    uj_sampler_close(sampler);
}

/* Switches off all events of this process, as the kernel does when the last CPU of their package
 * goes offline: they read on as the counts at which they stopped. */
static void switch_events_off(void)
{
    char path[64], target[64];
    int n = 0;
    for (int fd = 0; fd < 256; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        n += strstr(target, "perf_event") != NULL && ioctl(fd, PERF_EVENT_IOC_DISABLE, 0) == 0;
    }
    CHECK(n > 0);
}

static void name_cpus(const char *mask, const char *cpus)
{
    FILE *file = fopen(mask, "we");
    CHECK(file != NULL);
    fputs(cpus, file);
    fclose(file);
}

/* How many of the next readings fail, up to the first that does not; all of them have one code. */
static int failed_reads(struct uj_sampler *sampler, int most, struct uj_sample *row)
{
    for (int i = 0; i < most; i++) {
        *row = read_once(sampler);
        if (row->status == 0)
            return i;
        CHECK_EQ(row->status, ENODEV);
    }
    return most;
}

/* Both events of a group, and only once the PMU's cpumask names their CPU again. */
static void a_package_that_was_offline_is_read_again(uint32_t type)
{
    char folder[] = "/tmp/ujperfXXXXXX", mask[4096];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(mask, sizeof mask, "%s/cpumask", folder);
    name_cpus(mask, "0\n");
    struct uj_channel channel = {.reader = "perf", .path = folder, .type = type, .config = TSC};
    struct uj_sampler *sampler = open_or_skip(&channel, 1);
    struct uj_sample row = read_once(sampler), last = read_once(sampler);
    CHECK_EQ(last.status, 0);
    nap_ms(
        20); /* so that what it has counted is more than what it will have when it is open again */
    last = read_once(sampler);
    switch_events_off();
    row = read_once(sampler); /* it had run since the last reading */
    CHECK_EQ(row.status, 0);
    name_cpus(mask, "1-3,5\n");
    CHECK_EQ(failed_reads(sampler, 300, &row), 300);
    name_cpus(mask, "1-3,0\n");
    int n_failed = failed_reads(sampler, 300, &row);
    CHECK(n_failed < 70);
    CHECK(row.raw < last.raw); /* a count that falls says that it began again */
    struct uj_sample next = read_once(sampler);
    CHECK_EQ(next.status, 0);
    CHECK(next.raw > row.raw);
    uj_sampler_close(sampler);
    unlink(mask);
    rmdir(folder);
}

/* An event as others open theirs, which a pinned one is not. */
static int open_another(uint32_t type, bool is_pinned)
{
    struct perf_event_attr attr = {
        .size = sizeof attr, .type = type, .config = TSC, .pinned = is_pinned};
    int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

static uint64_t count_of(int fd)
{
    uint64_t count = 0;
    CHECK_EQ(read(fd, &count, sizeof count), sizeof count);
    return count;
}

struct three {
    uint64_t flexible, pinned, ours;
};

/* All three at nearly one instant. */
static struct three counts_at_once(int flexible, int pinned, struct uj_sampler *sampler)
{
    struct three found = {0};
    uint64_t passed = UINT64_MAX;
    for (int i = 0; i < 1000 && passed > NARROW; i++) {
        uint64_t before = count_of(flexible), of_pinned = count_of(pinned);
        struct uj_sample row = read_once(sampler);
        uint64_t taken = count_of(flexible) - before;
        CHECK_EQ(row.status, 0);
        if (taken < passed) {
            passed = taken;
            found = (struct three){before, of_pinned, row.raw};
        }
    }
    return found;
}

/* Each opening takes the flexible events of the CPU off and puts them on again; they do not count
 * meanwhile. Where that costs them nothing that could be told, nothing is asked of ours. */
static void openings_of_others_cost_no_counts(uint32_t type)
{
    struct uj_channel channel = {.reader = "perf", .type = type, .config = TSC};
    int flexible = open_another(type, false), pinned = open_another(type, true);
    struct uj_sampler *sampler = open_or_skip(&channel, 1);
    struct three first = counts_at_once(flexible, pinned, sampler);
    for (int i = 0; i < OPENINGS; i++)
        close(open_another(type, false));
    struct three last = counts_at_once(flexible, pinned, sampler);
    int64_t without = (int64_t)(last.flexible - first.flexible);
    int64_t lost = (int64_t)(last.pinned - first.pinned) - without;
    int64_t kept = (int64_t)(last.ours - first.ours) - without;
    if (lost > 4 * NARROW)
        CHECK(kept > lost - 2 * NARROW);
    else
        fprintf(stderr, "%d openings cost %lld counts\n", OPENINGS, (long long)lost);
    close(pinned);
    close(flexible);
    uj_sampler_close(sampler);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "burn") == 0) {
        burn();
        pid_t child = fork();
        if (child == 0) {
            burn();
            _exit(0);
        }
        return child_is_well(child) ? 0 : 1;
    }
    commands_are_counted_and_their_starter_is_not();
    uint32_t type = msr_type();
    a_group_of_one_has_the_rate_of_the_clock(type);
    two_events_are_one_read(type);
    groups_interleave(type);
    large_groups_are_split(type);
    openings_of_others_cost_no_counts(type);
    a_package_that_was_offline_is_read_again(type);
    return 0;
}
