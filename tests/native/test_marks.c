/* SPDX-License-Identifier: Apache-2.0
 * Marks arrive once, whole and in each writer's order, from threads, forks and other programs; a
 * full ring counts what it turns away; a writer that is killed is passed over. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "check.h"
#include "marks_layout.h"

#define WRITERS 4
#define WINDOWS 5000
#define PATIENCE_NS (30 * 1000 * MS) /* only a hang takes longer */

static struct uj_marks *create(const char *path)
{
    struct uj_marks *marks = NULL;
    struct uj_error err = {0};
    if (uj_marks_create(path, &marks, &err) != 0) {
        fprintf(stderr, "%s\n", err.what);
        exit(1);
    }
    return marks;
}

/* A name in a folder of its own, where no file is yet. */
static const char *free_path(void)
{
    const char *path = file_with("", 0);
    CHECK_EQ(unlink(path), 0);
    return path;
}

static uint64_t begin(struct uj_marks *marks, const char *label)
{
    uint64_t number;
    CHECK_EQ(uj_marks_begin(marks, label, strlen(label), &number), 0);
    return number;
}

static bool is_label(const struct uj_mark *mark, const char *label)
{
    return mark->length == strlen(label) && memcmp(mark->label, label, mark->length) == 0;
}

static void begin_and_end(void)
{
    struct uj_marks *marks = create(NULL);
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
    CHECK_EQ(uj_marks_dropped(marks), 0);
    uj_marks_close(marks);
    uj_marks_close(NULL);
}

static void long_labels(void)
{
    static char label[5000];
    const size_t lengths[] = {0,    1,    95,   96,   97,   191,  192, 193,
                              4031, 4032, 4033, 4095, 4096, 4097, 5000};
    struct uj_marks *marks = create(NULL);
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
    CHECK_EQ(uj_marks_dropped(marks), 0);
    uj_marks_close(marks);
}

static void a_full_ring_counts(void)
{
    static char label[2 * UJ_MARK_LABEL];
    struct uj_marks *marks = create(NULL);
    struct uj_mark mark;
    uint64_t number;
    for (uint64_t i = 0; i < SLOTS - 1; i++)
        CHECK_EQ(uj_marks_end(marks, i), 0);
    CHECK_EQ(uj_marks_begin(marks, label, sizeof label, &number), -EAGAIN); /* one place, not two */
    CHECK_EQ(uj_marks_begin(marks, label, 1, &number), 0);
    CHECK_EQ(uj_marks_begin(marks, label, 1, &number), -EAGAIN);
    CHECK_EQ(uj_marks_end(marks, 0), -EAGAIN);
    CHECK_EQ(uj_marks_dropped(marks), 3);
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
    CHECK_EQ(uj_marks_dropped(marks), 4);
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
    struct uj_marks *marks = create(NULL);
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
    struct uj_marks *marks = create(NULL);
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

static void another_program_opens_the_file(void)
{
    const char *path = free_path();
    struct uj_marks *marks = create(path), *again = NULL;
    struct uj_mark mark;
    struct uj_error err;
    struct stat facts;
    CHECK_EQ(stat(path, &facts), 0);
    CHECK_EQ(facts.st_mode & 0777, 0600);
    CHECK(facts.st_blocks * 512 >= facts.st_size); /* no SIGBUS when the disk fills later */
    CHECK_EQ(uj_marks_create(path, &again, &err), -EEXIST);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "test_marks", path, (char *)NULL);
        _exit(1);
    }
    CHECK(child_is_well(child));
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK(is_label(&mark, "from outside"));
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK_EQ(mark.kind, UJ_MARK_END);
    CHECK_EQ(access(path, F_OK), 0); /* neither the other's close nor a fork's removes it */
    child = fork();
    if (child == 0) {
        uj_marks_close(marks);
        _exit(access(path, F_OK));
    }
    CHECK(child_is_well(child));
    uj_marks_close(marks);
    CHECK(access(path, F_OK) != 0);
    CHECK_EQ(uj_marks_open(path, &again, &err), -ENOENT);
}

