/* SPDX-License-Identifier: Apache-2.0
 * The text reader gives the number that stands there, or the code that says why not. */
#include <fcntl.h>

#include "check.h"

static struct uj_sample read_text(const char *text, size_t length, uint64_t fields)
{
    const char *path = file_with(text, length);
    struct uj_channel channel = {.reader = "text", .path = path, .config = fields, .code = 42};
    struct uj_sampler *sampler = open_still(&channel, 1);
    struct uj_sample row = read_once(sampler);
    CHECK_EQ(row.channel, 42);
    CHECK_EQ(row.sensor_ns, UJ_NO_SENSOR_TIME);
    uj_sampler_close(sampler);
    unlink(path);
    return row;
}

static void gives(const char *text, uint64_t fields, uint64_t want)
{
    struct uj_sample row = read_text(text, strlen(text), fields);
    CHECK_EQ(row.status, 0);
    CHECK(row.raw == want);
}

static void fails(const char *text, uint64_t fields, int want)
{
    CHECK_EQ(read_text(text, strlen(text), fields).status, want);
}

static void numbers(void)
{
    gives("0\n", 0, 0);
    gives("262143328850\n", 0, 262143328850u);
    fails("262143328850", 0, EBADMSG); /* it may have been cut */
    gives("  17 \n", 0, 17);
    gives("18446744073709551615\n", 0, UINT64_MAX);
    gives("-5\n", 0, (uint64_t)-5);
    gives("-9223372036854775808\n", 0, (uint64_t)INT64_MIN);
    gives("7\nsecond line\n", 0, 7);
    fails("18446744073709551616\n", 0, ERANGE);
    fails("99999999999999999999999999\n", 0, ERANGE);
    fails("-9223372036854775809\n", 0, ERANGE);
    fails("twelve\n", 0, EBADMSG);
    fails("12abc\n", 0, EBADMSG);
    fails("1.5\n", 0, EBADMSG);
    fails("+1\n", 0, EBADMSG);
    fails("-\n", 0, EBADMSG);
    fails("--1\n", 0, EBADMSG);
    fails("\n1\n", 0, EBADMSG);
    fails("", 0, ENODATA);
}

static void fields(void)
{
    const char *stat = "cpu  100 20 3 4000 500 6 7 0 0 0\ncpu0 1 1 1 1 1\n";
    gives(stat, 1u << 1, 100);
    gives(stat, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 6 | 1u << 7, 136);
    gives(stat, 1u << 10, 0);
    fails(stat, 1, EBADMSG);                  /* "cpu" is no number */
    fails(stat, 1u << 11, EBADMSG);           /* there is no such field on the first line */
    fails(stat, 1u << 1 | 1u << 11, EBADMSG); /* and half a sum is no sum */
    gives("5 -7\n", 3, (uint64_t)-2);
    fails("1 2\n", UINT64_MAX, EBADMSG);
}

/* A word that the buffer cuts is not a number that ends there. */
static void long_lines(void)
{
    char line[600];
    memset(line, ' ', sizeof line);
    memset(line + 250, '7', 20);
    CHECK_EQ(read_text(line, sizeof line, 0).status, EBADMSG);
    memset(line, '0', sizeof line);
    CHECK_EQ(read_text(line, sizeof line, 0).status, EBADMSG);
    memset(line, 'x', sizeof line);
    CHECK_EQ(read_text(line, sizeof line, 2).status, EBADMSG);
    memcpy(line, "11 22 ", 6);
    struct uj_sample row = read_text(line, sizeof line, 2);
    CHECK_EQ(row.status, 0);
    CHECK_EQ(row.raw, 22);
    CHECK_EQ(read_text("1\0002", 3, 0).raw, 1);
}

