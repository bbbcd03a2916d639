// Two functions in turns that nobody's CPU time tells apart; the turns go to a file, in CLOCK_MONOTONIC nanoseconds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

__attribute__((noinline)) static uint64_t work(int64_t until_ns, uint64_t x) {
    while (now() < until_ns)
        for (int i = 0; i < 2000; i++) x = x * 6364136223846793005u + 1442695040888963407u;
    return x;
}

__attribute__((noinline)) uint64_t hot(int64_t until_ns, uint64_t x) { return work(until_ns, x) + 1; }
__attribute__((noinline)) uint64_t cold(int64_t until_ns, uint64_t x) { return work(until_ns, x) + 2; }
__attribute__((noinline)) uint64_t deeper(int depth, int64_t until_ns, uint64_t x) {
    return depth ? deeper(depth - 1, until_ns, x) + 3 : work(until_ns, x) + 3;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    const int64_t turn_ns = atoll(argv[1]) * 1000000, end_ns = now() + atoll(argv[2]) * 1000000;
    FILE *turns = fopen(argv[3], "w");
    if (!turns) return 1;
    uint64_t x = 1;
    for (int64_t t = now(); t < end_ns;) {
        const int which = (int)(t / turn_ns % 3);
        const int64_t until = (t / turn_ns + 1) * turn_ns;
        x = which == 0 ? hot(until, x) : which == 1 ? cold(until, x) : deeper(5, until, x);
        const int64_t after = now();
        fprintf(turns, "%s %lld %lld\n", which == 0 ? "hot" : which == 1 ? "cold" : "deeper", (long long)t, (long long)after);
        t = after;
    }
    fclose(turns);
    return x == 0;
}
