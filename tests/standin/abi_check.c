/* SPDX-License-Identifier: Apache-2.0
 *
 * csrc/nvml_abi.h held against NVIDIA's nvml.h: compiling this is the test.
 */
#include <nvml.h>
#include <stddef.h>

#include "nvml_abi.h"

#define SAME_AT(ours, theirs)                                                                      \
    _Static_assert(offsetof(struct nvml_value, ours) == offsetof(nvmlFieldValue_t, theirs),        \
                   #ours);                                                                         \
    _Static_assert(sizeof((struct nvml_value *)0)->ours == sizeof((nvmlFieldValue_t *)0)->theirs,  \
                   #ours)
#define SAME(ours, theirs) _Static_assert((unsigned)(ours) == (unsigned)(theirs), #theirs)

_Static_assert(sizeof(struct nvml_value) == sizeof(nvmlFieldValue_t), "nvmlFieldValue_t");
SAME_AT(field, fieldId);
SAME_AT(scope, scopeId);
SAME_AT(timestamp_us, timestamp);
SAME_AT(latency_us, latencyUsec);
SAME_AT(type, valueType);
SAME_AT(code, nvmlReturn);
SAME_AT(value, value);

_Static_assert(sizeof(struct nvml_sample) == sizeof(nvmlSample_t), "nvmlSample_t");
_Static_assert(offsetof(struct nvml_sample, timestamp_us) == offsetof(nvmlSample_t, timeStamp), "");
_Static_assert(offsetof(struct nvml_sample, value) == offsetof(nvmlSample_t, sampleValue), "value");
_Static_assert(sizeof(struct nvml_utilization) == sizeof(nvmlUtilization_t), "nvmlUtilization_t");
_Static_assert(offsetof(struct nvml_utilization, gpu) == offsetof(nvmlUtilization_t, gpu), "gpu");
_Static_assert(sizeof(nvml_device) == sizeof(nvmlDevice_t), "nvmlDevice_t");
_Static_assert(sizeof(nvmlReturn_t) == sizeof(unsigned int), "nvmlReturn_t");

SAME(NVML_OK, NVML_SUCCESS);
SAME(NVML_NO_PERMISSION, NVML_ERROR_NO_PERMISSION);
SAME(NVML_NOT_FOUND, NVML_ERROR_NOT_FOUND);
SAME(NVML_FUNCTION_NOT_FOUND, NVML_ERROR_FUNCTION_NOT_FOUND);
SAME(NVML_BLOCKED_BY_SYSTEM, NVML_ERROR_OPERATING_SYSTEM);
SAME(NVML_UNKNOWN, NVML_ERROR_UNKNOWN);
SAME(NVML_DOUBLE, NVML_VALUE_TYPE_DOUBLE);
SAME(NVML_UINT, NVML_VALUE_TYPE_UNSIGNED_INT);
SAME(NVML_ULONG, NVML_VALUE_TYPE_UNSIGNED_LONG);
SAME(NVML_ULLONG, NVML_VALUE_TYPE_UNSIGNED_LONG_LONG);
SAME(NVML_SLLONG, NVML_VALUE_TYPE_SIGNED_LONG_LONG);
SAME(NVML_INT, NVML_VALUE_TYPE_SIGNED_INT);
SAME(NVML_USHORT, NVML_VALUE_TYPE_UNSIGNED_SHORT);
SAME(TEMPERATURE_GPU, NVML_TEMPERATURE_GPU);
SAME(CLOCK_SM, NVML_CLOCK_SM);
SAME(0, NVML_TOTAL_POWER_SAMPLES);
SAME(83, NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION);
SAME(185, NVML_FI_DEV_POWER_AVERAGE);
SAME(186, NVML_FI_DEV_POWER_INSTANT);
SAME(191, NVML_FI_DEV_ENERGY);
SAME(1, NVML_POWER_SCOPE_MODULE);
SAME(2, NVML_POWER_SCOPE_MEMORY);

/* The parameters: a call with ours must compile against theirs without a conversion. */
void calls(nvmlDevice_t device, struct nvml_utilization *ours)
{
    unsigned long long energy_mj;
    unsigned int number;
    nvmlReturn_t (*field_values)(nvmlDevice_t, int, nvmlFieldValue_t *) = nvmlDeviceGetFieldValues;
    nvmlReturn_t (*by_uuid)(const char *, nvmlDevice_t *) = nvmlDeviceGetHandleByUUID;
    const char *(*error_string)(nvmlReturn_t) = nvmlErrorString;
    nvmlReturn_t (*samples)(nvmlDevice_t, nvmlSamplingType_t, unsigned long long, nvmlValueType_t *,
                            unsigned int *, nvmlSample_t *) = nvmlDeviceGetSamples;
    (void)samples, (void)field_values, (void)by_uuid, (void)error_string;
    (void)nvmlInit_v2(), (void)nvmlShutdown();
    (void)nvmlDeviceGetTotalEnergyConsumption(device, &energy_mj);
    (void)nvmlDeviceGetPowerUsage(device, &number);
    (void)nvmlDeviceGetTemperature(device, TEMPERATURE_GPU, &number);
    (void)nvmlDeviceGetClockInfo(device, CLOCK_SM, &number);
    (void)nvmlDeviceGetUtilizationRates(device, (nvmlUtilization_t *)ours);
}
