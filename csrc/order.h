/* SPDX-License-Identifier: Apache-2.0
 *
 * Every access to memory that two threads use at once, by the name of the order that it needs. No
 * other file names a memory_order; MEMORY_ORDER.md says which access needs which, and why.
 *
 * The definitions are those of C11 (ISO/IEC 9899:2011, 5.1.2.4 and 7.17.3):
 *
 * relaxed   "For memory_order_relaxed, no operation orders memory" (7.17.3p2). The access is whole,
 * and "all modifications to a particular atomic object M occur in some particular total order,
 *           called the modification order of M" (5.1.2.4p7): whoever reads a count sees it grow.
 * release,  "An atomic operation A that performs a release operation on an object M shall
 * synchronize acquire   with an atomic operation B that performs an acquire operation on M and
 * reads a value written by any side effect in the release sequence headed by A" (5.1.2.4p11).
 * Whatever was written before A is there for whoever reads after B.
 *
 * A failed exchange stores nothing, and only loads what is there: relaxed.
 */
#ifndef UJ_ORDER_H
#define UJ_ORDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A flag or a count: the value, and nothing of what its writer wrote besides. */
#define uj_load_relaxed(from) atomic_load_explicit(from, memory_order_relaxed)
#define uj_store_relaxed(to, value) atomic_store_explicit(to, value, memory_order_relaxed)

/* Publishes what was written before, to whoever acquires the value. */
#define uj_store_release(to, value) atomic_store_explicit(to, value, memory_order_release)
#define uj_load_acquire(from) atomic_load_explicit(from, memory_order_acquire)

/* Stores value where *seen is still there, and says whether it did; otherwise *seen is what is
 * there. */
#define uj_exchange_relaxed(at, seen, value)                                                       \
    atomic_compare_exchange_strong_explicit(at, seen, value, memory_order_relaxed,                 \
                                            memory_order_relaxed)
#define uj_exchange_release(at, seen, value)                                                       \
    atomic_compare_exchange_strong_explicit(at, seen, value, memory_order_release,                 \
                                            memory_order_relaxed)

/* Adds for one of several writers; what was there before. */
#define uj_fetch_add_relaxed(to, n) atomic_fetch_add_explicit(to, n, memory_order_relaxed)

/* Adds for the only writer: two cheap accesses, where a read-modify-write would lock the line. */
static inline void uj_add(_Atomic uint64_t *count, uint64_t n)
{
    uj_store_relaxed(count, uj_load_relaxed(count) + n);
}

/* Words in memory that the kernel writes, of a type that is not atomic (perf_event_open(2):
 * data_head and data_tail want a barrier after the load and before the store, which these have). */
#define uj_kernel_load_acquire(from) __atomic_load_n(from, __ATOMIC_ACQUIRE)
#define uj_kernel_store_release(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)

#endif
