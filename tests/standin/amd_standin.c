/* SPDX-License-Identifier: Apache-2.0
 *
 * A stand-in for libamd_smi.so, or with -DROCM for librocm_smi64.so: their ABI over a machine that
 * the text file `machine` beside this library describes. Lines are "key values"; a `device` line
 * begins a GPU:
 *
 *   init CODE               what the library's init returns
 *   device DOMAIN:BUS:DEV.FN  (hexadecimal)
 *   power_mw N              constant, from boot on
 *   update NS               the counter and its time move in steps
 *   unit_uj F               what the library calls its unit; a count is always 2^-16 J
 *   stuck 1                 the counter stands still
 *   refuse energy|power CODE
 *   version N               first word of libamd_smi's version: 24 until ROCm 6.3, then 25 and more
 *   now_w N   mean_w N      what libamd_smi says of the power, if not power_mw and nothing
 *   slow NS                 every reading call takes this long
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#ifdef WITH_ROCM_H
#include <rocm_smi/rocm_smi.h>
#else
typedef unsigned int rsmi_status_t;
#endif
typedef unsigned int amdsmi_status_t;

enum { N_GPUS = 8, INVALID = 1 };

static struct gpu {
    unsigned domain, bus, device, function;
    long power_mw, update_ns, stuck, slow_ns, refuse_energy, refuse_power;
    float unit_uj;
    unsigned now_w, mean_w;
} gpus[N_GPUS];
static uint32_t n_gpus;
static unsigned init_code, references, version;

static void understand(const char *line)
{
    struct gpu *g = &gpus[n_gpus > 0 ? n_gpus - 1 : 0];
    unsigned d, b, v, f;
    if (sscanf(line, "init %u", &init_code) == 1 || sscanf(line, "version %u", &version) == 1)
        return;
    if (sscanf(line, "device %x:%x:%x.%x", &d, &b, &v, &f) == 4 && n_gpus < N_GPUS)
        gpus[n_gpus++] = (struct gpu){d, b, v, f, 300000, 1000000, 0, 0, 0, 0, 15.3F, 300, ~0U};
    if (sscanf(line, "power_mw %ld", &g->power_mw) == 1)
        g->now_w = (unsigned)(g->power_mw / 1000);
    sscanf(line, "now_w %u", &g->now_w);
    sscanf(line, "mean_w %u", &g->mean_w);
    sscanf(line, "update %ld", &g->update_ns);
    sscanf(line, "unit_uj %f", &g->unit_uj);
    sscanf(line, "stuck %ld", &g->stuck);
    sscanf(line, "slow %ld", &g->slow_ns);
    sscanf(line, "refuse energy %ld", &g->refuse_energy);
    sscanf(line, "refuse power %ld", &g->refuse_power);
}

static unsigned start(void)
{
    Dl_info here;
    char path[4096], line[256];
    if (references > 0)
        return references++, 0;
    n_gpus = init_code = 0;
    version = 26;
    if (dladdr((void *)(uintptr_t)&start, &here) == 0)
        return INVALID;
    const char *slash = strrchr(here.dli_fname, '/');
    snprintf(path, sizeof path, "%.*s/machine", (int)(slash - here.dli_fname), here.dli_fname);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return INVALID;
    while (fgets(line, sizeof line, file) != NULL)
        understand(line);
    fclose(file);
    references += init_code == 0;
    return init_code;
}

static unsigned stop(void)
{
    if (references == 0)
        return INVALID;
    references--;
    return 0;
}

static unsigned energy(const struct gpu *g, uint64_t *count, float *unit_uj, uint64_t *t_ns)
{
    struct timespec now;
    if (references == 0)
        return INVALID;
    if (g->slow_ns > 0)
        nanosleep(&(struct timespec){g->slow_ns / 1000000000, g->slow_ns % 1000000000}, NULL);
    clock_gettime(CLOCK_BOOTTIME, &now);
    int64_t edge = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    edge -= edge % g->update_ns;
    *count = g->stuck ? 4711 : (uint64_t)((__int128)edge * g->power_mw * 65536 / 1000000000000LL);
    *unit_uj = g->unit_uj;
    *t_ns = (uint64_t)edge;
    return (unsigned)g->refuse_energy;
}

#ifdef ROCM

rsmi_status_t rsmi_init(uint64_t flags)
{
    return (rsmi_status_t)(flags == 0 ? start() : INVALID);
}

rsmi_status_t rsmi_shut_down(void)
{
    return (rsmi_status_t)stop();
}

rsmi_status_t rsmi_num_monitor_devices(uint32_t *n)
{
    *n = n_gpus;
    return (rsmi_status_t)0;
}

rsmi_status_t rsmi_dev_pci_id_get(uint32_t i, uint64_t *id)
{
    const struct gpu *g = &gpus[i];
    *id = (uint64_t)g->domain << 32 | (uint64_t)(g->bus << 8 | g->device << 3 | g->function);
    return (rsmi_status_t)(i < n_gpus ? 0 : INVALID);
}

rsmi_status_t rsmi_dev_energy_count_get(uint32_t i, uint64_t *count, float *unit_uj, uint64_t *t_ns)
{
    return (rsmi_status_t)(i < n_gpus ? energy(&gpus[i], count, unit_uj, t_ns) : INVALID);
}

rsmi_status_t rsmi_dev_power_ave_get(uint32_t i, uint32_t sensor, uint64_t *power_uw)
{
    if (i >= n_gpus || sensor != 0)
        return (rsmi_status_t)INVALID;
    *power_uw = (uint64_t)gpus[i].power_mw * 1000;
    return (rsmi_status_t)gpus[i].refuse_power;
}

#else

/* Each GPU is a socket with one processor; the two handles differ. */
static struct gpu *of_socket(void *handle)
{
    return (struct gpu *)((char *)handle - 1);
}

amdsmi_status_t amdsmi_init(uint64_t flags)
{
    return flags == 2 ? start() : INVALID;
}

amdsmi_status_t amdsmi_shut_down(void)
{
    return stop();
}

amdsmi_status_t amdsmi_get_socket_handles(uint32_t *n, void **handles)
{
    for (uint32_t i = 0; handles != NULL && i < n_gpus; i++)
        handles[i] = (char *)&gpus[i] + 1;
    *n = n_gpus;
    return 0;
}

amdsmi_status_t amdsmi_get_processor_handles(void *socket, uint32_t *n, void **handles)
{
    if (handles != NULL)
        handles[0] = of_socket(socket);
    *n = 1;
    return 0;
}

amdsmi_status_t amdsmi_get_gpu_device_bdf(void *processor, uint64_t *pci)
{
    const struct gpu *g = processor;
    *pci = (uint64_t)g->domain << 16 | (uint64_t)(g->bus << 8 | g->device << 3 | g->function);
    return 0;
}

amdsmi_status_t amdsmi_get_energy_count(void *processor, uint64_t *count, float *unit_uj,
                                        uint64_t *t_ns)
{
    return energy(processor, count, unit_uj, t_ns);
}

amdsmi_status_t amdsmi_get_lib_version(uint32_t *words)
{
    words[0] = version;
    return 0;
}

/* As ROCm 6.3 and before lay it out, or as 6.4 and after. */
amdsmi_status_t amdsmi_get_power_info(void *processor, uint32_t *words)
{
    const struct gpu *g = processor;
    uint32_t *watts = words + (version >= 25 ? 2 : 0);
    words[0] = g->now_w; /* from 6.4 on: half of socket_power */
    watts[0] = g->now_w;
    watts[1] = g->mean_w;
    return (amdsmi_status_t)g->refuse_power;
}

#endif
