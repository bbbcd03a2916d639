/* SPDX-License-Identifier: Apache-2.0
 *
 * As much of AMD's amdsmi.h and rocm_smi.h as reader_amdsmi.c calls, under names of our own.
 *
 * Where it comes from: the ctypes wrapper in the PyPI package `amdsmi` (6.2.4 and 7.0.2 alike) and
 * rocm_smi.h of Debian's librocm-smi-dev 5.2.3; tests hold it against both where they are there.
 *
 * Decision: amdsmi_power_info_t, which changed its order under one symbol name, is taken as an
 * array of 32-bit words. Up to ROCm 6.3 the watts of now and the mean are words 0 and 1; from 6.4
 * on a 64-bit word stands before them, so that they are words 2 and 3 (wrappers
 * of 6.2.4, 6.3.3, 6.4.1 and 7.0.2). The first word of amdsmi_version_t is 24 up to ROCm 6.3 and 25
 * or more from 6.4 on, whether it is called year or major. What was given up: its other fields.
 */
#ifndef UJ_AMD_ABI_H
#define UJ_AMD_ABI_H

#include <stdint.h>

#define AMDSMI_GPUS 2U     /* AMDSMI_INIT_AMD_GPUS */
#define AMD_NO_PERM 10U    /* AMDSMI_STATUS_NO_PERM */
#define ROCM_PERMISSION 4U /* RSMI_STATUS_PERMISSION */

#define AMD_WORDS 256U       /* room for any of the structures; the largest has 50 */
#define AMD_VERSION_64 25U   /* amdsmi_version_t's first word, from ROCm 6.4 on */
#define AMD_NO_WATTS 0xFFFFU /* "not available" has all bits set, of 16 bits or of 32 */

typedef void *amd_handle; /* of a socket or a processor */

struct amd_library {
    /* libamd_smi. A PCI address is function : 3, device : 5, bus : 8, domain : 48. */
    unsigned int (*init)(uint64_t);
    unsigned int (*shut_down)(void);
    unsigned int (*sockets)(uint32_t *n, amd_handle *);
    unsigned int (*processors)(amd_handle socket, uint32_t *n, amd_handle *);
    unsigned int (*pci)(amd_handle, uint64_t *);
    unsigned int (*energy)(amd_handle, uint64_t *count, float *unit_uj, uint64_t *t_ns);
    /* Both fill words of 32 bits; NULL in a library that has them not. */
    unsigned int (*version)(uint32_t *);
    unsigned int (*power)(amd_handle, uint32_t *);
    /* librocm_smi64. Its address has the domain in the upper half. */
    unsigned int (*rocm_init)(uint64_t);
    unsigned int (*rocm_shut_down)(void);
    unsigned int (*rocm_devices)(uint32_t *n);
    unsigned int (*rocm_pci)(uint32_t, uint64_t *);
    unsigned int (*rocm_energy)(uint32_t, uint64_t *count, float *unit_uj, uint64_t *t_ns);
    unsigned int (*rocm_power)(uint32_t, uint32_t sensor, uint64_t *power_uw);
};

#endif
