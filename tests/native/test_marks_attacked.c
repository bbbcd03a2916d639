/* SPDX-License-Identifier: Apache-2.0
 * Whatever a process writes into the memory of the marks, nobody hangs, no mark comes out that
 * nobody made, and once it stops the marks of the others come through again.
 *
 * An input is a program of bytes: marks of honest writers, takes, and words that are overwritten.
 * With -DFUZZ this is a libFuzzer target; otherwise it plays what once went wrong, and random
 * programs. */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "marks_memory.h"

#define SLOTS UJ_MARK_SLOTS
#define BEGUN_MAX 1024
#define DRAINS 8 /* after the last attack, until all is well */
#define HANG_S 110

static const size_t WORDS = sizeof(struct uj_mark_slot) / 8;

struct begun {
    uint64_t number;
    size_t length;
    bool is_taken, is_ended, is_end_taken;
};

struct play {
    struct uj_marks *marks;
    struct uj_marks_memory *memory;
    const uint8_t *bytes;
    size_t left;
    struct begun begun[BEGUN_MAX];
    size_t n;
    uint64_t next; /* about where the next mark goes */
    int64_t start_ns;
};

static uint64_t number_from(struct play *p, size_t bytes)
{
    uint64_t value = 0;
    for (; bytes > 0 && p->left > 0; bytes--, p->left--)
        value = value << 8 | *p->bytes++;
    return value;
}

static char letter(uint64_t which, size_t at)
{
    return (char)('a' + (which * 7 + at) % 26);
}

static void begin(struct play *p, size_t length)
{
    static char label[4096];
    struct begun *b = &p->begun[p->n];
    for (size_t i = 0; i < length; i++)
        label[i] = letter(p->n, i);
    if (p->n == BEGUN_MAX || uj_marks_begin(p->marks, label, length, &b->number) != 0)
        return;
    *b = (struct begun){b->number, length, false, false, false};
    p->next = b->number + 1;
    p->n++;
}

static void end(struct play *p, size_t which)
{
    if (which < p->n && !p->begun[which].is_ended)
        p->begun[which].is_ended = uj_marks_end(p->marks, p->begun[which].number) == 0;
}

/* Whether the label is that of the window, or one whose tail is missing. */
static bool is_of(const struct play *p, const struct uj_mark *mark, const struct begun *b)
{
    bool is_cut = mark->length < b->length && mark->length % UJ_MARK_LABEL == 0;
    if (mark->number != b->number || (mark->length != b->length && !is_cut))
        return false;
    for (size_t i = 0; i < mark->length; i++)
        if (mark->label[i] != letter((uint64_t)(b - p->begun), i))
            return false;
    return true;
}

/* A mark that was taken is one that was made, and is taken once. Where the head was set back two
 * windows may have one number, and one of them is lost. */
static void check_mark(struct play *p, const struct uj_mark *mark)
{
    struct begun *b = NULL;
    CHECK(mark->t_ns >= p->start_ns && mark->t_ns <= uj_now_ns());
    if (mark->kind == UJ_MARK_BEGIN) {
        for (size_t i = 0; i < p->n && b == NULL; i++)
            if (!p->begun[i].is_taken && is_of(p, mark, &p->begun[i]))
                b = &p->begun[i];
        CHECK(b != NULL);
        b->is_taken = true;
        return;
    }
    CHECK_EQ(mark->kind, UJ_MARK_END);
    for (size_t i = 0; i < p->n && b == NULL; i++)
        if (p->begun[i].number == mark->number && p->begun[i].is_ended && !p->begun[i].is_end_taken)
            b = &p->begun[i];
    CHECK(b != NULL);
    b->is_end_taken = true;
}

static void take(struct play *p, size_t at_most)
{
    static struct uj_mark mark;
    for (size_t i = 0; i < at_most && uj_marks_take(p->marks, &mark) == 1; i++)
        check_mark(p, &mark);
}

/* A word that is near to what it should be, or far from it. */
static uint64_t hostile_word(struct play *p)
{
    uint64_t turn = p->next - p->next % SLOTS;
    const uint64_t words[] = {
        0,           UINT64_MAX,   1ULL << 63,       1ULL << 32,         turn,
        turn + 1,    turn + SLOTS, turn + SLOTS + 1, turn - SLOTS,       p->next,
        p->next + 1, p->next - 1,  p->next + SLOTS,  p->next + SLOTS + 1};
    uint64_t which = number_from(p, 1);
    return which < sizeof words / sizeof *words ? words[which] : number_from(p, 8);
}

static void attack(struct play *p)
{
    uint64_t at = p->next + number_from(p, 1) - 64;
    _Atomic uint64_t *slot = &p->memory->slots[at % SLOTS].state;
    switch (number_from(p, 1) % 7) {
    case 0: atomic_store(&p->memory->head, hostile_word(p)); break;
    case 1: atomic_store(&p->memory->full, hostile_word(p)); break;
    case 2: atomic_store(slot, hostile_word(p)); break;
    case 3: atomic_store(slot + number_from(p, 1) % WORDS, hostile_word(p)); break;
    case 4: /* a slot over another: the same words in another place */
        for (size_t i = 1; i < WORDS; i++)
            atomic_store(slot + i, atomic_load(&p->memory->slots[(at + 1) % SLOTS].state + i));
        break;
    case 5: /* all of it */
        memset(p->memory->slots, (int)number_from(p, 1), sizeof p->memory->slots);
        break;
    default: /* claimed, and never committed */
        atomic_fetch_add(&p->memory->head, number_from(p, 1) % 50);
        break;
    }
}

