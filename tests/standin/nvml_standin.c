/* SPDX-License-Identifier: Apache-2.0
 *
 * A stand-in for libnvidia-ml.so.1: NVML's ABI over a machine that a text file describes.
 *
 * The file is `machine` beside this library (found with dladdr, so that each folder is a machine of
 * its own). Lines are "key values"; a `device` line begins a GPU, and `all` stands for its keys:
 *
 *   init CODE             what nvmlInit returns
 *   driver TEXT
 *   device UUID
 *   name TEXT     arch N    capability MAJOR MINOR    limit_mw N
 *   wave KIND BASE_MW PEAK_MW PERIOD_NS START_NS
 *                         constant | square (peak first) | saw; base before START, which is of
 *                         CLOCK_MONOTONIC; busy: peak while a program is, which writes int64
 *                         times into the file `busy`
 *   energy UPDATE_NS OFFSET_MJ [LAG_NS]    the counter moves in steps, and trails by a lag
 *   instant PERIOD_NS WINDOW_NS            field 186, nvmlDeviceGetPowerUsage
 *   average PERIOD_NS WINDOW_NS FREEZE_MW  field 185; below FREEZE it stands still for a second
 *   stamps update|call|none|huge           what the field values' timestamps say
 *   answer FIELD SCOPE CODE PER_MILLE TYPE one field's return code, share of the GPU's, valueType
 *   away FIELD CODE FILE  a field of scope 0 answers CODE while there is such a file here
 *   refuse CALL CODE      a call of its own: energy power temperature clock utilization; or fields
 *   samples PERIOD_NS DEPTH TYPE           the driver's buffer; without it NOT_SUPPORTED
 *   slow NS               every reading call takes this long
 *   lost FILE             GPU_IS_LOST while there is such a file here
 *   reset NS              the energy counter starts again at 0 then
 *   mig 0|1   mig_uuid UUID   virtual N
 *   process, slice        see nvml_standin_processes.c
 *
 * Truth: E(t) is the integral of the wave in closed form, in whole mW ns; everything that is
 * answered is a floor of it, so the tests compute the same integers.
 *
 * -DWITH_NVML_H takes the types from NVIDIA's header, which proves that ours are the same.
 * -DWITHOUT_FIELD_VALUES and -DWITHOUT_UTILIZATION leave a symbol out.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef WITH_NVML_H
#include <nvml.h>
#else
typedef unsigned int nvmlReturn_t, nvmlValueType_t, nvmlTemperatureSensors_t, nvmlClockType_t;
typedef unsigned int nvmlEnableState_t, nvmlDeviceArchitecture_t, nvmlGpuVirtualizationMode_t;
typedef struct nvmlDevice_st *nvmlDevice_t;
typedef struct {
    unsigned int gpu, memory;
} nvmlUtilization_t;
typedef union {
    double dVal;
    int siVal;
    unsigned int uiVal;
    unsigned long ulVal;
    unsigned long long ullVal;
    signed long long sllVal;
    unsigned short usVal;
} nvmlValue_t;
typedef struct {
    unsigned int fieldId, scopeId;
    long long timestamp, latencyUsec;
    nvmlValueType_t valueType;
    nvmlReturn_t nvmlReturn;
    nvmlValue_t value;
} nvmlFieldValue_t;
typedef unsigned int nvmlSamplingType_t;
typedef struct {
    unsigned long long timeStamp;
    nvmlValue_t sampleValue;
} nvmlSample_t;
#endif

/* The same sentences are compiled with our types and with NVIDIA's. */
_Static_assert(sizeof(nvmlFieldValue_t) == 40, "field value");
_Static_assert(offsetof(nvmlFieldValue_t, timestamp) == 8, "timestamp");
_Static_assert(offsetof(nvmlFieldValue_t, valueType) == 24, "valueType");
_Static_assert(offsetof(nvmlFieldValue_t, nvmlReturn) == 28, "nvmlReturn");
_Static_assert(offsetof(nvmlFieldValue_t, value) == 32, "value");
_Static_assert(sizeof(nvmlUtilization_t) == 8, "utilization");
_Static_assert(sizeof(nvmlSample_t) == 16, "sample");

enum {
    OK = 0,
    UNINITIALIZED = 1,
    INVALID = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    LOST = 15,
    PASSED_OVER = 255
};
enum { N_ANSWERS = 16, N_DEVICES = 8, N_CALLS = 6 };
static const char *const call_names[N_CALLS] = {"energy", "power",       "temperature",
                                                "clock",  "utilization", "fields"};

struct answer {
    unsigned field, scope, code, per_mille, type;
};

struct away {
    unsigned field, code;
    char file[64];
};

struct gpu {
    char uuid[96], name[96], mig_uuid[96], wave[16], stamps[16], lost[96];
    unsigned arch, major, minor, limit_mw, mig, virtual_mode, refuse[N_CALLS];
    int64_t base_mw, peak_mw, wave_ns, start_ns;
    int64_t energy_ns, offset_mj, lag_ns, instant_ns, instant_window_ns;
    int64_t average_ns, average_window_ns, freeze_mw, slow_ns, reset_ns;
    int64_t samples_ns, samples_depth, samples_type;
    struct answer answers[N_ANSWERS];
    struct away away[N_ANSWERS];
    size_t n_answers, n_away;
};

