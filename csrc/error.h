/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UJ_ERROR_H
#define UJ_ERROR_H

#include "microjoule.h"

/* Writes "VERB SUBJECT: the errno's own sentence" and returns -errno_value. err may be NULL. */
int uj_fail(struct uj_error *err, int errno_value, const char *verb, const char *subject);

#endif
