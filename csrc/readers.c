/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <string.h>

extern const struct uj_reader uj_reader_text, uj_reader_msr, uj_reader_perf, uj_reader_script,
    uj_reader_nvml, uj_reader_amdsmi;

/* The registration line. */
static const struct uj_reader *const readers[] = {
    &uj_reader_text,   &uj_reader_msr,  &uj_reader_perf,
    &uj_reader_script, &uj_reader_nvml, &uj_reader_amdsmi,
};

const struct uj_reader *uj_reader_named(const char *name)
{
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strcmp(readers[i]->name, name) == 0)
            return readers[i];
    return NULL;
}
