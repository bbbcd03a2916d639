/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 0x0001U
#define MFD_ALLOW_SEALING 0x0002U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

#define PAGE_BYTES 4096         /* or a multiple of it: then a page is touched more than once */
#define STACK_USED (128 * 1024) /* more than any reader takes; a library's call may */
#define STACK_SPARE (64 * 1024) /* not touched: the guard, and what the touch itself takes */

/* By its number: the GNU C library has memfd_create since 2.27, and wheels are built for 2.17. */
int uj_memory_file(const char *name, bool is_inherited)
{
    unsigned flags = MFD_ALLOW_SEALING | (is_inherited ? 0 : MFD_CLOEXEC);
    int fd = (int)syscall(SYS_memfd_create, name, flags | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        fd = (int)syscall(SYS_memfd_create, name, flags);
    return fd;
}

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

/* The part of the calling thread's stack below this frame that its calls use; NULL where there is
 * not so much. Above it lies what the C library keeps of the thread, and the program's thread-local
 * data. */
__attribute__((noinline)) static char *lower_stack(void)
{
    pthread_attr_t attr;
    void *lowest = NULL;
    size_t bytes = 0;
    char *frame = __builtin_frame_address(0);
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return NULL;
    pthread_attr_getstack(&attr, &lowest, &bytes);
    pthread_attr_destroy(&attr);
    return frame - (char *)lowest > STACK_USED + STACK_SPARE ? frame - STACK_USED : NULL;
}

__attribute__((noinline)) static void touch_stack(void)
{
    volatile char room[STACK_USED / 2];
    for (size_t i = 0; i < sizeof room; i += PAGE_BYTES)
        room[i] = 0;
    (void)room[0];
}

int uj_memory_hold_stack(void **held)
{
    char *start = lower_stack();
    *held = NULL;
    if (start == NULL)
        return -ENOMEM;
    touch_stack();
    int code = uj_memory_lock(start, STACK_USED);
    if (code == 1)
        *held = start;
    return code;
}

void uj_memory_release_stack(void *held)
{
    if (held != NULL)
        munlock(held, STACK_USED);
}
