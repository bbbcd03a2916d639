/* SPDX-License-Identifier: Apache-2.0
 *
 * AMD's management libraries: libamd_smi.so, or the older librocm_smi64.so, loaded at open.
 *
 * What they tell of a GPU (Instinct; a Radeon's driver has no such counter): energy as a count of
 * the firmware's accumulator, 64 bits, with the time at which the driver fetched it, CLOCK_BOOTTIME
 * in ns: kept as sensor_ns. And the power of the socket: in whole watts through libamd_smi (of now
 * on MI300 and later, a mean on others), in uW and as a mean through librocm_smi64. What is said is
 * recorded as it is; what a count is worth is the channel's unit.
 *
 * Both libraries read the driver's gpu_metrics file, which the driver refreshes from the firmware
 * at most once a millisecond: a call costs a sysfs read of a few hundred bytes, and a wait for the
 * firmware now and then. So a GPU has a lane of its own.
 *
 * `path` is "PCI ADDRESS@LIBRARY", the address as in /sys/bus/pci/devices; `config` is the number
 * of the call. All channels of one open name the same library. Both libraries count their inits.
 *
 * Known lies: on MI100 and MI210 the counter stood still until a driver was mended; virtual
 * machines have none; the library calls its unit 15.3 uJ where the kernel's header says 2^-16 J,
 * 15.259 uJ, 0.27 % less.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amd_abi.h"
#include "clock.h"
#include "error.h"
#include "library.h"
#include "reader.h"

#define AT(member) offsetof(struct amd_library, member)

static const struct uj_symbol symbols[] = {
    {"amdsmi_init", AT(init), false},
    {"amdsmi_shut_down", AT(shut_down), false},
    {"amdsmi_get_socket_handles", AT(sockets), false},
    {"amdsmi_get_processor_handles", AT(processors), false},
    {"amdsmi_get_gpu_device_bdf", AT(pci), false},
    {"amdsmi_get_energy_count", AT(energy), false},
    {"amdsmi_get_lib_version", AT(version), false},
    {"amdsmi_get_power_info", AT(power), false},
    {"rsmi_init", AT(rocm_init), false},
    {"rsmi_shut_down", AT(rocm_shut_down), false},
    {"rsmi_num_monitor_devices", AT(rocm_devices), false},
    {"rsmi_dev_pci_id_get", AT(rocm_pci), false},
    {"rsmi_dev_energy_count_get", AT(rocm_energy), false},
    {"rsmi_dev_power_ave_get", AT(rocm_power), false},
};

enum amd_call { AMD_ENERGY = 1, AMD_POWER = 2 };

struct amd_gpu {
    amd_handle handle; /* libamd_smi */
    uint32_t index;    /* librocm_smi64 */
    uint16_t code;
    enum amd_call call;
};

struct amd_state {
    struct uj_library library;
    struct amd_library amd;
    bool is_rocm, is_initialised;
    size_t watts; /* where amdsmi_power_info_t has the watts of now, and behind them the mean */
    size_t n;
    struct amd_gpu *gpus; /* one a channel */
};

/* ---- open --------------------------------------------------------------------------------- */

static void amd_close(void *opened)
{
    struct amd_state *state = opened;
    unsigned int (*shut_down)(void) =
        state->is_rocm ? state->amd.rocm_shut_down : state->amd.shut_down;
    uj_library_unload(&state->library, state->is_initialised ? shut_down : NULL);
    free(state->gpus);
    free(state);
}

/* "0000:03:00.0" as libamd_smi writes it: domain, bus, device, function. */
static bool address(const char *path, uint64_t *pci)
{
    unsigned int domain, bus, device, function;
    if (sscanf(path, "%x:%x:%x.%x@", &domain, &bus, &device, &function) != 4)
        return false;
    *pci = (uint64_t)domain << 16 | (uint64_t)(bus << 8 | device << 3 | function);
    return true;
}

