/* SPDX-License-Identifier: Apache-2.0 */
/* vfs.c: whole files and paths over any file system. */
#include "os/vfs.h"

#include "base/arena.h"
#include "base/str.h"

#define TMP_SUFFIX "tmp"

/* Reads on until the end, since a file in /proc has no size and another one may grow meanwhile. */
static int read_rest(struct vfs_file *file, struct str path, size_t bytes_max, struct arena *mem,
                     size_t room, struct str *ret_content, struct err *err)
{
    char *p = arena_try_alloc(mem, room);
    size_t n = 0;
    while (p) {
        size_t got;
        TRY(vfs_read_at(file, n, p + n, room - n, &got, err));
        n += got;
        if (n > bytes_max)
            return err_set(err, ERR_TOO_LARGE,
                           "the file \"%.*s\" is larger than the limit of %zu bytes", STR_ARG(path),
                           bytes_max);
        if (n < room) {
            p[n] = '\0';
            *ret_content = (struct str){p, n};
            return 0;
        }
        size_t more = MIN_OF(room * 2, bytes_max + 2);
        char *q = arena_try_alloc(mem, more);
        if (q)
            memcpy(q, p, n);
        p = q;
        room = more;
    }
    return err_set(err, ERR_MEM_LIMIT, "no memory left in the budget to read \"%.*s\" (%zu bytes)",
                   STR_ARG(path), room);
}

int vfs_read_file(struct vfs *fs, struct str path, size_t bytes_max, struct arena *mem,
                  struct str *ret_content, struct err *err)
{
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    TRY(vfs_open(fs, path, VFS_READ, &file, err));
    struct vfs_stat st;
    TRY(vfs_file_stat(file, &st, err));
    bytes_max = MIN_OF(bytes_max, SIZE_MAX / 4);
    if (st.size_bytes > bytes_max)
        return err_set(err, ERR_TOO_LARGE, "the file \"%.*s\" has %llu bytes, the limit is %zu",
                       STR_ARG(path), (unsigned long long)st.size_bytes, bytes_max);
    size_t room =
        MAX_OF((size_t)st.size_bytes + 1, (size_t)256); /* one more: the end shows at once */
    return read_rest(file, path, bytes_max, mem, room, ret_content, err);
}

static int write_new(struct vfs *fs, struct str path, struct str content, struct err *err)
{
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    TRY(vfs_open(fs, path, VFS_WRITE | VFS_CREATE | VFS_TRUNCATE, &file, err));
    TRY(vfs_write_at(file, 0, content.p, content.n, err));
    return vfs_sync(file, err);
}

int vfs_write_file(struct vfs *fs, struct str path, struct str content, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct str tmp = arena_printf(mem, "%.*s." TMP_SUFFIX, (int)path.n, path.p);
    int rc = write_new(fs, tmp, content, err);
    if (rc == 0)
        rc = vfs_rename(fs, tmp, path, err);
    if (rc < 0) {
        int removed = vfs_remove(fs, tmp, NULL);
        (void)removed; /* the first error is the one that counts; a later write truncates what is
                          left */
        return rc;
    }
    return vfs_sync_dir(fs, path_dir(path), err);
}

static struct str without_end_slashes(struct str path)
{
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

static size_t name_off(struct str path)
{
    size_t i = path.n;
    while (i > 0 && path.p[i - 1] != '/')
        i--;
    return i;
}

struct str path_join(struct arena *mem, struct str a, struct str b)
{
    if (a.n == 0 || (b.n > 0 && b.p[0] == '/'))
        return arena_str(mem, b);
    a = without_end_slashes(a);
    bool has_slash = a.p[a.n - 1] == '/'; /* only the root has */
    char *p = arena_alloc(mem, a.n + b.n + 2);
    memcpy(p, a.p, a.n);
    size_t n = a.n;
    if (!has_slash)
        p[n++] = '/';
    if (b.n)
        memcpy(p + n, b.p, b.n);
    n += b.n;
    p[n] = '\0';
    return (struct str){p, n};
}

struct str path_dir(struct str path)
{
    path = without_end_slashes(path);
    size_t off = name_off(path);
    if (off == 0)
        return STR(".");
    return without_end_slashes(str_sub(path, 0, off));
}

struct str path_name(struct str path)
{
    path = without_end_slashes(path);
    return str_from_off(path, name_off(path));
}
