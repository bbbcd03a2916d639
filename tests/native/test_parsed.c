/* SPDX-License-Identifier: Apache-2.0
 * Whatever stands in a file that the text and script readers parse: the text reader says what an
 * independent reading of it says, the script reader opens it or refuses it, and neither reads
 * beyond it.
 *
 * An input is a byte of fields to add and the content of the file. With -DFUZZ this is a libFuzzer
 * target; otherwise it plays random files made of what such files are made of. */
#include <sys/mman.h>

#include "check.h"

#define LINE 256 /* of which the reader takes note */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The sum of the masked fields, word by word in 128 bits; or an errno. */
static int expected(const char *text, size_t length, uint64_t mask, uint64_t *sum)
{
    size_t at = 0, room = length < LINE ? length : LINE;
    *sum = 0;
    if (length == 0)
        return ENODATA;
    for (int field = 0; mask >> field != 0; field++) {
        while (at < room && is_blank(text[at]))
            at++;
        if (at == room || text[at] == '\n')
            return EBADMSG;
        if ((mask >> field & 1) == 0) {
            while (at < room && !is_blank(text[at]) && text[at] != '\n')
                at++;
            continue;
        }
        bool negative = text[at] == '-';
        size_t first = at + negative, end = first;
        __int128 value = 0;
        bool is_huge = false;
        for (; end < room && text[end] >= '0' && text[end] <= '9'; end++) {
            value = value * 10 + (text[end] - '0');
            is_huge |= value > UINT64_MAX;
            value = is_huge ? (__int128)UINT64_MAX + 1 : value;
        }
        if (end == first)
            return EBADMSG;
        if (is_huge || (negative && value > (__int128)INT64_MAX + 1))
            return ERANGE;
        if (end == room) /* the word may go on */
            return EBADMSG;
        if (text[end] != '\0' && text[end] != '\n' && !is_blank(text[end]))
            return EBADMSG;
        *sum += negative ? (uint64_t)-value : (uint64_t)value;
        at = end;
    }
    return 0;
}

static const char *path_of(const uint8_t *bytes, size_t length, int *fd)
{
    static char path[64];
    *fd = memfd_create("parsed", MFD_CLOEXEC);
    CHECK(*fd >= 0);
    CHECK_EQ(write(*fd, bytes, length), (ssize_t)length);
    snprintf(path, sizeof path, "/proc/self/fd/%d", *fd);
    return path;
}

static void play(const uint8_t *bytes, size_t length)
{
    if (length == 0)
        return;
    uint64_t mask = bytes[0];
    int fd;
    const char *path = path_of(bytes + 1, length - 1, &fd);
    struct uj_channel text = {.reader = "text", .path = path, .config = mask};
    struct uj_sampler *sampler = open_still(&text, 1);
    struct uj_sample row = read_once(sampler);
    uint64_t sum;
    CHECK_EQ(row.status, expected((const char *)bytes + 1, length - 1, mask != 0 ? mask : 1, &sum));
    CHECK_EQ(row.raw, row.status == 0 ? sum : 0);
    uj_sampler_close(sampler);
    struct uj_channel script = {.reader = "script", .path = path};
    struct uj_cadence cadence = {.period_ns = MS, .ring_rows = 64};
    struct uj_error err = {0};
    int code = uj_sampler_open(&script, 1, &cadence, "parsed", &sampler, &err);
    CHECK(code == 0 || code == -EBADMSG);
    if (code == 0)
        uj_sampler_close(sampler); /* a reading may be told to take four seconds */
    close(fd);
}

#ifdef FUZZ
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    play(bytes, length);
    return 0;
}
#else

static uint64_t random_word(void) /* xorshift64, Marsaglia 2003 */
{
    static uint64_t state = 88172645463325252ULL;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

int main(void)
{
    static const char *const pieces[] = {"0",
                                         "1",
                                         "18446744073709551615",
                                         "18446744073709551616",
                                         "-9223372036854775808",
                                         "-1",
                                         "-",
                                         "9223372036854775808",
                                         "99999999999999999999",
                                         "-9223372036854775809",
                                         " ",
                                         "\t",
                                         "\n",
                                         "\r\n",
                                         "x",
                                         "by reads",
                                         "by time",
                                         "repeat",
                                         "repeat 5 1 7\n",
                                         "# a comment\n",
                                         "0 1\n",
                                         "!5",
                                         "0x10",
                                         "1e9",
                                         "00000000000000000000000000001",
                                         "\xff",
                                         "5 7\n",
                                         "1000 !5 9\n",
                                         "                    ",
                                         "cpu "};
    for (int round = 0; round < 3000; round++) {
        uint8_t bytes[1024];
        size_t length = 1;
        bytes[0] = (uint8_t)(random_word() >> 16 & (round % 2 == 0 ? 1 : 0xff));
        for (uint64_t n = random_word() % 20; n > 0; n--) {
            const char *piece = pieces[random_word() % (sizeof pieces / sizeof *pieces)];
            memcpy(bytes + length, piece, strlen(piece));
            length += strlen(piece);
        }
        if (random_word() % 8 == 0)
            bytes[length++] = '\0';
        play(bytes, length);
    }
    return 0;
}
#endif