static int write_from_outside(const char *path)
{
    struct uj_marks *marks = NULL;
    CHECK_EQ(uj_marks_open(path, &marks, NULL), 0);
    CHECK_EQ(uj_marks_end(marks, begin(marks, "from outside")), 0);
    uj_marks_close(marks);
    return 0;
}

static void foreign_files(void)
{
    struct uj_marks *marks = NULL;
    struct uj_error err = {0};
    const char *path = file_with("ujmark1", 8);
    CHECK_EQ(uj_marks_open(path, &marks, &err), -EINVAL); /* too short */
    CHECK_EQ(err.code, -EINVAL);
    CHECK(strstr(err.what, path) != NULL);
    CHECK_EQ(truncate(path, sizeof(struct layout)), 0);
    int fd = open(path, O_WRONLY);
    CHECK_EQ(write(fd, "ARROW1\0\0", 8), 8);
    CHECK_EQ(uj_marks_open(path, &marks, &err), -EINVAL); /* as long, and another's */
    close(fd);
    unlink(path);
    CHECK_EQ(symlink("/etc/passwd", path), 0);
    CHECK_EQ(uj_marks_open(path, &marks, &err), -ELOOP);
    CHECK(uj_marks_create(path, &marks, &err) < 0);
    unlink(path);
    CHECK_EQ(uj_marks_open("/", &marks, &err), -EISDIR);
    CHECK_EQ(uj_marks_create("/no/such/folder/marks", &marks, &err), -ENOENT);
}

static int take_patiently(struct uj_marks *marks, struct uj_mark *mark)
{
    int64_t start_ns = uj_now_ns();
    int taken;
    while ((taken = uj_marks_take(marks, mark)) == 0 && uj_now_ns() - start_ns < PATIENCE_NS)
        nap_ms(5);
    return taken;
}

/* A writer that claimed the slots of a long label, wrote some, and was killed. */
static void a_dead_writer_is_passed_over(void)
{
    const char *path = free_path();
    struct uj_marks *marks = create(path);
    struct uj_mark mark;
    int fd = open(path, O_RDWR);
    struct layout *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(shared != MAP_FAILED);
    close(fd);
    uint64_t number = begin(marks, "before"), n_dead = 40;
    uint64_t dead = atomic_fetch_add(&shared->head, n_dead);
    for (uint64_t i = n_dead - 5; i < n_dead; i++) { /* the last parts are committed first */
        struct slot *slot = &shared->slots[dead + i];
        slot->number = 77;
        slot->kind = 3;
        slot->length = 4;
        slot->parts_left = (uint16_t)(n_dead - 1 - i);
        memcpy(slot->label, "dead", 4);
        atomic_store(&slot->sequence, dead + i + 1);
    }
    CHECK_EQ(uj_marks_end(marks, number), 0);
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK(is_label(&mark, "before"));
    int64_t start_ns = uj_now_ns();
    CHECK_EQ(take_patiently(marks, &mark), 1);
    CHECK(uj_now_ns() - start_ns >= 900 * MS);      /* it had its second of grace, */
    CHECK(uj_now_ns() - start_ns < 10 * 1000 * MS); /* one for all its slots, */
    CHECK_EQ(mark.kind, UJ_MARK_END);               /* and no part of it came through */
    CHECK_EQ(mark.number, number);
    CHECK(uj_marks_dropped(marks) >= 1);
    CHECK_EQ(uj_marks_take(marks, &mark), 0);

    /* The slots serve again on the next lap. */
    for (uint64_t i = 0; i < SLOTS; i++) {
        CHECK_EQ(uj_marks_end(marks, i), 0);
        CHECK_EQ(uj_marks_take(marks, &mark), 1);
        CHECK_EQ(mark.number, i);
    }
    munmap(shared, sizeof *shared);
    uj_marks_close(marks);
}

/* Whenever a writer is killed, those after it come through. */
static void killed_writers(void)
{
    struct uj_marks *marks = create(NULL);
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

int main(int argc, char **argv)
{
    if (argc == 2)
        return write_from_outside(argv[1]);
    begin_and_end();
    long_labels();
    a_full_ring_counts();
    foreign_files();
    another_program_opens_the_file();
    processes_write_at_once();
    threads_write_at_once();
    a_dead_writer_is_passed_over();
    killed_writers();
    return 0;
}
