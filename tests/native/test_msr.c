/* SPDX-License-Identifier: Apache-2.0
 * The register reader takes the 8 bytes at the register's number; a plain file stands for
 * /dev/cpu/0/msr. */
#include <fcntl.h>

#include "check.h"

/* Eight apart at least, so that a plain file can hold them (Intel SDM vol. 4). */
#define POWER_UNIT 0x606u
#define PACKAGE_ENERGY 0x611u
#define DRAM_ENERGY 0x619u

int main(void)
{
    const uint64_t unit = 0xa0e03, package = 0xdeadbeef01234567, dram = UINT64_MAX;
    const char *path = file_with("", 0);
    int fd = open(path, O_RDWR);
    CHECK_EQ(pwrite(fd, &unit, 8, POWER_UNIT), 8);
    CHECK_EQ(pwrite(fd, &package, 8, PACKAGE_ENERGY), 8);
    CHECK_EQ(pwrite(fd, &dram, 8, DRAM_ENERGY), 8);

    struct uj_channel channels[] = {
        {.reader = "msr", .path = path, .config = PACKAGE_ENERGY, .code = 1},
        {.reader = "msr", .path = path, .config = DRAM_ENERGY, .code = 2},
        {.reader = "msr", .path = path, .config = POWER_UNIT, .code = 3},
        {.reader = "msr",
         .path = path,
         .config = DRAM_ENERGY + 4,
         .code = 4},                                                      /* 4 bytes are there */
        {.reader = "msr", .path = path, .config = 0xc001029b, .code = 5}, /* none are */
        {.reader = "msr", .path = path, .config = UINT64_MAX, .code = 6},
    };
    struct uj_sampler *sampler = open_still(channels, 6);
    struct uj_columns c = new_columns(6);
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_sampler_drain(sampler, 6, &c), 6);
    const uint64_t want[] = {package, dram, unit, 0, 0, 0};
    const uint16_t status[] = {0, 0, 0, ENODATA, ENODATA, EINVAL};
    for (size_t i = 0; i < 6; i++) {
        CHECK_EQ(c.channel[i], i + 1);
        CHECK_EQ(c.status[i], status[i]);
        CHECK(c.raw[i] == want[i]);
        CHECK(i == 0 || c.t_ns[i] >= c.t_ns[i - 1] + c.read_ns[i - 1]);
    }
    CHECK_EQ(c.raw_nulls, 3);
    CHECK_EQ(c.sensor_nulls, 6);

    const uint64_t wrapped = 5;
    CHECK_EQ(pwrite(fd, &wrapped, 8, PACKAGE_ENERGY), 8);
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_sampler_drain(sampler, 1, &c), 1);
    CHECK_EQ(c.raw[0], 5);
    uj_sampler_close(sampler);
    free_columns(&c);
    close(fd);
    unlink(path);

    struct uj_channel missing = {.reader = "msr", .path = "/dev/cpu/none/msr"};
    CHECK_EQ(open_code(&missing), -ENOENT);
    return 0;
}
