/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of a ring of marks, which every process that marks may write to: one of them may be
 * broken, or hostile, or end at any instruction. So nothing that is read here is trusted:
 *
 * - the consumer's position is its own, and the head that writers advance is a hint that is
 * checked;
 * - each word is read once, by an access that two threads may make at once, and then looked at;
 * - a slot proves itself by a checksum over its content and its position, so that neither noise nor
 * a writer that was stopped for long and goes on is taken for a mark;
 * - each loop has a limit, for the writers too, which are programs that are being measured;
 * - the memory cannot be cut (marks_memory.h).
 *
 * What is given up: a process that may mark may also forge a mark, or end another's window.
 */
#ifndef UJ_MARKS_H
#define UJ_MARKS_H

#include "microjoule.h"
#include "order.h"

#define UJ_MARK_SLOTS ((uint64_t)UJ_MARKS_CAPACITY)

/* Words of label in a slot. */
#define UJ_MARK_WORDS (UJ_MARK_LABEL / 8)

/* The kind of a slot that carries on a label: no mark of its own, should its first slot be lost. */
#define UJ_MARK_PART 3

/* A slot at position p (index p % SLOTS, turn p - p % SLOTS) is free where state is the turn, holds
 * p's mark at turn + 1, and is free for the next lap at turn + SLOTS. So memory full of zeros is an
 * empty ring of which no page has been touched. */
struct uj_mark_slot {
    _Atomic uint64_t state;
    _Atomic uint64_t t_ns;
    _Atomic uint64_t number; /* of the window that ends here */
    _Atomic uint64_t
        facts; /* kind: 2 bits, bytes of label: 7, slots that follow: 7, checksum: 48 */
    _Atomic uint64_t label[UJ_MARK_WORDS];
};
_Static_assert(sizeof(struct uj_mark_slot) == 128, "a slot is two cache lines");

struct uj_marks_memory {
    char magic[8];
    uint64_t created_ns; /* with the address of the memory, so that none is taken for another */
    _Alignas(64) _Atomic uint64_t head; /* the next position to claim, as writers believe */
    _Alignas(64) _Atomic uint64_t full; /* marks that found no room */
    _Alignas(64) struct uj_mark_slot slots[UJ_MARK_SLOTS];
};

#endif
