/* SPDX-License-Identifier: Apache-2.0
 * A hostile agent: it writes what it likes into the memory that a reader maps,
 * at any time. Whatever is there, the reader ends, writes within its columns
 * and touches nothing outside the memory.
 *
 * An input is a list of acts of 12 bytes: what, where, a value. With -DFUZZ
 * this is a libFuzzer target; otherwise it plays random acts.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "check.h"
#include "feed.h"

#define ROWS 64
#define CAPACITY 16
#define N_CODES 3
#define ACT 12

static struct uj_feed_memory *memory;
static size_t n_words;
static struct uj_feed *reader;
static struct uj_columns columns;

static void prepare(void)
{
    struct uj_feed_memory head = {.magic = "ujfeed1", .capacity = ROWS};
    size_t size = sizeof head + ROWS * UJ_FEED_WORDS * sizeof(uint64_t);
    int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(fd >= 0);
    CHECK_EQ(ftruncate(fd, (off_t)size), 0);
    CHECK_EQ(pwrite(fd, &head, sizeof head, 0), sizeof head);
    CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK((void *)memory != MAP_FAILED);
    CHECK_EQ(uj_feed_open(fd, &reader, NULL), 0);
    close(fd);
    n_words = size / sizeof(uint64_t);
    columns = new_columns(CAPACITY);
}

static void act(uint8_t what, uint64_t where, uint64_t value)
{
    static const uint16_t codes[N_CODES] = {1, UJ_FEED_NOT_WANTED, 2};
    uint64_t counts[UJ_FEED_N_COUNTS], lost;
    int64_t published_ns;
    size_t n;
    switch (what % 8) {
    case 0:
    case 1: /* any word, the capacity too */
        ((volatile uint64_t *)memory)[where % n_words] = value;
        break;
    case 2: /* an index near what it was */
        uj_store_relaxed(&memory->head, uj_load_relaxed(&memory->head) + value % (3 * ROWS));
        break;
    case 3: uj_store_relaxed(&memory->begun, uj_load_relaxed(&memory->head) + value % 4); break;
    case 4:
    case 5:
        n = uj_feed_waiting(reader);
        CHECK(n <= ROWS);
        n = uj_feed_drain(reader, codes, N_CODES, CAPACITY, &columns, &lost);
        CHECK(n <= CAPACITY);
        for (size_t i = 0; i < n; i++)
            CHECK(columns.channel[i] == 1 || columns.channel[i] == 2);
        break;
    case 6: uj_feed_seek(reader, (int64_t)value); break;
    case 7:
        uj_feed_counts(reader, counts, &published_ns);
        uj_feed_newest_ns(reader);
        break;
    }
}

static void play(const uint8_t *bytes, size_t length)
{
    if (reader == NULL)
        prepare();
    for (; length >= ACT; bytes += ACT, length -= ACT) {
        uint64_t value;
        memcpy(&value, bytes + 4, sizeof value);
        act(bytes[0], (uint64_t)bytes[1] << 8 | bytes[2], value);
    }
}

#ifdef FUZZ
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    play(bytes, length);
    return 0;
}
#else
static uint64_t random_word(void)
{
    static uint64_t state = 88172645463325252u; /* Marsaglia's xorshift */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* An index that goes round by steps of which each may be, over rows that are not wanted, once kept
 * a reader busy for ever. */
static void go_round(void)
{
    for (size_t i = 0; i < ROWS; i++)
        uj_store_relaxed(&memory->words[i][3], UINT64_C(1) << 32);
    for (uint64_t i = 1; i <= 6; i++) {
        uj_store_relaxed(&memory->head, i * (UINT64_MAX / 3));
        act(4, 0, 0);
    }
}

int main(void)
{
    prepare();
    go_round();
    static const uint64_t odd[] = {0, 1, ROWS, UINT64_MAX, UINT64_MAX / 2, UINT64_C(1) << 63};
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[ACT];
        uint64_t first = random_word(), value = random_word();
        if (first >> 60 == 0)
            value = odd[value % (sizeof odd / sizeof *odd)];
        memcpy(bytes, &first, 4);
        memcpy(bytes + 4, &value, sizeof value);
        play(bytes, sizeof bytes);
    }
    uj_feed_close(reader);
    free_columns(&columns);
    munmap(memory, n_words * sizeof(uint64_t));
    return 0;
}
#endif
