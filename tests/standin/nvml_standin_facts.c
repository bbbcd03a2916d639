/* SPDX-License-Identifier: Apache-2.0
 *
 * The other half of nvml_standin.c, which includes it: what discovery asks, once and before any
 * sampling. Every answer is a line of the script.
 */

nvmlReturn_t nvmlInit_v2(void)
{
    return start();
}

nvmlReturn_t nvmlInitWithFlags(unsigned int flags)
{
    (void)flags;
    return start();
}

nvmlReturn_t nvmlShutdown(void)
{
    if (references == 0)
        return UNINITIALIZED;
    references--;
    return OK;
}

const char *nvmlErrorString(nvmlReturn_t code)
{
    return code == NOT_FOUND ? "Not Found"
           : code == LOST    ? "GPU is lost"
           : code == 18      ? "Driver/library version mismatch"
                             : "Some Error";
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)
{
    snprintf(version, length, "%s", driver);
    return OK;
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count)
{
    *count = n_gpus;
    return OK;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device)
{
    *device = index < n_gpus ? (nvmlDevice_t)&gpus[index] : NULL;
    return index < n_gpus ? OK : INVALID;
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)
{
    for (unsigned i = 0; i < n_gpus; i++) {
        bool is_slice = gpus[i].mig_uuid[0] != '\0' && strcmp(gpus[i].mig_uuid, uuid) == 0;
        if (strcmp(gpus[i].uuid, uuid) == 0 || is_slice) {
            /* A slice's handle points one byte in: no reading call accepts it. */
            *device = (nvmlDevice_t)((char *)&gpus[i] + is_slice);
            return is_lost(&gpus[i]) ? LOST : OK;
        }
    }
    return NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t slice, nvmlDevice_t *device)
{
    *device = (nvmlDevice_t)((char *)slice - 1);
    return OK;
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length)
{
    snprintf(uuid, length, "%s", ((struct gpu *)device)->uuid);
    return OK;
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length)
{
    snprintf(name, length, "%s", ((struct gpu *)device)->name);
    return OK;
}

nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t device, nvmlDeviceArchitecture_t *arch)
{
    *arch = ((struct gpu *)device)->arch;
    return OK;
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor)
{
    *major = (int)((struct gpu *)device)->major;
    *minor = (int)((struct gpu *)device)->minor;
    return OK;
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending)
{
    *current = *pending = ((struct gpu *)device)->mig;
    return OK;
}

nvmlReturn_t nvmlDeviceGetVirtualizationMode(nvmlDevice_t device, nvmlGpuVirtualizationMode_t *mode)
{
    *mode = ((struct gpu *)device)->virtual_mode;
    return OK;
}

nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t device, unsigned int *least,
                                                          unsigned int *most)
{
    *least = 100000;
    *most = ((struct gpu *)device)->limit_mw;
    return OK;
}

/* ---- settings, all of them at values that a test can tell apart; not in the check against nvml.h
 * ---- */
#ifndef WITH_NVML_H

nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t device, unsigned int *mode)
{
    (void)device;
    *mode = 1;
    return OK;
}

nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending)
{
    (void)device;
    *current = 1;
    *pending = 0;
    return OK;
}

nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned int *limit)
{
    *limit = ((struct gpu *)device)->limit_mw / 2;
    return OK;
}

nvmlReturn_t nvmlDeviceGetApplicationsClock(nvmlDevice_t device, int type, unsigned int *mhz)
{
    (void)device;
    *mhz = 1755;
    return type == 1 ? OK : INVALID;
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device,
                                                    unsigned long long *reasons)
{
    (void)device;
    *reasons = 0x1 | 0x4 | 0x40; /* idle, power cap, heat */
    return OK;
}

#endif
