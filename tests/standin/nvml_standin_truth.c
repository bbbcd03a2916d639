/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of nvml_standin.c, which includes it, that knows the true power and what each of the
 * GPU's figures makes of it. tests/standin/__init__.py computes the same a second time.
 */

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

enum { BUSY_BYTES = 1 << 16 };

/* When a program began to be busy, stopped, began again, …, and zeros behind: it appends while we
 * look. */
static const volatile int64_t *busy_times(void)
{
    static const volatile int64_t *found;
    char path[sizeof folder + sizeof "/busy"];
    if (found == NULL) {
        snprintf(path, sizeof path, "%s/busy", folder);
        int file = open(path, O_RDONLY);
        void *at = mmap(NULL, BUSY_BYTES, PROT_READ, MAP_SHARED, file, 0);
        close(file);
        found = at;
    }
    return found;
}

static int64_t busy_ns(int64_t t, bool *is_busy)
{
    const volatile int64_t *at = busy_times();
    int64_t sum = 0;
    *is_busy = false;
    for (; at[0] != 0 && at[0] <= t; at += 2) {
        *is_busy = t < at[1];
        sum += (*is_busy ? t : at[1]) - at[0];
    }
    return sum;
}

static int64_t power_mw(const struct gpu *g, int64_t t)
{
    int64_t x = t - g->start_ns;
    if (x < 0)
        return g->base_mw;
    if (strcmp(g->wave, "busy") == 0) {
        bool is_busy;
        busy_ns(t, &is_busy);
        return is_busy ? g->peak_mw : g->base_mw;
    }
    x %= g->wave_ns;
    if (strcmp(g->wave, "square") == 0)
        return x < g->wave_ns / 2 ? g->peak_mw : g->base_mw;
    if (strcmp(g->wave, "saw") == 0)
        return g->base_mw + (int64_t)((__int128)(g->peak_mw - g->base_mw) * x / g->wave_ns);
    return g->peak_mw;
}

/* Of one period up to x, above the base, in mW ns. */
static __int128 above(const struct gpu *g, int64_t x)
{
    __int128 height = g->peak_mw - g->base_mw;
    if (strcmp(g->wave, "square") == 0)
        return height * (x < g->wave_ns / 2 ? x : g->wave_ns / 2);
    if (strcmp(g->wave, "saw") == 0)
        return height * x * x / (2 * (__int128)g->wave_ns);
    return height * x;
}

/* From START (before it negative), in mW ns. */
static __int128 integral(const struct gpu *g, int64_t t)
{
    int64_t x = t - g->start_ns;
    __int128 base = (__int128)g->base_mw * x;
    bool is_busy;
    if (strcmp(g->wave, "busy") == 0)
        return base + (__int128)(g->peak_mw - g->base_mw) * busy_ns(t, &is_busy);
    return x < 0 ? base : base + x / g->wave_ns * above(g, g->wave_ns) + above(g, x % g->wave_ns);
}

static int64_t mean_mw(const struct gpu *g, int64_t edge, int64_t window)
{
    return (int64_t)((integral(g, edge) - integral(g, edge - window)) / window);
}

/* Each gives the value and, in edge, the instant that it speaks of. */
static int64_t energy_mj(const struct gpu *g, int64_t now, int64_t *edge)
{
    *edge = now - now % g->energy_ns;
    int64_t mj = (int64_t)(integral(g, *edge - g->lag_ns) / 1000000000) + g->offset_mj;
    int64_t at_reset =
        now >= g->reset_ns ? (int64_t)(integral(g, g->reset_ns) / 1000000000) + g->offset_mj : 0;
    return now >= g->reset_ns && mj < at_reset ? 0 : mj - at_reset;
}

static int64_t instant_mw(const struct gpu *g, int64_t now, int64_t *edge)
{
    *edge = now - now % g->instant_ns;
    return mean_mw(g, *edge, g->instant_window_ns);
}

/* At idle it is updated once a second from its last busy update on. */
static int64_t average_mw(const struct gpu *g, int64_t now, int64_t *edge)
{
    const int64_t second = 1000000000, hour = 3600 * second;
    *edge = now - now % g->average_ns;
    int64_t busy = *edge;
    while (power_mw(g, busy) <= g->freeze_mw && busy > *edge - hour)
        busy -= g->average_ns;
    *edge -= (*edge - busy) % second;
    return mean_mw(g, *edge, g->average_window_ns);
}
