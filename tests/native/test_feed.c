/* SPDX-License-Identifier: Apache-2.0
 * What a sampler read arrives in a feed's readers row for row; what is overwritten is counted;
 * memory that could be cut, or that says what cannot be, is refused or does no harm; nobody but the
 * owner writes. */
#include <fcntl.h>
#include <sys/mman.h>

#include "check.h"
#include "feed.h"

#define ROWS 64 /* the least that a feed holds */
static const uint16_t CODES[] = {7, UJ_FEED_NOT_WANTED, 9};

static struct uj_feed *created(void)
{
    struct uj_feed *feed = NULL;
    struct uj_error err = {0};
    CHECK_EQ(uj_feed_create(ROWS, &feed, &err), 0);
    return feed;
}

static struct uj_feed *reader_of(const struct uj_feed *feed)
{
    struct uj_feed *reader = NULL;
    struct uj_error err = {0};
    CHECK_EQ(uj_feed_open(uj_feed_fd(feed), &reader, &err), 0);
    return reader;
}

static struct uj_sample row(uint64_t i)
{
    return (struct uj_sample){
        .t_ns = (int64_t)i * 1000,
        .raw = i * UINT64_C(0x9e3779b97f4a7c15),
        .sensor_ns = i % 2 ? (int64_t)i : UJ_NO_SENSOR_TIME,
        .read_ns = (uint32_t)(UINT32_MAX - i),
        .channel = (uint16_t)(i % 4),
        .status = i % 5 ? 0 : EIO,
    };
}

static void append(struct uj_feed *feed, uint64_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct uj_sample one = row(first + i);
        CHECK_EQ(uj_feed_write(feed, &one, 1), 0);
    }
}

/* Checks that the columns hold these rows of row(), those of channels that are wanted. */
static void check_rows(const struct uj_columns *c, size_t n, uint64_t first, uint64_t end)
{
    size_t at = 0;
    for (uint64_t i = first; i < end; i++) {
        struct uj_sample one = row(i);
        if (one.channel == 1 || one.channel == 3)
            continue;
        CHECK(at < n);
        CHECK(c->t_ns[at] == one.t_ns && c->read_ns[at] == one.read_ns);
        CHECK_EQ(c->channel[at], one.channel == 0 ? 7 : 9);
        CHECK_EQ(c->status[at], one.status);
        CHECK_EQ(bit(c->raw_valid, at), one.status == 0);
        CHECK_EQ(bit(c->sensor_valid, at), one.sensor_ns != UJ_NO_SENSOR_TIME);
        CHECK(one.status != 0 || c->raw[at] == one.raw);
        at++;
    }
    CHECK_EQ(at, n);
}

static void test_rows_arrive_as_they_are(void)
{
    struct uj_feed *feed = created(), *reader = reader_of(feed), *other = reader_of(feed);
    struct uj_columns c = new_columns(ROWS);
    uint64_t lost;
    CHECK_EQ(uj_feed_drain(reader, CODES, 3, ROWS, &c, &lost), 0);
    append(feed, 0, 40);
    CHECK_EQ(uj_feed_waiting(reader), 40);
    size_t n = uj_feed_drain(reader, CODES, 3, ROWS, &c, &lost);
    check_rows(&c, n, 0, 40);
    CHECK_EQ(lost, 0);
    /* Another reader has its own place, and the first goes on where it was. */
    n = uj_feed_drain(other, CODES, 3, ROWS, &c, &lost);
    check_rows(&c, n, 0, 40);
    append(feed, 40, 3);
    n = uj_feed_drain(reader, CODES, 3, ROWS, &c, &lost);
    check_rows(&c, n, 40, 43);
    CHECK_EQ(uj_feed_newest_ns(reader), 42000);
    free_columns(&c);
    uj_feed_close(reader);
    uj_feed_close(other);
    uj_feed_close(feed);
}

