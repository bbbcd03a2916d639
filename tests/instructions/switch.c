/* SPDX-License-Identifier: Apache-2.0
 * Callgrind's switch for a program that is no C: what runs between begin and end is counted. */
#include <valgrind/callgrind.h>

void counted_begin(void);
void counted_end(const char *name);

void counted_begin(void)
{
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

void counted_end(const char *name)
{
    CALLGRIND_DUMP_STATS_AT(name);
    CALLGRIND_STOP_INSTRUMENTATION;
}
