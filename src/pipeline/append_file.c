/* SPDX-License-Identifier: Apache-2.0 */
/* append_file.c: see append_file.h. Owned by one output thread. Per file: the open handle, the
 * inode it had, and the size up to which it is known to hold whole lines; a failed write truncates
 * back to that, and when even this fails the file is closed, so that the next open repairs it. */
#include "pipeline/append_file.h"

#include "base/arena.h"
#include "base/str.h"

#define REPAIR_BLOCK 65536u

struct append_file {
    char *path; /* NULL: free place */
    size_t path_len;
    struct vfs_file *file; /* NULL: closed */
    uint64_t inode, device, size;
    uint64_t used;   /* count of writes at the last use */
    bool was_opened; /* in this run */
};

struct append_files {
    struct append_files_config config;
    struct append_file items[APPEND_FILES_OPEN_MAX];
    uint64_t writes;
};

struct append_files *append_files_new(const struct append_files_config *config)
{
    struct append_files *files = MEM_NEW(struct append_files);
    files->config = *config;
    return files;
}

static void file_close(struct append_file *file)
{
    vfs_close(file->file);
    file->file = NULL;
}

void append_files_free(struct append_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < APPEND_FILES_OPEN_MAX; i++) {
        file_close(&files->items[i]);
        mem_free(files->items[i].path);
    }
    mem_free(files);
}

void append_files_reopen(struct append_files *files)
{
    for (size_t i = 0; i < APPEND_FILES_OPEN_MAX; i++)
        file_close(&files->items[i]);
}

static struct append_file *file_place(struct append_files *files, struct str path)
{
    struct append_file *place = &files->items[0];
    for (size_t i = 0; i < APPEND_FILES_OPEN_MAX; i++) {
        struct append_file *item = &files->items[i];
        if (item->path && str_eq(path, (struct str){item->path, item->path_len}))
            return item;
        if (place->path && (!item->path || item->used < place->used))
            place = item;
    }
    file_close(place);
    mem_free(place->path);
    *place = (struct append_file){.path = mem_cstr(path), .path_len = path.n};
    return place;
}

/* Where the last whole line ends: *ret_end. Looks back at most APPEND_FILE_LINE_MAX bytes. */
static int last_line_end(struct vfs_file *file, uint64_t size, char line_end, uint64_t *ret_end,
                         struct err *err)
{
    char block[REPAIR_BLOCK];
    uint64_t at = size;
    while (at > 0 && size - at < APPEND_FILE_LINE_MAX) {
        size_t n = (size_t)MIN_OF(at, (uint64_t)REPAIR_BLOCK), got;
        TRY(vfs_read_at(file, at - n, block, n, &got, err));
        for (size_t i = got; i-- > 0;) {
            if (block[i] == line_end) {
                *ret_end = at - n + i + 1;
                return 0;
            }
        }
        at -= n;
    }
    if (at > 0)
        return err_set(err, ERR_INVALID,
                       "the file has no line end in its last %llu bytes: it is no file of lines",
                       (unsigned long long)APPEND_FILE_LINE_MAX);
    *ret_end = 0;
    return 0;
}

static int file_repair(struct append_files *files, struct append_file *item, struct err *err)
{
    uint64_t end;
    TRY(last_line_end(item->file, item->size, files->config.line_end, &end, err));
    if (end == item->size)
        return 0;
    char begin[64];
    size_t n = 0;
    TRY(vfs_read_at(item->file, end, begin, sizeof(begin), &n, err));
    TRY(vfs_truncate(item->file, end, err));
    TRY(vfs_sync(item->file, err));
    if (files->config.repaired)
        files->config.repaired(files->config.owner, (struct str){item->path, item->path_len},
                               item->size - end, (struct str){begin, n});
    item->size = end;
    return 0;
}

static int file_open(struct append_files *files, struct append_file *item, struct err *err)
{
    struct vfs *fs = files->config.fs;
    struct str path = {item->path, item->path_len};
    struct vfs_stat st;
    bool is_new = vfs_stat(fs, path, true, &st, NULL) < 0;
    if (is_new && item->was_opened && !files->config.create_if_deleted)
        return err_set(err, ERR_NOT_FOUND,
                       "\"" STR_FMT "\" was removed, and create_if_deleted is false",
                       STR_ARG(path));
    unsigned flags = VFS_READ | VFS_WRITE | VFS_APPEND | VFS_CREATE;
    if (files->config.is_overwrite && !item->was_opened)
        flags |= VFS_TRUNCATE;
    if (is_new)
        TRY(vfs_make_dir(fs, path_dir(path), err));
    TRY(vfs_open(fs, path, flags, &item->file, err));
    int rc = is_new ? vfs_sync_dir(fs, path_dir(path), err) : 0;
    rc = rc < 0 ? rc : vfs_file_stat(item->file, &st, err);
    item->inode = st.inode;
    item->device = st.device;
    item->size = rc < 0 ? 0 : st.size_bytes;
    rc = rc < 0 ? rc : file_repair(files, item, err);
    if (rc < 0)
        file_close(item);
    else
        item->was_opened = true;
    return rc;
}

/* The name may lead to another file by now, or to none; and somebody may have cut ours. */
static bool file_is_current(struct append_files *files, struct append_file *item)
{
    struct vfs_stat st;
    if (vfs_stat(files->config.fs, (struct str){item->path, item->path_len}, true, &st, NULL) < 0)
        return false;
    if (st.inode != item->inode || st.device != item->device)
        return false;
    item->size = st.size_bytes;
    return true;
}

int append_files_write(struct append_files *files, struct str path, struct str bytes,
                       struct err *err)
{
    if (bytes.n == 0)
        return 0;
    struct append_file *item = file_place(files, path);
    item->used = ++files->writes;
    if (item->file && !file_is_current(files, item))
        file_close(item);
    if (!item->file)
        TRY(file_open(files, item, err));
    int rc = vfs_write_at(item->file, item->size, bytes.p, bytes.n, err);
    rc = rc < 0 ? rc : vfs_sync(item->file, err);
    if (rc == 0) {
        item->size += bytes.n;
        return 0;
    }
    /* All or nothing: a part may be there now. When it cannot be cut off here, the next open finds
     * a half line at least; whole lines of the batch may then be there twice, which is told. */
    if (vfs_truncate(item->file, item->size, NULL) < 0 || vfs_sync(item->file, NULL) < 0)
        (void)err_wrap(err, "the failed write could not be undone, its lines may appear twice");
    file_close(item);
    return rc;
}
