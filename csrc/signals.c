/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "clock.h"
#include "microjoule.h"

int uj_signal_wait(const int *numbers, size_t n_numbers, int64_t timeout_ns, int *code)
{
    sigset_t waited_for;
    sigemptyset(&waited_for);
    for (size_t i = 0; i < n_numbers; i++)
        if (sigaddset(&waited_for, numbers[i]) != 0)
            return -EINVAL;
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / UJ_NS_PER_S),
                               .tv_nsec = (long)(timeout_ns % UJ_NS_PER_S)};
    siginfo_t came;
    int number = sigtimedwait(&waited_for, &came, &timeout);
    if (number > 0) {
        *code = came.si_code;
        return number;
    }
    return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}
