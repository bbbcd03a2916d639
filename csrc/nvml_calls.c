/* SPDX-License-Identifier: Apache-2.0
 *
 * The quantities of a GPU that have a call of their own in NVIDIA's library.
 */
#include <stddef.h>
#include <stdint.h>

#include "nvml_abi.h"

static unsigned int call_energy(const struct nvml_library *nvml, nvml_device device, uint64_t *raw)
{
    unsigned long long energy_mj = 0;
    unsigned int code = nvml->energy ? nvml->energy(device, &energy_mj) : NVML_FUNCTION_NOT_FOUND;
    *raw = energy_mj;
    return code;
}

static unsigned int call_power(const struct nvml_library *nvml, nvml_device device, uint64_t *raw)
{
    unsigned int power_mw = 0;
    unsigned int code = nvml->power ? nvml->power(device, &power_mw) : NVML_FUNCTION_NOT_FOUND;
    *raw = power_mw;
    return code;
}

static unsigned int call_temperature(const struct nvml_library *nvml, nvml_device device,
                                     uint64_t *raw)
{
    unsigned int celsius = 0;
    unsigned int code = nvml->temperature ? nvml->temperature(device, TEMPERATURE_GPU, &celsius)
                                          : NVML_FUNCTION_NOT_FOUND;
    *raw = celsius;
    return code;
}

static unsigned int call_clock(const struct nvml_library *nvml, nvml_device device, uint64_t *raw)
{
    unsigned int mhz = 0;
    unsigned int code = nvml->clock ? nvml->clock(device, CLOCK_SM, &mhz) : NVML_FUNCTION_NOT_FOUND;
    *raw = mhz;
    return code;
}

static unsigned int call_utilization(const struct nvml_library *nvml, nvml_device device,
                                     uint64_t *raw)
{
    struct nvml_utilization busy = {0};
    unsigned int code =
        nvml->utilization ? nvml->utilization(device, &busy) : NVML_FUNCTION_NOT_FOUND;
    *raw = busy.gpu;
    return code;
}

static unsigned int call_clock_reasons(const struct nvml_library *nvml, nvml_device device,
                                       uint64_t *raw)
{
    unsigned long long bits = 0;
    unsigned int code =
        nvml->clock_reasons ? nvml->clock_reasons(device, &bits) : NVML_FUNCTION_NOT_FOUND;
    *raw = bits;
    return code;
}

/* By number, the high 16 bits of config; 0 is the field values' call, 6 the samples'. */
const nvml_call uj_nvml_calls[NVML_CALLS] = {
    NULL,       call_energy,      call_power, call_temperature,
    call_clock, call_utilization, NULL,       call_clock_reasons,
};