static struct gpu gpus[N_DEVICES];
static unsigned n_gpus, init_code, references, n_processes;
static void understand_process(const char *line);
static char driver[64], folder[4096];

/* ---- the script --------------------------------------------------------------------------- */

static const struct gpu ordinary = {
    .name = "NVIDIA H100 (stand-in)",
    .wave = "constant",
    .stamps = "update",
    .arch = 9,
    .major = 9,
    .limit_mw = 700000,
    .base_mw = 100000,
    .peak_mw = 100000,
    .wave_ns = 1000000000,
    .energy_ns = 20000000,
    .instant_ns = 100000000,
    .instant_window_ns = 25000000,
    .average_ns = 100000000,
    .average_window_ns = 1000000000,
    .reset_ns = INT64_MAX,
};

static void refuse(struct gpu *gpu, const char *call, unsigned code)
{
    for (int i = 0; i < N_CALLS; i++)
        if (strcmp(call_names[i], call) == 0)
            gpu->refuse[i] = code;
}

static void understand(const char *line)
{
    struct gpu *gpu = &gpus[n_gpus > 0 ? n_gpus - 1 : 0];
    struct answer a;
    char word[96];
    unsigned code;
    if (sscanf(line, "init %u", &init_code) == 1 || sscanf(line, "driver %63s", driver) == 1)
        return;
    if (sscanf(line, "device %95s", word) == 1 && n_gpus < N_DEVICES) {
        gpus[n_gpus] = ordinary;
        strcpy(gpus[n_gpus++].uuid, word);
    }
    if (sscanf(line, "refuse %95s %u", word, &code) == 2)
        refuse(gpu, word, code);
    if (sscanf(line, "answer %u %u %u %u %u", &a.field, &a.scope, &a.code, &a.per_mille, &a.type) ==
            5 &&
        gpu->n_answers < N_ANSWERS)
        gpu->answers[gpu->n_answers++] = a;
    struct away away;
    if (sscanf(line, "away %u %u %63s", &away.field, &away.code, away.file) == 3 &&
        gpu->n_away < N_ANSWERS)
        gpu->away[gpu->n_away++] = away;
    understand_process(line);
    sscanf(line, "name %95[^\n]", gpu->name);
    sscanf(line, "arch %u", &gpu->arch);
    sscanf(line, "capability %u %u", &gpu->major, &gpu->minor);
    sscanf(line, "limit_mw %u", &gpu->limit_mw);
    sscanf(line, "wave %15s %ld %ld %ld %ld", gpu->wave, &gpu->base_mw, &gpu->peak_mw,
           &gpu->wave_ns, &gpu->start_ns);
    sscanf(line, "energy %ld %ld %ld", &gpu->energy_ns, &gpu->offset_mj, &gpu->lag_ns);
    sscanf(line, "instant %ld %ld", &gpu->instant_ns, &gpu->instant_window_ns);
    sscanf(line, "average %ld %ld %ld", &gpu->average_ns, &gpu->average_window_ns, &gpu->freeze_mw);
    sscanf(line, "stamps %15s", gpu->stamps);
    sscanf(line, "samples %ld %ld %ld", &gpu->samples_ns, &gpu->samples_depth, &gpu->samples_type);
    sscanf(line, "slow %ld", &gpu->slow_ns);
    sscanf(line, "lost %95s", gpu->lost);
    sscanf(line, "reset %ld", &gpu->reset_ns);
    sscanf(line, "mig %u", &gpu->mig);
    sscanf(line, "mig_uuid %95s", gpu->mig_uuid);
    sscanf(line, "virtual %u", &gpu->virtual_mode);
}

static nvmlReturn_t start(void)
{
    Dl_info here;
    char path[sizeof folder + sizeof "/machine"], line[256];
    if (references > 0) {
        references++;
        return OK;
    }
    n_gpus = init_code = n_processes = 0;
    strcpy(driver, "570.00");
    if (dladdr((void *)(uintptr_t)&start, &here) == 0)
        return INVALID;
    const char *slash = strrchr(here.dli_fname, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - here.dli_fname) : 1,
             slash ? here.dli_fname : ".");
    snprintf(path, sizeof path, "%s/machine", folder);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return INVALID;
    while (fgets(line, sizeof line, file) != NULL)
        understand(line);
    fclose(file);
    references += init_code == OK;
    return init_code;
}

#include "nvml_standin_truth.c"

/* ---- field values ------------------------------------------------------------------------- */

static bool is_here(const char *file)
{
    char path[sizeof folder + 96];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return access(path, F_OK) == 0;
}

static bool is_lost(const struct gpu *g)
{
    return g->lost[0] != '\0' && is_here(g->lost);
}

