/* SPDX-License-Identifier: Apache-2.0
 *
 * Model-specific registers through /dev/cpu/N/msr: 8 bytes at the offset that is the register's
 * number (Linux, arch/x86/kernel/msr.c). The read runs on CPU N, through an interrupt when the
 * caller is elsewhere. Needs CAP_SYS_RAWIO, whatever the file's mode says. A register that the
 * processor lacks is EIO. Only bits 31:0 of an energy register count: raw keeps all 64, and the
 * analysis takes what it may trust.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "reader.h"

struct msr_register {
    int fd;
    uint16_t code;
    off_t offset;
};

struct msr_state {
    size_t n;
    struct msr_register registers[];
};

static void msr_close(void *opened)
{
    struct msr_state *state = opened;
    for (size_t i = 0; i < state->n; i++)
        close(state->registers[i].fd);
    free(state);
}

static int msr_open(const struct uj_channel *channels, size_t n, void **out, struct uj_error *err)
{
    struct msr_state *state = calloc(1, sizeof *state + n * sizeof *state->registers);
    if (state == NULL)
        return uj_fail(err, ENOMEM, "open", "registers");
    for (size_t i = 0; i < n; i++) {
        int fd = open(channels[i].path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            int code = uj_fail(err, errno, "open", channels[i].path);
            msr_close(state);
            return code;
        }
        state->registers[state->n++] =
            (struct msr_register){fd, channels[i].code, (off_t)channels[i].config};
    }
    *out = state;
    return 0;
}

static void msr_read(void *opened, struct uj_sample *rows)
{
    const struct msr_state *state = opened;
    int64_t before = uj_now_ns();
    for (size_t i = 0; i < state->n; i++) {
        const struct msr_register *reg = &state->registers[i];
        uint64_t value = 0;
        ssize_t got = pread(reg->fd, &value, sizeof value, reg->offset);
        int code = errno;
        int64_t after = uj_now_ns();
        rows[i] = (struct uj_sample){
            .t_ns = before,
            .raw = value,
            .sensor_ns = UJ_NO_SENSOR_TIME,
            .read_ns = uj_elapsed_ns(before, after),
            .channel = reg->code,
            .status = got == sizeof value ? 0
                      : got < 0           ? (uint16_t)code
                                          : ENODATA,
        };
        before = after;
    }
}

const struct uj_reader uj_reader_msr = {"msr", msr_open, msr_read, msr_close, NULL};
