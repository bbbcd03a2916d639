/* SPDX-License-Identifier: Apache-2.0
 * The sampler ticks at absolute deadlines, accounts for each of them, leaves signals to the
 * program, and dies honestly in a fork. */
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "script_sampler.h"

/* Runs until so many ticks are taken and drains them. Each deadline that passed is a tick or
 * missed: their number is held between what certainly had passed, and what can have passed. */
static size_t run_for_ticks(const char *script, int64_t period_ns, uint64_t ticks,
                            struct uj_columns *c, size_t capacity, struct uj_counts *counts)
{
    struct uj_sampler *sampler = open_every_ns(script, period_ns);
    int64_t before_ns = uj_now_ns(); /* the first deadline is a period after an instant between */
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    int64_t after_ns = uj_now_ns();
    wait_for_ticks(sampler, ticks);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    int64_t ended_ns = uj_now_ns();
    *counts = counts_of(sampler);
    size_t n = uj_sampler_drain(sampler, capacity, c);
    CHECK(n >= ticks);
    CHECK_EQ(counts->ticks, n);
    CHECK_EQ(counts->dropped, 0);
    CHECK(counts->late <= counts->ticks);

    int64_t covered = (int64_t)(counts->ticks + counts->missed);
    CHECK(covered <= (ended_ns - before_ns) / period_ns);
    /* The last tick counted what had passed since the one before it. */
    CHECK(covered >= (c->t_ns[n - 2] - after_ns) / period_ns);
    for (size_t i = 0; i < n; i++) {
        CHECK(c->t_ns[i] >= before_ns + period_ns * (int64_t)(i + 1)); /* none too early */
        CHECK(i == 0 || c->t_ns[i] >= c->t_ns[i - 1] + c->read_ns[i - 1]);
    }
    uj_sampler_close(sampler);
    return n;
}

/* A relative sleep adds its own wake-up to each period. Over this many it would fall short of the
 * deadlines by far more than one, whatever the machine does meanwhile. */
static void deadlines_are_absolute(void)
{
    struct uj_columns c = new_columns(65536);
    struct uj_counts counts;
    run_for_ticks("0 1\n", MS / 5, 2000, &c, 65536, &counts);
    CHECK(counts.late_max_ns > 0);
    free_columns(&c);
}

static void a_slow_reader_misses_and_does_not_burst(void)
{
    struct uj_columns c = new_columns(4096);
    struct uj_counts counts;
    /* Each read takes five periods: four deadlines in five are missed, at the least. */
    run_for_ticks("by reads\n1 5000000\n", MS, 10, &c, 4096, &counts);
    CHECK(counts.missed >= (counts.ticks - 1) * 4);
    CHECK(counts.late >= counts.ticks - 1);
    CHECK(counts.late_max_ns >= 4 * MS);
    /* One read stalls for fifty periods. */
    run_for_ticks("by reads\n1\n2 50000000\n3\n", MS, 30, &c, 4096, &counts);
    CHECK(counts.missed >= 48);
    CHECK(counts.late_max_ns >= 48 * MS);
    free_columns(&c);
}

static void a_full_ring_drops_the_newest(void)
{
    struct uj_cadence cadence = {.period_ns = MS, .ring_rows = 10};
    struct uj_sampler *sampler = open_at("by reads\nrepeat 0 1 0\n1\n", cadence);
    struct uj_columns c = new_columns(100);
    CHECK_EQ(uj_sampler_capacity(sampler), 64);
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    wait_for_ticks(sampler, 100);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    struct uj_counts counts = counts_of(sampler);
    CHECK_EQ(counts.dropped, counts.ticks - 64);
    CHECK_EQ(uj_sampler_waiting(sampler), 64);
    CHECK_EQ(uj_sampler_drain(sampler, 100, &c), 64);
    for (size_t i = 0; i < 64; i++)
        CHECK_EQ(c.raw[i], i + 1);
    CHECK_EQ(uj_sampler_tick(sampler), 0); /* one last reading after a stop */
    CHECK_EQ(uj_sampler_drain(sampler, 100, &c), 1);
    CHECK_EQ(c.raw[0], counts.ticks + 1);
    CHECK_EQ(counts_of(sampler).dropped, counts.dropped);
    free_columns(&c);
    uj_sampler_close(sampler);
}

static void failed_reads_are_rows_and_counted(void)
{
    struct uj_sampler *sampler = open_every_ns("by reads\nrepeat 0 0 0\n1\n!5\n", MS);
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    wait_for_ticks(sampler, 20);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    struct uj_counts counts = counts_of(sampler);
    CHECK_EQ(counts.errors, counts.ticks / 2);
    CHECK_EQ(uj_sampler_waiting(sampler), counts.ticks);
    uj_sampler_close(sampler);
}