/* The GPU of that address among a socket's processors; NULL where it is not one of them. */
static amd_handle among(const struct amd_library *amd, amd_handle socket, uint64_t pci)
{
    uint32_t n = 0;
    amd_handle found = NULL;
    if (amd->processors(socket, &n, NULL) != 0 || n == 0)
        return NULL;
    amd_handle *handles = calloc(n, sizeof *handles);
    if (handles != NULL && amd->processors(socket, &n, handles) == 0)
        for (uint32_t i = 0; i < n && found == NULL; i++) {
            uint64_t at;
            if (amd->pci(handles[i], &at) == 0 && at == pci)
                found = handles[i];
        }
    free(handles);
    return found;
}

static bool find_amdsmi(const struct amd_library *amd, uint64_t pci, struct amd_gpu *gpu)
{
    uint32_t n = 0;
    if (amd->sockets(&n, NULL) != 0 || n == 0)
        return false;
    amd_handle *sockets = calloc(n, sizeof *sockets);
    if (sockets != NULL && amd->sockets(&n, sockets) == 0)
        for (uint32_t i = 0; i < n && gpu->handle == NULL; i++)
            gpu->handle = among(amd, sockets[i], pci);
    free(sockets);
    return gpu->handle != NULL;
}

static bool find_rocm(const struct amd_library *amd, uint64_t pci, struct amd_gpu *gpu)
{
    uint32_t n = 0;
    if (amd->rocm_devices(&n) != 0)
        return false;
    for (gpu->index = 0; gpu->index < n; gpu->index++) {
        uint64_t at;
        if (amd->rocm_pci(gpu->index, &at) == 0 && (at >> 32 << 16 | (at & 0xffff)) == pci)
            return true;
    }
    return false;
}

static int start(struct amd_state *state, const char *library, struct uj_error *err)
{
    struct amd_library *amd = &state->amd;
    int code = uj_library_load(library, symbols, sizeof symbols / sizeof *symbols, amd,
                               &state->library, err);
    if (code != 0)
        return code;
    bool is_amdsmi =
        amd->init && amd->shut_down && amd->sockets && amd->processors && amd->pci && amd->energy;
    state->is_rocm = !is_amdsmi && amd->rocm_init && amd->rocm_shut_down && amd->rocm_devices &&
                     amd->rocm_pci && amd->rocm_energy && amd->rocm_power;
    if (!is_amdsmi && !state->is_rocm)
        return uj_library_fail(err, ENODEV, "use", library,
                               "it has not all that libamd_smi or librocm_smi64 have");
    unsigned int said = is_amdsmi ? amd->init(AMDSMI_GPUS) : amd->rocm_init(0);
    state->is_initialised = said == 0;
    if (said == 0) {
        uint32_t version[AMD_WORDS] = {0};
        bool is_known = !state->is_rocm && amd->version != NULL && amd->version(version) == 0;
        state->watts = is_known && version[0] >= AMD_VERSION_64 ? 2 : 0;
        return 0;
    }
    char why[64];
    bool is_denied = said == (is_amdsmi ? AMD_NO_PERM : ROCM_PERMISSION);
    snprintf(why, sizeof why, "it refused (code %u)", said);
    return uj_library_fail(err, is_denied ? EACCES : ENODEV, "start", library, why);
}

static int add(struct amd_state *state, const struct uj_channel *channel, const char *library,
               struct uj_error *err)
{
    struct amd_gpu *gpu = &state->gpus[state->n++];
    const char *at = strchr(channel->path, '@');
    uint64_t pci;
    *gpu = (struct amd_gpu){.code = channel->code, .call = (enum amd_call)channel->config};
    if (at == NULL || strcmp(at + 1, library) != 0)
        return uj_library_fail(err, EINVAL, "open", channel->path,
                               "one lane reads one AMD library");
    if (!address(channel->path, &pci))
        return uj_library_fail(err, EINVAL, "open", channel->path, "it is not PCI ADDRESS@LIBRARY");
    bool has_power = state->is_rocm || (state->amd.version != NULL && state->amd.power != NULL);
    if (gpu->call != AMD_ENERGY && !(gpu->call == AMD_POWER && has_power))
        return uj_library_fail(err, EINVAL, "open", channel->path, "no such call of this library");
    bool is_found =
        state->is_rocm ? find_rocm(&state->amd, pci, gpu) : find_amdsmi(&state->amd, pci, gpu);
    return is_found ? 0
                    : uj_library_fail(err, ENODEV, "find GPU", channel->path,
                                      "the library has none there");
}

