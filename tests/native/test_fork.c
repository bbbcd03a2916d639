/* SPDX-License-Identifier: Apache-2.0
 * A forked child that closes a sampler closes descriptors and frees memory, and calls no vendor
 * library: the thread that may have held the library's lock is not in the child. */
#include <dlfcn.h>
#include <fcntl.h>

#include "check.h"
#include "script_sampler.h"

#define ROUNDS 10
#define CHILD_S 20 /* only a hang takes longer: SIGALRM then ends the child */

static const char *library;
static unsigned int *calls_of_forks;

static struct uj_sampler *open_gpu(const char *reader)
{
    char path[4200];
    bool is_nvml = strcmp(reader, "nvml") == 0;
    snprintf(path, sizeof path, "%s@%s", is_nvml ? "GPU-1" : "0000:03:00.0", library);
    struct uj_channel channel = {.reader = reader, .path = path, .config = is_nvml ? 83 : 1};
    struct uj_cadence cadence = {.period_ns = MS, .ring_rows = 4096};
    struct uj_sampler *sampler = NULL;
    struct uj_error err = {0};
    if (uj_sampler_open(&channel, 1, &cadence, "gpu", &sampler, &err) != 0) {
        fprintf(stderr, "%s\n", err.what);
        exit(1);
    }
    return sampler;
}

static unsigned n_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* What a child does with samplers of its parent; ends the child. */
static _Noreturn void leave(struct uj_sampler *running, struct uj_sampler *idle)
{
    alarm(CHILD_S);
    struct uj_counts counts;
    CHECK_EQ(uj_sampler_tick(idle), -ECHILD);
    CHECK_EQ(uj_sampler_start(idle, NULL), -ECHILD);
    CHECK_EQ(uj_sampler_stop(idle), -ECHILD);
    CHECK_EQ(uj_sampler_counts(idle, &counts), -ECHILD);
    CHECK_EQ(uj_sampler_waiting(idle), 0);
    uj_sampler_close(idle);
    uj_sampler_close(running);
    CHECK_EQ(*calls_of_forks, 0);
    _exit(0);
}

static void a_child_calls_no_library(const char *reader)
{
    struct uj_sampler *running = open_gpu(reader), *idle = open_gpu(reader);
    CHECK_EQ(uj_sampler_start(running, NULL), 0);
    wait_for_ticks(running, 2);
    for (int i = 0; i < ROUNDS; i++) {
        nap_ms(1);
        pid_t child = fork();
        if (child == 0)
            leave(running, idle);
        CHECK(child_is_well(child));
    }
    uint64_t ticks = counts_of(running).ticks;
    wait_for_ticks(running, ticks + 2); /* the parent's goes on */
    CHECK_EQ(uj_sampler_tick(idle), 0);
    uj_sampler_close(idle);
    uj_sampler_close(running);
}

/* A grandchild is a child too, and so is the child of a child that opened its own sampler. */
static void children_of_children(void)
{
    struct uj_sampler *first = open_gpu("nvml");
    CHECK_EQ(uj_sampler_start(first, NULL), 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_S);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            alarm(CHILD_S);
            uj_sampler_close(first);
            _exit(*calls_of_forks == 0 ? 0 : 1);
        }
        CHECK(child_is_well(grandchild));
        uj_sampler_close(first);
        _exit(0);
    }
    CHECK(child_is_well(child));
    uj_sampler_close(first);
}

/* What a child can close it closes. */
static void descriptors_are_closed(void)
{
    struct uj_channel channel = {.reader = "text", .path = "/proc/stat"};
    unsigned before = n_descriptors();
    struct uj_sampler *sampler = open_still(&channel, 1);
    CHECK(n_descriptors() > before);
    pid_t child = fork();
    if (child == 0) {
        uj_sampler_close(sampler);
        CHECK_EQ(n_descriptors(), before);
        _exit(0);
    }
    CHECK(child_is_well(child));
    uj_sampler_close(sampler);
    CHECK_EQ(n_descriptors(), before);
}

int main(int argc, char **argv)
{
    CHECK_EQ(argc, 2);
    library = argv[1];
    void *file = dlopen(library, RTLD_NOW);
    CHECK(file != NULL);
    calls_of_forks = dlsym(file, "calls_of_forks");
    CHECK(calls_of_forks != NULL);
    descriptors_are_closed();
    a_child_calls_no_library("nvml");
    a_child_calls_no_library("amdsmi");
    children_of_children();
    return 0;
}
