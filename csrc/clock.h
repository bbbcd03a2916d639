/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UJ_CLOCK_H
#define UJ_CLOCK_H

#include <stdint.h>

#define UJ_NS_PER_S 1000000000LL

/* t1 - t0 as a row carries it: saturated to 32 bits. */
uint32_t uj_elapsed_ns(int64_t t0_ns, int64_t t1_ns);

#endif
