/* SPDX-License-Identifier: Apache-2.0 */
/* The form of strerror_r that POSIX knows, which musl has too; the GNU C library needs to be asked.
 */
#undef _GNU_SOURCE
#define _POSIX_C_SOURCE 200809L
#include "error.h"

#include <stdio.h>
#include <string.h>

int uj_fail(struct uj_error *err, int errno_value, const char *verb, const char *subject)
{
    if (err != NULL) {
        char why[96];
        if (strerror_r(errno_value, why, sizeof why) != 0)
            snprintf(why, sizeof why, "error %d", errno_value);
        err->code = -errno_value;
        snprintf(err->what, sizeof err->what, "%s %s: %s", verb, subject, why);
    }
    return -errno_value;
}
