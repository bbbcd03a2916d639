/* SPDX-License-Identifier: Apache-2.0
 *
 * The content of a slot of marks, and the checksum by which it proves itself (marks.h). For
 * marks.c.
 */
#ifndef UJ_MARKS_SLOT_H
#define UJ_MARKS_SLOT_H

#include <stddef.h>
#include <string.h>

#include "marks.h"

#define SLOTS UJ_MARK_SLOTS
#define LABEL_BYTES sizeof((struct uj_mark *)0)->label
#define PARTS_MAX ((LABEL_BYTES + UJ_MARK_LABEL - 1) / UJ_MARK_LABEL)

/* What a slot says, in memory of one's own. */
struct content {
    uint64_t t_ns, number;
    unsigned kind, length, n_after;
    uint64_t label[UJ_MARK_WORDS];
};

static inline uint64_t turn_of(uint64_t position)
{
    return position - position % SLOTS;
}

static inline struct uj_mark_slot *slot_at(struct uj_marks_memory *memory, uint64_t position)
{
    return &memory->slots[position % SLOTS];
}

#define FACTS_BITS 16

static inline uint64_t facts_of(const struct content *c)
{
    return c->kind | (uint64_t)c->length << 2 | (uint64_t)c->n_after << 9;
}

static inline size_t words_of(unsigned length)
{
    return (length + 7) / 8;
}

static inline uint64_t mixed(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * 0x9e3779b97f4a7c15U; /* 2^64 / the golden ratio, odd: Knuth's multiplier */
    return sum ^ sum >> 32;
}

/* Of all but the time, which is added last. */
static inline uint64_t sum_of(const struct content *c, uint64_t position)
{
    uint64_t sum = mixed(mixed(mixed(0, position), facts_of(c)), c->number);
    for (size_t i = 0; i < words_of(c->length); i++)
        sum = mixed(sum, c->label[i]);
    return sum;
}

static inline uint64_t sealed_facts(const struct content *c, uint64_t sum)
{
    return mixed(sum, c->t_ns) << FACTS_BITS | facts_of(c);
}

/* One read of each word; whether the slot's checksum holds. */
static inline bool read_slot(struct uj_marks_memory *memory, uint64_t position, struct content *c)
{
    struct uj_mark_slot *slot = slot_at(memory, position);
    uint64_t facts = uj_load_relaxed(&slot->facts);
    c->t_ns = uj_load_relaxed(&slot->t_ns);
    c->number = uj_load_relaxed(&slot->number);
    c->kind = facts & 3;
    c->length = facts >> 2 & 0x7f;
    c->n_after = facts >> 9 & 0x7f;
    if (c->length > UJ_MARK_LABEL || c->n_after >= PARTS_MAX)
        return false;
    for (size_t i = 0; i < words_of(c->length); i++)
        c->label[i] = uj_load_relaxed(&slot->label[i]);
    return sealed_facts(c, sum_of(c, position)) == facts;
}

#endif
