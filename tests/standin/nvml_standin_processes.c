/* SPDX-License-Identifier: Apache-2.0
 *
 * Another part of nvml_standin.c, which includes it: who runs on a GPU, whole or in slices. Not in
 * the check against nvml.h: pynvml has these structures by itself.
 *
 *   process PID SM MEMORY       percent while the wave is at its peak; PID 0: it is in the file
 * `pid` slice INSTANCE PARTS PID SM a slice of a GPU with `mig 1`, and the process in it
 *
 * A sample of a process is the mean over the last tenth of a second; of one that did nothing there
 * is none.
 */
enum { N_PROCESSES = 8, INSUFFICIENT_SIZE = 7 };
static const int64_t sample_ns = 100000000;

struct process {
    unsigned gpu, pid, sm, memory, instance, parts;
};
static struct process processes[N_PROCESSES];

static void understand_process(const char *line)
{
    struct process p = {.gpu = n_gpus > 0 ? n_gpus - 1 : 0};
    bool is_whole = sscanf(line, "process %u %u %u", &p.pid, &p.sm, &p.memory) == 3;
    bool is_slice = sscanf(line, "slice %u %u %u %u", &p.instance, &p.parts, &p.pid, &p.sm) == 4;
    if ((is_whole || is_slice) && n_processes < N_PROCESSES)
        processes[n_processes++] = p;
}

#ifndef WITH_NVML_H
typedef struct {
    unsigned int pid;
    unsigned long long timeStamp;
    unsigned int smUtil, memUtil, encUtil, decUtil;
} nvmlProcessUtilizationSample_t;
typedef struct {
    unsigned int pid;
    unsigned long long usedGpuMemory;
    unsigned int gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_t;
typedef struct {
    unsigned int multiprocessors, copy, decoders, encoders, jpeg, ofa, slices, compute_slices;
    unsigned long long memory_mb;
} nvmlDeviceAttributes_t;
typedef struct {
    unsigned int metricId, nvmlReturn;
    double value;
    const char *name, *long_name, *unit;
} nvmlGpmMetric_t;
struct gpm_sample {
    int64_t t;
    unsigned instance;
};
typedef struct {
    unsigned int version, numMetrics;
    struct gpm_sample *sample1, *sample2;
    nvmlGpmMetric_t metrics[1];
} nvmlGpmMetricsGet_t;

static unsigned pid_of(const struct process *p)
{
    char path[sizeof folder + sizeof "/pid"];
    unsigned pid = p->pid;
    snprintf(path, sizeof path, "%s/pid", folder);
    FILE *file = pid == 0 ? fopen(path, "r") : NULL;
    if (file != NULL) {
        if (fscanf(file, "%u", &pid) != 1)
            pid = 0;
        fclose(file);
    }
    return pid;
}

/* Which part of a time the wave was at its peak, in thousandths. */
static int64_t at_peak(const struct gpu *g, int64_t from, int64_t to)
{
    int64_t height = g->peak_mw - g->base_mw;
    if (to <= from || height == 0)
        return 0;
    return (mean_mw(g, to, to - from) - g->base_mw) * 1000 / height;
}

nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device,
                                             nvmlProcessUtilizationSample_t *found, unsigned int *n,
                                             unsigned long long last_us)
{
    const struct gpu *g = (const struct gpu *)device;
    nvmlReturn_t code = enter(g);
    if (code != OK || g->mig)
        return code != OK ? code : NOT_SUPPORTED;
    int64_t now = clock_ns(CLOCK_MONOTONIC), edge = now - now % sample_ns;
    unsigned long long at_us = (unsigned long long)((edge + offset_ns()) / 1000);
    unsigned room = found == NULL ? 0 : *n;
    int64_t part = at_peak(g, edge - sample_ns, edge);
    *n = 0;
    for (unsigned i = 0; i < n_processes && at_us > last_us && part > 0; i++) {
        const struct process *p = &processes[i];
        if (&gpus[p->gpu] != g || pid_of(p) == 0)
            continue;
        if (*n < room)
            found[*n] =
                (nvmlProcessUtilizationSample_t){pid_of(p),
                                                 at_us,
                                                 (unsigned)((int64_t)p->sm * part / 1000),
                                                 (unsigned)((int64_t)p->memory * part / 1000),
                                                 0,
                                                 0};
        ++*n;
    }
    return *n == 0 ? NOT_FOUND : found == NULL ? INSUFFICIENT_SIZE : OK;
}

/* ---- slices: a handle of one points behind the GPUs, so that no reading call accepts it
 * ---------- */

static const struct process *slice(nvmlDevice_t handle)
{
    return (const struct process *)handle;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *n)
{
    (void)device;
    *n = N_PROCESSES;
    return OK;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index,
                                                 nvmlDevice_t *found)
{
    if (index >= n_processes || processes[index].parts == 0 ||
        &gpus[processes[index].gpu] != (struct gpu *)device)
        return NOT_FOUND;
    *found = (nvmlDevice_t)&processes[index];
    return OK;
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned int *id)
{
    *id = slice(device)->instance;
    return OK;
}

nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *found)
{
    memset(found, 0, sizeof *found);
    found->slices = slice(device)->parts;
    return OK;
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned int *n,
                                                     nvmlProcessInfo_t *found)
{
    unsigned pid = pid_of(slice(device)), room = *n;
    *n = pid != 0;
    if (pid == 0)
        return OK;
    if (found == NULL || room == 0)
        return INSUFFICIENT_SIZE;
    found[0] = (nvmlProcessInfo_t){pid, 1 << 20, slice(device)->instance, 0};
    return OK;
}

nvmlReturn_t nvmlGpmSampleAlloc(struct gpm_sample **sample)
{
    *sample = calloc(1, sizeof **sample);
    return OK;
}

nvmlReturn_t nvmlGpmSampleFree(struct gpm_sample *sample)
{
    free(sample);
    return OK;
}

nvmlReturn_t nvmlGpmMigSampleGet(nvmlDevice_t device, unsigned int instance,
                                 struct gpm_sample *sample)
{
    nvmlReturn_t code = enter((const struct gpu *)device);
    *sample = (struct gpm_sample){clock_ns(CLOCK_MONOTONIC), instance};
    return code != OK ? code : ((const struct gpu *)device)->arch < 9 ? NOT_SUPPORTED : OK;
}

nvmlReturn_t nvmlGpmMetricsGet(nvmlGpmMetricsGet_t *asked)
{
    for (unsigned i = 0; i < n_processes; i++) {
        const struct process *p = &processes[i];
        if (p->parts > 0 && p->instance == asked->sample1->instance)
            asked->metrics[0].value =
                (double)(p->sm * at_peak(&gpus[p->gpu], asked->sample1->t, asked->sample2->t)) /
                1000;
    }
    asked->metrics[0].nvmlReturn = asked->metrics[0].metricId == 2 ? OK : NOT_SUPPORTED;
    return OK;
}
#endif