static void states(void)
{
    struct uj_error err = {0};
    struct uj_sampler *sampler = open_every_ns("0 1\n", MS);
    CHECK_EQ(uj_sampler_stop(sampler), 0); /* does not run */
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    CHECK_EQ(uj_sampler_start(sampler, &err), 0);
    CHECK_EQ(uj_sampler_start(sampler, &err), -EALREADY);
    CHECK_EQ(err.code, -EALREADY);
    CHECK_EQ(uj_sampler_tick(sampler), -EBUSY);
    wait_for_ticks(sampler, 3);
    uint64_t busy_ns = counts_of(sampler).busy_ns;
    CHECK(busy_ns > 0);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    CHECK(counts_of(sampler).busy_ns >= busy_ns);
    CHECK_EQ(uj_sampler_stop(sampler), 0);
    CHECK_EQ(uj_sampler_start(sampler, &err), -EALREADY);
    CHECK_EQ(uj_sampler_tick(sampler), 0);
    uj_sampler_close(sampler);
    sampler = open_every_ns("0 1\n", MS);
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    uj_sampler_close(sampler); /* stops it */
    uj_sampler_close(NULL);
}

/* At 1 Hz a stop does not wait for the deadline, nor for a part of it. The quickest of a few: the
 * machine may be busy. */
static void a_stop_is_prompt(void)
{
    int64_t quickest_ns = INT64_MAX;
    for (int i = 0; i < 20 && quickest_ns > 20 * MS; i++) {
        struct uj_sampler *sampler = open_every_ns("0 1\n", 1000 * MS);
        CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
        nap_ms(20); /* it sleeps by now */
        int64_t start_ns = uj_now_ns();
        CHECK_EQ(uj_sampler_stop(sampler), 0);
        int64_t took_ns = uj_now_ns() - start_ns;
        quickest_ns = took_ns < quickest_ns ? took_ns : quickest_ns;
        uj_sampler_close(sampler);
    }
    CHECK(quickest_ns <= 20 * MS);
}

static void *stop(void *started)
{
    return uj_sampler_stop(started) == 0 ? started : NULL;
}

/* Several threads may stop a sampler at once, and it has stopped when any of them returns. */
static void stops_at_once(void)
{
    for (int round = 0; round < 50; round++) {
        struct uj_sampler *sampler = open_every_ns("0 1\n", MS);
        pthread_t threads[4];
        void *stopped;
        CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
        for (int i = 0; i < 4; i++)
            CHECK_EQ(pthread_create(&threads[i], NULL, stop, sampler), 0);
        CHECK_EQ(uj_sampler_stop(sampler), 0);
        CHECK_EQ(uj_sampler_tick(sampler), 0);
        for (int i = 0; i < 4; i++) {
            CHECK_EQ(pthread_join(threads[i], &stopped), 0);
            CHECK(stopped == sampler);
        }
        uj_sampler_close(sampler);
    }
}

/* Several threads may start it at once: one of them does. */
static void *start(void *opened)
{
    int code = uj_sampler_start(opened, NULL);
    CHECK(code == 0 || code == -EALREADY);
    return code == 0 ? opened : NULL;
}

static void starts_at_once(void)
{
    for (int round = 0; round < 20; round++) {
        struct uj_sampler *sampler = open_every_ns("0 1\n", MS);
        pthread_t threads[4];
        int n_started = 0;
        for (int i = 0; i < 4; i++)
            CHECK_EQ(pthread_create(&threads[i], NULL, start, sampler), 0);
        for (int i = 0; i < 4; i++) {
            void *started;
            CHECK_EQ(pthread_join(threads[i], &started), 0);
            n_started += started != NULL;
        }
        CHECK_EQ(n_started, 1);
        uj_sampler_close(sampler);
    }
}

static volatile sig_atomic_t signals_taken, taken_elsewhere;
static pthread_t main_thread;

static void on_signal(int number)
{
    (void)number;
    signals_taken++;
    if (!pthread_equal(pthread_self(), main_thread))
        taken_elsewhere = 1;
}

static void signals_are_the_programs(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    sigset_t one, before;
    main_thread = pthread_self();
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);

    /* A start and a stop are not disturbed by signals. */
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 20; i++) {
        struct uj_sampler *sampler = open_every_ns("0 1\n", MS);
        CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
        wait_for_ticks(sampler, 1);
        CHECK_EQ(uj_sampler_stop(sampler), 0);
        uj_sampler_close(sampler);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    CHECK(signals_taken > 0);
    CHECK(!taken_elsewhere);

    /* One that the main thread blocks stays pending: the sampler's thread does not take it. */
    struct uj_sampler *sampler = open_every_ns("0 1\n", MS);
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &one, &before), 0);
    CHECK(!sigismember(&before, SIGUSR1)); /* start gave the caller its mask back */
    int taken = signals_taken;
    kill(getpid(), SIGUSR1);
    wait_for_ticks(sampler, counts_of(sampler).ticks + 10);
    CHECK_EQ(signals_taken, taken);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    CHECK_EQ(signals_taken, taken + 1);
    CHECK(!taken_elsewhere);
    uj_sampler_close(sampler);
}

