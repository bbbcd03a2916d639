/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that several processes map and none of them can cut. A file that is truncated while it is
 * mapped ends whoever touches it with SIGBUS, the recorder as well as every program that marks; so
 * marks are never in a file.
 *
 * Three kinds, in the order in which they are tried:
 *
 *   memfd:PID:FD:CREATED  anonymous memory with seals on its size (memfd_create(2), fcntl(2)),
 * which other processes open through /proc/PID/fd/FD, or have inherited as FD. It needs /proc, and
 * a creator of which the kernel lets others see descriptors (PR_GET_DUMPABLE; a Python with file
 * capabilities is not one) sysv:ID:CREATED       a System V segment (shmget(2)), whose size is
 * fixed for good; already marked for removal, which on Linux leaves it open to whoever knows ID (no
 * address)          memory shared with forked children only
 *
 * All of it ends with the last process that has it mapped or open, however they end: a kill leaves
 * nothing behind. The address goes to a child in its environment, and may be followed by a colon
 * and anything. Decision: /proc before the inherited descriptor, because Python's subprocess closes
 * descriptors, and the programs that `uj run` starts are often two or three processes away. What is
 * given up: a child of another user, or in a PID namespace of its own with its descriptors closed,
 * finds no ring.
 *
 * CREATED tells a ring from a later one that has got the same PID and descriptor, or the same ID.
 */
#ifndef UJ_MARKS_MEMORY_H
#define UJ_MARKS_MEMORY_H

#include "marks.h"

/* Bytes of an address with its end. */
#define UJ_MARKS_ADDRESS 96

/* In the order in which they are tried. */
enum uj_marks_kind { UJ_MARKS_MEMFD, UJ_MARKS_SYSV, UJ_MARKS_FORKS_ONLY };

/* New memory full of zeros but for its magic and time, mapped, of that kind or the next that can be
 * had; its address, "" where it has none; and *fd, to be kept open for as long as others may open
 * it, or -1. */
int uj_marks_memory_create(enum uj_marks_kind kind, struct uj_marks_memory **out, char *address,
                           int *fd, struct uj_error *err);

/* Maps the memory of that address. -EINVAL for what is no address or no such memory; -ENOENT and
 * others where it is gone or out of reach. Nothing that could be cut is mapped, and nothing but
 * regular memory is opened for writing. */
int uj_marks_memory_open(const char *address, struct uj_marks_memory **out, struct uj_error *err);

/* A ring in memory of that kind or the next that can be had, that gives up a writer after so long:
 * uj_marks_create_for_others tries all, and waits for a second. */
int uj_marks_create_in(enum uj_marks_kind kind, int64_t grace_ns, struct uj_marks **out,
                       struct uj_error *err);

void uj_marks_memory_close(struct uj_marks_memory *memory);

#endif
