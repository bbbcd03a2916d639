/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reader fills in. To add one: write reader_x.c with such a table and add its line to
 * readers.c; nothing else changes. Python asks uj_reader_name which there are.
 */
#ifndef UJ_READER_H
#define UJ_READER_H

#include "microjoule.h"

struct uj_reader {
    const char *name;
    /* Opens n channels, all of this reader, of one sampler. On success the sampler owns *state
     * and hands it back to close. On failure nothing is left open. */
    int (*open)(const struct uj_channel *channels, size_t n, void **state, struct uj_error *err);
    /* Reads them all into rows[0..n), in the order of open. A read that fails is a row with a
     * status. Runs in the sampler's thread: no allocation, no lock, no log. */
    void (*read)(void *state, struct uj_sample *rows);
    void (*close)(void *state);
    /* NULL, or: after each read, rows that came with it beyond one a channel, such as the samples
     * that a driver has kept since. At most room (UJ_MORE_ROWS); what does not fit waits for the
     * next call. Their t_ns ascend within each channel and are unique in it: that of the read plus
     * 1, 2, 3 ns; the instant that a row speaks of is its sensor_ns. Returns how many. */
    size_t (*read_more)(void *state, struct uj_sample *rows, size_t room);
};

#define UJ_MORE_ROWS 1024

/* The reader of that name, or NULL. */
const struct uj_reader *uj_reader_named(const char *name);

#endif