static void test_what_is_overwritten_is_counted(void)
{
    struct uj_feed *feed = created(), *reader = reader_of(feed);
    struct uj_columns c = new_columns(ROWS);
    uint64_t lost;
    append(feed, 0, 3 * ROWS + 5);
    size_t n = uj_feed_drain(reader, CODES, 3, ROWS, &c, &lost);
    CHECK_EQ(lost, 2 * ROWS + 5);
    check_rows(&c, n, 2 * ROWS + 5, 3 * ROWS + 5);
    /* No more than was asked for: the rest stays. */
    append(feed, 3 * ROWS + 5, 8);
    n = uj_feed_drain(reader, CODES, 3, 2, &c, &lost);
    CHECK_EQ(n, 2);
    CHECK(uj_feed_drain(reader, CODES, 3, ROWS, &c, &lost) > 0);
    uj_feed_seek(reader, (3 * ROWS + 10) * 1000);
    n = uj_feed_drain(reader, CODES, 3, ROWS, &c, &lost);
    check_rows(&c, n, 3 * ROWS + 10, 3 * ROWS + 13);
    free_columns(&c);
    uj_feed_close(reader);
    uj_feed_close(feed);
}

static void test_what_is_being_overwritten_is_not_believed(void)
{
    struct uj_feed *feed = created(), *reader = reader_of(feed);
    struct uj_columns c = new_columns(ROWS);
    uint64_t lost;
    append(feed, 0, ROWS);
    /* The owner has begun with three more rows, and not yet said that they are there. */
    uj_store_relaxed(&feed->memory->begun, ROWS + 3);
    size_t n = uj_feed_drain(reader, CODES, 3, ROWS, &c, &lost);
    CHECK_EQ(lost, 3);
    check_rows(&c, n, 3, ROWS);
    free_columns(&c);
    uj_feed_close(reader);
    uj_feed_close(feed);
}

static void test_a_sampler_is_published(void)
{
    const char *script = file_with("by reads\n5\n!5\n7\n", 16);
    struct uj_channel channel = {.reader = "script", .path = script, .cpu = -1, .code = 2};
    struct uj_sampler *sampler = open_still(&channel, 1);
    struct uj_feed *feed = created(), *reader = reader_of(feed);
    struct uj_columns c = new_columns(ROWS);
    uint64_t lost, counts[UJ_FEED_N_COUNTS];
    int64_t published_ns, before_ns = uj_now_ns();
    for (int i = 0; i < 3; i++)
        CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_feed_publish(feed, sampler), 0);
    CHECK_EQ(uj_feed_drain(reader, CODES, 3, ROWS, &c, &lost), 3);
    CHECK(c.raw[0] == 5 && c.status[1] == EIO && c.raw[2] == 7 && c.channel[0] == 9);
    CHECK(c.t_ns[0] >= before_ns && c.t_ns[2] <= uj_now_ns());
    uj_feed_counts(reader, counts, &published_ns);
    CHECK_EQ(counts[UJ_FEED_TICKS], 3);
    CHECK_EQ(counts[UJ_FEED_ERRORS], 1);
    CHECK(published_ns >= c.t_ns[2]);
    CHECK_EQ(uj_feed_publish(reader, sampler), -EPERM);
    unlink(script);
    free_columns(&c);
    uj_feed_close(reader);
    uj_feed_close(feed);
    uj_sampler_close(sampler);
}

static void test_only_the_owner_writes(void)
{
    struct uj_feed *feed = created();
    int fd = uj_feed_fd(feed);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(at != MAP_FAILED);
    CHECK(mprotect(at, 4096, PROT_READ | PROT_WRITE) != 0);
    munmap(at, 4096);
    CHECK(write(fd, "x", 1) < 0);
    CHECK(ftruncate(fd, 0) != 0);
    /* Not even whom the kernel lets open it anew (root): the seal is the memory's. */
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDWR | O_CLOEXEC);
    if (again >= 0 && (fcntl(again, F_GET_SEALS) & 0x0010) != 0) {
        CHECK(write(again, "x", 1) < 0);
        CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0) == MAP_FAILED);
    }
    if (again >= 0)
        close(again);
    uj_feed_close(feed);
}

/* A memfd as a hostile agent would make it. */
static int forged(const void *head, size_t n_head, size_t size, int seals)
{
    int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(fd >= 0);
    CHECK_EQ(ftruncate(fd, (off_t)size), 0);
    CHECK_EQ(pwrite(fd, head, n_head, 0), (ssize_t)n_head);
    CHECK(seals == 0 || fcntl(fd, F_ADD_SEALS, seals) == 0);
    return fd;
}

