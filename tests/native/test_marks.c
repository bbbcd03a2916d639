/* SPDX-License-Identifier: Apache-2.0
 * Marks arrive once, whole and in each writer's order, from threads and forks; a full ring counts
 * what it turns away; a writer that is killed is passed over. */
#include <pthread.h>
#include <sched.h>

#include "marks_ring.h"

#define SLOTS UJ_MARK_SLOTS
#define WRITERS 4
#define WINDOWS 5000
#define PATIENCE_NS (30 * 1000 * MS) /* only a hang takes longer */

static struct uj_mark_losses losses_of(const struct uj_marks *marks)
{
    struct uj_mark_losses losses;
    uj_marks_losses(marks, &losses);
    return losses;
}

static void check_losses(const struct uj_marks *marks, uint64_t full, uint64_t lost,
                         uint64_t damaged)
{
    struct uj_mark_losses losses = losses_of(marks);
    CHECK_EQ(losses.full, full);
    CHECK_EQ(losses.lost, lost);
    CHECK_EQ(losses.damaged, damaged);
}

static void begin_and_end(void)
{
    struct uj_marks *marks = create();
    struct uj_mark mark;
    CHECK_EQ(uj_marks_take(marks, &mark), 0);
    int64_t before_ns = uj_now_ns();
    uint64_t outer = begin(marks, "outer"), inner = begin(marks, "");
    CHECK(outer != inner);
    CHECK_EQ(uj_marks_end(marks, inner), 0);
    CHECK_EQ(uj_marks_end(marks, outer), 0);
    int64_t after_ns = uj_now_ns();
    const uint64_t number[] = {outer, inner, inner, outer};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(uj_marks_take(marks, &mark), 1);
        CHECK_EQ(mark.number, number[i]);
        CHECK_EQ(mark.kind, i < 2 ? UJ_MARK_BEGIN : UJ_MARK_END);
        CHECK(is_label(&mark, i == 0 ? "outer" : ""));
        CHECK(mark.t_ns >= before_ns && mark.t_ns <= after_ns);
        before_ns = mark.t_ns;
    }
    CHECK_EQ(uj_marks_take(marks, &mark), 0);
    check_losses(marks, 0, 0, 0);
    uj_marks_close(marks);
    uj_marks_close(NULL);
}

static void long_labels(void)
{
    static char label[5000];
    const size_t lengths[] = {0,    1,    95,   96,   97,   191,  192, 193,
                              4031, 4032, 4033, 4095, 4096, 4097, 5000};
    struct uj_marks *marks = create();
    struct uj_mark mark;
    uint64_t number;
    for (size_t i = 0; i < sizeof label; i++)
        label[i] = (char)('a' + i % 23);
    /* Many rounds, so that labels also lie across the end of the ring. */
    for (int round = 0; round < 400; round++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            size_t kept = lengths[i] < sizeof mark.label ? lengths[i] : sizeof mark.label;
            CHECK_EQ(uj_marks_begin(marks, label, lengths[i], &number), 0);
            CHECK_EQ(uj_marks_end(marks, number), 0);
            CHECK_EQ(uj_marks_take(marks, &mark), 1);
            CHECK_EQ(mark.number, number);
            CHECK_EQ(mark.kind, UJ_MARK_BEGIN);
            CHECK_EQ(mark.length, kept);
            CHECK(memcmp(mark.label, label, kept) == 0);
            CHECK_EQ(uj_marks_take(marks, &mark), 1);
            CHECK_EQ(mark.kind, UJ_MARK_END);
            CHECK_EQ(mark.length, 0);
        }
    CHECK_EQ(uj_marks_take(marks, &mark), 0);
    check_losses(marks, 0, 0, 0);
    uj_marks_close(marks);
}

