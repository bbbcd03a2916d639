/* SPDX-License-Identifier: Apache-2.0
 *
 * perf events that the kernel itself reads, in its own timer interrupt (Linux, perf_event_open(2);
 * kernel/events/core.c: perf_swevent_hrtimer, perf_output_read_group,
 * __perf_event_account_interrupt).
 *
 * A `cpu-clock` event with a sample period leads a group, and the energy events are its members.
 * Each time its hrtimer fires on the events' CPU, the kernel writes a record: CLOCK_MONOTONIC, then
 * the counts of all members, which it reads right there with interrupts off. No thread of ours
 * wakes and no register is read from afar. Records wait in memory that is mapped here.
 *
 * When a member was read. The record's time is taken before the members are read: it is t_ns as it
 * stands. The end is known too: the last member is a cpu-clock that only counts, so its count says
 * when, in the kernel's sched_clock, the read was over. Its distance from CLOCK_MONOTONIC is
 * bracketed by reads of the group from here, at each collection; of the two collections around a
 * record the larger upper bound is taken. read_ns is therefore measured for each record, and holds
 * as long as that distance moves one way only between two collections.
 *
 * When records are lost, measured on 6.1 (with RAPL) and 6.18:
 * - *Throttling*. An event that has given more than perf_event_max_sample_rate / HZ records between
 *   two ticks of the scheduler is stopped until the next tick. That is meant for storms, but an
 *   idle CPU may have no ticks: with 100000 and 250 Hz the 401st record at 1 kHz is the last, 0.4 s
 *   after the tick was stopped, and what follows is whatever wakes the CPU. Measured there: 55 to
 *   99.65 % of 1 kHz and 34 % of 4 kHz arrived. A busy CPU, or one whose idle governor keeps the
 *   tick for sleeps as short as a millisecond (menu, teo: unless it had been stopped before),
 *   loses none. Nothing that exclude_* says matters: none is set, and the idle task is sampled as
 *   any other.
 * - *Since 6.16 a throttled event stops its whole group*: the members do not count meanwhile, and
 *   those joules are gone from their counts (half of them, at 4 kHz with a limit of 2000).
 * - *A full buffer*: the kernel drops the newest and says how many.
 *
 * When the events are taken off, as others open theirs (reader_perf.c), the leader's page says how
 * often since the last collection, but nothing says between which two records: the first record of
 * the next collection has their number, and all of this one have 0 (UJ_STATUS_UNCOUNTED).
 *
 * So the sampled events are never the only ones. A second group of the same events, read by
 * reader_perf.c, always counts; what the sampled ones say is moved onto its counts, and when
 * records end or a throttle is met, the thread goes on with that one: see pace_kernel.c.
 */
#define _GNU_SOURCE
#include "reader_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "fork.h"
#include "kernel_records.h"
#include "order.h"
#include "ring.h"

#define TRIES 256
#define NEVER_NS (86400 * UJ_NS_PER_S) /* a period before the pace begins: a day */
#define BRACKETS 3 /* of these the narrowest says when a read of the group ends */

struct kernel_state {
    pid_t opener;
    void *counting; /* reader_perf's, of the same events */
    size_t n;
    int leader;
    int fds[UJ_MEMBERS_MAX + 1]; /* the members, the clock */
    uint16_t codes[UJ_MEMBERS_MAX];
    struct uj_records records;
    uint64_t base[UJ_MEMBERS_MAX];  /* what a member's count lacks */
    uint64_t over[UJ_MEMBERS_MAX];  /* what the counting event has too many */
    uint64_t found[UJ_MEMBERS_MAX]; /* the same, at this collection: not yet known to be sound */
    uint32_t times_on;              /* of the leader, at the last collection */
    uint32_t n_off, n_off_before;   /* since the collection before, and before that, not yet said */
    int64_t before_ns, now_ns; /* CLOCK_MONOTONIC less the clock's count, at most: last time, now */
};

static int open_event(uint32_t type, uint64_t config, int cpu, int leader, int64_t period_ns)
{
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    attr.type = type;
    attr.config = config;
    attr.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attr.use_clockid = 1; /* of all the group alike, or it is refused */
    attr.clockid = CLOCK_MONOTONIC;
    if (leader < 0) {
        attr.pinned = attr.disabled = 1; /* as reader_perf.c says */
        attr.sample_period = (uint64_t)period_ns;
        attr.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_READ;
        attr.watermark = 1; /* nobody is to be woken */
        attr.wakeup_watermark = UINT32_MAX;
    }
    return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, leader, PERF_FLAG_FD_CLOEXEC);
}

