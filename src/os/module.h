/* SPDX-License-Identifier: Apache-2.0 */
/* module.h: loadable modules (modules/<name>.so): connectors that carry a heavy library and are loaded on first use. */
#ifndef NARU_OS_MODULE_H
#define NARU_OS_MODULE_H

#include "base/base.h"
#include "base/err.h"

/* Loads `<name>.so` and finds `symbol` in it. Looked for in each folder of NARU_MODULES (':' between them), then in
 * `modules/` and `../lib/naru/` beside the program, then beside the program itself. A module stays loaded for the process's
 * life; loading it again gives the same. -ERR_UNSUPPORTED: not there, the text says where it was looked for. Thread-safe. */
int module_symbol(struct str name, const char *symbol, void **ret_symbol, struct err *err) WARN_UNUSED;

#endif
