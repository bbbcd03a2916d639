/* SPDX-License-Identifier: Apache-2.0
 * The NVML reader opens, reads, fails and closes without a leak or a stray byte: run under the
 * sanitizers, with the path of a stand-in that has GPU-1, and GPU-2 which is lost from the start.
 */
#include "../native/check.h"

static char path[3][4200];

static struct uj_channel channel(const char *library, const char *uuid, uint64_t config)
{
    static unsigned next;
    char *name = path[next++ % 3];
    snprintf(name, sizeof path[0], "%s@%s", uuid, library);
    return (struct uj_channel){.reader = "nvml", .path = name, .config = config, .code = 7};
}

static void reads_all(const char *library)
{
    struct uj_channel one = channel(library, "GPU-1", 83);
    struct uj_channel table[12];
    for (size_t i = 0; i < 12; i++) {
        static const uint64_t configs[12] = {83,
                                             185,
                                             1ULL << 48,
                                             186,
                                             191,
                                             2ULL << 48,
                                             3ULL << 48,
                                             4ULL << 48,
                                             5ULL << 48,
                                             185 | 1ULL << 32,
                                             185 | 2ULL << 32,
                                             9999};
        table[i] = one;
        table[i].config = configs[i];
        table[i].code = (uint16_t)i;
    }
    struct uj_sampler *sampler = open_still(table, 12);
    struct uj_columns columns = new_columns(64);
    for (int tick = 0; tick < 20; tick++) {
        CHECK_EQ(uj_sampler_tick(sampler), 0);
        CHECK_EQ(uj_sampler_drain(sampler, 64, &columns), 12);
        for (uint16_t i = 0; i < 12; i++) {
            CHECK_EQ(columns.channel[i], i); /* in the order of open, whatever the call */
            CHECK_EQ(columns.status[i], i < 9 ? 0 : UJ_STATUS_NVML + 3);
            CHECK_EQ(bit(columns.sensor_valid, i), i == 0 || i == 1 || i == 3 || i == 4);
        }
    }
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    nap_ms(50);
    free_columns(&columns);
    uj_sampler_close(sampler); /* while it runs */
}

/* The rows of a buffer of samples: one for the round, the others beyond it, ascending. */
static void reads_samples(const char *library)
{
    struct uj_channel table[2] = {channel(library, "GPU-1", 83),
                                  channel(library, "GPU-1", 6ULL << 48)};
    table[0].code = 0;
    table[1].code = 1;
    struct uj_sampler *sampler = open_still(table, 2);
    struct uj_columns columns = new_columns(4096);
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    size_t n = uj_sampler_drain(sampler, 4096, &columns);
    CHECK(n == 1 + 60); /* the buffer's depth */
    for (size_t i = 2; i < n; i++) {
        CHECK_EQ(columns.channel[i], 1);
        CHECK_EQ(columns.status[i], 0);
        CHECK_EQ(columns.t_ns[i], columns.t_ns[i - 1] + 1);
        CHECK(columns.sensor_ns[i] > columns.sensor_ns[i - 1]);
    }
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    for (int i = 0; i < 20; i++) { /* drained by another thread than the one that fills */
        nap_ms(5);
        uj_sampler_drain(sampler, 4096, &columns);
    }
    struct uj_counts counts;
    CHECK_EQ(uj_sampler_counts(sampler, &counts), 0);
    CHECK_EQ(counts.errors, 0);
    free_columns(&columns);
    uj_sampler_close(sampler); /* while it runs */
}

int main(int argc, char **argv)
{
    CHECK_EQ(argc, 2);
    const char *library = argv[1];
    reads_all(library);
    reads_all(library);
    reads_samples(library);
    struct uj_channel bad[] = {
        channel(library, "GPU-9", 83),
        channel(library, "GPU-2", 83),
        channel("/nowhere/libx.so", "GPU-1", 83),
    };
    CHECK_EQ(open_code(&bad[0]), -ENODEV);
    CHECK_EQ(open_code(&bad[1]), -ENODEV);
    CHECK_EQ(open_code(&bad[2]), -ENOENT);
    bad[0].config = 15ULL << 48;
    CHECK_EQ(open_code(&bad[0]), -EINVAL);
    bad[0].path = "no library";
    CHECK_EQ(open_code(&bad[0]), -EINVAL);
    return 0;
}
