/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks: a bounded queue with many producers and one consumer, in shared memory.
 *
 * Each slot carries a sequence number. A slot at position p is free for p when it reads p, and
 * holds p's mark when it reads p + 1; the consumer frees it for the next lap by writing
 * p + SLOTS. Producers claim positions by advancing head. The same memory serves the threads of a
 * process, its forked children, and (through a file) a program that `uj run` starts: one
 * mechanism for all windows.
 *
 * Decision: a window's begin is stamped last and its end first, so that marking costs nothing
 * inside the window. The blocks of the file are allocated at once: a full disk must be an error
 * here and not a SIGBUS in somebody's program. What is given up: 8 MiB for the time of a run.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "fork.h"
#include "microjoule.h"

#define SLOTS 65536u
#define GRACE_NS UJ_NS_PER_S /* a writer that takes longer between claim and commit is dead */
/* The kind of a slot that carries on a label: no mark of its own, should its first slot be lost. */
#define KIND_PART 3
static const char MAGIC[8] = "ujmark1";

struct slot {
    _Atomic uint64_t sequence;
    int64_t t_ns;
    uint64_t number;
    uint16_t kind;
    uint16_t length;     /* bytes of label in this slot */
    uint16_t parts_left; /* slots that follow with more of the label */
    uint16_t reserved;
    char label[UJ_MARK_LABEL];
};
_Static_assert(sizeof(struct slot) == 128, "a slot is two cache lines");

struct shared {
    char magic[8];
    uint64_t size;
    _Alignas(64) _Atomic uint64_t head;
    _Alignas(64) _Atomic uint64_t numbers;
    _Alignas(64) _Atomic uint64_t dropped;
    _Alignas(64) struct slot slots[SLOTS];
};

struct uj_marks {
    struct shared *shared;
    uint64_t tail;       /* the consumer's */
    int64_t stuck_ns;    /* when the consumer last met a claimed slot that was not committed */
    uint64_t stuck_head; /* positions below it had been claimed by then */
    char *path;          /* the creator's file, to be removed by it and not by its forks; or NULL */
    pid_t creator;
};

static int map(int fd, struct uj_marks **out, struct uj_error *err)
{
    struct uj_marks *marks = calloc(1, sizeof *marks);
    if (marks == NULL)
        return uj_fail(err, ENOMEM, "map", "marks");
    int flags = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
    void *at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, flags, fd, 0);
    if (at == MAP_FAILED) {
        int code = uj_fail(err, errno, "map", "marks");
        free(marks);
        return code;
    }
    marks->shared = at;
    *out = marks;
    return 0;
}

static void prepare(struct shared *shared)
{
    for (uint64_t i = 0; i < SLOTS; i++)
        atomic_init(&shared->slots[i].sequence, i);
    shared->size = sizeof *shared;
    memcpy(shared->magic, MAGIC, sizeof MAGIC);
}

int uj_marks_create(const char *path, struct uj_marks **out, struct uj_error *err)
{
    int fd = -1, code;
    if (path != NULL) {
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return uj_fail(err, errno, "create", path);
        code = posix_fallocate(fd, 0, sizeof(struct shared));
        if (code != 0) {
            unlink(path);
            close(fd);
            return uj_fail(err, code, "allocate", path);
        }
    }
    code = map(fd, out, err);
    if (fd >= 0)
        close(fd);
    if (code == 0 && path != NULL && ((*out)->path = strdup(path)) == NULL) {
        uj_marks_close(*out);
        code = uj_fail(err, ENOMEM, "create", path);
    }
    if (code != 0) {
        if (path != NULL)
            unlink(path);
        return code;
    }
    prepare((*out)->shared);
    (*out)->creator = getpid();
    return 0;
}

int uj_marks_open(const char *path, struct uj_marks **out, struct uj_error *err)
{
    struct stat facts;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return uj_fail(err, errno, "open", path);
    int code = fstat(fd, &facts) == 0 && facts.st_size == (off_t)sizeof(struct shared)
                   ? map(fd, out, err)
                   : uj_fail(err, EINVAL, "open marks", path);
    close(fd);
    if (code != 0)
        return code;
    if (memcmp((*out)->shared->magic, MAGIC, sizeof MAGIC) != 0) {
        uj_marks_close(*out);
        return uj_fail(err, EINVAL, "open marks", path);
    }
    return 0;
}

static struct slot *slot_at(struct shared *shared, uint64_t position)
{
    return &shared->slots[position % SLOTS];
}