static int amd_open(const struct uj_channel *channels, size_t n, void **out, struct uj_error *err)
{
    const char *at = strchr(channels[0].path, '@');
    if (at == NULL || at[1] == '\0')
        return uj_library_fail(err, EINVAL, "open", channels[0].path,
                               "it is not PCI ADDRESS@LIBRARY");
    struct amd_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return uj_fail(err, ENOMEM, "open", "AMD channels");
    state->gpus = calloc(n, sizeof *state->gpus);
    int code = state->gpus == NULL ? uj_fail(err, ENOMEM, "open", "AMD channels")
                                   : start(state, at + 1, err);
    for (size_t i = 0; i < n && code == 0; i++)
        code = add(state, &channels[i], at + 1, err);
    if (code != 0) {
        amd_close(state);
        return code;
    }
    *out = state;
    return 0;
}

/* ---- read --------------------------------------------------------------------------------- */

#define NOTHING 9998U /* no code of a library: it answered, and with no figure */
#define CODES 9999U   /* from a library's base up to the next one's; the rest is one code */

static unsigned int power_w(const struct amd_state *state, amd_handle handle, uint64_t *raw)
{
    uint32_t words[AMD_WORDS] = {0};
    unsigned int code = state->amd.power(handle, words);
    const uint32_t *watts = words + state->watts;
    bool is_now = watts[0] > 0 && watts[0] < AMD_NO_WATTS;
    *raw = is_now ? watts[0] : watts[1];
    return code == 0 && *raw >= AMD_NO_WATTS ? NOTHING : code;
}

static unsigned int ask(const struct amd_state *state, const struct amd_gpu *gpu, uint64_t *raw,
                        uint64_t *t_ns)
{
    float unit_uj; /* known since discovery */
    if (gpu->call == AMD_POWER)
        return state->is_rocm ? state->amd.rocm_power(gpu->index, 0, raw)
                              : power_w(state, gpu->handle, raw);
    if (state->is_rocm)
        return state->amd.rocm_energy(gpu->index, raw, &unit_uj, t_ns);
    return state->amd.energy(gpu->handle, raw, &unit_uj, t_ns);
}

static void amd_read(void *opened, struct uj_sample *rows)
{
    const struct amd_state *state = opened;
    unsigned int base = state->is_rocm ? UJ_STATUS_ROCM_SMI : UJ_STATUS_AMDSMI;
    for (size_t i = 0; i < state->n; i++) {
        uint64_t raw = 0, sensor_ns = 0;
        int64_t before = uj_now_ns();
        unsigned int code = ask(state, &state->gpus[i], &raw, &sensor_ns);
        bool has_time = code == 0 && sensor_ns > 0 && sensor_ns < INT64_MAX;
        rows[i] = (struct uj_sample){
            .t_ns = before,
            .raw = raw,
            .sensor_ns = has_time ? (int64_t)sensor_ns : UJ_NO_SENSOR_TIME,
            .read_ns = uj_elapsed_ns(before, uj_now_ns()),
            .channel = state->gpus[i].code,
            .status = code == 0 ? 0 : (uint16_t)(base + (code < CODES ? code : CODES)),
        };
    }
}

const struct uj_reader uj_reader_amdsmi = {"amdsmi", amd_open, amd_read, amd_close, NULL};
