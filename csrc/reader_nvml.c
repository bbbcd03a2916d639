/* SPDX-License-Identifier: Apache-2.0
 *
 * NVIDIA's management library (libnvidia-ml.so.1), loaded at open and never linked against.
 *
 * What it tells: the energy of a GPU in mJ since its driver was loaded, its power in mW at one
 * moment and as a mean of the last second, and slow gauges (SM clock, temperature, utilisation).
 * The library is a way into the driver: a call is one or more ioctls of 10 us to tens of ms, and
 * what it returns was sampled before, every 10 to 100 ms. A GPU therefore has a lane of its own.
 *
 * All field values of one device are read with one nvmlDeviceGetFieldValues: ids that one driver
 * call serves are fetched together. Each value has a return code of its own and a timestamp of its
 * own, in microseconds of CLOCK_REALTIME; both are kept, the time as sensor_ns = timestamp * 1000.
 * The quantities without a field id have calls of their own, without a timestamp.
 *
 * The driver keeps its latest power samples, each with its own time, in a buffer of about 100
 * (NVIDIA does not say how many): nvmlDeviceGetSamples. Each tick asks for those after the last one
 * seen. The oldest of them is the row of the tick, the others are rows of read_more; where there is
 * no new one the last is returned again, with its old time. Many GPUs answer NOT_SUPPORTED.
 *
 * `path` is "UUID@LIBRARY", LIBRARY being what dlopen takes. `config` is field | scope << 32, or
 * for a call of its own number << 48 (nvml_calls.c), the samples' type in the low bits. All
 * channels of one open name the same library. nvmlInit_v2 and nvmlShutdown count references, so
 * other users of the library in this process are not disturbed; and as long as one is there the
 * driver stays loaded, its counters go on, and no call pays for a start of the driver.
 *
 * Known lies: a value that is not supported may answer 0 with success; a double is rounded to an
 * integer here (no field in use has one); GPU-wide figures are given for MIG slices too.
 * nvmlDeviceGetTemperature is deprecated since CUDA 13.0; its successor is missing from older
 * drivers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "library.h"
#include "nvml_abi.h"
#include "reader.h"

static const struct uj_symbol symbols[] = {
    {"nvmlInit_v2", offsetof(struct nvml_library, init), true},
    {"nvmlShutdown", offsetof(struct nvml_library, shutdown), true},
    {"nvmlDeviceGetHandleByUUID", offsetof(struct nvml_library, device_by_uuid), true},
    {"nvmlDeviceGetFieldValues", offsetof(struct nvml_library, field_values), true},
    {"nvmlErrorString", offsetof(struct nvml_library, error_string), false},
    {"nvmlDeviceGetTotalEnergyConsumption", offsetof(struct nvml_library, energy), false},
    {"nvmlDeviceGetPowerUsage", offsetof(struct nvml_library, power), false},
    {"nvmlDeviceGetTemperature", offsetof(struct nvml_library, temperature), false},
    {"nvmlDeviceGetClockInfo", offsetof(struct nvml_library, clock), false},
    {"nvmlDeviceGetUtilizationRates", offsetof(struct nvml_library, utilization), false},
    {"nvmlDeviceGetCurrentClocksEventReasons", offsetof(struct nvml_library, clock_reasons), false},
    {"nvmlDeviceGetSamples", offsetof(struct nvml_library, samples), false},
};

#define CALL_SAMPLES 6

/* ---- open --------------------------------------------------------------------------------- */

/* Where a reading goes. */
struct nvml_slot {
    size_t row;
    uint16_t code;
};

/* The driver's samples of one device that were got in this tick. */
struct nvml_buffer {
    unsigned int kind;       /* nvmlSamplingType_t */
    unsigned int type;       /* of the values */
    unsigned int n, given;   /* got, and handed on as rows */
    unsigned long long last; /* the time of the last one seen, us; 0: none yet */
    uint64_t last_raw;
    int64_t t_ns;
    uint32_t read_ns;
    struct nvml_sample samples[UJ_MORE_ROWS];
};

