/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into `uj` (LD_PRELOAD), this library plays the files of RAPL counters that answer
 * anything, a disk that fails, and a wall clock that somebody sets. Everything above the C library
 * is the real one.
 *
 * UNRULY names a file of int32 words that it maps; a test writes them while `uj` runs:
 *   0  what reads of a counter file whose path holds UNRULY_COUNTER answer: 0 the truth, below 1000
 * that errno, else one of the enum below 1  the errno of each write to a file whose path ends in
 * ".arrows"; 0: none 2  seconds that CLOCK_REALTIME is ahead 3  how many reads were answered
 * otherwise than with the truth 4  how often the counter files were removed: one that was opened
 * before answers ENODEV for good, as kernfs does (fs/kernfs/file.c: kernfs_get_active)
 *
 * Each counter draws 40 W from the start of CLOCK_MONOTONIC, in counts of 2^-14 J that move once a
 * millisecond, and shows them as the kernel does (drivers/powercap/intel_rapl_common.c): in
 * truncated microjoules of counts of 61 035 nJ; or as the register 0x611 of a CPU's msr file. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CUT = 1000, LETTERS, EMPTY, STUCK, NOISE, GONE };
enum { COUNTER, WRITES, AHEAD_S, ANSWERED, REMOVALS, WORDS };
#define ENERGY_REGISTER 0x611
#define POWER_W 40
#define FDS_MAX 1024

static _Atomic int32_t *control;
static _Atomic int32_t opened[FDS_MAX]; /* 1 + REMOVALS when it was opened; 0: no counter's */

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void prepare(void)
{
    const char *path = getenv("UNRULY");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *at = fd < 0
                   ? MAP_FAILED
                   : mmap(NULL, WORDS * sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    control = at == MAP_FAILED ? NULL : at;
}

static int32_t word(int number)
{
    return control == NULL ? 0 : atomic_load(&control[number]);
}

static int64_t monotonic_ms(void)
{
    int (*real)(clockid_t, struct timespec *) = next("clock_gettime");
    struct timespec now;
    real(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static ssize_t answer(int fd, char *to, size_t room)
{
    static _Atomic int64_t last_ms;
    int32_t how = word(COUNTER);
    if (atomic_load(&opened[fd]) != 1 + word(REMOVALS))
        how = ENODEV;
    if (how != STUCK)
        atomic_store(&last_ms, monotonic_ms());
    if (how != 0)
        atomic_fetch_add(&control[ANSWERED], 1);
    if (how > 0 && how < CUT) {
        errno = how;
        return -1;
    }
    char text[64];
    uint64_t raw = ((uint64_t)atomic_load(&last_ms) * POWER_W * (1 << 14) / 1000) & UINT32_MAX;
    if (room == sizeof raw) {
        memcpy(to, &raw, sizeof raw);
        return sizeof raw;
    }
    uint64_t shown = how == NOISE ? (uint64_t)random() : raw * 61035 / 1000;
    int length = snprintf(text, sizeof text, "%" PRIu64 "\n", shown);
    if (how == CUT)
        length /= 2;
    if (how == LETTERS)
        length = snprintf(text, sizeof text, "-\xff?energy\n");
    if (how == EMPTY)
        length = 0;
    size_t taken = (size_t)length < room ? (size_t)length : room;
    memcpy(to, text, taken);
    return (ssize_t)taken;
}

static bool is_of_counter(const char *path)
{
    const char *counter = getenv("UNRULY_COUNTER");
    return control != NULL && counter != NULL && strstr(path, counter) != NULL;
}

static int opened_file(const char *name, const char *path, int flags, int mode)
{
    int (*real)(const char *, int, int) = next(name);
    if (is_of_counter(path) && word(COUNTER) == GONE) {
        errno = ENOENT;
        return -1;
    }
    int fd = real(path, flags, mode);
    if (fd >= 0 && fd < FDS_MAX)
        atomic_store(&opened[fd], is_of_counter(path) ? 1 + word(REMOVALS) : 0);
    return fd;
}

int open(const char *path, int flags, ...)
{
    __builtin_va_list more;
    __builtin_va_start(more, flags);
    int mode = flags & O_CREAT ? __builtin_va_arg(more, int) : 0;
    __builtin_va_end(more);
    return opened_file("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    __builtin_va_list more;
    __builtin_va_start(more, flags);
    int mode = flags & O_CREAT ? __builtin_va_arg(more, int) : 0;
    __builtin_va_end(more);
    return opened_file("open64", path, flags, mode);
}

static bool is_answered(int fd, off_t at)
{
    return control != NULL && fd >= 0 && fd < FDS_MAX && atomic_load(&opened[fd]) != 0 &&
           (at == 0 || at == ENERGY_REGISTER);
}

ssize_t pread(int fd, void *to, size_t room, off_t at)
{
    ssize_t (*real)(int, void *, size_t, off_t) = next("pread");
    return is_answered(fd, at) ? answer(fd, to, room) : real(fd, to, room, at);
}

ssize_t pread64(int fd, void *to, size_t room, off64_t at)
{
    ssize_t (*real)(int, void *, size_t, off64_t) = next("pread64");
    return is_answered(fd, at) ? answer(fd, to, room) : real(fd, to, room, at);
}

ssize_t write(int fd, const void *data, size_t length)
{
    ssize_t (*real)(int, const void *, size_t) = next("write");
    int32_t code = word(WRITES);
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = code == 0 ? -1 : readlink(link, path, sizeof path);
    if (n < 7 || memcmp(path + n - 7, ".arrows", 7) != 0)
        return real(fd, data, length);
    errno = code;
    return -1;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int (*real)(clockid_t, struct timespec *) = next("clock_gettime");
    int code = real(clock, out);
    if (clock == CLOCK_REALTIME)
        out->tv_sec += word(AHEAD_S);
    return code;
}
