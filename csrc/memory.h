/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of which no page has to be fetched while somebody samples into it.
 *
 * Decision: pages are there from the start (populated), are not copied by a fork of the program,
 * and are locked where that is permitted. A fork would otherwise share each page with the child,
 * and the sampler's next write to each would fault and copy it; so the child finds zeros there.
 * What is given up: in a child the rows that waited are gone, which belong to the parent's file
 * anyway. No more than half of RLIMIT_MEMLOCK is taken, because the limit is the program's.
 */
#ifndef UJ_MEMORY_H
#define UJ_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* A descriptor of anonymous memory whose size can be sealed and which nobody can execute, of the
 * name in /proc; programs that are started inherit it or do not. -1 with errno: none to be had. */
int uj_memory_file(const char *name, bool is_inherited);

/* Whole pages for so many bytes, zeroed; NULL: none to be had. */
void *uj_memory_map(size_t bytes);

/* Keeps pages from being swapped out. 1, or -errno: refused, and they stay as they are. */
int uj_memory_lock(void *start, size_t bytes);

void uj_memory_unmap(void *start, size_t bytes);

/* Touches what the calling thread may need of its stack below this frame, and locks it. 1, with the
 * start of what is locked in *held; or -errno, with NULL: not locked. */
int uj_memory_hold_stack(void **held);

/* Lets it go again: the next thread may get the same stack. */
void uj_memory_release_stack(void *held);

#endif