/* Claims n neighbouring positions; false when the ring has no room for them. */
static bool claim(struct shared *shared, uint64_t n, uint64_t *first)
{
    uint64_t head = atomic_load_explicit(&shared->head, memory_order_relaxed);
    for (;;) {
        /* The consumer frees in order: when the last is free, so are those before it. */
        uint64_t last = head + n - 1;
        uint64_t sequence =
            atomic_load_explicit(&slot_at(shared, last)->sequence, memory_order_acquire);
        if (sequence < last)
            return false;
        if (sequence == last &&
            atomic_compare_exchange_weak_explicit(&shared->head, &head, head + n,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            *first = head;
            return true;
        }
        if (sequence > last)
            head = atomic_load_explicit(&shared->head, memory_order_relaxed);
    }
}

static void commit(struct slot *slot, uint64_t position)
{
    /* Not a plain store: the consumer may have given this writer up for dead. */
    atomic_compare_exchange_strong_explicit(&slot->sequence, &position, position + 1,
                                            memory_order_release, memory_order_relaxed);
}

static int full(struct shared *shared)
{
    atomic_fetch_add_explicit(&shared->dropped, 1, memory_order_relaxed);
    return -EAGAIN;
}

int uj_marks_begin(struct uj_marks *marks, const char *label, size_t length, uint64_t *number)
{
    struct shared *shared = marks->shared;
    uint64_t first;
    if (length > sizeof((struct uj_mark *)0)->label)
        length = sizeof((struct uj_mark *)0)->label;
    uint64_t n = length <= UJ_MARK_LABEL ? 1 : (length + UJ_MARK_LABEL - 1) / UJ_MARK_LABEL;
    *number = atomic_fetch_add_explicit(&shared->numbers, 1, memory_order_relaxed);
    if (!claim(shared, n, &first))
        return full(shared);
    for (uint64_t i = 0; i < n; i++) {
        struct slot *slot = slot_at(shared, first + i);
        size_t part = length < UJ_MARK_LABEL ? length : UJ_MARK_LABEL;
        slot->number = *number;
        slot->kind = i == 0 ? UJ_MARK_BEGIN : KIND_PART;
        slot->length = (uint16_t)part;
        slot->parts_left = (uint16_t)(n - 1 - i);
        memcpy(slot->label, label, part);
        label += part;
        length -= part;
    }
    for (uint64_t i = n; i-- > 1;)
        commit(slot_at(shared, first + i), first + i);
    slot_at(shared, first)->t_ns = uj_now_ns();
    commit(slot_at(shared, first), first);
    return 0;
}

int uj_marks_end(struct uj_marks *marks, uint64_t number)
{
    struct shared *shared = marks->shared;
    int64_t now = uj_now_ns();
    uint64_t position;
    if (!claim(shared, 1, &position))
        return full(shared);
    struct slot *slot = slot_at(shared, position);
    slot->t_ns = now;
    slot->number = number;
    slot->kind = UJ_MARK_END;
    slot->length = 0;
    slot->parts_left = 0;
    commit(slot, position);
    return 0;
}

/* Frees the slot at tail for the next lap. */
static void release(struct uj_marks *marks)
{
    atomic_store_explicit(&slot_at(marks->shared, marks->tail)->sequence, marks->tail + SLOTS,
                          memory_order_release);
    marks->tail++;
}

/* Whether the slot at tail holds a mark; passes over one whose writer has died. */
static bool has_mark(struct uj_marks *marks)
{
    struct shared *shared = marks->shared;
    for (;;) {
        struct slot *slot = slot_at(shared, marks->tail);
        uint64_t position = marks->tail;
        if (atomic_load_explicit(&slot->sequence, memory_order_acquire) == position + 1)
            return true;
        uint64_t head = atomic_load_explicit(&shared->head, memory_order_relaxed);
        if (head <= position)
            return false;
        int64_t now = uj_now_ns();
        /* One wait serves all that was claimed when it began: the slots of a long label. */
        if (position >= marks->stuck_head) {
            marks->stuck_ns = now;
            marks->stuck_head = head;
        }
        if (now - marks->stuck_ns < GRACE_NS)
            return false;
        uint64_t seen = position;
        if (!atomic_compare_exchange_strong(&slot->sequence, &seen, position + SLOTS)) {
            if (seen == position + 1)
                return true;
            /* Neither free nor held: a stray write of some program. The next lap mends it. */
            atomic_store(&slot->sequence, position + SLOTS);
        }
        full(shared);
        marks->tail++;
    }
}

int uj_marks_take(struct uj_marks *marks, struct uj_mark *out)
{
    if (!has_mark(marks))
        return 0;
    const struct slot *slot = slot_at(marks->shared, marks->tail);
    while (slot->kind == KIND_PART) { /* its writer died before the first slot */
        release(marks);
        if (!has_mark(marks))
            return 0;
        slot = slot_at(marks->shared, marks->tail);
    }
    unsigned parts_left = slot->parts_left;
    out->t_ns = slot->t_ns;
    out->number = slot->number;
    out->kind = slot->kind;
    out->length = 0;
    for (;;) {
        size_t part = slot->length <= UJ_MARK_LABEL ? slot->length : UJ_MARK_LABEL;
        if (out->length + part <= sizeof out->label) {
            memcpy(out->label + out->length, slot->label, part);
            out->length += (uint32_t)part;
        }
        release(marks);
        /* The parts of a label were committed before its first slot. */
        if (parts_left-- == 0 || !has_mark(marks))
            return 1;
        slot = slot_at(marks->shared, marks->tail);
    }
}

uint64_t uj_marks_dropped(const struct uj_marks *marks)
{
    return atomic_load_explicit(&marks->shared->dropped, memory_order_relaxed);
}

void uj_marks_close(struct uj_marks *marks)
{
    if (marks == NULL)
        return;
    munmap(marks->shared, sizeof *marks->shared);
    if (marks->path != NULL && !uj_is_forked(marks->creator))
        unlink(marks->path);
    free(marks->path);
    free(marks);
}
