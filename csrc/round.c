/* SPDX-License-Identifier: Apache-2.0
 *
 * One round of reads, and its way into the ring.
 *
 * How often an event was off is said by the next row of its channel that was read and found room in
 * the ring. Until there is one it is kept here: a row that failed cannot say it, one that was
 * dropped has not, and a pace may read rounds that it does not push at all.
 */
#define _GNU_SOURCE
#include "sampler.h"

/* What the round before says and no row has said is left to the next row. */
static void leave_untold(struct uj_sampler *s)
{
    for (size_t i = 0; i < s->n_channels; i++)
        s->untold[i] += uj_take_times_off(&s->before[i]);
}

void uj_sampler_read(struct uj_sampler *s)
{
    leave_untold(s);
    struct uj_sample *oldest = s->before;
    s->before = s->rows;
    s->rows = oldest;
    for (size_t i = 0; i < s->n_banks; i++)
        s->banks[i].reader->read(s->banks[i].state, s->rows + s->banks[i].first);
}

static void push(struct uj_sampler *s, struct uj_sample *row, uint32_t *untold)
{
    uj_add_uncounted(row, *untold);
    bool is_read = uj_is_read(row);
    bool is_pushed = uj_ring_push(&s->ring, row);
    uint32_t n = uj_take_times_off(row);
    if (is_read)
        *untold = is_pushed ? 0 : n;
    if (!is_read)
        uj_add(&s->errors, 1);
    if (!is_pushed)
        uj_add(&s->dropped, 1);
}

void uj_sampler_push_before(struct uj_sampler *s)
{
    for (size_t i = 0; i < s->n_channels; i++)
        push(s, &s->before[i], &s->untold[i]);
}

void uj_sampler_push(struct uj_sampler *s)
{
    leave_untold(s);
    for (size_t i = 0; i < s->n_channels; i++)
        push(s, &s->rows[i], &s->untold[i]);
    for (size_t i = 0; s->more != NULL && i < s->n_banks; i++) {
        const struct uj_bank *bank = &s->banks[i];
        size_t n = bank->reader->read_more != NULL
                       ? bank->reader->read_more(bank->state, s->more, UJ_MORE_ROWS)
                       : 0;
        uint32_t none = 0;
        for (size_t k = 0; k < n; k++)
            push(s, &s->more[k], &none);
    }
}
