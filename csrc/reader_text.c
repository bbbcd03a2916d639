/* SPDX-License-Identifier: Apache-2.0
 *
 * Decimal text files: powercap's energy_uj, hwmon's energyN_input, the first line of /proc/stat.
 *
 * The kernel makes the text anew at each read from offset 0, so the file stays open and costs one
 * pread (0.7 us) instead of open, read and close (8 us). A file may hold several numbers on its
 * first line: `config` is a mask of the fields to add, field 0 being the first word; a mask of 0
 * means field 0. For /proc/stat, "cpu" is field 0 and the user time field 1. A minus sign gives
 * the number in two's complement. What is not a number, or has too few fields, is EBADMSG; a number
 * beyond 64 bits ERANGE; an empty file ENODATA. The line's first LINE_BYTES are looked at. Each of
 * the kernel's files ends its line, so that a number with nothing behind it was cut: EBADMSG.
 *
 * A file whose device goes away, with its driver or the last CPU of its package, answers ENODEV for
 * good (fs/kernfs/file.c); what comes back is another file of that name, which is opened instead.
 *
 * A path ".../curr1_input*in1_input" is two files of one folder, read one after the other: the row
 * has their product, signed (milliamperes times millivolts are microwatts), and read_ns spans both
 * reads. A product beyond 63 bits is ERANGE.
 *
 * Known lies: energy_uj is in truncated microjoules (the analysis undoes it), and a read runs on
 * the package's lead CPU through an interrupt, so it may wake a sleeping core.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "reader.h"

#define LINE_BYTES 256
#define NO_FACTOR (-1)
#define REOPEN_NS (UJ_NS_PER_S / 10) /* between two attempts */

struct text_file {
    int fd;
    int factor_fd; /* NO_FACTOR: the number of the first file is the reading */
    uint64_t fields;
    uint16_t code;
    char *path;
    int64_t reopen_ns; /* no earlier than this */
};

struct text_state {
    size_t n;
    struct text_file files[];
};

static void close_files(const struct text_file *file)
{
    close(file->fd);
    if (file->factor_fd != NO_FACTOR)
        close(file->factor_fd);
}

static void text_close(void *opened)
{
    struct text_state *state = opened;
    for (size_t i = 0; i < state->n; i++) {
        close_files(&state->files[i]);
        free(state->files[i].path);
    }
    free(state);
}

/* Opens the file, or the two files of a product; 0 or an errno. */
static int open_files(const char *path, struct text_file *file)
{
    char first[PATH_MAX], second[PATH_MAX];
    const char *folder_end = strrchr(path, '/');
    const char *times = strrchr(path, '*');
    *file = (struct text_file){.fd = -1, .factor_fd = NO_FACTOR};
    if (folder_end == NULL || times == NULL || times < folder_end) {
        file->fd = open(path, O_RDONLY | O_CLOEXEC);
        return file->fd < 0 ? errno : 0;
    }
    int folder = (int)(folder_end + 1 - path), name = (int)(times - folder_end - 1);
    if (snprintf(first, sizeof first, "%.*s", folder + name, path) >= (int)sizeof first ||
        snprintf(second, sizeof second, "%.*s%s", folder, path, times + 1) >= (int)sizeof second)
        return ENAMETOOLONG;
    file->fd = open(first, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0)
        return errno;
    file->factor_fd = open(second, O_RDONLY | O_CLOEXEC);
    if (file->factor_fd < 0) {
        int code = errno;
        close(file->fd);
        return code;
    }
    return 0;
}

static int text_open(const struct uj_channel *channels, size_t n, void **out, struct uj_error *err)
{
    struct text_state *state = calloc(1, sizeof *state + n * sizeof *state->files);
    if (state == NULL)
        return uj_fail(err, ENOMEM, "open", "text channels");
    for (size_t i = 0; i < n; i++) {
        struct text_file *file = &state->files[state->n];
        int refusal = open_files(channels[i].path, file);
        if (refusal == 0 && (file->path = strdup(channels[i].path)) == NULL) {
            close_files(file);
            refusal = ENOMEM;
        }
        if (refusal != 0) {
            int code = uj_fail(err, refusal, "open", channels[i].path);
            text_close(state);
            return code;
        }
        file->fields = channels[i].config != 0 ? channels[i].config : 1;
        file->code = channels[i].code;
        state->n++;
    }
    *out = state;
    return 0;
}

/* Adds the masked fields of the line; 0 or an errno. */
static uint16_t parse(const char *text, size_t length, uint64_t fields, uint64_t *sum)
{
    const char *end = text + length;
    *sum = 0;
    for (; fields != 0; fields >>= 1) {
        while (text < end && (*text == ' ' || *text == '\t'))
            text++;
        if (text == end || *text == '\n')
            return length == 0 ? ENODATA : EBADMSG;
        if (fields & 1) {
            bool negative = *text == '-';
            uint64_t value = 0;
            text += negative;
            if (text == end || *text < '0' || *text > '9')
                return EBADMSG;
            for (; text < end && *text >= '0' && *text <= '9'; text++)
                if (__builtin_mul_overflow(value, 10u, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
                    return ERANGE;
            if (negative && value > (uint64_t)INT64_MAX + 1)
                return ERANGE;
            if (text == end) /* it may go on */
                return EBADMSG;
            if (*text != ' ' && *text != '\t' && *text != '\n' && *text != '\0')
                return EBADMSG;
            *sum += negative ? 0 - value : value;
        } else {
            while (text < end && *text != ' ' && *text != '\t' && *text != '\n')
                text++;
        }
    }
    return 0;
}

/* The number that an open file holds now; 0 or an errno. */
static uint16_t number_in(int fd, uint64_t fields, uint64_t *number)
{
    char line[LINE_BYTES];
    ssize_t got = pread(fd, line, sizeof line, 0);
    return got < 0 ? (uint16_t)errno : parse(line, (size_t)got, fields, number);
}

static uint16_t reading_of(const struct text_file *file, uint64_t *raw)
{
    uint64_t factor;
    int64_t product;
    uint16_t code = number_in(file->fd, file->fields, raw);
    if (code != 0 || file->factor_fd == NO_FACTOR)
        return code;
    code = number_in(file->factor_fd, file->fields, &factor);
    if (code == 0 && __builtin_mul_overflow((int64_t)*raw, (int64_t)factor, &product))
        code = ERANGE;
    if (code == 0)
        *raw = (uint64_t)product;
    return code;
}

static void reopen(struct text_file *file, int64_t now_ns)
{
    struct text_file anew;
    if (now_ns < file->reopen_ns)
        return;
    file->reopen_ns = now_ns + REOPEN_NS;
    if (open_files(file->path, &anew) != 0)
        return;
    close_files(file);
    file->fd = anew.fd;
    file->factor_fd = anew.factor_fd;
}

static void text_read(void *opened, struct uj_sample *rows)
{
    struct text_state *state = opened;
    int64_t before = uj_now_ns();
    for (size_t i = 0; i < state->n; i++) {
        uint64_t raw = 0;
        uint16_t status = reading_of(&state->files[i], &raw);
        int64_t after = uj_now_ns();
        rows[i] = (struct uj_sample){
            .t_ns = before,
            .sensor_ns = UJ_NO_SENSOR_TIME,
            .read_ns = uj_elapsed_ns(before, after),
            .channel = state->files[i].code,
            .status = status,
            .raw = raw,
        };
        if (status == ENODEV)
            reopen(&state->files[i], after);
        before = after;
    }
}

const struct uj_reader uj_reader_text = {"text", text_open, text_read, text_close, NULL};
