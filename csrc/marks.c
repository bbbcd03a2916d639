/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks: a bounded queue with many writers and one consumer, in memory that none of them trusts
 * (marks.h).
 *
 * A writer claims positions by advancing the head, fills the slots in, and commits each, the first
 * one last. The same memory serves the threads of a process, its forked children, and a program
 * that `uj run` starts: one mechanism for all windows.
 *
 * Decision: a window's begin is stamped last and its end first, so that marking costs nothing
 * inside the window. A window's number is the position of its begin, which the consumer knows of
 * itself.
 *
 * What can be lost is counted by its cause: *full*, a mark that found no room; *lost*, a slot that
 * was claimed and is not committed a second after the consumer met it, because its writer has
 * ended; *damaged*, a slot or a head that no writer of this code would leave.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "marks.h"
#include "marks_memory.h"
#include "marks_slot.h"

#define CLAIM_TRIES                                                                                \
    1000 /* each that fails is a claim of another writer, or a head that is damaged */
#define GRACE_NS UJ_NS_PER_S /* a writer that takes longer from claim to commit has ended */

struct uj_marks {
    struct uj_marks_memory *memory;
    char address[UJ_MARKS_ADDRESS];
    int fd;
    uint64_t created_ns;
    int64_t grace_ns;
    /* The consumer's. */
    uint64_t tail;       /* the next position to look at */
    int64_t stuck_ns;    /* when it last met a claimed slot that was not committed */
    uint64_t stuck_head; /* positions below it had been claimed by then */
    int64_t repair_ns;   /* all slots are looked at no earlier than this */
    uint64_t lost, damaged;
};

/* ---- writers ------------------------------------------------------------------------------- */

/* Claims n neighbouring positions; false when the ring has no room for them. */
static bool claim(struct uj_marks_memory *memory, uint64_t n, uint64_t *first)
{
    uint64_t head = uj_load_relaxed(&memory->head);
    for (int i = 0; i < CLAIM_TRIES; i++) {
        /* The consumer frees in order: when the last is free, so are those before it. */
        uint64_t last = head + n - 1;
        uint64_t state = uj_load_acquire(&slot_at(memory, last)->state);
        if (state < turn_of(last))
            return false;
        if (state > turn_of(last))
            head = uj_load_relaxed(&memory->head); /* an old one */
        else if (uj_exchange_relaxed(&memory->head, &head, head + n)) {
            *first = head;
            return true;
        }
    }
    return false;
}

static void write_slot(struct uj_marks_memory *memory, uint64_t position, const struct content *c,
                       uint64_t facts)
{
    struct uj_mark_slot *slot = slot_at(memory, position);
    uj_store_relaxed(&slot->t_ns, c->t_ns);
    uj_store_relaxed(&slot->number, c->number);
    for (size_t i = 0; i < words_of(c->length); i++)
        uj_store_relaxed(&slot->label[i], c->label[i]);
    uj_store_relaxed(&slot->facts, facts);
    /* Not a plain store: the consumer may have given this writer up. */
    uint64_t free = turn_of(position);
    uj_exchange_release(&slot->state, &free, free + 1);
}

static int refused(struct uj_marks_memory *memory)
{
    uj_fetch_add_relaxed(&memory->full, 1);
    return -EAGAIN;
}

static struct content part_of(const char *label, size_t length, uint64_t part, uint64_t n_parts)
{
    size_t at = (size_t)part * UJ_MARK_LABEL;
    size_t bytes = length - at < UJ_MARK_LABEL ? length - at : UJ_MARK_LABEL;
    struct content c = {
        .kind = part == 0 ? UJ_MARK_BEGIN : UJ_MARK_PART,
        .length = (unsigned)bytes,
        .n_after = (unsigned)(n_parts - 1 - part),
    };
    memcpy(c.label, label + at, bytes);
    return c;
}

