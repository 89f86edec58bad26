/* SPDX-License-Identifier: Apache-2.0 */
/* stdio.h: the process's standard input and output as byte streams, with time limits and errors as
 * values. */
#ifndef NARU_OS_STDIO_H
#define NARU_OS_STDIO_H

#include "base/base.h"
#include "base/err.h"

/* Reads what is there, up to n bytes; *ret_n is 0 at the end. Waits up to `timeout_ns` of real
 * time: -ERR_TIMEOUT. */
int os_stdin_read(void *p, size_t n, int64_t timeout_ns, size_t *ret_n,
                  struct err *err) WARN_UNUSED;

/* From here on what is written to standard output goes nowhere. */
int os_stdout_discard(struct err *err) WARN_UNUSED;

/* Writes all of it, in one piece as far as other threads of this process are concerned. */
int os_stdout_write(struct str bytes, struct err *err) WARN_UNUSED;

#endif
