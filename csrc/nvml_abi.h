/* SPDX-License-Identifier: Apache-2.0
 *
 * As much of NVIDIA's nvml.h as reader_nvml.c calls, under names of our own.
 *
 * Decision: our own declarations, so that the core builds where NVIDIA's header is not; a test
 * holds them against it. The library keeps its ABI by versioned names (nvmlInit_v2), and a
 * structure without a version does not change. What was given up: the compiler's word for it in
 * each build.
 */
#ifndef UJ_NVML_ABI_H
#define UJ_NVML_ABI_H

#include <stdint.h>

enum nvml_code {
    NVML_OK = 0,
    NVML_NO_PERMISSION = 4,
    NVML_NOT_FOUND = 6,
    NVML_FUNCTION_NOT_FOUND = 13,
    NVML_BLOCKED_BY_SYSTEM = 17, /* the device node, by cgroup or mode */
    NVML_UNKNOWN = 999,
};

enum nvml_type {
    NVML_DOUBLE,
    NVML_UINT,
    NVML_ULONG,
    NVML_ULLONG,
    NVML_SLLONG,
    NVML_INT,
    NVML_USHORT
};

union nvml_number {
    double d;
    int i;
    unsigned int u;
    unsigned long ul;
    unsigned long long ull;
    long long ll;
    unsigned short us;
};

struct nvml_value {
    unsigned int field;
    unsigned int scope;
    long long timestamp_us;
    long long latency_us;
    unsigned int type;
    unsigned int code;
    union nvml_number value;
};

struct nvml_sample {
    unsigned long long timestamp_us;
    union nvml_number value;
};

struct nvml_utilization {
    unsigned int gpu, memory; /* per cent */
};

/* What the two calls with a choice are asked for. */
#define TEMPERATURE_GPU 0U
#define CLOCK_SM 1U

typedef void *nvml_device;

struct nvml_library {
    unsigned int (*init)(void);
    unsigned int (*shutdown)(void);
    unsigned int (*device_by_uuid)(const char *, nvml_device *);
    unsigned int (*field_values)(nvml_device, int, struct nvml_value *);
    const char *(*error_string)(unsigned int);
    unsigned int (*energy)(nvml_device, unsigned long long *);
    unsigned int (*power)(nvml_device, unsigned int *);
    unsigned int (*temperature)(nvml_device, unsigned int, unsigned int *);
    unsigned int (*clock)(nvml_device, unsigned int, unsigned int *);
    unsigned int (*utilization)(nvml_device, struct nvml_utilization *);
    unsigned int (*clock_reasons)(nvml_device, unsigned long long *); /* bits */
    unsigned int (*samples)(nvml_device, unsigned int kind, unsigned long long last_seen_us,
                            unsigned int *type, unsigned int *n, struct nvml_sample *);
};

/* Asks for one number; the library's code. */
typedef unsigned int (*nvml_call)(const struct nvml_library *, nvml_device, uint64_t *raw);

/* By number, as uj_channel.config carries it; NULL where another call than these is meant. */
#define NVML_CALLS 8
extern const nvml_call uj_nvml_calls[NVML_CALLS];

#endif
