/* SPDX-License-Identifier: Apache-2.0 */
#include "library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fork.h"

int uj_library_fail(struct uj_error *err, int code, const char *verb, const char *subject,
                    const char *why)
{
    if (err != NULL) {
        err->code = -code;
        snprintf(err->what, sizeof err->what, "%s %s: %s", verb, subject, why);
    }
    return -code;
}

int uj_library_load(const char *name, const struct uj_symbol *symbols, size_t n, void *table,
                    struct uj_library *library, struct uj_error *err)
{
    library->opener = getpid();
    library->file = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library->file == NULL)
        return uj_library_fail(err, ENOENT, "load", name, dlerror());
    for (size_t i = 0; i < n; i++) {
        void *found = dlsym(library->file, symbols[i].name);
        if (found == NULL && symbols[i].required) {
            char subject[192];
            snprintf(subject, sizeof subject, "%s in %s", symbols[i].name, name);
            return uj_library_fail(err, ENODEV, "find", subject, "the library does not have it");
        }
        /* ISO C has no cast between the two kinds of pointer; POSIX says that they are alike. */
        memcpy((char *)table + symbols[i].at, &found, sizeof found);
    }
    return 0;
}

void uj_library_unload(struct uj_library *library, unsigned int (*shut_down)(void))
{
    if (library->file == NULL || uj_is_forked(library->opener))
        return;
    if (shut_down != NULL)
        shut_down();
    dlclose(library->file);
}
