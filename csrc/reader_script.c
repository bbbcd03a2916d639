/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted counter: plays a program of readings from a text file, so that wraps, stalls, resets,
 * errors and slow reads can be had on any machine.
 *
 *     # a comment
 *     by time                       the default: an entry holds from its time on, since the open
 *     by reads                      an entry is one read; the last one holds
 *     repeat PERIOD_NS ADD MODULUS  start again after PERIOD_NS (by reads: after the last entry),
 *                                   each round ADD higher, modulo MODULUS (0: 2^64)
 *     T_NS RAW [LATENCY_NS]         by time: an entry; RAW is a count, or !ERRNO for a failed read
 *     RAW [LATENCY_NS]              by reads: an entry
 *
 * Times of entries ascend. Before the first entry its value holds. LATENCY_NS is how long the read
 * then takes (it spins). The file is read whole at the open; a bad line, or one over 254 bytes, is
 * EBADMSG.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "reader.h"

#define BLANKS " \t\r\n"

struct entry {
    int64_t t_ns;
    uint64_t raw;
    uint32_t latency_ns;
    uint16_t status;
};

struct script {
    struct entry *entries;
    size_t n;
    size_t next; /* by time: the entry in force; by reads: the next one to play */
    uint64_t round;
    int64_t period_ns; /* 0: does not repeat */
    uint64_t add, modulus;
    bool by_reads, repeats;
    uint16_t code;
};

struct script_state {
    int64_t origin_ns;
    size_t n;
    struct script scripts[];
};

static void script_close(void *opened)
{
    struct script_state *state = opened;
    for (size_t i = 0; i < state->n; i++)
        free(state->scripts[i].entries);
    free(state);
}

/* The next word as a number, decimal, 0x or 0; false where it is not one. */
static bool parse_number(const char **text, uint64_t *out)
{
    char *end;
    *text += strspn(*text, BLANKS);
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *out = strtoull(*text, &end, 0);
    *text = end;
    return errno == 0 && (*end == '\0' || strchr(BLANKS, *end) != NULL);
}

/* One entry from the words of a line; false where it is not one. */
static bool parse_entry(const char *line, bool by_reads, struct entry *out)
{
    uint64_t t = 0, raw, latency = 0;
    if (!by_reads && !parse_number(&line, &t))
        return false;
    line += strspn(line, BLANKS);
    bool failed = *line == '!';
    line += failed;
    if (!parse_number(&line, &raw))
        return false;
    line += strspn(line, BLANKS);
    if (*line != '\0' && !parse_number(&line, &latency))
        return false;
    line += strspn(line, BLANKS);
    if (*line != '\0' || t > INT64_MAX || latency > UINT32_MAX)
        return false;
    if (failed && (raw == 0 || raw > UINT16_MAX))
        return false;
    *out = (struct entry){
        .t_ns = (int64_t)t,
        .raw = failed ? 0 : raw,
        .latency_ns = (uint32_t)latency,
        .status = failed ? (uint16_t)raw : 0,
    };
    return true;
}

static int parse_line(const char *line, struct script *script, size_t *room)
{
    long long period;
    unsigned long long add, modulus;
    line += strspn(line, BLANKS);
    if (*line == '\0' || *line == '#')
        return 0;
    if (strncmp(line, "by reads", 8) == 0) {
        script->by_reads = true;
        return 0;
    }
    if (strncmp(line, "by time", 7) == 0) {
        script->by_reads = false;
        return 0;
    }
    if (sscanf(line, "repeat %lld %llu %llu", &period, &add, &modulus) == 3) {
        script->repeats = true;
        script->period_ns = period;
        script->add = add;
        script->modulus = modulus;
        return 0;
    }
    if (script->n == *room) {
        size_t more = *room != 0 ? *room * 2 : 256;
        struct entry *entries = realloc(script->entries, more * sizeof *entries);
        if (entries == NULL)
            return ENOMEM;
        script->entries = entries;
        *room = more;
    }
    struct entry *entry = &script->entries[script->n];
    if (!parse_entry(line, script->by_reads, entry))
        return EBADMSG;
    if (script->n > 0 && entry->t_ns < entry[-1].t_ns)
        return EBADMSG;
    script->n++;
    return 0;
}

static int load(const char *path, struct script *script)
{
    FILE *file = fopen(path, "re");
    char line[256];
    size_t room = 0;
    int code = 0;
    if (file == NULL)
        return errno;
    while (code == 0 && fgets(line, sizeof line, file) != NULL) {
        bool is_whole = strchr(line, '\n') != NULL || feof(file);
        code = is_whole ? parse_line(line, script, &room) : EBADMSG;
    }
    if (code == 0 && ferror(file))
        code = errno;
    fclose(file);
    if (code == 0 &&
        (script->n == 0 || (script->repeats && !script->by_reads && script->period_ns <= 0)))
        code = EBADMSG;
    return code;
}

static int script_open(const struct uj_channel *channels, size_t n, void **out,
                       struct uj_error *err)
{
    struct script_state *state = calloc(1, sizeof *state + n * sizeof *state->scripts);
    if (state == NULL)
        return uj_fail(err, ENOMEM, "open", "scripts");
    for (size_t i = 0; i < n; i++) {
        struct script *script = &state->scripts[state->n++];
        script->code = channels[i].code;
        int code = load(channels[i].path, script);
        if (code != 0) {
            script_close(state);
            return uj_fail(err, code, "open script", channels[i].path);
        }
    }
    state->origin_ns = uj_now_ns();
    *out = state;
    return 0;
}

/* The entry in force; moves the cursor, which only goes forward within a round. */
static const struct entry *play(struct script *script, int64_t elapsed_ns)
{
    if (script->by_reads) {
        const struct entry *entry = &script->entries[script->next];
        if (script->next + 1 < script->n) {
            script->next++;
        } else if (script->repeats) {
            script->next = 0;
            script->round++;
        }
        return entry;
    }
    if (script->repeats) {
        uint64_t round = (uint64_t)(elapsed_ns / script->period_ns);
        elapsed_ns %= script->period_ns;
        if (round != script->round)
            script->next = 0;
        script->round = round;
    }
    while (script->next + 1 < script->n && script->entries[script->next + 1].t_ns <= elapsed_ns)
        script->next++;
    return &script->entries[script->next];
}

static uint64_t raised(const struct script *script, uint64_t raw, uint64_t round)
{
    if (script->modulus == 0)
        return raw + round * script->add;
    unsigned __int128 sum = (unsigned __int128)round * script->add + raw;
    return (uint64_t)(sum % script->modulus);
}

static void script_read(void *opened, struct uj_sample *rows)
{
    struct script_state *state = opened;
    for (size_t i = 0; i < state->n; i++) {
        struct script *script = &state->scripts[i];
        int64_t before = uj_now_ns();
        uint64_t round = script->round; /* by reads: of the entry that is about to be played */
        const struct entry *entry = play(script, before - state->origin_ns);
        if (!script->by_reads)
            round = script->round;
        int64_t after = uj_now_ns();
        while (after - before < entry->latency_ns)
            after = uj_now_ns();
        rows[i] = (struct uj_sample){
            .t_ns = before,
            .raw = entry->status == 0 ? raised(script, entry->raw, round) : 0,
            .sensor_ns = UJ_NO_SENSOR_TIME,
            .read_ns = uj_elapsed_ns(before, after),
            .channel = script->code,
            .status = entry->status,
        };
    }
}

const struct uj_reader uj_reader_script = {"script", script_open, script_read, script_close, NULL};
