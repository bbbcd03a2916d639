/* SPDX-License-Identifier: Apache-2.0
 *
 * What measures the cost of sampling: a fixed piece of work, and ticks back to back.
 *
 * Theory. The CPU time that the kernel books to a sampler's thread leaves out what its wake-up
 * takes from the program: the timer's interrupt, the two switches, the caches and predictors that
 * are cold afterwards. All of it shows in the time that a fixed piece of work needs on the same
 * core. The work is a chain of dependent multiplications and loads from an array that fills half of
 * a first-level cache, so that it feels an eviction as a program does; it makes no system call.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <time.h>

#include "clock.h"
#include "microjoule.h"

#define WORDS_BITS 11 /* 2^11 words of 8 bytes are 16 KiB */
#define FACTOR 6364136223846793005ULL

static uint64_t cpu_ns(void)
{
    struct timespec busy;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &busy);
    return (uint64_t)busy.tv_sec * (uint64_t)UJ_NS_PER_S + (uint64_t)busy.tv_nsec;
}

uint64_t uj_work(uint64_t rounds, struct uj_work *took)
{
    uint64_t words[1 << WORDS_BITS], x = 1;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        words[i] = x = x * FACTOR + 1;
    uint64_t busy = cpu_ns();
    int64_t start_ns = uj_now_ns();
    for (uint64_t i = 0; i < rounds; i++)
        x = x * FACTOR + words[x >> (64 - WORDS_BITS)];
    took->wall_ns = (uint64_t)(uj_now_ns() - start_ns);
    took->cpu_ns = cpu_ns() - busy;
    return x;
}