/* What every reading call meets first. */
static nvmlReturn_t enter(const struct gpu *g)
{
    if (references == 0)
        return UNINITIALIZED;
    if (g < gpus || g >= gpus + n_gpus)
        return INVALID;
    if (g->slow_ns > 0)
        nanosleep(&(struct timespec){g->slow_ns / 1000000000, g->slow_ns % 1000000000}, NULL);
    return is_lost(g) ? LOST : OK;
}

static const struct answer usual[] = {
    {83, 0, OK, 1000, 3},
    {185, 0, OK, 1000, 1},
    {186, 0, OK, 1000, 1},
    {191, 0, OK, 1000, 3},
};

static struct answer answer_to(const struct gpu *g, unsigned field, unsigned scope)
{
    for (size_t i = 0; i < g->n_away; i++)
        if (g->away[i].field == field && scope == 0 && is_here(g->away[i].file))
            return (struct answer){field, scope, g->away[i].code, 0, 3};
    for (size_t i = 0; i < g->n_answers; i++)
        if (g->answers[i].field == field && g->answers[i].scope == scope)
            return g->answers[i];
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (usual[i].field == field && usual[i].scope == scope)
            return usual[i];
    return (struct answer){field, scope, NOT_SUPPORTED, 0, 0};
}

static void put(nvmlValue_t *value, unsigned type, int64_t x)
{
    memset(value, 0xAA, sizeof *value); /* what a narrow type leaves is rubbish */
    if (type == 0)
        value->dVal = (double)x + 0.25;
    if (type == 1)
        value->uiVal = (unsigned)x;
    if (type == 2)
        value->ulVal = (unsigned long)x;
    if (type == 3)
        value->ullVal = (unsigned long long)x;
    if (type == 4)
        value->sllVal = -x;
    if (type == 5)
        value->siVal = -(int)x;
    if (type == 6)
        value->usVal = (unsigned short)x;
}

/* Read once, so that one update has one stamp. */
static int64_t offset_ns(void)
{
    static int64_t offset;
    if (offset == 0)
        offset = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
    return offset;
}

static long long stamp(const struct gpu *g, int64_t now, int64_t edge)
{
    if (strcmp(g->stamps, "none") == 0)
        return 0;
    if (strcmp(g->stamps, "huge") == 0)
        return INT64_MAX;
    return ((strcmp(g->stamps, "call") == 0 ? now : edge) + offset_ns()) / 1000;
}

#ifndef WITHOUT_FIELD_VALUES
nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int n, nvmlFieldValue_t *values)
{
    const struct gpu *g = (const struct gpu *)device;
    nvmlReturn_t code = enter(g);
    if (code != OK || g->refuse[5] != OK)
        return code != OK ? code : g->refuse[5];
    int64_t now = clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < n; i++) {
        struct answer a = answer_to(g, values[i].fieldId, values[i].scopeId);
        int64_t edge, x;
        nvmlReturn_t before = values[i].nvmlReturn;
        values[i].nvmlReturn = a.code;
        if (a.code == PASSED_OVER) /* as a broken library would */
            values[i].nvmlReturn = before;
        if (a.code != OK)
            continue;
        x = a.field == 185   ? average_mw(g, now, &edge)
            : a.field == 186 ? instant_mw(g, now, &edge)
                             : energy_mj(g, now, &edge);
        put(&values[i].value, a.type, x * a.per_mille / 1000);
        values[i].valueType = a.type;
        values[i].latencyUsec = 3;
        values[i].timestamp = stamp(g, now, edge);
    }
    return OK;
}
#endif

#include "nvml_standin_calls.c"

/* ---- the driver's buffer ------------------------------------------------------------------ */

nvmlReturn_t nvmlDeviceGetSamples(nvmlDevice_t device, nvmlSamplingType_t type,
                                  unsigned long long last_us, nvmlValueType_t *value_type,
                                  unsigned int *n, nvmlSample_t *samples)
{
    const struct gpu *g = (const struct gpu *)device;
    nvmlReturn_t code = enter(g);
    if (code != OK || g->samples_ns == 0 || type != 0)
        return code != OK ? code : NOT_SUPPORTED;
    unsigned room = *n;
    *n = (unsigned)g->samples_depth;
    *value_type = (nvmlValueType_t)g->samples_type;
    if (samples == NULL)
        return OK;
    int64_t now = clock_ns(CLOCK_MONOTONIC), newest = now - now % g->samples_ns;
    unsigned found = 0;
    for (int64_t i = g->samples_depth - 1; i >= 0 && found < room; i--) {
        int64_t edge = newest - i * g->samples_ns;
        unsigned long long at = (unsigned long long)((edge + offset_ns()) / 1000);
        if (at <= last_us)
            continue;
        put(&samples[found].sampleValue, *value_type, mean_mw(g, edge, g->samples_ns));
        samples[found++].timeStamp = at;
    }
    *n = found;
    return found > 0 ? OK : NOT_FOUND;
}

#include "nvml_standin_facts.c"
#include "nvml_standin_processes.c"