static void a_full_ring_counts(void)
{
    static char label[2 * UJ_MARK_LABEL];
    struct uj_marks *marks = create();
    struct uj_mark mark;
    uint64_t number;
    for (uint64_t i = 0; i < SLOTS - 1; i++)
        CHECK_EQ(uj_marks_end(marks, i), 0);
    CHECK_EQ(uj_marks_begin(marks, label, sizeof label, &number), -EAGAIN); /* one place, not two */
    CHECK_EQ(uj_marks_begin(marks, label, 1, &number), 0);
    CHECK_EQ(uj_marks_begin(marks, label, 1, &number), -EAGAIN);
    CHECK_EQ(uj_marks_end(marks, 0), -EAGAIN);
    check_losses(marks, 3, 0, 0);
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK_EQ(mark.number, 0);
    CHECK_EQ(uj_marks_end(marks, SLOTS + 7), 0);
    CHECK_EQ(uj_marks_end(marks, 0), -EAGAIN);
    for (uint64_t i = 1; i < SLOTS - 1; i++) {
        CHECK_EQ(uj_marks_take(marks, &mark), 1);
        CHECK_EQ(mark.number, i);
    }
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK_EQ(mark.kind, UJ_MARK_BEGIN);
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK_EQ(mark.number, SLOTS + 7);
    CHECK_EQ(uj_marks_take(marks, &mark), 0);
    check_losses(marks, 4, 0, 0);
    uj_marks_close(marks);
}

/* "<writer> <i> xxx…", of one to three slots. */
static size_t label_of(char *label, unsigned writer, unsigned i)
{
    size_t length = (size_t)sprintf(label, "%u %u ", writer, i);
    size_t pad = i % 5 * 50;
    memset(label + length, 'x', pad);
    return length + pad;
}

static void write_windows(struct uj_marks *marks, unsigned writer)
{
    char label[512];
    uint64_t number;
    for (unsigned i = 0; i < WINDOWS; i++) {
        while (uj_marks_begin(marks, label, label_of(label, writer, i), &number) == -EAGAIN)
            sched_yield();
        while (uj_marks_end(marks, number) == -EAGAIN)
            sched_yield();
    }
}

/* Takes what the writers write until all has come: each begin and end once and in order. */
static void take_windows(struct uj_marks *marks)
{
    static struct uj_mark mark;
    unsigned next[WRITERS] = {0}, ended = 0;
    uint64_t open[WRITERS] = {0};
    bool is_open[WRITERS] = {false};
    int64_t start_ns = uj_now_ns();
    while (ended < WRITERS * WINDOWS) {
        CHECK(uj_now_ns() - start_ns < PATIENCE_NS);
        if (uj_marks_take(marks, &mark) == 0) {
            sched_yield();
            continue;
        }
        if (mark.kind == UJ_MARK_BEGIN) {
            char label[512];
            unsigned writer = (unsigned)(mark.label[0] - '0');
            CHECK(writer < WRITERS && !is_open[writer]);
            size_t length = label_of(label, writer, next[writer]++);
            CHECK(mark.length == length && memcmp(mark.label, label, length) == 0);
            open[writer] = mark.number;
            is_open[writer] = true;
            continue;
        }
        unsigned writer = 0;
        while (writer < WRITERS && !(is_open[writer] && open[writer] == mark.number))
            writer++;
        CHECK(mark.kind == UJ_MARK_END && writer < WRITERS);
        is_open[writer] = false;
        ended++;
    }
    CHECK_EQ(uj_marks_take(marks, &mark), 0);
}

static void processes_write_at_once(void)
{
    struct uj_marks *marks = create();
    pid_t child[WRITERS];
    for (unsigned w = 0; w < WRITERS; w++) {
        child[w] = fork();
        CHECK(child[w] >= 0);
        if (child[w] == 0) {
            write_windows(marks, w);
            uj_marks_close(marks);
            _exit(0);
        }
    }
    take_windows(marks);
    for (unsigned w = 0; w < WRITERS; w++)
        CHECK(child_is_well(child[w]));
    uj_marks_close(marks);
}

struct writer {
    struct uj_marks *marks;
    unsigned number;
};

static void *write_in_thread(void *given)
{
    struct writer *writer = given;
    write_windows(writer->marks, writer->number);
    return NULL;
}