/* One call a tick: of all the field values of a device, or of one quantity with its own call. */
struct nvml_reading {
    nvml_device device;
    nvml_call call;             /* NULL: field values, or samples */
    struct nvml_buffer *buffer; /* NULL: not samples */
    size_t first;               /* of slots and values */
    size_t n;
};

struct nvml_state {
    struct uj_library library;
    struct nvml_library nvml;
    bool is_initialised;
    size_t n_readings, n_slots;
    struct nvml_reading *readings;
    struct nvml_slot *slots;
    struct nvml_value *values; /* one a slot; not used by the calls of their own */
};

static void nvml_close(void *opened)
{
    struct nvml_state *state = opened;
    uj_library_unload(&state->library, state->is_initialised ? state->nvml.shutdown : NULL);
    for (size_t i = 0; i < state->n_readings; i++)
        free(state->readings[i].buffer);
    free(state->readings);
    free(state->slots);
    free(state->values);
    free(state);
}

/* The library's own sentence for its code, with the errno that the owner of the sampler knows. */
static int fail_nvml(const struct nvml_library *nvml, struct uj_error *err, unsigned int code,
                     const char *verb, const char *subject)
{
    char why[128];
    bool is_denied = code == NVML_NO_PERMISSION || code == NVML_BLOCKED_BY_SYSTEM;
    const char *said = nvml->error_string != NULL ? nvml->error_string(code) : "it refused";
    snprintf(why, sizeof why, "%s (NVML code %u)", said, code);
    return uj_library_fail(err, is_denied ? EACCES : ENODEV, verb, subject, why);
}

/* Splits "UUID@LIBRARY" and looks the device up. */
static int find_device(const struct nvml_library *nvml, const char *path, nvml_device *device,
                       struct uj_error *err)
{
    char uuid[96];
    snprintf(uuid, sizeof uuid, "%.*s", (int)strcspn(path, "@"), path);
    unsigned int code = nvml->device_by_uuid(uuid, device);
    return code == NVML_OK ? 0 : fail_nvml(nvml, err, code, "find GPU", uuid);
}

static uint64_t call_number(const struct uj_channel *channel)
{
    return channel->config >> 48;
}

/* Adds the channel to the state; the fields of one device share one reading. */
static int add(struct nvml_state *state, const struct uj_channel *channels, size_t n, size_t i,
               nvml_device device, bool *is_added)
{
    struct nvml_reading *reading = &state->readings[state->n_readings++];
    uint64_t number = call_number(&channels[i]);
    *reading = (struct nvml_reading){device, uj_nvml_calls[number], NULL, state->n_slots, 0};
    if (number == CALL_SAMPLES) {
        reading->buffer = calloc(1, sizeof *reading->buffer);
        if (reading->buffer == NULL)
            return -ENOMEM;
        reading->buffer->kind = (unsigned int)channels[i].config;
    }
    for (size_t k = i; k < n; k++) {
        bool is_same = k == i || (number == 0 && call_number(&channels[k]) == 0 &&
                                  strcmp(channels[k].path, channels[i].path) == 0);
        if (is_added[k] || !is_same)
            continue;
        is_added[k] = true;
        state->values[state->n_slots].field = (unsigned int)channels[k].config;
        state->values[state->n_slots].scope = (unsigned int)(channels[k].config >> 32 & 0xffff);
        state->slots[state->n_slots++] = (struct nvml_slot){k, channels[k].code};
        reading->n++;
    }
    return 0;
}

static int check(const struct uj_channel *channels, size_t n, struct uj_error *err)
{
    const char *library = strchr(channels[0].path, '@');
    for (size_t i = 0; i < n; i++) {
        const char *at = strchr(channels[i].path, '@');
        if (at == NULL || at[1] == '\0')
            return uj_library_fail(err, EINVAL, "open", channels[i].path, "it is not UUID@LIBRARY");
        if (strcmp(at, library) != 0)
            return uj_library_fail(err, EINVAL, "open", channels[i].path,
                                   "one lane reads one NVML library");
        if (call_number(&channels[i]) >= NVML_CALLS)
            return uj_library_fail(err, EINVAL, "open", channels[i].path, "no such NVML call");
    }
    return 0;
}

