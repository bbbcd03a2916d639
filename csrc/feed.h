/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of one lane in memory that other processes read and only its owner writes.
 *
 * The memory is a memfd(2) whose size is sealed, so that nobody who maps it can be ended by a
 * SIGBUS, and which is sealed against new writable mappings (F_SEAL_FUTURE_WRITE, Linux 5.1): the
 * owner's own mapping, made before, is the only one that writes. What is handed out is a descriptor
 * for reading, of an inode of mode 0400.
 *
 * Decision: readers have no place in the memory. The owner overwrites the oldest rows whoever has
 * read them, so that no reader, slow, dead or hostile, can delay it or another reader. What is
 * given up: a reader that is away for longer than the memory holds loses rows, and counts them.
 *
 * A reader trusts nothing in it either: it reads each index once, takes no more rows than the
 * memory has, and believes a row only when no new row can have been written over it meanwhile
 * (MEMORY_ORDER.md).
 */
#ifndef UJ_FEED_H
#define UJ_FEED_H

#include <sys/types.h>

#include "microjoule.h"
#include "order.h"
#include "ring.h"

/* What the owner publishes of uj_counts, in this order. */
enum uj_feed_count {
    UJ_FEED_TICKS,
    UJ_FEED_LATE,
    UJ_FEED_MISSED,
    UJ_FEED_DROPPED,
    UJ_FEED_ERRORS,
    UJ_FEED_BUSY_NS,
    UJ_FEED_LATE_MAX_NS,
    UJ_FEED_BY_KERNEL,
};

/* A row as four words, each written and read whole: t_ns, raw, sensor_ns, and read_ns with channel
 * << 32 and status << 48. */
#define UJ_FEED_WORDS 4

struct uj_feed_memory {
    char magic[8];
    uint64_t capacity;                             /* rows, a power of two */
    alignas(UJ_CACHE_LINE) _Atomic uint64_t begun; /* rows of which the writing has begun */
    _Atomic uint64_t head;                         /* rows that are written */
    _Atomic int64_t published_ns;                  /* when the owner last said that it is there */
    _Atomic uint64_t counts[UJ_FEED_N_COUNTS];
    alignas(UJ_CACHE_LINE) _Atomic uint64_t words[][UJ_FEED_WORDS];
};

struct uj_feed {
    struct uj_feed_memory *memory;
    size_t bytes;
    uint64_t mask;
    uint64_t next; /* of a reader: the next row to take */
    int fd;        /* of the owner: what others read it by; otherwise -1 */
    pid_t opener;
};

/* The owner: appends rows, over the oldest. */
void uj_feed_append(struct uj_feed *feed, const struct uj_sample *rows, size_t n);

#endif
