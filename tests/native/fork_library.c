/* SPDX-License-Identifier: Apache-2.0
 *
 * A vendor's library that holds one lock during each call, as NVIDIA's and AMD's do: as much of
 * NVML, libamd_smi and (with -DROCM) librocm_smi64 as the readers call, of one GPU whose counter
 * counts its reads. A call of a reading takes 2 ms, so that a fork of the program nearly always
 * meets the lock held by a thread that the child does not have.
 *
 * `calls_of_forks` is how often a process other than the one that loaded the library called it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t count;
static pid_t loader;
unsigned int calls_of_forks;

__attribute__((constructor)) static void loaded(void)
{
    loader = getpid();
}

static void enter(void)
{
    if (getpid() != loader)
        calls_of_forks++;
    pthread_mutex_lock(&lock);
}

/* Leaves the lock after so many milliseconds; 0 is every library's success. */
static unsigned int leave(long ms)
{
    struct timespec pause = {.tv_nsec = ms * 1000000L};
    nanosleep(&pause, NULL);
    pthread_mutex_unlock(&lock);
    return 0;
}

/* dlclose runs this, and so does the end of a program, which is why it takes no lock. */
__attribute__((destructor)) static void unloaded(void)
{
    if (getpid() != loader)
        calls_of_forks++;
}

static unsigned int simple(void)
{
    enter();
    return leave(0);
}

static uint64_t counted(void)
{
    enter();
    uint64_t now = ++count;
    leave(2);
    return now;
}

/* ---- NVML ------------------------------------------------------------------------------------ */

struct field {
    unsigned int id, scope;
    long long timestamp, latency;
    unsigned int type, code;
    unsigned long long value;
};

unsigned int nvmlInit_v2(void)
{
    return simple();
}

unsigned int nvmlShutdown(void)
{
    return simple();
}

unsigned int nvmlDeviceGetHandleByUUID(const char *uuid, void **device)
{
    (void)uuid;
    *device = &count;
    return simple();
}

unsigned int nvmlDeviceGetFieldValues(void *device, int n, struct field *fields)
{
    (void)device;
    for (int i = 0; i < n; i++) {
        fields[i].type = 3; /* unsigned long long */
        fields[i].code = 0;
        fields[i].timestamp = 0;
        fields[i].value = counted();
    }
    return 0;
}

/* ---- AMD ------------------------------------------------------------------------------------- */

#ifndef ROCM
unsigned int amdsmi_init(uint64_t flags)
{
    (void)flags;
    return simple();
}

unsigned int amdsmi_shut_down(void)
{
    return simple();
}

unsigned int amdsmi_get_socket_handles(uint32_t *n, void **handles)
{
    *n = 1;
    if (handles != NULL)
        handles[0] = &count;
    return simple();
}

unsigned int amdsmi_get_processor_handles(void *socket, uint32_t *n, void **handles)
{
    (void)socket;
    return amdsmi_get_socket_handles(n, handles);
}

unsigned int amdsmi_get_gpu_device_bdf(void *device, uint64_t *pci)
{
    (void)device;
    *pci = 3 << 8;
    return simple();
}

unsigned int amdsmi_get_energy_count(void *device, uint64_t *energy, float *unit_uj, uint64_t *t_ns)
{
    (void)device;
    *energy = counted();
    *unit_uj = 15.3F;
    *t_ns = 0;
    return 0;
}
#else
unsigned int rsmi_init(uint64_t flags)
{
    (void)flags;
    return simple();
}

unsigned int rsmi_shut_down(void)
{
    return simple();
}

unsigned int rsmi_num_monitor_devices(uint32_t *n)
{
    *n = 1;
    return simple();
}

unsigned int rsmi_dev_pci_id_get(uint32_t device, uint64_t *pci)
{
    (void)device;
    *pci = 3 << 8;
    return simple();
}

unsigned int rsmi_dev_energy_count_get(uint32_t device, uint64_t *energy, float *unit_uj,
                                       uint64_t *t_ns)
{
    (void)device;
    *energy = counted();
    *unit_uj = 15.3F;
    *t_ns = 0;
    return 0;
}

unsigned int rsmi_dev_power_ave_get(uint32_t device, uint32_t sensor, uint64_t *power_uw)
{
    (void)device, (void)sensor;
    *power_uw = counted();
    return 0;
}
#endif