static void files_change_and_vanish(void)
{
    const char *path = file_with("1\n", 2);
    struct uj_channel channel = {.reader = "text", .path = path};
    struct uj_sampler *sampler = open_still(&channel, 1);
    CHECK_EQ(read_once(sampler).raw, 1);
    int fd = open(path, O_WRONLY);
    CHECK_EQ(pwrite(fd, "234\n", 4, 0), 4);
    CHECK_EQ(read_once(sampler).raw, 234); /* read anew from the start, each time */
    CHECK_EQ(read_once(sampler).raw, 234);
    CHECK_EQ(ftruncate(fd, 0), 0);
    CHECK_EQ(read_once(sampler).status, ENODATA);
    close(fd);
    unlink(path);
    CHECK_EQ(read_once(sampler).status, ENODATA); /* the open file outlives its name */
    struct uj_counts counts;
    CHECK_EQ(uj_sampler_counts(sampler, &counts), 0);
    CHECK_EQ(counts.ticks, 5);
    CHECK_EQ(counts.errors, 2);
    uj_sampler_close(sampler);
    CHECK_EQ(open_code(&channel), -ENOENT);

    channel.path = "/";
    sampler = open_still(&channel, 1);
    CHECK_EQ(read_once(sampler).status, EISDIR);
    uj_sampler_close(sampler);
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* Amperes and volts lie in two files of one folder: one row has the product of both. */
static void products(void)
{
    char folder[64] = "/tmp/uj*XXXXXX"; /* a star in the folder's name means nothing */
    char path[128], unread[128];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/curr1_input*in1_input", folder);
    struct uj_channel channel = {.reader = "text", .path = path, .code = 7};
    CHECK_EQ(open_code(&channel), -ENOENT);
    put(folder, "curr1_input", "1200\n");
    CHECK_EQ(open_code(&channel), -ENOENT);
    put(folder, "in1_input", "4968\n");
    struct uj_sampler *sampler = open_still(&channel, 1);
    struct uj_sample row = read_once(sampler);
    CHECK_EQ(row.status, 0);
    CHECK_EQ(row.channel, 7);
    CHECK_EQ(row.raw, 1200 * 4968);
    CHECK_EQ(row.sensor_ns, UJ_NO_SENSOR_TIME);
    put(folder, "curr1_input", "-3\n"); /* a battery that is charged */
    row = read_once(sampler);
    CHECK_EQ(row.status, 0);
    CHECK(row.raw == (uint64_t)(-3 * 4968));
    put(folder, "in1_input", "N/A\n");
    CHECK_EQ(read_once(sampler).status, EBADMSG);
    put(folder, "in1_input", "9223372036854775807\n");
    CHECK_EQ(read_once(sampler).status, ERANGE);
    uj_sampler_close(sampler);

    channel.path = unread;
    snprintf(unread, sizeof unread, "%s/in1_input", folder);
    sampler = open_still(&channel, 1);
    CHECK(read_once(sampler).raw == INT64_MAX); /* one file is read as before */
    uj_sampler_close(sampler);
    unlink(unread);
    snprintf(unread, sizeof unread, "%s/curr1_input", folder);
    unlink(unread);
    rmdir(folder);
}

/* What failed in the middle leaves nothing open. */
static void a_failed_open_leaves_no_file_open(void)
{
    struct uj_channel channels[] = {
        {.reader = "text", .path = "/proc/stat"},
        {.reader = "msr", .path = "/proc/stat"},
        {.reader = "text", .path = "/no/such/file"},
    };
    struct uj_cadence cadence = {.period_ns = MS, .ring_rows = 64};
    struct uj_sampler *sampler = NULL;
    struct uj_error err;
    int before = dup(0);
    close(before);
    CHECK_EQ(uj_sampler_open(channels, 3, &cadence, "test", &sampler, &err), -ENOENT);
    CHECK_EQ(err.code, -ENOENT);
    CHECK(strcmp(err.what, "open /no/such/file: No such file or directory") == 0);
    int after = dup(0);
    close(after);
    CHECK_EQ(after, before);
    channels[2].reader = "tarot";
    CHECK_EQ(uj_sampler_open(channels, 3, &cadence, "test", &sampler, &err), -EINVAL);
    after = dup(0);
    close(after);
    CHECK_EQ(after, before);
}

int main(void)
{
    numbers();
    fields();
    long_lines();
    files_change_and_vanish();
    products();
    a_failed_open_leaves_no_file_open();
    return 0;
}
