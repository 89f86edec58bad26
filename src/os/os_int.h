/* SPDX-License-Identifier: Apache-2.0 */
/* os_int.h: shared by the files of os/ only: errno turned into an error value, borrowed strings
 * turned into the NUL-terminated ones of the system calls. */
#ifndef NARU_OS_OS_INT_H
#define NARU_OS_OS_INT_H

#include <limits.h>

#include "base/base.h"
#include "base/err.h"

/* A path as a C string on the stack. */
struct os_path {
    char text[PATH_MAX];
};

/* Copies; fails with ERR_INVALID when the path is too long or holds a NUL byte. */
int os__path(struct str path, struct os_path *ret_path, struct err *err) WARN_UNUSED;

/* `cannot <verb> "<path>": <text of the error number>` with the code that fits the number. Returns
 * -code. */
int os__errno(struct err *err, int number, const char *verb, const char *path);

/* map_guard.c: a missing page of a mapping that was added reads as zeros instead of ending the
 * process, and the mapping is lost from then on. */
void os__map_guard_add(const void *p, uint64_t n);
void os__map_guard_remove(const void *p);
bool os__map_guard_is_lost(const void *p);

#endif