static int nvml_open(const struct uj_channel *channels, size_t n, void **out, struct uj_error *err)
{
    int code = check(channels, n, err);
    if (code != 0)
        return code;
    struct nvml_state *state = calloc(1, sizeof *state);
    bool *is_added = calloc(n, sizeof *is_added);
    if (state == NULL || is_added == NULL) {
        free(state);
        free(is_added);
        return uj_fail(err, ENOMEM, "open", "NVML channels");
    }
    const char *library = strchr(channels[0].path, '@') + 1;
    state->readings = calloc(n, sizeof *state->readings);
    state->slots = calloc(n, sizeof *state->slots);
    state->values = calloc(n, sizeof *state->values);
    if (state->readings == NULL || state->slots == NULL || state->values == NULL)
        code = uj_fail(err, ENOMEM, "open", "NVML channels");
    else
        code = uj_library_load(library, symbols, sizeof symbols / sizeof *symbols, &state->nvml,
                               &state->library, err);
    if (code == 0) {
        unsigned int said = state->nvml.init();
        state->is_initialised = said == NVML_OK;
        if (said != NVML_OK)
            code = fail_nvml(&state->nvml, err, said, "start", library);
    }
    for (size_t i = 0; i < n && code == 0; i++) {
        nvml_device device;
        if (is_added[i])
            continue;
        code = find_device(&state->nvml, channels[i].path, &device, err);
        if (code == 0 && add(state, channels, n, i, device, is_added) != 0)
            code = uj_fail(err, ENOMEM, "open", "NVML samples");
    }
    free(is_added);
    if (code != 0) {
        nvml_close(state);
        return code;
    }
    *out = state;
    return 0;
}

/* ---- read --------------------------------------------------------------------------------- */

static uint16_t status(unsigned int code)
{
    return code == NVML_OK
               ? 0
               : (uint16_t)(UJ_STATUS_NVML + (code < NVML_UNKNOWN ? code : NVML_UNKNOWN));
}

/* The value as 64 bits, signed ones in two's complement; 0 or an errno. */
static uint16_t convert(const struct nvml_value *value, uint64_t *raw)
{
    switch (value->type) {
    case NVML_DOUBLE:
        if (!(value->value.d > -9e18 && value->value.d < 9e18)) /* a NaN too */
            return EBADMSG;
        *raw = (uint64_t)(int64_t)(value->value.d + (value->value.d < 0 ? -0.5 : 0.5));
        return 0;
    case NVML_UINT: *raw = value->value.u; return 0;
    case NVML_ULONG: *raw = value->value.ul; return 0;
    case NVML_ULLONG: *raw = value->value.ull; return 0;
    case NVML_SLLONG: *raw = (uint64_t)value->value.ll; return 0;
    case NVML_INT: *raw = (uint64_t)(int64_t)value->value.i; return 0;
    case NVML_USHORT: *raw = value->value.us; return 0;
    default: return EBADMSG;
    }
}

static unsigned int read_fields(const struct nvml_state *state, const struct nvml_reading *reading)
{
    struct nvml_value *values = state->values + reading->first;
    /* A library that passes over an entry must not leave the last tick's value to be believed. */
    for (size_t i = 0; i < reading->n; i++)
        values[i].code = NVML_UNKNOWN;
    return state->nvml.field_values(reading->device, (int)reading->n, values);
}

#define LAST_US (INT64_MAX / 1000) /* a later one is rubbish, and has no nanoseconds in 64 bits */

/* Gets the samples after the last one seen; the oldest of them, or again the last one, is the row.
 */
