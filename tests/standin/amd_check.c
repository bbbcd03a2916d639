/* SPDX-License-Identifier: Apache-2.0
 * The AMD reader opens, reads, fails and closes without a leak or a stray byte: run under the
 * sanitizers, with the path of a stand-in that has 0000:03:00.0 and 0000:83:00.0, and whether it is
 * librocm_smi64 (1) or libamd_smi (0).
 */
#include "../native/check.h"

static char path[3][4200];

static struct uj_channel channel(const char *library, const char *pci, uint64_t config)
{
    static unsigned next;
    char *name = path[next++ % 3];
    snprintf(name, sizeof path[0], "%s@%s", pci, library);
    return (struct uj_channel){.reader = "amdsmi", .path = name, .config = config, .code = 7};
}

static void reads_all(const char *library, bool is_rocm)
{
    struct uj_channel table[] = {channel(library, "0000:03:00.0", 1),
                                 channel(library, "0000:83:00.0", is_rocm ? 2 : 1)};
    struct uj_sampler *sampler = open_still(table, 2);
    struct uj_columns columns = new_columns(64);
    for (int tick = 0; tick < 20; tick++) {
        CHECK_EQ(uj_sampler_tick(sampler), 0);
        CHECK_EQ(uj_sampler_drain(sampler, 64, &columns), 2);
        CHECK_EQ(columns.status[0], 0);
        CHECK_EQ(bit(columns.sensor_valid, 0), 1);
        CHECK_EQ(bit(columns.sensor_valid, 1), !is_rocm); /* power has no time of its own */
    }
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    nap_ms(50);
    free_columns(&columns);
    uj_sampler_close(sampler); /* while it runs */
}

int main(int argc, char **argv)
{
    CHECK_EQ(argc, 3);
    const char *library = argv[1];
    bool is_rocm = argv[2][0] == '1';
    reads_all(library, is_rocm);
    reads_all(library, is_rocm);
    struct uj_channel bad[] = {
        channel(library, "0000:04:00.0", 1),
        channel(library, "no address", 1),
        channel("/nowhere/libx.so", "0000:03:00.0", 1),
    };
    CHECK_EQ(open_code(&bad[0]), -ENODEV);
    CHECK_EQ(open_code(&bad[1]), -EINVAL);
    CHECK_EQ(open_code(&bad[2]), -ENOENT);
    bad[0].config = 3;
    CHECK_EQ(open_code(&bad[0]), -EINVAL);
    bad[0].path = "no library";
    CHECK_EQ(open_code(&bad[0]), -EINVAL);
    return 0;
}