static int open_forged(int fd)
{
    struct uj_feed *reader = NULL;
    struct uj_error err = {0};
    int code = uj_feed_open(fd, &reader, &err);
    if (code == 0)
        uj_feed_close(reader);
    close(fd);
    return code;
}

static void test_what_is_no_feed_is_refused(void)
{
    struct uj_feed_memory head = {.magic = "ujfeed1", .capacity = ROWS};
    size_t size = sizeof head + ROWS * UJ_FEED_WORDS * sizeof(uint64_t);
    int sealed = F_SEAL_SHRINK | F_SEAL_GROW;
    CHECK_EQ(open_forged(forged(&head, sizeof head, size, sealed)), 0);
    CHECK_EQ(open_forged(forged(&head, sizeof head, size, 0)), -EINVAL);
    CHECK_EQ(open_forged(forged(&head, sizeof head, size, F_SEAL_GROW)), -EINVAL);
    CHECK_EQ(open_forged(forged(&head, sizeof head, size - 8, sealed)), -EINVAL);
    CHECK_EQ(open_forged(forged(&head, sizeof head, 2 * size, sealed)), -EINVAL);
    CHECK_EQ(open_forged(forged(&head, 8, 64, sealed)), -EINVAL);
    const uint64_t capacities[] = {0,        1,          ROWS - 1,         ROWS + 1,
                                   2 * ROWS, UINT64_MAX, UINT64_C(1) << 63};
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++) {
        head.capacity = capacities[i];
        CHECK_EQ(open_forged(forged(&head, sizeof head, size, sealed)), -EINVAL);
    }
    head.capacity = ROWS;
    head.magic[6] = '2';
    CHECK_EQ(open_forged(forged(&head, sizeof head, size, sealed)), -EINVAL);
    const char *file = file_with(&head, sizeof head);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    unlink(file);
    CHECK_EQ(open_forged(fd), -EINVAL);
    struct uj_feed *reader = NULL;
    CHECK_EQ(uj_feed_open(-1, &reader, NULL), -EINVAL);
}

/* Whatever the indices say, a drain ends, and takes no more rows than there are. */
static void test_indices_are_not_trusted(void)
{
    const uint64_t indices[] = {0,          1,          ROWS,           ROWS + 1,
                                1000000007, UINT64_MAX, UINT64_MAX / 2, UINT64_MAX / 2 + 2};
    const size_t n_indices = sizeof indices / sizeof *indices;
    struct uj_feed *feed = created(), *reader = reader_of(feed);
    struct uj_columns c = new_columns(ROWS);
    uint64_t lost;
    for (size_t i = 0; i < n_indices * n_indices; i++) {
        uj_store_relaxed(&feed->memory->head, indices[i / n_indices]);
        uj_store_relaxed(&feed->memory->begun, indices[i % n_indices]);
        size_t waiting = uj_feed_waiting(reader);
        CHECK(waiting <= ROWS);
        CHECK(uj_feed_drain(reader, CODES, 3, waiting, &c, &lost) <= waiting);
        uj_feed_seek(reader, (int64_t)indices[i / n_indices]);
        uj_feed_newest_ns(reader);
    }
    free_columns(&c);
    uj_feed_close(reader);
    uj_feed_close(feed);
}

static void test_a_fork_has_no_rows(void)
{
    struct uj_feed *feed = created(), *reader = reader_of(feed);
    append(feed, 0, 4);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct uj_sample one = row(0);
        bool is_well = uj_feed_waiting(reader) == 0 && uj_feed_write(feed, &one, 1) == -ECHILD;
        uj_feed_close(reader);
        uj_feed_close(feed);
        _exit(is_well ? 0 : 1);
    }
    CHECK(child_is_well(child));
    CHECK_EQ(uj_feed_waiting(reader), 4);
    uj_feed_close(reader);
    uj_feed_close(feed);
}

int main(void)
{
    test_rows_arrive_as_they_are();
    test_what_is_overwritten_is_counted();
    test_what_is_being_overwritten_is_not_believed();
    test_a_sampler_is_published();
    test_only_the_owner_writes();
    test_what_is_no_feed_is_refused();
    test_indices_are_not_trusted();
    test_a_fork_has_no_rows();
    uj_feed_close(NULL);
    return 0;
}
