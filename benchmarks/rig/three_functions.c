// Three functions that take turns as the waveform does: 50, 10 and 40 ms of each 100 ms.
// three_functions SECONDS FILE writes when each began: CLOCK_MONOTONIC, and which it was.
// Before that, at the start and the end, CLOCK_MONOTONIC and the waveform's own time.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PERIOD_NS = 100000000, HOT_NS = 50000000, WARM_NS = 60000000, TURNS_MAX = 1 << 16 };
static const off_t SINCE_ORIGIN = 0x52410001; // an MSR of the rig, in nanoseconds

static int64_t began_ns[TURNS_MAX];
static int which_began[TURNS_MAX];
static volatile uint32_t sink;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Between two looks at the clock a function works by itself: a sample in the clock would not show
// who looked.
#define WORK(until_ns)                                                                             \
    do {                                                                                           \
        for (uint32_t i = 0; i < 20000; i++) {                                                     \
            sink = sink * 69069 + i;                                                               \
        }                                                                                          \
    } while (now_ns() < (until_ns))

__attribute__((noinline)) static void hot(int64_t until_ns)
{
    WORK(until_ns);
}
__attribute__((noinline)) static void warm(int64_t until_ns)
{
    WORK(until_ns);
}
__attribute__((noinline)) static void cold(int64_t until_ns)
{
    WORK(until_ns);
}

static int64_t waveform_ns(int msr)
{
    uint64_t found = 0;
    if (pread(msr, &found, sizeof found, SINCE_ORIGIN) != (ssize_t)sizeof found) {
        perror("msr");
        exit(1);
    }
    return (int64_t)found;
}

int main(int argc, char **argv)
{
    int msr = open("/dev/cpu/0/msr", O_RDONLY);
    FILE *out = argc == 3 ? fopen(argv[2], "w") : NULL;
    if (msr < 0 || out == NULL) {
        perror("three_functions");
        return 1;
    }
    int64_t first_ns = now_ns(), origin_ns = first_ns - waveform_ns(msr);
    int64_t end_ns = first_ns + (int64_t)(atof(argv[1]) * 1e9);
    fprintf(out, "%lld %lld\n", (long long)first_ns, (long long)(first_ns - origin_ns));
    void (*const functions[])(int64_t) = {hot, warm, cold};
    int n = 0;
    for (int64_t t = now_ns(); t < end_ns && n < TURNS_MAX; t = now_ns()) {
        int64_t at = (t - origin_ns) % PERIOD_NS, from = t - at;
        int which = at < HOT_NS ? 0 : at < WARM_NS ? 1 : 2;
        int64_t until[] = {from + HOT_NS, from + WARM_NS, from + PERIOD_NS};
        began_ns[n] = t;
        which_began[n++] = which;
        functions[which](until[which]);
    }
    int64_t last_ns = now_ns();
    fprintf(out, "%lld %lld\n", (long long)last_ns, (long long)waveform_ns(msr));
    for (int i = 0; i < n; i++) {
        fprintf(out, "%lld %d\n", (long long)began_ns[i], which_began[i]);
    }
    fprintf(out, "%lld -1\n", (long long)last_ns);
    return fclose(out);
}
