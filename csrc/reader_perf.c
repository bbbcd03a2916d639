/* SPDX-License-Identifier: Apache-2.0
 *
 * perf events that count (Linux, perf_event_open(2); arch/x86/events/rapl.c for the `power` PMU).
 *
 * An energy event belongs to a package, not to a task, so it is opened with pid -1 on one CPU of
 * that package, and needs perf_event_paranoid <= 0 or CAP_PERFMON. All events on one CPU of one
 * PMU go into one group: one read() gives values that were taken together, and the package's other
 * domains cost nothing more. A PMU may refuse a group (EINVAL); then each event is a group of one.
 * The kernel reads the register on a CPU of the package: from a thread inside it, without an
 * interrupt.
 *
 * cpu -1 is another thing: a counter of the commands that the opening thread starts afterwards. It
 * is inherited by every descendant and enabled at exec, so the opener itself is not counted; an
 * inherited event cannot be read as part of a group, so it is one of one.
 *
 * Known lies: `power` counts are 64 bits wide but fed from 32-bit steps; see sources/rapl_perf.py.
 * Whenever anybody opens an event on the CPU, the kernel takes the CPU's flexible events off and
 * puts them on again (kernel/events/core.c: ctx_resched), and what passes between is not counted:
 * 0.25 us each time on the `msr` PMU of 6.18. Pinned events stay where they are, unless the new one
 * is pinned too: so the leaders here are pinned. A PMU with fewer counters than events could fail a
 * pinned one, and a read() of it would give nothing (ENODATA here); those of energy have one each.
 * Where ours are taken off all the same, as a pinned one is opened, an update that comes between
 * their last read and their next first one is in no count, and neither the enabled nor the running
 * time tells. But the kernel writes into the mapped page of a software event each time it puts that
 * event on (perf_event_update_userpage): so one that counts nothing is the last of each group, and
 * a reading before which the page has changed says so (UJ_STATUS_UNCOUNTED). Ours take those of
 * others off once a group, as it is enabled: a group is opened disabled, so that its members cost
 * nothing. An event whose CPUs have all gone offline is switched off for good, and reads on as the
 * count at which it stopped; only its running time tells, which then stands still: such a reading
 * is failed with ENODEV. Such a group is opened again when the PMU's cpumask names its CPU again,
 * and counts from 0: what was drawn meanwhile is not known, and a count that falls says so. Not
 * before: Linux 6.1 looks for the context of CPU -1 while a package of the `power` PMU is offline,
 * and oopses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "fork.h"
#include "kernel_records.h"
#include "reader.h"
#include "ring.h"

#define GROUP_MAX 32    /* events in one group; a read() lands on the stack */
#define REOPEN_EVERY 64 /* reads of a group that has stopped */
#define MASK_MAX 1024   /* bytes of a cpumask */

/* On a leader: the software event by whose page the group's being put on is known. */
struct witness {
    int fd; /* -1: there is none, and nothing is known */
    struct perf_event_mmap_page *page;
    uint32_t seen; /* times_on() as the last read began that gave a count */
};

struct perf_event {
    int fd;
    size_t row;     /* where its reading goes */
    size_t n_group; /* on a leader: events in its group, itself first; on a member: 0 */
    uint16_t code;
    uint64_t running_ns; /* on a leader: how long it had counted at the last read */
    uint32_t n_stopped;  /* on a leader: reads since it stopped */
    struct witness witness;
    struct uj_channel channel; /* to open it again; without its texts, which are the caller's */
};

struct perf_state {
    size_t n;
    pid_t opener;
    char mask[256]; /* the path of the PMU's cpumask; empty: none is known, and nothing reopened */
    struct perf_event events[]; /* each leader is followed by its members */
};

