/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor that the core is held against: the same reads in a bare C loop, and a loop without any.
 *
 *     floor hot BLOCKS TICKS CHANNEL...        ns a tick, back to back: library, bare, empty
 *     floor paced HZ SECONDS BLOCKS CHANNEL... CPU ns a tick at deadlines: library, bare, empty
 *     floor bare HZ SECONDS CHANNEL...         one bare loop: ticks and missed
 *
 * Each block is a line, and measures its columns one straight after the other. All channels are of
 * one reader: perf,TYPE,CONFIG,CPU (one group)  text,FILE  msr,FILE,REGISTER  script,FILE.
 * An empty loop waits for its deadlines and does nothing at them. A bare loop makes the same system
 * calls at them, with a clock read before the first and after each, and keeps time and value in an
 * array. A script makes no system call: its bare loop only reads the clock.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "microjoule.h"

#define CHANNELS_MAX 32
#define RING_ROWS 65536
#define NS_PER_S 1000000000LL
#define WARM_TICKS 50
#define STORE_TICKS 16384

enum kind { EMPTY, PERF, TEXT, MSR, CLOCK };

static struct uj_channel channels[CHANNELS_MAX];
static size_t n_channels;
static int fds[CHANNELS_MAX];
static struct {
    int64_t t_ns;
    uint64_t raw;
} *store;
static size_t stored;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void parse_channel(char *text)
{
    struct uj_channel *c = &channels[n_channels];
    char *save, *word = strtok_r(text, ",", &save);
    *c = (struct uj_channel){.reader = word, .path = "", .cpu = -1, .code = (uint16_t)n_channels};
    if (strcmp(word, "perf") == 0) {
        c->type = (uint32_t)atoi(strtok_r(NULL, ",", &save));
        c->config = (uint64_t)atoll(strtok_r(NULL, ",", &save));
        c->cpu = atoi(strtok_r(NULL, ",", &save));
    } else {
        c->path = strtok_r(NULL, ",", &save);
        word = strtok_r(NULL, ",", &save);
        c->config = word != NULL ? (uint64_t)atoll(word) : 0;
    }
    n_channels++;
}

static int open_event(const struct uj_channel *c, int leader)
{
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    attr.type = c->type;
    attr.config = c->config;
    attr.read_format = PERF_FORMAT_GROUP;
    return (int)syscall(SYS_perf_event_open, &attr, -1, c->cpu, leader, PERF_FLAG_FD_CLOEXEC);
}

static enum kind open_bare(void)
{
    const char *reader = channels[0].reader;
    if (strcmp(reader, "script") == 0)
        return CLOCK;
    for (size_t i = 0; i < n_channels; i++) {
        fds[i] = strcmp(reader, "perf") == 0 ? open_event(&channels[i], i == 0 ? -1 : fds[0])
                                             : open(channels[i].path, O_RDONLY | O_CLOEXEC);
        if (fds[i] < 0)
            fail(channels[i].path);
    }
    return strcmp(reader, "perf") == 0 ? PERF : strcmp(reader, "msr") == 0 ? MSR : TEXT;
}

static void keep(int64_t t_ns, uint64_t raw)
{
    store[stored].t_ns = t_ns;
    store[stored].raw = raw;
    stored = (stored + 1) % (STORE_TICKS * CHANNELS_MAX);
}

static void read_bare(enum kind kind)
{
    int64_t t = uj_now_ns();
    if (kind == PERF) {
        uint64_t values[1 + CHANNELS_MAX];
        if (read(fds[0], values, sizeof values) < 0)
            fail("read");
        (void)uj_now_ns();
        for (size_t i = 0; i < n_channels; i++)
            keep(t, values[1 + i]);
        return;
    }
    for (size_t i = 0; i < n_channels; i++) {
        uint64_t value = 0;
        if (kind == TEXT) {
            char line[256];
            ssize_t got = pread(fds[i], line, sizeof line - 1, 0);
            if (got < 0)
                fail("pread");
            line[got] = '\0';
            value = strtoull(line, NULL, 10);
        } else if (kind == MSR && pread(fds[i], &value, 8, (off_t)channels[i].config) != 8) {
            fail("pread");
        }
        int64_t after = uj_now_ns();
        keep(t, value);
        t = after;
    }
}

static struct uj_sampler *open_library(int64_t period_ns)
{
    struct uj_cadence cadence = {.period_ns = period_ns, .ring_rows = RING_ROWS};
    struct uj_sampler *sampler;
    struct uj_error err;
    if (uj_sampler_open(channels, n_channels, &cadence, "floor", &sampler, &err) != 0) {
        fprintf(stderr, "%s\n", err.what);
        exit(1);
    }
    return sampler;
}

static void discard(struct uj_sampler *sampler)
{
    static int64_t t_ns[RING_ROWS], sensor_ns[RING_ROWS];
    static uint64_t raw[RING_ROWS];
    static uint32_t read_ns[RING_ROWS];
    static uint16_t channel[RING_ROWS], status[RING_ROWS];
    static uint8_t raw_valid[RING_ROWS / 8], sensor_valid[RING_ROWS / 8];
    struct uj_columns columns = {
        .t_ns = t_ns,
        .read_ns = read_ns,
        .channel = channel,
        .raw = raw,
        .raw_valid = raw_valid,
        .sensor_ns = sensor_ns,
        .sensor_valid = sensor_valid,
        .status = status,
    };
    uj_sampler_drain(sampler, RING_ROWS, &columns);
    for (size_t i = 0; i < 8; i++)
        if (status[i] != 0)
            fail("a reading failed");
}

