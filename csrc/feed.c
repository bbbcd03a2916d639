/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "fork.h"
#include "memory.h"
#include "sampler.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* Linux 5.1 */
#endif

#define ROWS_MIN 64
#define ROWS_MAX ((size_t)1 << 21)
#define PIECE 256 /* rows that are moved at once: what a reader may find overwritten */
#define SIZED (F_SEAL_SHRINK | F_SEAL_GROW)
static const char MAGIC[8] = "ujfeed1";

static size_t bytes_of(size_t rows)
{
    return sizeof(struct uj_feed_memory) + rows * UJ_FEED_WORDS * sizeof(uint64_t);
}

/* The same memory by a descriptor that cannot write. */
static int for_reading(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Maps the memory for the owner, and shuts it to everybody else's writing. 0 or
 * -errno. */
static int shut(struct uj_feed *feed, int fd)
{
    if (posix_fallocate(fd, 0, (off_t)feed->bytes) != 0)
        return -ENOMEM;
    void *at = mmap(NULL, feed->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED)
        return -errno;
    feed->memory = at;
    if (fchmod(fd, 0400) != 0 || fcntl(fd, F_ADD_SEALS, SIZED) != 0)
        return -errno;
    /* An older kernel refuses it: then the mode and the descriptor keep others
     * from writing. */
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) != 0)
        return -errno;
    feed->fd = for_reading(fd);
    return feed->fd >= 0 ? 0 : -errno;
}

int uj_feed_create(size_t rows, struct uj_feed **out, struct uj_error *err)
{
    size_t capacity = ROWS_MIN;
    while (capacity < rows && capacity < ROWS_MAX)
        capacity *= 2;
    struct uj_feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL)
        return uj_fail(err, ENOMEM, "create", "feed");
    feed->fd = -1;
    feed->opener = getpid();
    feed->bytes = bytes_of(capacity);
    feed->mask = capacity - 1;
    int fd = uj_memory_file("microjoule-feed", false);
    int code = fd >= 0 ? shut(feed, fd) : -errno;
    if (fd >= 0)
        close(fd);
    if (code != 0) {
        uj_feed_close(feed);
        return uj_fail(err, -code, "create", "feed");
    }
    uj_memory_lock(feed->memory, feed->bytes);
    feed->memory->capacity = capacity;
    memcpy(feed->memory->magic, MAGIC, sizeof MAGIC);
    *out = feed;
    return 0;
}

/* Maps what is open there, if it is a feed whose size is fixed for good. 0 or
 * -errno. */
static int map_feed(struct uj_feed *feed, int fd)
{
    struct stat facts;
    int seals = fcntl(fd, F_GET_SEALS); /* -1: not a memfd */
    if (fstat(fd, &facts) != 0 || seals < 0 || (seals & SIZED) != SIZED)
        return -EINVAL;
    if (facts.st_size < (off_t)bytes_of(ROWS_MIN) || facts.st_size > (off_t)bytes_of(ROWS_MAX))
        return -EINVAL;
    feed->bytes = (size_t)facts.st_size;
    void *at = mmap(NULL, feed->bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return -errno;
    feed->memory = at;
    uint64_t capacity = feed->memory->capacity;
    if (capacity < ROWS_MIN || capacity > ROWS_MAX || (capacity & (capacity - 1)) != 0 ||
        bytes_of((size_t)capacity) != feed->bytes ||
        memcmp(feed->memory->magic, MAGIC, sizeof MAGIC) != 0)
        return -EINVAL;
    feed->mask = capacity - 1;
    return 0;
}

int uj_feed_open(int fd, struct uj_feed **out, struct uj_error *err)
{
    struct uj_feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL)
        return uj_fail(err, ENOMEM, "open", "feed");
    feed->fd = -1;
    feed->opener = getpid();
    int code = map_feed(feed, fd);
    if (code != 0) {
        uj_feed_close(feed);
        return uj_fail(err, -code, "open", "feed");
    }
    *out = feed;
    return 0;
}

int uj_feed_fd(const struct uj_feed *feed)
{
    return feed->fd;
}

static void put(_Atomic uint64_t *words, const struct uj_sample *row)
{
    uint64_t last = row->read_ns | (uint64_t)row->channel << 32 | (uint64_t)row->status << 48;
    uj_store_release(&words[0], (uint64_t)row->t_ns);
    uj_store_release(&words[1], row->raw);
    uj_store_release(&words[2], (uint64_t)row->sensor_ns);
    uj_store_release(&words[3], last);
}

static struct uj_sample taken(_Atomic uint64_t *words)
{
    struct uj_sample row = {
        .t_ns = (int64_t)uj_load_acquire(&words[0]),
        .raw = uj_load_acquire(&words[1]),
        .sensor_ns = (int64_t)uj_load_acquire(&words[2]),
    };
    uint64_t last = uj_load_acquire(&words[3]);
    row.read_ns = (uint32_t)last;
    row.channel = (uint16_t)(last >> 32);
    row.status = (uint16_t)(last >> 48);
    return row;
}

void uj_feed_append(struct uj_feed *feed, const struct uj_sample *rows, size_t n)
{
    struct uj_feed_memory *memory = feed->memory;
    uint64_t head = uj_load_relaxed(&memory->head);
    uj_store_relaxed(&memory->begun, head + n);
    for (size_t i = 0; i < n; i++)
        put(memory->words[(head + i) & feed->mask], &rows[i]);
    uj_store_release(&memory->head, head + n);
}

