/* SPDX-License-Identifier: Apache-2.0
 * Who finds the memory of a ring: forks, other programs by its address, and nobody by a wrong one;
 * and nobody can cut it. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "marks_ring.h"

/* A ring of one's own has no address, and forked children have it all the same. */
static void a_ring_of_ones_own(void)
{
    struct uj_marks *marks = NULL;
    struct uj_mark mark;
    CHECK_EQ(uj_marks_create(&marks, NULL), 0);
    CHECK_EQ(strlen(uj_marks_address(marks)), 0);
    pid_t child = fork();
    if (child == 0) {
        uint64_t number = begin(marks, "child");
        _exit(uj_marks_end(marks, number) == 0 ? 0 : 1);
    }
    CHECK(child_is_well(child));
    CHECK_EQ(uj_marks_waiting(marks), 2);
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK(is_label(&mark, "child"));
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK_EQ(uj_marks_waiting(marks), 0);
    uj_marks_close(marks);
}

static void another_program_opens_it(enum uj_marks_kind kind, const char *begins)
{
    struct uj_marks *marks = create_in(kind), *again = NULL;
    struct uj_mark mark;
    struct uj_error err;
    char address[UJ_MARKS_ADDRESS];
    snprintf(address, sizeof address, "%s", uj_marks_address(marks));
    if (strncmp(address, begins, strlen(begins)) != 0) {
        printf("no %s memory here: %s\n", begins, address);
        uj_marks_close(marks);
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "test_marks_shared", address, (char *)NULL);
        _exit(1);
    }
    CHECK(child_is_well(child));
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK(is_label(&mark, "from outside"));
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK_EQ(mark.kind, UJ_MARK_END);
    child = fork();
    if (child == 0) { /* a fork's close does not take it from the others */
        uj_marks_close(marks);
        _exit(0);
    }
    CHECK(child_is_well(child));
    CHECK_EQ(uj_marks_open(address, &again, &err), 0);
    uj_marks_close(again);
    /* Another ring that has got the same descriptor or ID is not taken for it. */
    char other[UJ_MARKS_ADDRESS + 1];
    snprintf(other, sizeof other, "%s1", address);
    CHECK_EQ(uj_marks_open(other, &again, &err), -EINVAL);
    uj_marks_close(marks);
    CHECK(uj_marks_open(address, &again, &err) < 0);
    CHECK(strstr(err.what, address) != NULL);
}

static int write_from_outside(const char *address)
{
    struct uj_marks *marks = NULL;
    CHECK_EQ(uj_marks_open(address, &marks, NULL), 0);
    CHECK_EQ(uj_marks_end(marks, begin(marks, "from outside")), 0);
    uj_marks_close(marks);
    return 0;
}

/* Nobody can cut it, whatever way the memory is come by. */
static void it_cannot_be_cut(void)
{
    struct uj_marks *marks = create();
    int pid, number;
    char path[64];
    if (sscanf(uj_marks_address(marks), "memfd:%d:%d", &pid, &number) == 2) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, number);
        pid_t child = fork();
        if (child == 0) {
            int fd = open(path, O_RDWR);
            CHECK(fd >= 0);
            CHECK_EQ(ftruncate(fd, 0), -1);
            CHECK_EQ(errno, EPERM);
            CHECK_EQ(ftruncate(fd, 1 << 30), -1);
            CHECK_EQ(truncate(path, 0), -1);
            CHECK_EQ(open(path, O_RDWR | O_TRUNC), -1);
            CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
            _exit(0);
        }
        CHECK(child_is_well(child));
    }
    begin(marks, "after");
    struct uj_mark mark;
    CHECK_EQ(uj_marks_take(marks, &mark), 1);
    CHECK(is_label(&mark, "after"));
    uj_marks_close(marks);
}

/* A process whose descriptors others do not see gives out a segment instead. */
static void a_hidden_process_has_an_address(void)
{
    CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
    struct uj_marks *marks = create();
    CHECK(strncmp(uj_marks_address(marks), "memfd", 5) != 0);
    uj_marks_close(marks);
    CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
}

/* What an address may have become by the time that somebody opens it. */
static void foreign_memory(void)
{
    struct uj_marks *marks = NULL;
    struct uj_error err = {0};
    char address[128];
    const char *const none[] = {"",      "nonsense",   "memfd:", "memfd:1", "memfd:x:1:1",
                                "sysv:", "/etc/passwd"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        CHECK_EQ(uj_marks_open(none[i], &marks, &err), -EINVAL);
        CHECK_EQ(err.code, -EINVAL);
    }
    /* As long, with the right words, and can be cut; then not a regular file at all. */
    static struct uj_marks_memory content = {.magic = "ujmark2", .created_ns = 5};
    const char *path = file_with(&content, sizeof content);
    int fd = open(path, O_RDWR);
    snprintf(address, sizeof address, "memfd:%d:%d:5", (int)getpid(), fd);
    CHECK_EQ(uj_marks_open(address, &marks, &err), -EINVAL);
    CHECK(strstr(err.what, address) != NULL);
    close(fd);
    unlink(path);
    int loose = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK_EQ(write(loose, &content, sizeof content), sizeof content);
    snprintf(address, sizeof address, "memfd:%d:%d:5", (int)getpid(), loose);
    CHECK_EQ(uj_marks_open(address, &marks, &err), -EINVAL);
    CHECK_EQ(fcntl(loose, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    CHECK_EQ(uj_marks_open(address, &marks, &err), 0); /* now it is what it says */
    uj_marks_close(marks);
    close(loose);
    int pipes[2];
    CHECK_EQ(pipe(pipes), 0);
    snprintf(address, sizeof address, "memfd:%d:%d:5", (int)getpid(), pipes[1]);
    CHECK_EQ(uj_marks_open(address, &marks, &err), -EINVAL);
    snprintf(address, sizeof address, "memfd:%d:9999:5", (int)getpid());
    CHECK_EQ(uj_marks_open(address, &marks, &err), -ENOENT);
    CHECK(marks != NULL);
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return write_from_outside(argv[1]);
    a_ring_of_ones_own();
    foreign_memory();
    it_cannot_be_cut();
    a_hidden_process_has_an_address();
    another_program_opens_it(UJ_MARKS_MEMFD, "memfd:");
    another_program_opens_it(UJ_MARKS_SYSV, "sysv:");
    return 0;
}
