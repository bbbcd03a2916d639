/* SPDX-License-Identifier: Apache-2.0
 * Slots with a sound checksum and a content that no writer makes: they are counted as damaged, the
 * mark behind them comes through, and nothing is read or written beyond a label. */
#include "check.h"
#include "marks_memory.h"
#include "marks_slot.h"

static struct uj_marks *marks;
static struct uj_marks_memory *memory;

static void open_ring(int64_t grace_ns)
{
    CHECK_EQ(uj_marks_create_in(UJ_MARKS_MEMFD, grace_ns, &marks, NULL), 0);
    CHECK_EQ(uj_marks_memory_open(uj_marks_address(marks), &memory, NULL), 0);
}

static void close_ring(void)
{
    uj_marks_memory_close(memory);
    uj_marks_close(marks);
}

/* Puts a slot where the next mark goes, as a writer of that content would. */
static void forge(const struct content *c)
{
    uint64_t position = atomic_fetch_add(&memory->head, 1);
    struct uj_mark_slot *slot = slot_at(memory, position);
    atomic_store(&slot->t_ns, c->t_ns);
    atomic_store(&slot->number, c->number);
    for (size_t i = 0; i < UJ_MARK_WORDS; i++)
        atomic_store(&slot->label[i], c->label[i]);
    atomic_store(&slot->facts, sealed_facts(c, sum_of(c, position)));
    atomic_store(&slot->state, turn_of(position) + 1);
}

static struct uj_mark_losses losses_of_ring(void)
{
    struct uj_mark_losses losses;
    uj_marks_losses(marks, &losses);
    return losses;
}

/* Of all that waits, the mark of that label is the only one. */
static void only_comes(const char *label)
{
    static struct uj_mark mark;
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK_EQ(mark.length, strlen(label));
    CHECK(memcmp(mark.label, label, mark.length) == 0);
    CHECK_EQ(uj_marks_take(marks, &mark), 0);
}

static void contents(void)
{
    const uint64_t now = (uint64_t)uj_now_ns();
    const struct content forged[] = {
        {.kind = 0},
        {.t_ns = 0, .kind = UJ_MARK_BEGIN},
        {.t_ns = now - 1000000000000U, .kind = UJ_MARK_BEGIN},
        {.t_ns = now + 1000000000000U, .kind = UJ_MARK_BEGIN},
        {.t_ns = 1ULL << 63, .kind = UJ_MARK_BEGIN},
        {.t_ns = UINT64_MAX, .kind = UJ_MARK_END},
    };
    uint64_t number;
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        open_ring(0);
        struct content c = forged[i];
        if (c.kind == 0) /* nothing else is wrong with it */
            c.t_ns = (uint64_t)uj_now_ns();
        forge(&c);
        CHECK_EQ(uj_marks_begin(marks, "behind", 6, &number), 0);
        only_comes("behind");
        CHECK_EQ(losses_of_ring().damaged, 1);
        CHECK_EQ(losses_of_ring().lost, 0);
        close_ring();
    }
}

/* A slot that says more of its length than there is: its checksum would have to be over that much.
 */
static void lengths(void)
{
    uint64_t number;
    for (unsigned length = UJ_MARK_LABEL + 1; length < 128; length++) {
        union { /* so that the sum reads on into memory of this test */
            struct content c;
            uint64_t room[64];
        } long_one = {
            .c = {.t_ns = (uint64_t)uj_now_ns(), .kind = UJ_MARK_BEGIN, .length = length}};
        open_ring(0);
        forge(&long_one.c);
        CHECK_EQ(uj_marks_begin(marks, "behind", 6, &number), 0);
        only_comes("behind");
        CHECK_EQ(losses_of_ring().damaged, 1);
        close_ring();
    }
}

/* A label of more parts than labels have, of parts that are no parts, and of parts in another
 * order. */
