/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "marks_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "memory.h"

#define SIZE (sizeof(struct uj_marks_memory))
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
static const char MAGIC[8] = "ujmark2";

static void *map(int fd)
{
    void *at =
        mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* A sealed memfd of the size, or -1, which programs that are started inherit. Its pages are there
 * from the start: later there might be none. */
static int sealed(void)
{
    int fd = uj_memory_file("microjoule-marks", true);
    if (fd < 0)
        return -1;
    if (posix_fallocate(fd, 0, (off_t)SIZE) == 0 && fchmod(fd, 0600) == 0 &&
        fcntl(fd, F_ADD_SEALS, SEALS) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Whether another process of this user can open a descriptor of this one. */
static bool is_reachable(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), fd);
    return prctl(PR_GET_DUMPABLE) == 1 && access(path, R_OK | W_OK) == 0;
}

static struct uj_marks_memory *create_memfd(char *address, int *fd)
{
    *fd = sealed();
    struct uj_marks_memory *memory = *fd >= 0 && is_reachable(*fd) ? map(*fd) : NULL;
    if (memory != NULL)
        snprintf(address, UJ_MARKS_ADDRESS, "memfd:%d:%d", (int)getpid(), *fd);
    else if (*fd >= 0)
        close(*fd);
    if (memory == NULL)
        *fd = -1;
    return memory;
}

static struct uj_marks_memory *create_sysv(char *address)
{
    int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
    if (id < 0)
        return NULL;
    void *at = shmat(id, NULL, 0);
    shmctl(id, IPC_RMID, NULL); /* it goes when the last process detaches */
    if (at == (void *)-1)
        return NULL;
    snprintf(address, UJ_MARKS_ADDRESS, "sysv:%d", id);
    return at;
}

int uj_marks_memory_create(enum uj_marks_kind kind, struct uj_marks_memory **out, char *address,
                           int *fd, struct uj_error *err)
{
    struct uj_marks_memory *memory = NULL;
    *address = '\0';
    *fd = -1;
    if (kind <= UJ_MARKS_MEMFD)
        memory = create_memfd(address, fd);
    if (memory == NULL && kind <= UJ_MARKS_SYSV)
        memory = create_sysv(address);
    if (memory == NULL)
        memory = map(-1);
    if (memory == NULL)
        return uj_fail(err, errno, "map", "marks");
    memory->created_ns = (uint64_t)uj_now_ns();
    memcpy(memory->magic, MAGIC, sizeof MAGIC);
    if (*address != '\0') {
        size_t length = strlen(address);
        snprintf(address + length, UJ_MARKS_ADDRESS - length, ":%" PRIu64, memory->created_ns);
    }
    *out = memory;
    return 0;
}

static bool is_of_the_size(const struct stat *facts)
{
    return S_ISREG(facts->st_mode) && facts->st_size == (off_t)SIZE;
}

/* Maps what is open there, if it is memory that nobody can cut. */
static int map_sealed(int fd, struct uj_marks_memory **out)
{
    struct stat facts;
    int seals = fcntl(fd, F_GET_SEALS); /* -1: not a memfd */
    if (fstat(fd, &facts) != 0 || !is_of_the_size(&facts) || seals < 0 ||
        (seals & F_SEAL_SHRINK) == 0)
        return -EINVAL;
    *out = map(fd);
    return *out != NULL ? 0 : -ENOMEM;
}

static int open_memfd(int pid, int number, struct uj_marks_memory **out)
{
    char path[64];
    struct stat facts;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, number);
    /* By now it may be anything, and to open a device or a pipe has effects: a look first. */
    if (stat(path, &facts) != 0)
        return -errno;
    if (!is_of_the_size(&facts))
        return -EINVAL;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int code = map_sealed(fd, out);
    close(fd);
    return code;
}

static int open_sysv(int id, struct uj_marks_memory **out)
{
    struct shmid_ds facts;
    if (shmctl(id, IPC_STAT, &facts) != 0)
        return -errno;
    if (facts.shm_segsz != SIZE)
        return -EINVAL;
    void *at = shmat(id, NULL, 0);
    if (at == (void *)-1)
        return -errno;
    *out = at;
    return 0;
}

/* Keeps what was mapped where it is the memory that was created then. */
static int proven(int code, uint64_t created_ns, struct uj_marks_memory *memory)
{
    if (code != 0)
        return code;
    if (memcmp(memory->magic, MAGIC, sizeof MAGIC) == 0 && memory->created_ns == created_ns)
        return 0;
    uj_marks_memory_close(memory);
    return -EINVAL;
}

int uj_marks_memory_open(const char *address, struct uj_marks_memory **out, struct uj_error *err)
{
    int pid, number;
    uint64_t created_ns;
    struct uj_marks_memory *memory = NULL;
    int code = -EINVAL;
    if (sscanf(address, "memfd:%d:%d:%" SCNu64, &pid, &number, &created_ns) == 3) {
        code = open_memfd(pid, number, &memory);
        code = proven(code, created_ns, memory);
        /* Where that is another process, or none: what this one has inherited. */
        if (code != 0 && map_sealed(number, &memory) == 0)
            code = proven(0, created_ns, memory);
    } else if (sscanf(address, "sysv:%d:%" SCNu64, &number, &created_ns) == 2) {
        code = open_sysv(number, &memory);
        code = proven(code, created_ns, memory);
    }
    if (code != 0)
        return uj_fail(err, -code, "open marks", address);
    *out = memory;
    return 0;
}

void uj_marks_memory_close(struct uj_marks_memory *memory)
{
    /* Of a segment a part: munmap of all of it detaches it (ipc/shm.c: shm_close). */
    munmap(memory, SIZE);
}
