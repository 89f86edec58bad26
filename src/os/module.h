/* SPDX-License-Identifier: Apache-2.0 */
/* module.h: loadable modules: NARU_MODULES/<name>.so, modules/<name>.so next to the program, or
 * ../lib/naru/modules/<name>.so. A module stays loaded for the process's life. */
#ifndef NARU_OS_MODULE_H
#define NARU_OS_MODULE_H

#include "base/base.h"
#include "base/err.h"

/* Loads modules/<name>.so and finds a symbol in it. -ERR_NOT_FOUND: no such file; -ERR_UNSUPPORTED:
 * it cannot be loaded, with the loader's reason (a library that is missing). */
int os_module_symbol(const char *name, const char *symbol, void **ret_symbol,
                     struct err *err) WARN_UNUSED;

#endif
