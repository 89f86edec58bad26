/* SPDX-License-Identifier: Apache-2.0 */
/* os_int.c: errno to error values, in one place, so that a full disk is the same error everywhere.
 */
#include "os/os_int.h"

#include <errno.h>

int os__path(struct str path, struct os_path *ret_path, struct err *err)
{
    if (path.n >= sizeof(ret_path->text))
        return err_set(err, ERR_INVALID, "the path \"%.64s...\" has %zu bytes, the limit is %zu",
                       path.p, path.n, sizeof(ret_path->text) - 1);
    if (path.n && memchr(path.p, '\0', path.n))
        return err_set(err, ERR_INVALID, "the path \"%.*s\" holds a NUL byte", STR_ARG(path));
    if (path.n)
        memcpy(ret_path->text, path.p, path.n);
    ret_path->text[path.n] = '\0';
    return 0;
}

static enum err_code code_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
        return ERR_DISK_FULL;
    case EEXIST:
        return ERR_INDEX_EXISTS;
    default:
        return ERR_IO;
    }
}

int os__errno(struct err *err, int number, const char *verb, const char *path)
{
    const char *text = strerrordesc_np(number); /* never translated, thread-safe */
    if (!text)
        return err_set(err, code_of(number), "cannot %s \"%s\": error %d", verb, path, number);
    return err_set(err, code_of(number), "cannot %s \"%s\": %s", verb, path, text);
}
