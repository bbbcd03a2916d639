/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether this process is a fork of the one that opened something.
 *
 * A child has a copy of the memory and of the descriptors, and none of the other threads. A lock
 * that one of them held stays locked in the child for ever, and most libraries of GPU vendors hold
 * one during each call: the child must not call them, not even to say that it is done. Nor does it
 * have the memory that the kernel maps for perf events (VM_DONTCOPY), so that the addresses may be
 * anybody's by now. So a child closes descriptors and frees memory that it has a copy of, and does
 * nothing else.
 *
 * Decision: the process id is compared, which costs a system call and needs no handler that runs in
 * every fork of the program. What is given up: a child in a PID namespace of its own that happens
 * to have its parent's number there takes itself for the parent.
 */
#ifndef UJ_FORK_H
#define UJ_FORK_H

#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

static inline bool uj_is_forked(pid_t opener)
{
    return opener != getpid();
}

#endif
