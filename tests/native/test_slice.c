/* SPDX-License-Identifier: Apache-2.0
 * Short turns are asked for, and nothing else of a thread's scheduling is touched. */
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "check.h"
#include "slice.h"

static struct uj_scheduling its(void)
{
    struct uj_scheduling found = {0};
    CHECK_EQ(syscall(SYS_sched_getattr, 0, &found, sizeof found, 0), 0);
    return found;
}

/* Earlier kernels pass over the length of a fair thread's turn, and say 0. */
static bool knows_turns(void)
{
    struct utsname name;
    int major = 0, minor = 0;
    CHECK_EQ(uname(&name), 0);
    CHECK_EQ(sscanf(name.release, "%d.%d", &major, &minor), 2);
    return major > 6 || (major == 6 && minor >= 12);
}

int main(void)
{
    CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
    uj_ask_short_turns();
    CHECK_EQ(its().nice, 5);
    CHECK_EQ(its().policy, SCHED_OTHER);
    CHECK(!knows_turns() || its().runtime_ns == 100000);

    struct sched_param none = {0};
    CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &none), 0);
    uint64_t before_ns = its().runtime_ns;
    uj_ask_short_turns();
    CHECK_EQ(its().policy, SCHED_IDLE);
    CHECK_EQ(its().runtime_ns, before_ns);
    return 0;
}
