/* SPDX-License-Identifier: Apache-2.0
 *
 * Energy counters of known power in plain files, as powercap shows them.
 *
 *     counter UNIT_NJ ESU CPU FILE=WATTS=START ...
 *
 * 1024 times a second it writes into each file what the kernel's driver would print
 * of a 32-bit register in units of 2^-ESU J that counts WATTS since the program began at START: the
 * count times UNIT_NJ, cut off to whole microjoules. Twelve digits with leading zeros, so that a
 * reader never sees a file of another length than the one before. Ends when its standard input
 * does, and then prints how many deadlines it met and missed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 16
#define PERIOD_NS 976563LL /* 1.024 kHz: as RAPL's, in step with no clock of the system */
#define NS_PER_S 1000000000LL

struct counter {
    int fd;
    double watts;
    uint32_t start;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void show(const struct counter *c, int64_t spent_ns, uint64_t unit_nj, int esu)
{
    double joules = c->watts * (double)spent_ns / (double)NS_PER_S;
    uint32_t count = c->start + (uint32_t)(uint64_t)(joules * (double)(1ULL << esu));
    char text[16];
    int length = snprintf(text, sizeof text, "%012llu\n",
                          (unsigned long long)((uint64_t)count * unit_nj / 1000));
    if (pwrite(c->fd, text, (size_t)length, 0) != length)
        perror("pwrite");
}

int main(int argc, char **argv)
{
    struct counter counters[FILES_MAX];
    int n = argc - 4;
    if (n < 1 || n > FILES_MAX) {
        fprintf(stderr, "usage: counter UNIT_NJ ESU CPU FILE=WATTS=START ...\n");
        return 2;
    }
    uint64_t unit_nj = strtoull(argv[1], NULL, 10);
    int esu = atoi(argv[2]);
    for (int i = 0; i < n; i++) {
        char *watts = strchr(argv[4 + i], '=');
        char *start = watts == NULL ? NULL : strchr(watts + 1, '=');
        if (start == NULL) {
            fprintf(stderr, "counter: %s is not FILE=WATTS=START\n", argv[4 + i]);
            return 2;
        }
        *watts = '\0';
        counters[i] = (struct counter){open(argv[4 + i], O_WRONLY | O_CLOEXEC), atof(watts + 1),
                                       (uint32_t)strtoull(start + 1, NULL, 10)};
        if (counters[i].fd < 0) {
            perror(argv[4 + i]);
            return 1;
        }
    }
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET((size_t)atoi(argv[3]), &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
    /* Granted or not: the account at the end says how punctual it was. */
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 50});
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);

    struct pollfd ended = {.fd = 0, .events = POLLIN};
    int64_t start_ns = now_ns(), due_ns = start_ns;
    uint64_t met = 0, missed = 0;
    for (;;) {
        int64_t t = now_ns();
        for (int i = 0; i < n; i++)
            show(&counters[i], t - start_ns, unit_nj, esu);
        met++;
        due_ns += PERIOD_NS;
        while (due_ns < now_ns()) {
            due_ns += PERIOD_NS;
            missed++;
        }
        struct timespec until = {due_ns / NS_PER_S, due_ns % NS_PER_S};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        if (met % 64 == 0 && poll(&ended, 1, 0) != 0)
            break;
    }
    printf("%llu %llu\n", (unsigned long long)met, (unsigned long long)missed);
    return 0;
}