/* Marks and drains; whether each mark came through. */
static bool is_well(struct play *p)
{
    size_t from = p->n;
    for (size_t i = 0; i < 20; i++) {
        size_t before = p->n;
        begin(p, i * 20);
        if (p->n == before + 1)
            end(p, before);
    }
    take(p, SLOTS);
    for (size_t i = from; i < p->n; i++)
        if (!p->begun[i].is_taken || !p->begun[i].is_end_taken)
            return false;
    return p->n == from + 20;
}

/* Writers and the consumer pass the slots that were overwritten, and then all is as if nothing had
 * been. */
static void recover(struct play *p)
{
    for (int i = 0; i < DRAINS; i++)
        is_well(p);
    for (int i = 0; i < DRAINS; i++)
        CHECK(is_well(p));
}

/* One ring for all programs: each leaves it as if nothing had been. */
static void play(const uint8_t *bytes, size_t length)
{
    static struct play p;
    if (p.marks == NULL) {
        CHECK_EQ(uj_marks_create_in(UJ_MARKS_MEMFD, 0, &p.marks, NULL), 0);
        CHECK_EQ(uj_marks_memory_open(uj_marks_address(p.marks), &p.memory, NULL), 0);
    }
    p.bytes = bytes;
    p.left = length;
    p.start_ns = uj_now_ns();
    p.n = 0;
    while (p.left > 0)
        switch (number_from(&p, 1) % 8) {
        case 0: begin(&p, number_from(&p, 1)); break;
        case 1: begin(&p, number_from(&p, 2) % 4097); break;
        case 2: end(&p, number_from(&p, 1)); break;
        case 3: take(&p, number_from(&p, 1)); break;
        case 4: take(&p, SLOTS); break;
        default: attack(&p); break;
        }
    recover(&p);
}

#ifdef FUZZ
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    play(bytes, length);
    return 0;
}
#else

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_word(void) /* xorshift64, Marsaglia 2003 */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static void random_programs(void)
{
    uint8_t bytes[400];
    for (int round = 0; round < 100; round++) {
        size_t length = 1 + random_word() % sizeof bytes;
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)(random_word() >> 32);
        play(bytes, length);
    }
}

/* A head of 2^63, 2^32 and noise kept the recorder looking for ever. */
static void heads(void)
{
    for (uint8_t word = 0; word < 20; word++) {
        const uint8_t bytes[] = {0, 5, 5, 64, 0, word, 1, 2, 3, 4, 5, 6, 7, 8, 0, 3, 4};
        play(bytes, sizeof bytes);
    }
}

/* One thread overwrites whatever it can while others mark and one takes. */
struct attacked {
    struct uj_marks *marks;
    struct uj_marks_memory *memory;
    _Atomic bool is_over;
};

static void *overwrite(void *given)
{
    struct attacked *a = given;
    uint64_t x = 7;
    while (!atomic_load(&a->is_over)) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        _Atomic uint64_t *slot = &a->memory->slots[(x >> 8) % 256].state;
        if (x % 3 == 0)
            atomic_store(&a->memory->head, x % 5 == 0 ? x : (x >> 8) % 200);
        else
            atomic_store(slot + (x >> 40) % WORDS, x % 7 == 0 ? (x >> 50) % 3 : x);
    }
    return NULL;
}

static void *mark_along(void *given)
{
    struct attacked *a = given;
    while (!atomic_load(&a->is_over)) {
        uint64_t number;
        if (uj_marks_begin(a->marks, "honest", 6, &number) == 0)
            uj_marks_end(a->marks, number);
    }
    return NULL;
}

static void threads_at_once(void)
{
    struct attacked a = {.is_over = false};
    pthread_t threads[4];
    static struct uj_mark mark;
    CHECK_EQ(uj_marks_create_in(UJ_MARKS_MEMFD, MS, &a.marks, NULL), 0);
    CHECK_EQ(uj_marks_memory_open(uj_marks_address(a.marks), &a.memory, NULL), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, i < 2 ? mark_along : overwrite, &a), 0);
    /* At least 100 rounds, and on a busy machine until every thread had its turn: alarm() ends a
     * run in which marks never get through or damage is never seen. */
    struct uj_mark_losses losses = {0};
    size_t n = 0;
    for (int drain = 0; drain < 100 || n == 0 || losses.damaged == 0; drain++) {
        nap_ms(2);
        for (size_t i = 0; i < SLOTS && uj_marks_take(a.marks, &mark) == 1; i++, n++)
            CHECK(mark.kind == UJ_MARK_END || mark.length <= 6);
        uj_marks_losses(a.marks, &losses);
    }
    atomic_store(&a.is_over, true);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    uj_marks_memory_close(a.memory);
    uj_marks_close(a.marks);
}

int main(void)
{
    alarm(HANG_S);
    heads();
    random_programs();
    threads_at_once();
    return 0;
}
#endif