/* The three loops look for their deadline in the same way: it has always passed. */
#define HOT(ticks, body)                                                                           \
    do {                                                                                           \
        int64_t start = uj_now_ns();                                                               \
        for (long k = 0; k < (ticks); k++) {                                                       \
            while (uj_now_ns() < start)                                                            \
                continue;                                                                          \
            body;                                                                                  \
        }                                                                                          \
        printf("%.2f ", (double)(uj_now_ns() - start) / (double)(ticks));                          \
    } while (0)

static void hot(int blocks, long ticks)
{
    enum kind kind = open_bare();
    struct uj_sampler *sampler = open_library(NS_PER_S);
    if (ticks * (long)n_channels > RING_ROWS)
        ticks = RING_ROWS / (long)n_channels;
    for (int block = 0; block < blocks; block++) {
        HOT(ticks, uj_sampler_tick(sampler));
        discard(sampler);
        HOT(ticks, read_bare(kind));
        HOT(ticks, (void)0);
        printf("\n");
    }
    uj_sampler_close(sampler);
}

struct loop {
    enum kind kind;
    int64_t period_ns;
    long ticks; /* deadlines to live through */
    uint64_t taken, missed;
    int64_t busy_ns; /* of the ticks after the first WARM_TICKS */
};

static int64_t busy_now_ns(void)
{
    struct timespec busy;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &busy);
    return busy.tv_sec * NS_PER_S + busy.tv_nsec;
}

static void *run_bare(void *started)
{
    struct loop *loop = started;
    int64_t busy = 0;
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    int64_t deadline = uj_now_ns() + loop->period_ns;
    while ((long)(loop->taken + loop->missed) < loop->ticks) {
        struct timespec until = {deadline / NS_PER_S, deadline % NS_PER_S};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        int64_t passed = (uj_now_ns() - deadline) / loop->period_ns;
        loop->missed += (uint64_t)passed;
        deadline += (passed + 1) * loop->period_ns;
        if (loop->kind != EMPTY)
            read_bare(loop->kind);
        if (++loop->taken == WARM_TICKS)
            busy = busy_now_ns();
    }
    loop->busy_ns = busy_now_ns() - busy;
    return NULL;
}

static struct loop bare(enum kind kind, int64_t period_ns, double seconds)
{
    struct loop loop = {.kind = kind,
                        .period_ns = period_ns,
                        .ticks = (long)(seconds * (double)NS_PER_S / (double)period_ns)};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_bare, &loop) != 0)
        fail("pthread_create");
    pthread_join(thread, NULL);
    return loop;
}

static double paced_library(int64_t period_ns, double seconds)
{
    struct uj_sampler *sampler = open_library(period_ns);
    struct uj_counts before, after;
    struct uj_error err;
    if (uj_sampler_start(sampler, &err) != 0)
        fail("start");
    usleep((useconds_t)(WARM_TICKS * period_ns / 1000));
    uj_sampler_counts(sampler, &before);
    usleep((useconds_t)(seconds * 1e6));
    uj_sampler_counts(sampler, &after);
    uj_sampler_close(sampler);
    return (double)(after.busy_ns - before.busy_ns) / (double)(after.ticks - before.ticks);
}

static double busy_a_tick(struct loop loop)
{
    return (double)loop.busy_ns / (double)(loop.taken - WARM_TICKS);
}

static void paced(int64_t period_ns, double seconds, int blocks)
{
    enum kind kind = open_bare();
    for (int block = 0; block < blocks; block++) {
        printf("%.1f ", paced_library(period_ns, seconds));
        printf("%.1f ", busy_a_tick(bare(kind, period_ns, seconds)));
        printf("%.1f\n", busy_a_tick(bare(EMPTY, period_ns, seconds)));
    }
}

int main(int argc, char **argv)
{
    int first = argc > 1 && strcmp(argv[1], "paced") == 0 ? 5 : 4;
    if (argc <= first || argc - first > CHANNELS_MAX) {
        fprintf(stderr, "see the head of floor.c\n");
        return 2;
    }
    for (int i = first; i < argc; i++)
        parse_channel(argv[i]);
    store = calloc((size_t)STORE_TICKS * CHANNELS_MAX, sizeof *store);
    if (store == NULL)
        fail("calloc");
    memset(store, 1, (size_t)STORE_TICKS * CHANNELS_MAX * sizeof *store); /* no page fault later */
    if (strcmp(argv[1], "hot") == 0) {
        hot(atoi(argv[2]), atol(argv[3]));
    } else if (strcmp(argv[1], "paced") == 0) {
        paced((int64_t)((double)NS_PER_S / atof(argv[2])), atof(argv[3]), atoi(argv[4]));
    } else {
        struct loop loop =
            bare(open_bare(), (int64_t)((double)NS_PER_S / atof(argv[2])), atof(argv[3]));
        printf("%llu %llu\n", (unsigned long long)loop.taken, (unsigned long long)loop.missed);
    }
    return 0;
}
