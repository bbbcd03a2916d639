/* SPDX-License-Identifier: Apache-2.0
 *
 * What pace_kernel.c asks of reader_kernel.c, beyond what a reader does. opened is the reader's
 * state; all but the open runs in one thread.
 */
#ifndef UJ_READER_KERNEL_H
#define UJ_READER_KERNEL_H

#include <stdbool.h>

#include "reader.h"

enum uj_kernel_found {
    UJ_KERNEL_NONE,      /* no more records of this collection */
    UJ_KERNEL_SAMPLE,    /* a round of reads */
    UJ_KERNEL_LOST,      /* rounds that found the kernel's buffer full */
    UJ_KERNEL_THROTTLED, /* the kernel has stopped the events: what follows cannot be used */
};

extern const struct uj_reader uj_reader_kernel, uj_reader_perf;

/* Begins to sample, every so often. False: the kernel will not. */
bool uj_kernel_start(void *opened, int64_t period_ns);
void uj_kernel_end(void *opened);

/* Begins a collection of the records that there are. False: the events cannot be read any more. */
bool uj_kernel_collect(void *opened);

/* The next record of the collection: its rows, or how many are lost. */
enum uj_kernel_found uj_kernel_next(void *opened, struct uj_sample *rows, uint64_t *n_lost);

#endif
