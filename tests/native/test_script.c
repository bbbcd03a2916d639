/* SPDX-License-Identifier: Apache-2.0
 * The script reader plays the readings that its file lists, by time or by reads. */
#include "check.h"

static struct uj_sampler *open_script(const char *text)
{
    const char *path = file_with(text, strlen(text));
    struct uj_channel channel = {.reader = "script", .path = path, .code = 9};
    struct uj_sampler *sampler = open_still(&channel, 1);
    unlink(path); /* it is read whole at the open */
    return sampler;
}

static void plays(const char *text, const uint64_t *want, size_t n)
{
    struct uj_sampler *sampler = open_script(text);
    for (size_t i = 0; i < n; i++) {
        struct uj_sample row = read_once(sampler);
        CHECK_EQ(row.status, 0);
        CHECK_EQ(row.channel, 9);
        CHECK(row.raw == want[i]);
    }
    uj_sampler_close(sampler);
}

#define PLAYS(text, ...)                                                                           \
    plays(text, (const uint64_t[]){__VA_ARGS__},                                                   \
          sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void refuses(const char *text)
{
    const char *path = file_with(text, strlen(text));
    struct uj_channel channel = {.reader = "script", .path = path};
    if (open_code(&channel) != -EBADMSG) {
        fprintf(stderr, "not refused: %s\n", text);
        exit(1);
    }
    unlink(path);
}

static void by_reads(void)
{
    PLAYS("by reads\n1\n2\n3\n", 1, 2, 3, 3, 3);
    PLAYS("# comment\n\nby reads\n  5  \n0x10\r\n7", 5, 16, 7, 7);
    PLAYS("by reads\nrepeat 0 10 0\n1\n2\n", 1, 2, 11, 12, 21, 22);
    PLAYS("by reads\nrepeat 0 3 8\n1\n5\n", 1, 5, 4, 0, 7, 3, 2);
    PLAYS("by reads\nrepeat 0 1 0\n18446744073709551615\n", UINT64_MAX, 0, 1, 2);
    PLAYS("by reads\nrepeat 0 18446744073709551615 18446744073709551615\n3\n", 3, 3, 3);
}

static void errors_and_latency(void)
{
    struct uj_sampler *sampler = open_script("by reads\n1\n!5\n2 3000000\n!0x70\n");
    struct uj_sample row = read_once(sampler);
    CHECK_EQ(row.raw, 1);
    row = read_once(sampler);
    CHECK_EQ(row.status, EIO);
    row = read_once(sampler);
    CHECK_EQ(row.status, 0);
    CHECK_EQ(row.raw, 2);
    CHECK(row.read_ns >= 3000000);
    row = read_once(sampler);
    CHECK_EQ(row.status, 0x70);
    uj_sampler_close(sampler);
}

/* What holds at the row's own time is what the row must say; the row's time lies between the
 * stamps, and the origin between those of the open. */
static void by_time(void)
{
    int64_t before_ns = uj_now_ns();
    struct uj_sampler *sampler = open_script("20000000 7\n40000000 8\n60000000 !5\n80000000 9\n");
    int64_t after_ns = uj_now_ns(), elapsed_ns = 0;
    uint64_t last = 0;
    while (elapsed_ns < 100 * MS) {
        struct uj_sample row = read_once(sampler);
        int64_t most = row.t_ns - before_ns, least = row.t_ns - after_ns;
        uint64_t value = row.status == EIO ? 88 : row.raw * 10 + (row.raw == 9 ? 1 : 0);
        CHECK(row.status == 0 || row.status == EIO);
        CHECK(value >= last);
        last = value;
        CHECK(value == 70 || value == 80 || value == 88 || value == 91);
        CHECK(most < 40 * MS ? value == 70 : true); /* before its time as well the first holds */
        CHECK(least >= 80 * MS ? value == 91 : true);
        CHECK(least >= 60 * MS && most < 80 * MS ? value == 88 : true);
        elapsed_ns = least;
    }
    CHECK_EQ(last, 91);
    uj_sampler_close(sampler);
}

static void by_time_repeats(void)
{
    int64_t before_ns = uj_now_ns();
    struct uj_sampler *sampler = open_script("repeat 2000000 100 0\n0 0\n1000000 50\n");
    int64_t after_ns = uj_now_ns(), elapsed_ns = 0;
    while (elapsed_ns < 30 * MS) {
        struct uj_sample row = read_once(sampler);
        uint64_t most = (uint64_t)((row.t_ns - before_ns) / MS) * 50;
        elapsed_ns = row.t_ns - after_ns;
        uint64_t least = (uint64_t)(elapsed_ns / MS) * 50;
        CHECK_EQ(row.status, 0);
        CHECK(row.raw >= least && row.raw <= most);
    }
    uj_sampler_close(sampler);
}

static void bad_files(void)
{
    char endless[300];
    refuses("");
    refuses("# nothing\n");
    refuses("by reads\n");
    refuses("ten\n");
    refuses("10\n"); /* by time an entry is two numbers */
    refuses("10 -5\n");
    refuses("-10 5\n");
    refuses("10 5 6 7\n");
    refuses("10 5 soon\n");
    refuses("10 5x\n");
    refuses("10 !\n");
    refuses("10 !0\n"); /* a failure has a code */
    refuses("10 !65536\n");
    refuses("10 5 4294967296\n"); /* beyond 32 bits of latency */
    refuses("10 18446744073709551616\n");
    refuses("10 1\n5 2\n"); /* times ascend */
    refuses("repeat 0 1 0\n0 1\n");
    refuses("repeat -5 1 0\n0 1\n");
    refuses("repeat 5\n0 1\n");
    refuses("by reads\n1 2 3\n");
    memset(endless, ' ', sizeof endless);
    endless[0] = '#';
    endless[298] = '5';
    endless[299] = '\0';
    refuses(endless);
    struct uj_channel missing = {.reader = "script", .path = "/no/such/script"};
    CHECK_EQ(open_code(&missing), -ENOENT);
    missing.path = "/";
    CHECK_EQ(open_code(&missing), -EISDIR);
}

int main(void)
{
    by_reads();
    errors_and_latency();
    by_time();
    by_time_repeats();
    bad_files();
    return 0;
}
