/*
 * A program of the guest whose power is known: it is busy by its own steps, and adds what it uses.
 *
 *     NAME NUMBER JOULES_PER_S SEED SECONDS POWER LOG
 *
 * NUMBER is its CPU and its register; the other number of 0 and 1 is the program beside it. POWER
 * is linear, wandering, concave or shared. LOG gets lines "CLOCK_MONOTONIC ns, nJ until then".
 *
 * After each two milliseconds of its own CPU time it adds JOULES_PER_S times that, so that whatever
 * the scheduler does, the counter is the idle machine's and the sum of a_i busy_i. A step lasts
 * 0.25 s more or less; in it the program is busy for nothing, a quarter, half or all of each 20 ms.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DEPOSIT 0x52410060 /* the register of number 0: rapl_deposits.h */
#define BUSY 0x52410070    /* who writes it is busy for so many ns, if the machine can do that */
#define BUSY_NS 20000
#define CHUNK_NS 2000000
#define PERIOD_NS 20000000
#define ALIVE_NS 5000000
#define STEP_NS 600000000.0
#define NS_PER_S 1e9
#define TENANTS 2

static const double part[TENANTS] = {20.0 / 29.0, 9.0 / 29.0}; /* of the dynamic power of both */
static const double levels[] = {0.0, 0.25, 0.5, 1.0};

static struct {
    int number, msr;
    double per_s;
    char power;
    volatile int64_t *seen; /* when each was busy last, in memory of both */
    int64_t used_ns;
    uint64_t nj;
    FILE *log;
} load;

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void failed(const char *what)
{
    perror(what);
    exit(1);
}

/* How many times its joules per CPU second it uses now. */
static double factor(int is_beside, double t_s)
{
    switch (load.power) {
    case 'w': return 1.0 + 0.2 * sin(4.0 * t_s + 6.0 * part[load.number]);
    case 'c': return is_beside ? 1.0 : pow(part[load.number], 0.8 - 1.0);
    case 's': return is_beside ? 0.75 : 1.0;
    default: return 1.0;
    }
}

/* Adds what was used since the last time. */
static void add(void)
{
    int64_t used_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID), now = now_ns(CLOCK_MONOTONIC);
    int is_beside = now - load.seen[TENANTS - 1 - load.number] < ALIVE_NS;
    double watts = load.per_s * factor(is_beside, (double)now / NS_PER_S);
    uint64_t nj = (uint64_t)llrint(watts * (double)(used_ns - load.used_ns));

    load.seen[load.number] = now;
    if (pwrite(load.msr, &nj, sizeof(nj), DEPOSIT + load.number) != sizeof(nj))
        failed("/dev/cpu/*/msr");
    load.used_ns = used_ns;
    load.nj += nj;
    fprintf(load.log, "%lld %llu\n", (long long)now_ns(CLOCK_MONOTONIC),
            (unsigned long long)load.nj);
}

static void busy(int64_t until_ns)
{
    static const uint64_t busy_ns = BUSY_NS;

    while (now_ns(CLOCK_MONOTONIC) < until_ns) {
        while (now_ns(CLOCK_PROCESS_CPUTIME_ID) - load.used_ns < CHUNK_NS &&
               now_ns(CLOCK_MONOTONIC) < until_ns) {
            if (pwrite(load.msr, &busy_ns, sizeof(busy_ns), BUSY) != sizeof(busy_ns))
                failed("/dev/cpu/*/msr");
        }
        add();
    }
}

static void sleep_until(int64_t t_ns)
{
    struct timespec t = {.tv_sec = t_ns / 1000000000, .tv_nsec = t_ns % 1000000000};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void opened(char **argv)
{
    char path[64];
    cpu_set_t cpu;
    int shared = open("/dev/shm/busy", O_RDWR | O_CREAT, 0600);

    load.number = atoi(argv[1]);
    load.per_s = atof(argv[2]);
    load.power = argv[5][0];
    CPU_ZERO(&cpu);
    CPU_SET((size_t)load.number, &cpu);
    snprintf(path, sizeof(path), "/dev/cpu/%d/msr", load.number);
    if ((load.msr = open(path, O_RDWR)) < 0 || sched_setaffinity(0, sizeof(cpu), &cpu) < 0)
        failed(path);
    if (shared < 0 || ftruncate(shared, TENANTS * sizeof(int64_t)) < 0)
        failed("/dev/shm/busy");
    load.seen =
        mmap(NULL, TENANTS * sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    if (load.seen == MAP_FAILED || !(load.log = fopen(argv[6], "w")))
        failed(argv[6]);
    setvbuf(load.log, NULL, _IOLBF, BUFSIZ); /* whoever starts it may end it */
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "%s NUMBER JOULES_PER_S SEED SECONDS POWER LOG\n", argv[0]);
        return 2;
    }
    opened(argv);
    srand48(atol(argv[3]) * TENANTS + load.number);
    int64_t at = now_ns(CLOCK_MONOTONIC), end = at + (int64_t)(atof(argv[4]) * NS_PER_S);
    fprintf(load.log, "%lld 0\n", (long long)at);
    add(); /* of its own start */
    while (at < end) {
        int64_t step_end = at + (int64_t)(STEP_NS * (0.5 + drand48()));
        double level = levels[lrand48() % 4];

        for (; at < step_end && at < end; at += PERIOD_NS) {
            busy(at + (int64_t)(level * PERIOD_NS));
            sleep_until(at + PERIOD_NS);
            if (now_ns(CLOCK_MONOTONIC) > at + 2 * PERIOD_NS)
                at = now_ns(CLOCK_MONOTONIC) - PERIOD_NS; /* what was missed is not caught up */
        }
    }
    add();
    return fclose(load.log) ? 1 : 0;
}