int uj_marks_begin(struct uj_marks *marks, const char *label, size_t length, uint64_t *number)
{
    struct uj_marks_memory *memory = marks->memory;
    uint64_t first;
    if (length > LABEL_BYTES)
        length = LABEL_BYTES;
    uint64_t n = length <= UJ_MARK_LABEL ? 1 : (length + UJ_MARK_LABEL - 1) / UJ_MARK_LABEL;
    if (!claim(memory, n, &first))
        return refused(memory);
    *number = first;
    for (uint64_t part = n; part-- > 1;) {
        struct content c = part_of(label, length, part, n);
        write_slot(memory, first + part, &c, sealed_facts(&c, sum_of(&c, first + part)));
    }
    struct content c = part_of(label, length, 0, n);
    uint64_t sum = sum_of(&c, first);
    c.t_ns = (uint64_t)uj_now_ns();
    write_slot(memory, first, &c, sealed_facts(&c, sum));
    return 0;
}

int uj_marks_end(struct uj_marks *marks, uint64_t number)
{
    struct uj_marks_memory *memory = marks->memory;
    struct content c = {.t_ns = (uint64_t)uj_now_ns(), .number = number, .kind = UJ_MARK_END};
    uint64_t position;
    if (!claim(memory, 1, &position))
        return refused(memory);
    write_slot(memory, position, &c, sealed_facts(&c, sum_of(&c, position)));
    return 0;
}

/* ---- the consumer -------------------------------------------------------------------------- */

/* Frees the slot at tail for the next lap. */
static void release(struct uj_marks *m)
{
    uj_store_release(&slot_at(m->memory, m->tail)->state, turn_of(m->tail) + SLOTS);
    m->tail++;
}

/* Some process has overwritten the state of a slot, or the head. Frees the slots that are neither
 * free nor hold a mark, and where the head cannot be, takes the one behind the last slot that holds
 * a mark. What is claimed and not yet committed beyond it is claimed again, and one of the two
 * writers wins. All slots are looked at, or writers would be held up at each of them in turn; but
 * only once a second, so that a process that goes on overwriting keeps nobody busy. */
static void repair(struct uj_marks *m)
{
    struct uj_marks_memory *memory = m->memory;
    int64_t now_ns = uj_now_ns();
    m->damaged++;
    if (now_ns < m->repair_ns)
        return;
    m->repair_ns = now_ns + m->grace_ns;
    uint64_t next = m->tail;
    for (uint64_t p = m->tail; p != m->tail + SLOTS; p++) {
        struct uj_mark_slot *slot = slot_at(memory, p);
        uint64_t state = uj_load_relaxed(&slot->state);
        if (state == turn_of(p) + 1)
            next = p + 1;
        else if (state != turn_of(p))
            uj_store_release(&slot->state, turn_of(p));
    }
    uint64_t head = uj_load_relaxed(&memory->head);
    if (head - m->tail <= SLOTS)
        return;
    uj_exchange_relaxed(&memory->head, &head, next);
    m->stuck_head = m->tail; /* whoever claims from now on has a second of its own */
}

/* Whether the claimed slot at tail is to be given up: a second after it was met. One wait serves
 * all that was claimed when it began, such as the slots of a long label. */
static bool is_given_up(struct uj_marks *m, uint64_t head)
{
    int64_t now_ns = uj_now_ns();
    if (m->tail >= m->stuck_head) {
        m->stuck_ns = now_ns;
        m->stuck_head = head;
    }
    return now_ns - m->stuck_ns >= m->grace_ns;
}

/* Whether the slot at tail holds a mark; passes over what no mark will come of, at most *limit
 * slots. */
static bool has_mark(struct uj_marks *m, uint64_t *limit)
{
    struct uj_marks_memory *memory = m->memory;
    for (; *limit > 0; --*limit) {
        struct uj_mark_slot *slot = slot_at(memory, m->tail);
        uint64_t free = turn_of(m->tail), state = uj_load_acquire(&slot->state);
        if (state == free + 1)
            return true;
        uint64_t head = uj_load_relaxed(&memory->head), ahead = head - m->tail;
        if (state != free || ahead > SLOTS)
            repair(m);
        if (ahead == 0 || ahead > SLOTS || !is_given_up(m, head))
            return false;
        uint64_t seen = free;
        if (!uj_exchange_release(&slot->state, &seen, free + SLOTS)) {
            if (seen == free + 1)
                continue; /* committed after all */
            uj_store_release(&slot->state, free + SLOTS);
        }
        m->lost++;
        m->tail++;
    }
    return false;
}

