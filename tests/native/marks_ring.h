/* SPDX-License-Identifier: Apache-2.0
 * What the tests of marks have in common: a ring, a mark that begins, and a label. */
#ifndef MARKS_RING_H
#define MARKS_RING_H

#include "check.h"
#include "marks_memory.h"

static inline struct uj_marks *create_in(enum uj_marks_kind kind)
{
    struct uj_marks *marks = NULL;
    struct uj_error err = {0};
    if (uj_marks_create_in(kind, 1000 * MS, &marks, &err) != 0) {
        fprintf(stderr, "%s\n", err.what);
        exit(1);
    }
    return marks;
}

static inline struct uj_marks *create(void)
{
    struct uj_marks *marks = NULL;
    CHECK_EQ(uj_marks_create_for_others(&marks, NULL), 0);
    return marks;
}

static inline uint64_t begin(struct uj_marks *marks, const char *label)
{
    uint64_t number;
    CHECK_EQ(uj_marks_begin(marks, label, strlen(label), &number), 0);
    return number;
}

static inline bool is_label(const struct uj_mark *mark, const char *label)
{
    return mark->length == strlen(label) && memcmp(mark->label, label, mark->length) == 0;
}

#endif