static void kernel_close(void *opened)
{
    struct kernel_state *k = opened;
    if (!uj_is_forked(k->opener)) /* a fork does not have the mapping */
        uj_records_unmap(&k->records);
    for (size_t i = UJ_MEMBERS_MAX + 1; i-- > 0;)
        if (k->fds[i] >= 0)
            close(k->fds[i]);
    if (k->leader >= 0)
        close(k->leader);
    if (k->counting != NULL)
        uj_reader_perf.close(k->counting);
    free(k);
}

static int open_group(struct kernel_state *k, const struct uj_channel *channels, size_t n)
{
    int cpu = channels[0].cpu;
    /* Its real period comes with the pace. To enable a group takes all events of the CPU off and
     * puts them on again, and what an update adds meanwhile is lost: so it counts from here on, and
     * nothing is lost between the readings that the thread takes before the pace and its rows. */
    k->leader = open_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, cpu, -1, NEVER_NS);
    if (k->leader < 0)
        return -errno;
    for (size_t i = 0; i <= n; i++) {
        k->fds[i] =
            i < n ? open_event(channels[i].type, channels[i].config, cpu, k->leader, 0)
                  : open_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, cpu, k->leader, 0);
        if (k->fds[i] < 0)
            return -errno;
    }
    int code = uj_records_map(&k->records, k->leader);
    if (code == 0 && ioctl(k->leader, PERF_EVENT_IOC_ENABLE, 0) != 0)
        code = -errno;
    if (code == 0)
        k->times_on = uj_times_on(k->records.page);
    return code;
}

static int kernel_open(const struct uj_channel *channels, size_t n, void **out,
                       struct uj_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (n > UJ_MEMBERS_MAX || channels[i].cpu < 0 || channels[i].cpu != channels[0].cpu)
            return uj_fail(err, EINVAL, "sample in the kernel", "events of more than one CPU");
    struct kernel_state *k = calloc(1, sizeof *k);
    if (k == NULL)
        return uj_fail(err, ENOMEM, "sample in the kernel", "perf events");
    k->opener = getpid();
    k->n = n;
    k->leader = -1;
    for (size_t i = 0; i < UJ_MEMBERS_MAX + 1; i++)
        k->fds[i] = -1;
    for (size_t i = 0; i < n; i++)
        k->codes[i] = channels[i].code;
    int code = uj_reader_perf.open(channels, n, &k->counting, err);
    if (code == 0) {
        code = open_group(k, channels, n);
        if (code != 0)
            code = uj_fail(err, -code, "sample in the kernel", "perf cpu-clock group");
    }
    if (code != 0) {
        kernel_close(k);
        return code;
    }
    *out = k;
    return 0;
}

/* The counting events, so that they go on where the sampled ones were. */
static void kernel_read(void *opened, struct uj_sample *rows)
{
    struct kernel_state *k = opened;
    uj_reader_perf.read(k->counting, rows);
    for (size_t i = 0; i < k->n; i++) {
        rows[i].raw -= uj_is_read(&rows[i]) ? k->over[i] : 0;
        uj_add_uncounted(&rows[i], k->n_off_before + k->n_off);
    }
    if (uj_is_read(&rows[0])) /* else the next one says it */
        k->n_off = k->n_off_before = 0;
}

static bool read_group(struct kernel_state *k, struct uj_group *group)
{
    ssize_t got = read(k->leader, group, sizeof *group);
    int64_t after_ns = uj_now_ns();
    if (got != (ssize_t)((2 + k->n + 2) * sizeof(uint64_t)))
        return false;
    int64_t distance_ns = after_ns - (int64_t)group->counts[k->n + 1];
    if (distance_ns < k->now_ns)
        k->now_ns = distance_ns;
    return true;
}

/* Holds both groups against one another, each channel between two updates of its own. is_first:
 * the difference becomes base, or half way between the two closest reads where it never stands
 * still; otherwise what it has become is found. False: the group cannot be read. */
