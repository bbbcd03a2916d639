/* SPDX-License-Identifier: Apache-2.0
 *
 * A vendor's library that is loaded when a reader opens, and never linked against.
 */
#ifndef UJ_LIBRARY_H
#define UJ_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "microjoule.h"

/* One function: its name, and where in the reader's table of pointers it goes. */
struct uj_symbol {
    const char *name;
    size_t at;
    bool required;
};

/* Fills err with "VERB SUBJECT: WHY"; returns -code. */
int uj_library_fail(struct uj_error *err, int code, const char *verb, const char *subject,
                    const char *why);

/* dlopens the library into *file (the caller dlcloses it, on failure too where it is not NULL) and
 * stores each symbol's address at its offset into table, NULL where it is not there. -ENOENT
 * without the library, -ENODEV without a required symbol. */
int uj_library_load(const char *library, const struct uj_symbol *symbols, size_t n, void *table,
                    void **file, struct uj_error *err);

#endif
