/* SPDX-License-Identifier: Apache-2.0
 *
 *     counted push|drain N            rows in and out of the ring
 *     counted text|msr|script N FILE  ticks of four channels that read this file
 *
 * Does one thing N times, and as much besides whatever N is, so that what 2 N take more is its
 * cost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microjoule.h"
#include "ring.h"

#define ROWS 65536
#define CHANNELS 4

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void fill(struct uj_ring *ring, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct uj_sample row = {.t_ns = (int64_t)i, .raw = i, .sensor_ns = UJ_NO_SENSOR_TIME};
        if (!uj_ring_push(ring, &row))
            fail("the ring is full");
    }
}

static void drain(struct uj_ring *ring, size_t n)
{
    struct uj_columns columns = {
        .t_ns = calloc(ROWS, sizeof(int64_t)),
        .read_ns = calloc(ROWS, sizeof(uint32_t)),
        .channel = calloc(ROWS, sizeof(uint16_t)),
        .raw = calloc(ROWS, sizeof(uint64_t)),
        .raw_valid = calloc(ROWS / 8, 1),
        .sensor_ns = calloc(ROWS, sizeof(int64_t)),
        .sensor_valid = calloc(ROWS / 8, 1),
        .status = calloc(ROWS, sizeof(uint16_t)),
    };
    if (uj_ring_drain(ring, n, &columns) != n)
        fail("not all rows came out");
}

static void tick(const char *reader, const char *path, size_t n)
{
    struct uj_channel channels[CHANNELS];
    struct uj_cadence cadence = {.period_ns = 1000000, .ring_rows = ROWS};
    struct uj_error err = {0};
    struct uj_sampler *sampler;
    for (int i = 0; i < CHANNELS; i++)
        channels[i] =
            (struct uj_channel){.reader = reader, .path = path, .cpu = -1, .code = (uint16_t)i};
    if (uj_sampler_open(channels, CHANNELS, &cadence, "counted", &sampler, &err) != 0)
        fail(err.what);
    for (size_t i = 0; i < n; i++)
        if (uj_sampler_tick(sampler) != 0)
            fail("no tick");
    if (uj_sampler_waiting(sampler) != n * CHANNELS)
        fail("not all rows are there");
    uj_sampler_close(sampler);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        fail("counted PATH N [FILE]");
    size_t n = (size_t)atol(argv[2]);
    if (argc > 3) {
        tick(argv[1], argv[3], n);
        return 0;
    }
    struct uj_ring ring;
    if (uj_ring_init(&ring, ROWS) != 0)
        fail("no memory");
    if (strcmp(argv[1], "push") == 0) {
        fill(&ring, n);
    } else {
        fill(&ring, ROWS);
        drain(&ring, n);
    }
    uj_ring_free(&ring);
    return 0;
}