static unsigned int read_samples(const struct nvml_state *state, const struct nvml_reading *reading,
                                 struct nvml_value *value)
{
    struct nvml_buffer *buffer = reading->buffer;
    unsigned int n = UJ_MORE_ROWS;
    unsigned int code = state->nvml.samples != NULL
                            ? state->nvml.samples(reading->device, buffer->kind, buffer->last,
                                                  &buffer->type, &n, buffer->samples)
                            : NVML_FUNCTION_NOT_FOUND;
    buffer->n = code == NVML_OK && n <= UJ_MORE_ROWS ? n : 0;
    buffer->given = 0;
    /* "After the last seen" is the driver's word; one that gives it again must not count twice. */
    while (buffer->given < buffer->n && buffer->samples[buffer->given].timestamp_us <= buffer->last)
        buffer->given++;
    bool is_new = buffer->given < buffer->n;
    if (!is_new && buffer->last == 0)
        return code == NVML_OK ? NVML_NOT_FOUND : code;
    if (!is_new && code != NVML_OK && code != NVML_NOT_FOUND)
        return code;
    value->code = NVML_OK;
    if (!is_new) {
        value->type = NVML_ULLONG;
        value->value.ull = buffer->last_raw;
        value->timestamp_us = (long long)buffer->last;
        return NVML_OK;
    }
    const struct nvml_sample *oldest = &buffer->samples[buffer->given++];
    value->type = buffer->type;
    value->value = oldest->value;
    value->timestamp_us = (long long)oldest->timestamp_us;
    buffer->last = oldest->timestamp_us;
    return NVML_OK;
}

/* What the driver said of one value, into a row that has its times already. */
static void understand(struct uj_sample *row, const struct nvml_value *value)
{
    row->status = value->code != NVML_OK ? status(value->code) : convert(value, &row->raw);
    if (row->status == 0 && value->timestamp_us > 0 && value->timestamp_us < LAST_US)
        row->sensor_ns = value->timestamp_us * 1000;
}

static void nvml_read(void *opened, struct uj_sample *rows)
{
    const struct nvml_state *state = opened;
    int64_t before = uj_now_ns();
    for (size_t i = 0; i < state->n_readings; i++) {
        const struct nvml_reading *reading = &state->readings[i];
        uint64_t raw = 0;
        unsigned int code =
            reading->call != NULL     ? reading->call(&state->nvml, reading->device, &raw)
            : reading->buffer != NULL ? read_samples(state, reading, &state->values[reading->first])
                                      : read_fields(state, reading);
        int64_t after = uj_now_ns();
        for (size_t k = reading->first; k < reading->first + reading->n; k++) {
            struct uj_sample *row = &rows[state->slots[k].row];
            *row = (struct uj_sample){
                .t_ns = before,
                .raw = raw,
                .sensor_ns = UJ_NO_SENSOR_TIME,
                .read_ns = uj_elapsed_ns(before, after),
                .channel = state->slots[k].code,
                .status = status(code),
            };
            if (reading->call == NULL && code == NVML_OK)
                understand(row, &state->values[k]);
            if (reading->buffer != NULL) {
                reading->buffer->t_ns = before;
                reading->buffer->read_ns = row->read_ns;
                if (row->status == 0)
                    reading->buffer->last_raw = row->raw;
            }
        }
        before = after;
    }
}

static size_t nvml_read_more(void *opened, struct uj_sample *rows, size_t room)
{
    const struct nvml_state *state = opened;
    size_t n = 0;
    for (size_t i = 0; i < state->n_readings; i++) {
        struct nvml_buffer *buffer = state->readings[i].buffer;
        for (; buffer != NULL && buffer->given < buffer->n && n < room; buffer->given++) {
            const struct nvml_sample *sample = &buffer->samples[buffer->given];
            struct nvml_value value = {.type = buffer->type, .code = NVML_OK};
            value.value = sample->value;
            value.timestamp_us = (long long)sample->timestamp_us;
            buffer->t_ns++; /* one row of a channel for each t_ns */
            struct uj_sample *row = &rows[n++];
            *row = (struct uj_sample){
                .t_ns = buffer->t_ns,
                .sensor_ns = UJ_NO_SENSOR_TIME,
                .read_ns = buffer->read_ns,
                .channel = state->slots[state->readings[i].first].code,
            };
            understand(row, &value);
            buffer->last = sample->timestamp_us;
            if (row->status == 0)
                buffer->last_raw = row->raw;
        }
    }
    return n;
}

const struct uj_reader uj_reader_nvml = {"nvml", nvml_open, nvml_read, nvml_close, nvml_read_more};