static void threads_write_at_once(void)
{
    struct uj_marks *marks = create();
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    for (unsigned w = 0; w < WRITERS; w++) {
        writers[w] = (struct writer){marks, w};
        CHECK_EQ(pthread_create(&threads[w], NULL, write_in_thread, &writers[w]), 0);
    }
    take_windows(marks);
    for (unsigned w = 0; w < WRITERS; w++)
        CHECK_EQ(pthread_join(threads[w], NULL), 0);
    uj_marks_close(marks);
}

static int take_patiently(struct uj_marks *marks, struct uj_mark *mark)
{
    int64_t start_ns = uj_now_ns();
    int taken;
    while ((taken = uj_marks_take(marks, mark)) == 0 && uj_now_ns() - start_ns < PATIENCE_NS)
        nap_ms(5);
    return taken;
}

/* The memory of a ring, for what no call can do. */
static struct uj_marks_memory *memory_of(const struct uj_marks *marks)
{
    struct uj_marks_memory *memory = NULL;
    CHECK_EQ(uj_marks_memory_open(uj_marks_address(marks), &memory, NULL), 0);
    return memory;
}

/* A writer that claimed the slots of a long label, wrote its last five, and was killed. */
static void a_dead_writer_is_passed_over(void)
{
    static char label[40 * UJ_MARK_LABEL];
    struct uj_marks *marks = create(), *model = create();
    struct uj_mark mark;
    uint64_t n_dead = 40, n_written = 5, unused;
    uint64_t number = begin(marks, "before");
    CHECK_EQ(uj_marks_end(model, 0), 0); /* the same position, so that the checksums are the same */
    CHECK_EQ(uj_marks_begin(model, label, sizeof label, &unused), 0);
    struct uj_marks_memory *memory = memory_of(marks), *whole = memory_of(model);
    uint64_t dead = atomic_fetch_add(&memory->head, n_dead);
    CHECK_EQ(dead, 1);
    for (uint64_t p = dead + n_dead - n_written; p < dead + n_dead; p++)
        memcpy(&memory->slots[p], &whole->slots[p], sizeof whole->slots[p]);
    CHECK_EQ(uj_marks_end(marks, number), 0);
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK(is_label(&mark, "before"));
    int64_t start_ns = uj_now_ns();
    CHECK_EQ(take_patiently(marks, &mark), 1);
    CHECK(uj_now_ns() - start_ns >= 900 * MS);      /* it had its second of grace, */
    CHECK(uj_now_ns() - start_ns < 10 * 1000 * MS); /* one for all its slots, */
    CHECK_EQ(mark.kind, UJ_MARK_END);               /* and no part of it came through */
    CHECK_EQ(mark.number, number);
    check_losses(marks, 0, n_dead, 0); /* named as what it is */
    CHECK_EQ(uj_marks_take(marks, &mark), 0);

    /* The slots serve again on the next lap. */
    for (uint64_t i = 0; i < SLOTS; i++) {
        CHECK_EQ(uj_marks_end(marks, i), 0);
        CHECK_EQ(uj_marks_take(marks, &mark), 1);
        CHECK_EQ(mark.number, i);
    }
    uj_marks_memory_close(memory);
    uj_marks_memory_close(whole);
    uj_marks_close(model);
    uj_marks_close(marks);
}

/* Whenever a writer is killed, those after it come through. */
static void killed_writers(void)
{
    struct uj_marks *marks = create();
    static struct uj_mark mark;
    for (int round = 0; round < 8; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            for (;;)
                write_windows(marks, 0);
        do /* it writes */
            CHECK(take_patiently(marks, &mark) == 1);
        while (mark.kind != UJ_MARK_END);
        nap_ms(1);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (uj_marks_take(marks, &mark) == 1)
            continue;
        uint64_t number = begin(marks, "after");
        do
            CHECK_EQ(take_patiently(marks, &mark), 1);
        while (!is_label(&mark, "after"));
        CHECK_EQ(mark.number, number);
    }
    uj_marks_close(marks);
}

int main(void)
{
    begin_and_end();
    long_labels();
    a_full_ring_counts();
    processes_write_at_once();
    threads_write_at_once();
    a_dead_writer_is_passed_over();
    killed_writers();
    return 0;
}