static int open_event(const struct uj_channel *channel, int leader)
{
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    attr.type = channel->type;
    attr.config = channel->config;
    attr.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_RUNNING;
    bool of_commands = channel->cpu < 0;
    attr.pinned = attr.disabled = leader < 0 && !of_commands;
    if (of_commands) {
        attr.read_format = 0;
        attr.disabled = 1;
        attr.inherit = 1;
        attr.enable_on_exec = 1;
        /* A task clock counts the kernel all the same, and then asks for no privilege. */
        attr.exclude_kernel = 1;
        attr.exclude_hv = 1;
    }
    return (int)syscall(SYS_perf_event_open, &attr, of_commands ? 0 : -1, channel->cpu, leader,
                        PERF_FLAG_FD_CLOEXEC);
}

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static struct witness witness_of(int leader, int cpu)
{
    struct uj_channel nothing = {
        .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY, .cpu = cpu};
    struct witness witness = {.fd = open_event(&nothing, leader)};
    void *page = witness.fd < 0 ? MAP_FAILED
                                : mmap(NULL, page_bytes(), PROT_READ, MAP_SHARED, witness.fd, 0);
    if (page != MAP_FAILED)
        witness.page = page;
    return witness;
}

static void dismiss(const struct witness *witness, bool is_forked)
{
    if (witness->page != NULL && !is_forked) /* a fork does not have the mapping */
        munmap(witness->page, page_bytes());
    if (witness->fd >= 0)
        close(witness->fd);
}

/* How often the group was put on, or is being put on now. */
static uint32_t times_on(const struct witness *witness)
{
    return witness->page == NULL ? 0 : uj_times_on(witness->page);
}

static void perf_close(void *opened)
{
    struct perf_state *state = opened;
    bool is_forked = uj_is_forked(state->opener);
    for (size_t i = state->n; i-- > 0;) {
        dismiss(&state->events[i].witness, is_forked);
        close(state->events[i].fd);
    }
    free(state);
}

static int fail_event(struct uj_error *err, int code, const struct uj_channel *channel)
{
    char subject[96];
    snprintf(subject, sizeof subject, "perf event %#llx of PMU type %u on CPU %d",
             (unsigned long long)channel->config, channel->type, channel->cpu);
    return uj_fail(err, code, "open", subject);
}

static struct perf_event event_of(const struct uj_channel *channel, int fd, size_t row)
{
    struct perf_event event = {
        .fd = fd, .row = row, .code = channel->code, .witness = {.fd = -1}, .channel = *channel};
    event.channel.reader = event.channel.path = NULL;
    return event;
}

/* Begins to count with all of a group that was opened. */
static void switch_on(struct perf_event *leader)
{
    leader->witness = witness_of(leader->fd, leader->channel.cpu);
    ioctl(leader->fd, PERF_EVENT_IOC_ENABLE, 0);
}

static int perf_open(const struct uj_channel *channels, size_t n, void **out, struct uj_error *err)
{
    struct perf_state *state = calloc(1, sizeof *state + n * sizeof *state->events);
    bool *is_open = calloc(n + 1, sizeof *is_open);
    int code = 0;
    if (state == NULL || is_open == NULL) {
        free(state);
        free(is_open);
        return uj_fail(err, ENOMEM, "open", "perf events");
    }
    state->opener = getpid();
    if (n > 0 && channels[0].path != NULL && channels[0].path[0] != '\0')
        snprintf(state->mask, sizeof state->mask, "%s/cpumask", channels[0].path);
    for (size_t i = 0; i < n && code == 0; i++) {
        if (is_open[i])
            continue;
        int fd = open_event(&channels[i], -1);
        if (fd < 0) {
            code = fail_event(err, errno, &channels[i]);
            break;
        }
        struct perf_event *leader = &state->events[state->n++];
        *leader = event_of(&channels[i], fd, i);
        leader->n_group = 1;
        for (size_t k = i + 1; k < n && channels[i].cpu >= 0; k++) {
            if (is_open[k] || channels[k].cpu != channels[i].cpu ||
                channels[k].type != channels[i].type || leader->n_group == GROUP_MAX)
                continue;
            int member = open_event(&channels[k], leader->fd);
            if (member < 0)
                continue; /* the group was refused: it becomes a leader in its own turn */
            is_open[k] = true;
            leader->n_group++;
            state->events[state->n++] = event_of(&channels[k], member, k);
        }
        if (channels[i].cpu >= 0)
            switch_on(leader);
    }
    free(is_open);
    if (code != 0) {
        perf_close(state);
        return code;
    }
    *out = state;
    return 0;
}

