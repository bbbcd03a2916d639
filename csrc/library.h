/* SPDX-License-Identifier: Apache-2.0
 *
 * A vendor's library that is loaded when a reader opens, and never linked against.
 */
#ifndef UJ_LIBRARY_H
#define UJ_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "microjoule.h"

/* A loaded library. Its owner begins with zeros, and unloads it. */
struct uj_library {
    void *file;
    pid_t opener;
};

/* One function: its name, and where in the reader's table of pointers it goes. */
struct uj_symbol {
    const char *name;
    size_t at;
    bool required;
};

/* Fills err with "VERB SUBJECT: WHY"; returns -code. */
int uj_library_fail(struct uj_error *err, int code, const char *verb, const char *subject,
                    const char *why);

/* dlopens the library of that name into *library and stores each symbol's address at its offset
 * into table, NULL where it is not there. -ENOENT without the library, -ENODEV without a required
 * symbol: then it is to be unloaded too. */
int uj_library_load(const char *name, const struct uj_symbol *symbols, size_t n, void *table,
                    struct uj_library *library, struct uj_error *err);

/* Calls shut_down (NULL: it was never started), then dlcloses. In a fork of the process that loaded
 * it neither, because the library may hold a lock there (fork.h): it stays mapped. */
void uj_library_unload(struct uj_library *library, unsigned int (*shut_down)(void));

#endif
