/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "kernel_records.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORDS_MAX                                                                                \
    (512 * 1024)                /* what perf_event_mlock_kb allows anybody, beside the first page */
#define RECORDS_MIN (64 * 1024) /* the largest page that Linux has, so that it is a whole one */

int uj_records_map(struct uj_records *r, int fd)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t bytes = RECORDS_MAX; bytes >= RECORDS_MIN; bytes /= 2) { /* a power of two */
        r->mapped = page_bytes + bytes;
        void *at = mmap(NULL, r->mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
        if (at == MAP_FAILED)
            continue;
        r->page = at;
        r->data = (const uint8_t *)at + page_bytes;
        r->n_bytes = bytes;
        return 0;
    }
    return -errno;
}

void uj_records_unmap(struct uj_records *r)
{
    if (r->page != NULL)
        munmap(r->page, r->mapped);
}

void uj_records_collect(struct uj_records *r)
{
    r->end = uj_kernel_load_acquire(&r->page->data_head);
}

/* Copies bytes out, which may go round the end of the memory. */
static void copy(const struct uj_records *r, void *to, size_t length)
{
    size_t at = r->tail % r->n_bytes;
    size_t first = length < r->n_bytes - at ? length : r->n_bytes - at;
    memcpy(to, r->data + at, first);
    memcpy((uint8_t *)to + first, r->data, length - first);
}

bool uj_records_take(struct uj_records *r, struct uj_record *record)
{
    if (r->tail == r->end)
        return false;
    copy(r, &record->header, sizeof record->header);
    size_t size = record->header.size;
    copy(r, record, size < sizeof *record ? size : sizeof *record);
    r->tail += size;
    return true;
}

int64_t uj_records_next_ns(const struct uj_records *r)
{
    struct {
        struct perf_event_header header;
        int64_t t_ns;
    } next;
    if (r->tail == r->end)
        return INT64_MAX;
    copy(r, &next, sizeof next);
    bool has_time =
        next.header.type == PERF_RECORD_SAMPLE || next.header.type == PERF_RECORD_THROTTLE;
    return has_time ? next.t_ns : INT64_MAX;
}

void uj_records_free(struct uj_records *r)
{
    uj_kernel_store_release(&r->page->data_tail, r->tail);
}