/* Whether a list of CPUs such as 0,4-7 in a file names one. */
static bool is_named(const char *path, int cpu)
{
    char text[MASK_MAX];
    int fd = path[0] == '\0' ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (got <= 0)
        return false;
    text[got] = '\0';
    for (char *at = text, *next; *at >= '0' && *at <= '9'; at = next + 1) {
        long first = strtol(at, &next, 10);
        long last = *next == '-' ? strtol(next + 1, &next, 10) : first;
        if (first <= cpu && cpu <= last)
            return true;
        if (*next != ',')
            break;
    }
    return false;
}

/* Opens a group anew whose CPUs had all gone offline; it stays as it is while they have. */
static void reopen(struct perf_event *group)
{
    int fds[GROUP_MAX];
    size_t n = 0;
    for (; n < group->n_group; n++) {
        fds[n] = open_event(&group[n].channel, n == 0 ? -1 : fds[0]);
        if (fds[n] < 0)
            break;
    }
    bool is_open = n == group->n_group;
    while (n-- > 0) {
        close(is_open ? group[n].fd : fds[n]);
        if (is_open)
            group[n].fd = fds[n];
    }
    if (is_open) {
        dismiss(&group->witness, false);
        switch_on(group);
        group->running_ns = 0;
    }
}

static void perf_read(void *opened, struct uj_sample *rows)
{
    struct perf_state *state = opened;
    int64_t before = uj_now_ns();
    for (size_t i = 0; i < state->n;) {
        struct perf_event *leader = &state->events[i];
        /* How many events, how long they ran, then their counts and the witness's; ungrouped: one
         * count. */
        uint64_t values[2 + GROUP_MAX + 1];
        /* Taken before a read and looked at after the next: put on during one, it may lack in both.
         */
        uint32_t times_on_before = times_on(&leader->witness);
        ssize_t got = read(leader->fd, values, sizeof values);
        int code = errno;
        int64_t after = uj_now_ns();
        size_t words = got > 0 ? (size_t)got / sizeof *values : 0;
        size_t first = words > 1 ? 2 : 0;
        bool is_first = leader->running_ns == 0;
        bool is_stopped = words > 1 && values[1] == leader->running_ns;
        if (words > 1)
            leader->running_ns = values[1];
        leader->n_stopped = is_stopped ? leader->n_stopped + 1 : 0;
        uint32_t n_off = is_first ? 0 : times_on(&leader->witness) - leader->witness.seen;
        if (!is_stopped && first < words) /* a failed row could not say it: the next one does */
            leader->witness.seen = times_on_before;
        for (size_t k = 0; k < leader->n_group; k++) {
            bool is_read = !is_stopped && first + k < words;
            rows[leader[k].row] = (struct uj_sample){
                .t_ns = before,
                .raw = is_read ? values[first + k] : 0,
                .sensor_ns = UJ_NO_SENSOR_TIME,
                .read_ns = uj_elapsed_ns(before, after),
                .channel = leader[k].code,
                .status = is_read      ? 0
                          : got < 0    ? (uint16_t)code
                          : is_stopped ? ENODEV
                                       : ENODATA,
            };
            uj_add_uncounted(&rows[leader[k].row], n_off);
        }
        if (leader->n_stopped % REOPEN_EVERY == 1 && is_named(state->mask, leader->channel.cpu))
            reopen(leader);
        i += leader->n_group;
        before = after;
    }
}

const struct uj_reader uj_reader_perf = {"perf", perf_open, perf_read, perf_close, NULL};