static int refused(const struct uj_feed *feed)
{
    if (uj_is_forked(feed->opener))
        return -ECHILD;
    return feed->fd < 0 ? -EPERM : 0;
}

int uj_feed_write(struct uj_feed *feed, const struct uj_sample *rows, size_t n)
{
    int code = refused(feed);
    for (size_t at = 0; code == 0 && at < n; at += PIECE)
        uj_feed_append(feed, rows + at, n - at < PIECE ? n - at : PIECE);
    if (code == 0) {
        uj_add(&feed->memory->counts[UJ_FEED_TICKS], 1);
        uj_store_release(&feed->memory->published_ns, uj_now_ns());
    }
    return code;
}

int uj_feed_publish(struct uj_feed *feed, struct uj_sampler *sampler)
{
    struct uj_sample rows[PIECE];
    struct uj_counts counts;
    int code = refused(feed);
    if (code == 0)
        code = uj_sampler_counts(sampler, &counts);
    if (code != 0)
        return code;
    /* As many as there are now: the sampler goes on meanwhile. */
    for (size_t left = uj_ring_waiting(&sampler->ring); left > 0;) {
        size_t n = uj_ring_take(&sampler->ring, left < PIECE ? left : PIECE, rows);
        uj_feed_append(feed, rows, n);
        left -= n;
    }
    const uint64_t every[UJ_FEED_N_COUNTS] = {
        [UJ_FEED_TICKS] = counts.ticks,
        [UJ_FEED_LATE] = counts.late,
        [UJ_FEED_MISSED] = counts.missed,
        [UJ_FEED_DROPPED] = counts.dropped,
        [UJ_FEED_ERRORS] = counts.errors,
        [UJ_FEED_BUSY_NS] = counts.busy_ns,
        [UJ_FEED_LATE_MAX_NS] = counts.late_max_ns,
        [UJ_FEED_BY_KERNEL] = counts.kernel == 1,
    };
    for (size_t i = 0; i < UJ_FEED_N_COUNTS; i++)
        uj_store_relaxed(&feed->memory->counts[i], every[i]);
    uj_store_release(&feed->memory->published_ns, uj_now_ns());
    return 0;
}

void uj_feed_counts(const struct uj_feed *feed, uint64_t *counts, int64_t *published_ns)
{
    *published_ns = uj_load_acquire(&feed->memory->published_ns);
    for (size_t i = 0; i < UJ_FEED_N_COUNTS; i++)
        counts[i] = uj_load_relaxed(&feed->memory->counts[i]);
}

/* How many rows wait before that index. 0 where it went back, which is no
 * index: only differences are used, as the memory may say anything. */
static uint64_t behind(const struct uj_feed *feed, uint64_t head)
{
    uint64_t n = head - feed->next;
    return n > UINT64_MAX / 2 ? 0 : n;
}

int64_t uj_feed_newest_ns(const struct uj_feed *feed)
{
    uint64_t head = uj_load_acquire(&feed->memory->head);
    return head == 0 ? 0 : taken(feed->memory->words[(head - 1) & feed->mask]).t_ns;
}

void uj_feed_seek(struct uj_feed *feed, int64_t from_ns)
{
    uint64_t head = uj_load_acquire(&feed->memory->head);
    feed->next = head;
    /* Backwards, as what is wanted is new: rows of a lane ascend. */
    while (feed->next != 0 && head - feed->next <= feed->mask) {
        if (taken(feed->memory->words[(feed->next - 1) & feed->mask]).t_ns < from_ns)
            return;
        feed->next--;
    }
}

size_t uj_feed_waiting(const struct uj_feed *feed)
{
    uint64_t n = behind(feed, uj_load_acquire(&feed->memory->head));
    if (uj_is_forked(feed->opener))
        return 0;
    return n > feed->mask + 1 ? (size_t)feed->mask + 1 : (size_t)n;
}

size_t uj_feed_drain(struct uj_feed *feed, const uint16_t *codes, size_t n_codes, size_t capacity,
                     struct uj_columns *columns, uint64_t *n_lost)
{
    size_t n = 0;
    *n_lost = 0;
    columns->raw_nulls = columns->sensor_nulls = 0;
    if (uj_is_forked(feed->opener))
        return 0;
    uint64_t left = behind(feed, uj_load_acquire(&feed->memory->head));
    if (left > feed->mask + 1) {
        *n_lost = left - (feed->mask + 1);
        feed->next += *n_lost;
        left = feed->mask + 1;
    }
    for (; left > 0 && n < capacity; left--, feed->next++) {
        struct uj_sample row = taken(feed->memory->words[feed->next & feed->mask]);
        /* After the row: whoever has begun to write over it said so before. */
        if (uj_load_acquire(&feed->memory->begun) - feed->next > feed->mask + 1) {
            ++*n_lost;
            continue;
        }
        if (row.channel >= n_codes || codes[row.channel] == UJ_FEED_NOT_WANTED)
            continue;
        row.channel = codes[row.channel];
        uj_columns_put(columns, n++, &row);
    }
    return n;
}

void uj_feed_close(struct uj_feed *feed)
{
    if (feed == NULL)
        return;
    if (feed->memory != NULL)
        munmap(feed->memory, feed->bytes);
    if (feed->fd >= 0)
        close(feed->fd);
    free(feed);
}