static void parts(void)
{
    static struct uj_mark mark;
    const struct content first = {.kind = UJ_MARK_BEGIN, .length = UJ_MARK_LABEL, .n_after = 2};
    const struct content last = {.kind = UJ_MARK_PART, .length = 1, .n_after = 0};
    const struct content middle = {.kind = UJ_MARK_PART, .length = 1, .n_after = 1};
    const struct content other = {.kind = UJ_MARK_END, .length = 1, .n_after = 1};
    const struct content *const follow[][2] = {{&last, &middle}, {&other, &last}, {&last, &last}};
    for (size_t i = 0; i < sizeof follow / sizeof *follow; i++) {
        open_ring(0);
        struct content begin = first;
        begin.t_ns = (uint64_t)uj_now_ns();
        forge(&begin);
        forge(follow[i][0]);
        forge(follow[i][1]);
        CHECK_EQ(uj_marks_take(marks, &mark), 1);
        CHECK_EQ(mark.length, UJ_MARK_LABEL); /* a window with a label that is cut */
        CHECK_EQ(uj_marks_take(marks, &mark), 0);
        CHECK(losses_of_ring().damaged >= 1);
        close_ring();
    }
    open_ring(0);
    for (unsigned n = 127; n > 0; n--) {
        struct content c = {.t_ns = (uint64_t)uj_now_ns(),
                            .kind = n == 127 ? UJ_MARK_BEGIN : UJ_MARK_PART,
                            .length = UJ_MARK_LABEL,
                            .n_after = n - 1};
        forge(&c);
    }
    CHECK_EQ(uj_marks_take(marks, &mark), 0);
    CHECK_EQ(losses_of_ring().lost + losses_of_ring().damaged, 127);
    close_ring();
    /* Forty-two parts of 96 bytes behind a first one: more than a label has room for. */
    open_ring(0);
    for (unsigned n = PARTS_MAX; n > 0; n--) {
        struct content c = {.t_ns = (uint64_t)uj_now_ns(),
                            .kind = n == PARTS_MAX ? UJ_MARK_BEGIN : UJ_MARK_PART,
                            .length = UJ_MARK_LABEL,
                            .n_after = n - 1};
        forge(&c);
    }
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK(mark.length <= LABEL_BYTES);
    CHECK_EQ(mark.length, LABEL_BYTES / UJ_MARK_LABEL * UJ_MARK_LABEL);
    CHECK_EQ(losses_of_ring().damaged, 1);
    close_ring();
}

/* What a sound slot says is true of its own position and of no other. */
static void copies(void)
{
    static struct uj_mark mark;
    uint64_t number;
    open_ring(0);
    CHECK_EQ(uj_marks_begin(marks, "once", 4, &number), 0);
    uint64_t to = atomic_fetch_add(&memory->head, 1);
    memcpy(&memory->slots[to].t_ns, &memory->slots[number].t_ns, sizeof memory->slots[0] - 8);
    atomic_store(&memory->slots[to].state, turn_of(to) + 1);
    only_comes("once");
    CHECK_EQ(losses_of_ring().damaged, 1);
    CHECK_EQ(uj_marks_take(marks, &mark), 0);
    close_ring();
}

/* Each claim that stays open has a second of its own, also where one before it was just given up.
 */
static void each_claim_has_its_grace(void)
{
    static struct uj_mark mark;
    uint64_t number;
    open_ring(500 * MS);
    atomic_fetch_add(&memory->head, 1);
    CHECK_EQ(uj_marks_take(marks, &mark), 0);
    CHECK_EQ(losses_of_ring().lost, 0);
    nap_ms(600);
    CHECK_EQ(uj_marks_take(marks, &mark), 0);
    CHECK_EQ(losses_of_ring().lost, 1);
    int64_t claimed_ns = uj_now_ns();
    atomic_fetch_add(&memory->head, 1);
    CHECK_EQ(uj_marks_begin(marks, "behind", 6, &number), 0);
    while (uj_marks_take(marks, &mark) == 0)
        nap_ms(5);
    CHECK(uj_now_ns() - claimed_ns >= 500 * MS);
    CHECK_EQ(losses_of_ring().lost, 2);
    close_ring();
}

/* What waits is what the memory can hold, whatever head it has. */
static void waiting(void)
{
    const uint64_t heads[] = {1ULL << 63, 1ULL << 32, UINT64_MAX, SLOTS + 1};
    open_ring(0);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        atomic_store(&memory->head, heads[i]);
        CHECK_EQ(uj_marks_waiting(marks), 0);
    }
    atomic_store(&memory->head, SLOTS);
    CHECK_EQ(uj_marks_waiting(marks), SLOTS);
    close_ring();
}

int main(void)
{
    contents();
    lengths();
    parts();
    copies();
    each_claim_has_its_grace();
    waiting();
    return 0;
}
