/* SPDX-License-Identifier: Apache-2.0
 *
 * As much of AMD's amdsmi.h and rocm_smi.h as reader_amdsmi.c calls, under names of our own.
 *
 * Where it comes from: the ctypes wrapper in the PyPI package `amdsmi` (6.2.4 and 7.0.2 alike) and
 * rocm_smi.h of Debian's librocm-smi-dev 5.2.3; tests hold it against both where they are there.
 *
 * Decision: scalars only. amdsmi_power_info_t changed its size and its order between 6.2.4 and
 * 7.0.2 under one symbol name, so that whoever passes it must know which library is loaded. What
 * was given up: the power through libamd_smi; it stands in hwmon's file, and librocm_smi64 has a
 * scalar for it.
 */
#ifndef UJ_AMD_ABI_H
#define UJ_AMD_ABI_H

#include <stdint.h>

#define AMDSMI_GPUS 2U     /* AMDSMI_INIT_AMD_GPUS */
#define AMD_NO_PERM 10U    /* AMDSMI_STATUS_NO_PERM */
#define ROCM_PERMISSION 4U /* RSMI_STATUS_PERMISSION */

typedef void *amd_handle; /* of a socket or a processor */

struct amd_library {
    /* libamd_smi. A PCI address is function : 3, device : 5, bus : 8, domain : 48. */
    unsigned int (*init)(uint64_t);
    unsigned int (*shut_down)(void);
    unsigned int (*sockets)(uint32_t *n, amd_handle *);
    unsigned int (*processors)(amd_handle socket, uint32_t *n, amd_handle *);
    unsigned int (*pci)(amd_handle, uint64_t *);
    unsigned int (*energy)(amd_handle, uint64_t *count, float *unit_uj, uint64_t *t_ns);
    /* librocm_smi64. Its address has the domain in the upper half. */
    unsigned int (*rocm_init)(uint64_t);
    unsigned int (*rocm_shut_down)(void);
    unsigned int (*rocm_devices)(uint32_t *n);
    unsigned int (*rocm_pci)(uint32_t, uint64_t *);
    unsigned int (*rocm_energy)(uint32_t, uint64_t *count, float *unit_uj, uint64_t *t_ns);
    unsigned int (*rocm_power)(uint32_t, uint32_t sensor, uint64_t *power_uw);
};

#endif
