/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of nvml_standin.c, which includes it, with NVML's older calls: one for each figure.
 */

static nvmlReturn_t call(nvmlDevice_t device, int number)
{
    nvmlReturn_t code = enter((const struct gpu *)device);
    return code != OK ? code : ((const struct gpu *)device)->refuse[number];
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *energy)
{
    nvmlReturn_t code = call(device, 0);
    int64_t edge;
    if (code == OK)
        *energy =
            (unsigned long long)energy_mj((struct gpu *)device, clock_ns(CLOCK_MONOTONIC), &edge);
    return code;
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *power)
{
    nvmlReturn_t code = call(device, 1);
    int64_t edge;
    if (code == OK)
        *power = (unsigned)instant_mw((struct gpu *)device, clock_ns(CLOCK_MONOTONIC), &edge);
    return code;
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, nvmlTemperatureSensors_t sensor,
                                      unsigned int *temp)
{
    nvmlReturn_t code = sensor != 0 ? INVALID : call(device, 2);
    *temp = 45;
    return code;
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, nvmlClockType_t type, unsigned int *clock)
{
    nvmlReturn_t code = type != 1 ? INVALID : call(device, 3);
    *clock = 1980;
    return code;
}

#ifndef WITHOUT_UTILIZATION
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *utilization)
{
    nvmlReturn_t code = call(device, 4);
    *utilization = (nvmlUtilization_t){73, 12};
    return code;
}
#endif