static bool compare(struct kernel_state *k, bool is_first)
{
    struct uj_sample rows[2][UJ_MEMBERS_MAX];
    uint64_t narrowest[UJ_MEMBERS_MAX];
    size_t n_known = 0;
    memset(narrowest, 0xff, sizeof narrowest);
    k->before_ns = k->now_ns;
    k->now_ns = INT64_MAX;
    uj_reader_perf.read(k->counting, rows[0]);
    for (int try = 0; try < (is_first ? TRIES : BRACKETS) && (n_known < k->n || try < BRACKETS);
         try++) {
        struct uj_group group;
        if (!read_group(k, &group))
            return false;
        struct uj_sample *before = rows[try % 2], *after = rows[1 - try % 2];
        uj_reader_perf.read(k->counting, after);
        for (size_t i = 0; i < k->n; i++) {
            uint64_t moved = after[i].raw - before[i].raw;
            uint64_t difference = before[i].raw + moved / 2 - group.counts[1 + i];
            if (moved >= narrowest[i] || !uj_is_read(&before[i]) || (!is_first && moved > 0))
                continue;
            narrowest[i] = moved;
            n_known += moved == 0;
            if (is_first)
                k->base[i] = difference;
            else
                k->found[i] = difference - k->base[i];
        }
    }
    return true;
}

/* After the records are known: what was off after the last of them is said by the next one. */
static void count_off(struct kernel_state *k)
{
    uint32_t times_on = uj_times_on(k->records.page);
    k->n_off_before += k->n_off;
    k->n_off = times_on - k->times_on;
    k->times_on = times_on;
}

bool uj_kernel_start(void *opened, int64_t period_ns)
{
    struct kernel_state *k = opened;
    uint64_t period = (uint64_t)period_ns;
    if (ioctl(k->leader, PERF_EVENT_IOC_PERIOD, &period) != 0)
        return false;
    bool is_able = compare(k, true);
    k->before_ns = k->now_ns;
    count_off(k);
    return is_able;
}

void uj_kernel_end(void *opened)
{
    struct kernel_state *k = opened;
    ioctl(k->leader, PERF_EVENT_IOC_DISABLE, 0);
}

bool uj_kernel_collect(void *opened)
{
    struct kernel_state *k = opened;
    uj_records_collect(&k->records);
    count_off(k);
    return k->records.tail != k->records.end ? compare(k, false) : true;
}

enum uj_kernel_found uj_kernel_next(void *opened, struct uj_sample *rows, uint64_t *n_lost)
{
    struct kernel_state *k = opened;
    struct uj_record record;
    while (uj_records_take(&k->records, &record)) {
        uj_records_free(&k->records);
        if (record.header.type == PERF_RECORD_LOST) {
            *n_lost = record.lost.lost;
            return UJ_KERNEL_LOST;
        }
        if (record.header.type == PERF_RECORD_THROTTLE)
            return UJ_KERNEL_THROTTLED;
        if (record.header.type != PERF_RECORD_SAMPLE)
            continue;
        const struct uj_group *group = &record.sample.group;
        int64_t t_ns = (int64_t)record.sample.t_ns;
        int64_t distance_ns = k->before_ns > k->now_ns ? k->before_ns : k->now_ns;
        int64_t end_ns = (int64_t)group->counts[k->n + 1] + distance_ns;
        int64_t next_ns = uj_records_next_ns(&k->records);
        end_ns = end_ns < next_ns ? end_ns : next_ns;
        uint32_t n_off_before = k->n_off_before;
        k->n_off_before = 0;
        for (size_t i = 0; i < k->n; i++) {
            rows[i] = (struct uj_sample){
                .t_ns = t_ns,
                .raw = group->counts[1 + i] + k->base[i],
                .sensor_ns = UJ_NO_SENSOR_TIME,
                .read_ns = uj_elapsed_ns(t_ns, end_ns > t_ns ? end_ns : t_ns),
                .channel = k->codes[i],
                .status = k->n_off > 0 ? UJ_STATUS_UNCOUNTED : 0,
            };
            uj_add_uncounted(&rows[i], n_off_before);
        }
        return UJ_KERNEL_SAMPLE;
    }
    memcpy(k->over, k->found, sizeof k->over); /* no throttle has made the two differ */
    return UJ_KERNEL_NONE;
}

/* Named as the reader whose place it takes. */
const struct uj_reader uj_reader_kernel = {"perf", kernel_open, kernel_read, kernel_close, NULL};
