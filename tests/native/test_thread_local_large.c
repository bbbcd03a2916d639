/* SPDX-License-Identifier: Apache-2.0
 * The same with more than the sampler's stack takes at first. */
#define TLS_BYTES (3 << 20)
#include "test_thread_local.c"
