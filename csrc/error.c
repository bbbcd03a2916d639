/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "error.h"

#include <stdio.h>
#include <string.h>

int uj_fail(struct uj_error *err, int errno_value, const char *verb, const char *subject)
{
    if (err != NULL) {
        char sentence[96];
        /* The GNU form returns the text and may leave the buffer alone; it is safe in threads. */
        const char *why = strerror_r(errno_value, sentence, sizeof sentence);
        err->code = -errno_value;
        snprintf(err->what, sizeof err->what, "%s %s: %s", verb, subject, why);
    }
    return -errno_value;
}
