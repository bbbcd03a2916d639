/* SPDX-License-Identifier: Apache-2.0
 *
 * A test program states facts with CHECK and returns 0; the first that does not hold is printed
 * with its place and ends the program with 1. skip() ends it with 77 and says why. To be compiled
 * with -D_GNU_SOURCE.
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "microjoule.h"

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #cond);               \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define CHECK_EQ(got, want)                                                                        \
    do {                                                                                           \
        long long check_got = (long long)(got), check_want = (long long)(want);                    \
        if (check_got != check_want) {                                                             \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, check_got,  \
                    check_want);                                                                   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define MS 1000000LL

static inline _Noreturn void skip(const char *why)
{
    printf("%s\n", why);
    exit(77);
}

/* The type of the msr PMU, which virtual machines have too; a skip where there is none. */
static inline uint32_t msr_type(void)
{
    unsigned type = 0;
    FILE *file = fopen("/sys/bus/event_source/devices/msr/type", "re");
    if (file == NULL)
        skip("this kernel has no msr PMU");
    int words = fscanf(file, "%u", &type);
    fclose(file);
    if (words != 1)
        skip("the type of the msr PMU cannot be read");
    return type;
}

static inline void nap_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        continue;
}

/* A new file with these bytes in $TMPDIR; the caller unlinks it. One name at a time. */
static inline const char *file_with(const void *bytes, size_t length)
{
    static char path[4096];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/ujXXXXXX", folder != NULL ? folder : "/tmp");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK(write(fd, bytes, length) == (ssize_t)length);
    close(fd);
    return path;
}

/* Whether the child left with 0. */
static inline bool child_is_well(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        CHECK_EQ(errno, EINTR);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Columns for up to capacity rows. */
static inline struct uj_columns new_columns(size_t capacity)
{
    struct uj_columns c = {
        .t_ns = calloc(capacity, sizeof *c.t_ns),
        .read_ns = calloc(capacity, sizeof *c.read_ns),
        .channel = calloc(capacity, sizeof *c.channel),
        .raw = calloc(capacity, sizeof *c.raw),
        .raw_valid = malloc((capacity + 7) / 8),
        .sensor_ns = calloc(capacity, sizeof *c.sensor_ns),
        .sensor_valid = malloc((capacity + 7) / 8),
        .status = calloc(capacity, sizeof *c.status),
    };
    CHECK(c.t_ns && c.read_ns && c.channel && c.raw && c.raw_valid && c.sensor_ns &&
          c.sensor_valid && c.status);
    /* Stale bits, so that a bit that the drain forgets to clear shows. */
    memset(c.raw_valid, 0xa5, (capacity + 7) / 8);
    memset(c.sensor_valid, 0x5a, (capacity + 7) / 8);
    return c;
}

static inline void free_columns(struct uj_columns *c)
{
    free(c->t_ns);
    free(c->read_ns);
    free(c->channel);
    free(c->raw);
    free(c->raw_valid);
    free(c->sensor_ns);
    free(c->sensor_valid);
    free(c->status);
}

static inline bool bit(const uint8_t *bits, size_t i)
{
    return bits[i / 8] >> (i % 8) & 1;
}

/* A sampler over these channels that is never started by the caller: one tick is one reading. */
static inline struct uj_sampler *open_still(const struct uj_channel *channels, size_t n)
{
    struct uj_cadence cadence = {.period_ns = MS, .ring_rows = 64};
    struct uj_sampler *sampler = NULL;
    struct uj_error err = {0};
    int code = uj_sampler_open(channels, n, &cadence, "test", &sampler, &err);
    if (code != 0) {
        fprintf(stderr, "%s\n", err.what);
        exit(1);
    }
    return sampler;
}

/* The code of an open that is expected to fail, of one channel. */
static inline int open_code(const struct uj_channel *channel)
{
    struct uj_cadence cadence = {.period_ns = MS, .ring_rows = 64};
    struct uj_sampler *sampler = NULL;
    struct uj_error err = {0};
    int code = uj_sampler_open(channel, 1, &cadence, "test", &sampler, &err);
    CHECK_EQ(err.code, code);
    CHECK(code == 0 || strlen(err.what) > 0);
    uj_sampler_close(sampler);
    return code;
}

/* One tick's row of a sampler with one channel. */
static inline struct uj_sample read_once(struct uj_sampler *sampler)
{
    struct uj_columns c = new_columns(1);
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_sampler_drain(sampler, 1, &c), 1);
    struct uj_sample row = {
        .t_ns = c.t_ns[0],
        .raw = c.raw[0],
        .sensor_ns = bit(c.sensor_valid, 0) ? c.sensor_ns[0] : UJ_NO_SENSOR_TIME,
        .read_ns = c.read_ns[0],
        .channel = c.channel[0],
        .status = c.status[0],
    };
    bool has_raw = row.status == 0 || row.status / UJ_STATUS_UNCOUNTED == 1;
    CHECK_EQ(bit(c.raw_valid, 0), has_raw);
    CHECK_EQ(c.raw_nulls, !has_raw);
    free_columns(&c);
    return row;
}

#endif
