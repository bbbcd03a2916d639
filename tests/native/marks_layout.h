/* SPDX-License-Identifier: Apache-2.0
 *
 * The file's layout as marks.c has it: to play a writer that dies halfway, which no call can. */
#ifndef MARKS_LAYOUT_H
#define MARKS_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

#include "microjoule.h"

#define SLOTS 65536u

struct slot {
    _Atomic uint64_t sequence;
    int64_t t_ns;
    uint64_t number;
    uint16_t kind, length, parts_left, reserved;
    char label[UJ_MARK_LABEL];
};
struct layout {
    char magic[8];
    uint64_t size;
    _Alignas(64) _Atomic uint64_t head;
    _Alignas(64) _Atomic uint64_t numbers;
    _Alignas(64) _Atomic uint64_t dropped;
    _Alignas(64) struct slot slots[SLOTS];
};

#endif
