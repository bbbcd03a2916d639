/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE_BYTES 4096         /* or a multiple of it: then pages are touched twice */
#define STACK_USED (128 * 1024) /* more than any reader takes; a library's call may */

void *uj_memory_map(size_t bytes)
{
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    madvise(start, bytes, MADV_WIPEONFORK); /* before Linux 4.14 not, and then a fork copies */
    return start;
}

int uj_memory_lock(void *start, size_t bytes)
{
    struct rlimit limit;
    if (geteuid() != 0 && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY && bytes > limit.rlim_cur / 2)
        return -ENOMEM;
    return mlock(start, bytes) == 0 ? 1 : -errno;
}

void uj_memory_unmap(void *start, size_t bytes)
{
    if (start != NULL)
        munmap(start, bytes);
}

/* The upper part of the calling thread's stack, where its frames are; false: not told. */
static bool upper_stack(char **start)
{
    pthread_attr_t attr;
    void *lowest = NULL;
    size_t bytes = 0;
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return false;
    pthread_attr_getstack(&attr, &lowest, &bytes);
    pthread_attr_destroy(&attr);
    *start = (char *)lowest + bytes - STACK_USED;
    return bytes > STACK_USED;
}

static void touch_stack(void)
{
    volatile char room[STACK_USED / 2];
    for (size_t i = 0; i < sizeof room; i += PAGE_BYTES)
        room[i] = 0;
    (void)room[0];
}

int uj_memory_hold_stack(void)
{
    char *start;
    touch_stack();
    return upper_stack(&start) ? uj_memory_lock(start, STACK_USED) : -ENOSYS;
}

void uj_memory_release_stack(void)
{
    char *start;
    if (upper_stack(&start))
        munlock(start, STACK_USED);
}
