/* SPDX-License-Identifier: Apache-2.0
 *
 * The records that the kernel writes of a sampled group of perf events: memory that it fills and
 * that reader_kernel.c empties (perf_event_open(2): MMAP layout). One thread.
 */
#ifndef UJ_KERNEL_RECORDS_H
#define UJ_KERNEL_RECORDS_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "order.h"

#define UJ_MEMBERS_MAX 30

/* How often an event was put on whose page this is, or is being put on now: the kernel adds 1
 * before it writes the page and 1 after, at each time (perf_event_update_userpage). */
static inline uint32_t uj_times_on(const struct perf_event_mmap_page *page)
{
    return (uj_kernel_load_acquire(&page->lock) + 1) / 2;
}

/* What read() of the group gives, and a record after its time. */
struct uj_group {
    uint64_t n_events, running_ns;
    uint64_t counts[UJ_MEMBERS_MAX + 2]; /* the leader, the members, the clock */
};

struct uj_record {
    struct perf_event_header header;
    union {
        struct {
            uint64_t t_ns;
            struct uj_group group;
        } sample;
        struct {
            uint64_t id, lost;
        } lost;
    };
};

struct uj_records {
    struct perf_event_mmap_page *page; /* NULL: nothing is mapped */
    const uint8_t *data;
    size_t mapped, n_bytes;
    uint64_t tail, end; /* of this collection */
};

/* Maps a page of facts and the records' memory, as large as it may be. 0, or -errno. */
int uj_records_map(struct uj_records *records, int fd);
void uj_records_unmap(struct uj_records *records);

/* Begins a collection: the records that there are now. */
void uj_records_collect(struct uj_records *records);

/* The next record of the collection; false: there is none. */
bool uj_records_take(struct uj_records *records, struct uj_record *record);

/* When the next record was begun, if it says so: the one before was over by then. */
int64_t uj_records_next_ns(const struct uj_records *records);

/* Gives the kernel back the room of what was taken. */
void uj_records_free(struct uj_records *records);

#endif
