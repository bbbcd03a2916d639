/* SPDX-License-Identifier: Apache-2.0
 * A program with much thread-local data of its own has a sampler all the same: the C library takes
 * the room for it from each thread's stack. */
#include "script_sampler.h"

#ifndef TLS_BYTES
#define TLS_BYTES 220000
#endif

static _Thread_local volatile char data[TLS_BYTES];

int main(void)
{
    data[0] = data[sizeof data - 1] = 1;
    struct uj_sampler *sampler = open_every_ns("0 1\n", MS);
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    wait_for_ticks(sampler, 3);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    int locked = counts_of(sampler).locked;
    CHECK(locked == 1 || locked == -ENOMEM || locked == -EPERM);
    uj_sampler_close(sampler);
    CHECK_EQ(data[0] + data[sizeof data - 1], 2);
    return 0;
}