/* Whether what the slot says can be a mark: its time lies within the ring's life. */
static bool is_possible(const struct uj_marks *m, const struct content *c)
{
    return (c->kind == UJ_MARK_BEGIN || c->kind == UJ_MARK_END) && c->t_ns >= m->created_ns &&
           c->t_ns <= (uint64_t)uj_now_ns();
}

/* Adds the later parts of a label, which were committed before its first slot; false: one is
 * missing. */
static bool take_parts(struct uj_marks *m, unsigned n, struct uj_mark *out, uint64_t *limit)
{
    for (; n > 0; n--) {
        struct content c;
        if (*limit == 0 ||
            uj_load_acquire(&slot_at(m->memory, m->tail)->state) != turn_of(m->tail) + 1 ||
            !read_slot(m->memory, m->tail, &c) || c.kind != UJ_MARK_PART || c.n_after != n - 1 ||
            out->length + c.length > LABEL_BYTES)
            return false;
        memcpy(out->label + out->length, c.label, c.length);
        out->length += c.length;
        release(m);
        --*limit;
    }
    return true;
}

int uj_marks_take(struct uj_marks *m, struct uj_mark *out)
{
    uint64_t limit = SLOTS; /* of slots in one call, whatever the memory says */
    while (has_mark(m, &limit)) {
        struct content c;
        uint64_t position = m->tail;
        bool is_sound = read_slot(m->memory, position, &c);
        release(m);
        --limit;
        if (is_sound && c.kind == UJ_MARK_PART) { /* its writer ended before the first slot */
            m->lost++;
            continue;
        }
        if (!is_sound || !is_possible(m, &c)) {
            m->damaged++;
            continue;
        }
        out->t_ns = (int64_t)c.t_ns;
        out->number = c.kind == UJ_MARK_BEGIN ? position : c.number;
        out->kind = c.kind;
        out->length = c.length;
        memcpy(out->label, c.label, c.length);
        if (!take_parts(m, c.n_after, out, &limit))
            m->damaged++; /* a label without its end is a window all the same */
        return 1;
    }
    return 0;
}

uint64_t uj_marks_waiting(const struct uj_marks *m)
{
    uint64_t ahead = uj_load_relaxed(&m->memory->head) - m->tail;
    return ahead <= SLOTS ? ahead : 0;
}

void uj_marks_losses(const struct uj_marks *m, struct uj_mark_losses *out)
{
    *out = (struct uj_mark_losses){uj_load_relaxed(&m->memory->full), m->lost, m->damaged};
}

/* ---- creation ------------------------------------------------------------------------------ */

static int created(struct uj_marks *m, int code, struct uj_marks **out)
{
    if (code != 0) {
        free(m);
        return code;
    }
    m->created_ns = m->memory->created_ns;
    *out = m;
    return 0;
}

int uj_marks_create_in(enum uj_marks_kind kind, int64_t grace_ns, struct uj_marks **out,
                       struct uj_error *err)
{
    struct uj_marks *m = calloc(1, sizeof *m);
    if (m == NULL)
        return uj_fail(err, ENOMEM, "map", "marks");
    m->grace_ns = grace_ns;
    return created(m, uj_marks_memory_create(kind, &m->memory, m->address, &m->fd, err), out);
}

int uj_marks_create(struct uj_marks **out, struct uj_error *err)
{
    return uj_marks_create_in(UJ_MARKS_FORKS_ONLY, GRACE_NS, out, err);
}

int uj_marks_create_for_others(struct uj_marks **out, struct uj_error *err)
{
    return uj_marks_create_in(UJ_MARKS_MEMFD, GRACE_NS, out, err);
}

int uj_marks_open(const char *address, struct uj_marks **out, struct uj_error *err)
{
    struct uj_marks *m = calloc(1, sizeof *m);
    if (m == NULL)
        return uj_fail(err, ENOMEM, "open marks", address);
    m->fd = -1;
    return created(m, uj_marks_memory_open(address, &m->memory, err), out);
}

const char *uj_marks_address(const struct uj_marks *marks)
{
    return marks->address;
}

void uj_marks_close(struct uj_marks *marks)
{
    if (marks == NULL)
        return;
    uj_marks_memory_close(marks->memory);
    if (marks->fd >= 0)
        close(marks->fd);
    free(marks);
}
