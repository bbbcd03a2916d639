/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <string.h>

/* The registry: one line for each reader, and nothing else anywhere. */
#define READERS(X)                                                                                 \
    X(text)                                                                                        \
    X(msr)                                                                                         \
    X(perf)                                                                                        \
    X(script)                                                                                      \
    X(nvml)                                                                                        \
    X(amdsmi)

#define DECLARE(name) extern const struct uj_reader uj_reader_##name;
READERS(DECLARE)

#define ADDRESS(name) &uj_reader_##name,
static const struct uj_reader *const readers[] = {READERS(ADDRESS)};

#define N_READERS (sizeof readers / sizeof *readers)

const char *uj_reader_name(size_t index)
{
    return index < N_READERS ? readers[index]->name : NULL;
}

const struct uj_reader *uj_reader_named(const char *name)
{
    for (size_t i = 0; i < N_READERS; i++)
        if (strcmp(readers[i]->name, name) == 0)
            return readers[i];
    return NULL;
}