static void a_fork_has_no_sampler_and_says_so(void)
{
    struct uj_sampler *sampler = open_every_ns("0 1\n", MS);
    struct uj_columns c = new_columns(64);
    struct uj_counts counts;
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    wait_for_ticks(sampler, 3);
    pid_t child = fork();
    if (child == 0) {
        bool well =
            uj_sampler_stop(sampler) == -ECHILD && uj_sampler_tick(sampler) == -ECHILD &&
            uj_sampler_counts(sampler, &counts) == -ECHILD &&
            uj_sampler_start(sampler, NULL) == -ECHILD && uj_sampler_waiting(sampler) == 0 &&
            uj_sampler_lateness(sampler, NULL) == -ECHILD && uj_sampler_drain(sampler, 64, &c) == 0;
        uj_sampler_close(sampler);
        _exit(well ? 0 : 1);
    }
    CHECK(child_is_well(child));
    wait_for_ticks(sampler, counts_of(sampler).ticks + 3); /* the parent's goes on */
    CHECK(uj_sampler_waiting(sampler) >= 6);
    free_columns(&c);
    uj_sampler_close(sampler);
}

static void refusals_are_recorded(void)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        int no_cpu = CPU_SETSIZE - 1;
        struct uj_cadence cadence = {
            .period_ns = MS, .fifo_priority = 1, .cpus = &no_cpu, .n_cpus = 1, .ring_rows = 64};
        struct uj_sampler *sampler = open_at("0 1\n", cadence);
        if (setrlimit(RLIMIT_RTPRIO, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0))
            _exit(77);
        CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
        wait_for_ticks(sampler, 3); /* and it samples all the same */
        CHECK_EQ(counts_of(sampler).fifo, -EPERM);
        CHECK_EQ(counts_of(sampler).pinned, -EINVAL);
        CHECK_EQ(uj_sampler_stop(sampler), 0);
        _exit(0);
    }
    CHECK(child_is_well(child));
}

static void a_pin_is_recorded(void)
{
    cpu_set_t allowed;
    int cpu = 0;
    CHECK_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    while (!CPU_ISSET((size_t)cpu, &allowed))
        cpu++;
    struct uj_cadence cadence = {
        .period_ns = MS, .spin_ns = MS / 10, .cpus = &cpu, .n_cpus = 1, .ring_rows = 64};
    struct uj_sampler *sampler = open_at("0 1\n", cadence);
    cpu = -1; /* the caller's array may go away */
    CHECK_EQ(uj_sampler_start(sampler, NULL), 0);
    CHECK_EQ(counts_of(sampler).pinned, 1);
    CHECK_EQ(counts_of(sampler).fifo, 0);
    wait_for_ticks(sampler, 3);
    uj_sampler_close(sampler);
}

static void bad_cadences(void)
{
    const int no_cpu = CPU_SETSIZE, minus = -1;
    const struct uj_cadence bad[] = {
        {.period_ns = 0},
        {.period_ns = 49999},
        {.period_ns = 1000 * MS + 1},
        {.period_ns = MS, .spin_ns = -1},
        {.period_ns = MS, .spin_ns = MS + 1},
        {.period_ns = MS, .fifo_priority = -1},
        {.period_ns = MS, .fifo_priority = 100},
        {.period_ns = MS, .cpus = &no_cpu, .n_cpus = 1},
        {.period_ns = MS, .cpus = &minus, .n_cpus = 1},
    };
    struct uj_channel channel = {.reader = "text", .path = "/proc/stat"};
    struct uj_sampler *sampler = NULL;
    struct uj_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_EQ(uj_sampler_open(&channel, 1, &bad[i], "bad", &sampler, &err), -EINVAL);
    struct uj_cadence good = {.period_ns = MS, .ring_rows = SIZE_MAX};
    CHECK_EQ(uj_sampler_open(&channel, 1, &good, "bad", &sampler, &err), -ENOMEM);
    struct uj_cadence poll = {.period_ns = MS, .pace = UJ_PACE_POLL};
    CHECK_EQ(uj_sampler_open(&channel, 0, &poll, "bad", &sampler, &err), -EINVAL);
    CHECK(sampler == NULL);
}

static void clocks(void)
{
    int64_t t_ns;
    uint32_t read_ns;
    uint64_t value_ns;
    int64_t before_ns = uj_now_ns();
    CHECK_EQ(uj_clock_pair(CLOCK_MONOTONIC, &t_ns, &read_ns, &value_ns), 0);
    CHECK(t_ns >= before_ns && t_ns + read_ns <= uj_now_ns());
    CHECK((int64_t)value_ns >= t_ns && (int64_t)value_ns <= t_ns + read_ns);
    CHECK_EQ(uj_clock_pair(CLOCK_REALTIME, &t_ns, &read_ns, &value_ns), 0);
    CHECK(value_ns > 1700000000ull * 1000 * MS);
    CHECK_EQ(uj_clock_pair(9999, &t_ns, &read_ns, &value_ns), -EINVAL);
}

int main(void)
{
    clocks();
    bad_cadences();
    states();
    deadlines_are_absolute();
    a_slow_reader_misses_and_does_not_burst();
    a_full_ring_drops_the_newest();
    failed_reads_are_rows_and_counted();
    a_stop_is_prompt();
    stops_at_once();
    starts_at_once();
    signals_are_the_programs();
    a_fork_has_no_sampler_and_says_so();
    refusals_are_recorded();
    a_pin_is_recorded();
    return 0;
}
