/* SPDX-License-Identifier: Apache-2.0
 * The sampler's thread meets no page fault while it samples, also after the program has forked; and
 * what the kernel said to locking the ring is told. To be run without sanitizers, whose shadow
 * memory faults. */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "check.h"

#define PATIENCE_NS (20 * 1000 * MS)
#define ROWS 65536 /* 512 pages: far more than a thread touches otherwise */

/* The number of the thread of that name in this process. */
static long thread_named(const char *name)
{
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], said[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "re");
        if (file == NULL)
            continue;
        bool is_it =
            fgets(said, sizeof said, file) != NULL && strncmp(said, name, strlen(name)) == 0;
        fclose(file);
        if (is_it) {
            long number = atol(task->d_name);
            closedir(tasks);
            return number;
        }
    }
    skip("this kernel does not tell of threads");
}

/* Page faults of a thread so far, minor and major; what getrusage(RUSAGE_THREAD) tells a thread of
 * itself (proc_pid_stat(5), fields 10 and 12). */
static long faults_of(long thread)
{
    char path[64], said[1024];
    long minor, major;
    snprintf(path, sizeof path, "/proc/self/task/%ld/stat", thread);
    FILE *file = fopen(path, "re");
    CHECK(file != NULL && fgets(said, sizeof said, file) != NULL);
    fclose(file);
    CHECK_EQ(
        sscanf(strrchr(said, ')'), ") %*c %*d %*d %*d %*d %*d %*u %ld %*u %ld", &minor, &major), 2);
    return minor + major;
}

static struct uj_counts counts_after(const struct uj_sampler *sampler, uint64_t ticks)
{
    struct uj_counts counts;
    int64_t start_ns = uj_now_ns();
    do {
        nap_ms(1);
        CHECK_EQ(uj_sampler_counts(sampler, &counts), 0);
        CHECK(uj_now_ns() - start_ns < PATIENCE_NS);
    } while (counts.ticks < ticks);
    return counts;
}

static struct uj_sampler *started(int64_t period_ns)
{
    struct uj_channel channels[16];
    struct uj_cadence cadence = {.period_ns = period_ns, .ring_rows = ROWS};
    struct uj_sampler *sampler = NULL;
    struct uj_error err;
    const char *script = "0 1\nrepeat 1000000 7 0\n";
    const char *path = file_with(script, strlen(script));
    for (uint16_t i = 0; i < 16; i++)
        channels[i] = (struct uj_channel){.reader = "script", .path = path, .code = i};
    CHECK_EQ(uj_sampler_open(channels, 16, &cadence, "faults", &sampler, &err), 0);
    unlink(path);
    CHECK_EQ(uj_sampler_start(sampler, &err), 0);
    return sampler;
}

/* It fills the ring for the first time, and then goes on: 512 pages, and none is fetched. */
static void no_page_is_fetched(void)
{
    struct uj_sampler *sampler = started(MS / 20);
    long thread = thread_named("uj-faults");
    counts_after(sampler, 10); /* its first ticks link what is linked at first use */
    long before = faults_of(thread);
    CHECK(counts_after(sampler, ROWS / 16 + 100).dropped > 0);
    CHECK_EQ(faults_of(thread) - before, 0);
    uj_sampler_close(sampler);
}

/* A child shares no page of the ring: what the thread writes afterwards is not copied for it. Its
 * stack and its account are shared; they are a handful of pages. */
static void a_fork_costs_a_handful(void)
{
    struct uj_sampler *sampler = started(MS / 20);
    long thread = thread_named("uj-faults");
    counts_after(sampler, 10);
    int hold[2];
    CHECK_EQ(pipe(hold), 0);
    long before = faults_of(thread);
    pid_t child = fork();
    if (child == 0) {
        char end;
        close(hold[1]);
        _exit(read(hold[0], &end, 1) == 0 ? 0 : 1);
    }
    close(hold[0]);
    counts_after(sampler, ROWS / 16 + 100);
    long after = faults_of(thread);
    close(hold[1]);
    CHECK(child_is_well(child));
    CHECK(after - before < 64);
    uj_sampler_close(sampler);
}

static long locked_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "re");
    CHECK(file != NULL);
    while (kib < 0 && fgets(line, sizeof line, file) != NULL)
        sscanf(line, "VmLck: %ld", &kib);
    fclose(file);
    return kib;
}

/* What is said to be locked is: ring and stack, for as long as it samples. */
static void what_is_locked_is_let_go(void)
{
    long before = locked_kib();
    struct uj_sampler *sampler = started(MS);
    bool is_locked = counts_after(sampler, 3).locked == 1;
    if (is_locked)
        CHECK(locked_kib() - before >= ROWS * 32 / 1024 + 64);
    uj_sampler_close(sampler);
    CHECK_EQ(locked_kib(), before);
}

/* Whoever may not lock memory is told so, and samples all the same. */
static void a_refusal_to_lock_is_told(void)
{
    struct uj_sampler *sampler = started(MS);
    struct uj_counts counts = counts_after(sampler, 3);
    CHECK(counts.locked == 1 || counts.locked == -ENOMEM || counts.locked == -EPERM);
    uj_sampler_close(sampler);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &none), 0);
        if (geteuid() == 0)
            CHECK_EQ(setresuid(65534, 65534, 65534), 0); /* with it go the capabilities */
        setenv("TMPDIR", "/tmp", 1);
        sampler = started(MS);
        counts = counts_after(sampler, 3);
        CHECK(counts.locked == -ENOMEM || counts.locked == -EPERM);
        uj_sampler_close(sampler);
        _exit(0);
    }
    CHECK(child_is_well(child));
}

int main(void)
{
    what_is_locked_is_let_go();
    a_refusal_to_lock_is_told();
    no_page_is_fetched();
    a_fork_costs_a_handful();
    return 0;
}
