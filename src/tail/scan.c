/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c: compares what the patterns name now with what is known.
 *
 *   path found, key unknown           a new file: read from 0 (or from its end), unless older than
 * ignore_older path found, key known             grown: open again; other path: renamed; other
 * content: a new life known, at no path that was found  renamed out of the patterns: looked for in
 * its folder and read to its end from there; else gone: closed at its end and forgotten
 * (clean_removed)
 *
 * A file that follows another one at the same path (rotation) is not read before that one is at its
 * end. */
#include "tail/tail_int.h"

static void glob_failed(void *owner, const struct err *err)
{
    struct tail *tail = owner;
    tail__report(tail, LOG_WARN, "%s", err->text);
}

static struct tail_file *file_at_path(struct tail *tail, struct str path,
                                      const struct tail_file *but)
{
    for (struct tail_file *file = tail->open_first; file; file = file->next_open) {
        if (file != but && str_eq(file->path, path))
            return file;
    }
    return NULL;
}

static bool is_too_old(const struct tail *tail, const struct vfs_stat *st)
{
    int64_t max = tail->config.ignore_older_ns;
    return max > 0 && clock_wall_ns(tail->config.clock) - st->modified_ns > max;
}

static void open_reported(struct tail_file *file)
{
    struct tail *tail = file->tail;
    struct err err;
    int rc = tail__file_open(file, &err);
    if (rc == -ERR_QUEUE_FULL) {
        tail->is_pending = true;
    } else if (rc < 0 && !file->was_reported) {
        tail__report(tail, LOG_ERROR, "cannot follow \"%.*s\": %s", STR_ARG(file->path), err.text);
        file->was_reported = true;
    } else if (rc == 0) {
        file->was_reported = false;
    }
}

/* Whoever was at the path before comes first. Only open files wait, and only for open ones. */
static void follow(struct tail_file *file)
{
    struct tail_file *old = file->file ? file_at_path(file->tail, file->path, file) : NULL;
    if (!old || old->after == file)
        return;
    file->after = old;
    tail__look_now(old);
}

static void new_file(struct tail *tail, struct str path, struct str key, const struct vfs_stat *st)
{
    if (strmap_has(&tail->files, key) || tail->files.count >= TAIL_FILES_MAX) {
        if (tail->files.count >= TAIL_FILES_MAX)
            tail__report(tail, LOG_ERROR, "more than %u files: \"%.*s\" is left out",
                         TAIL_FILES_MAX, STR_ARG(path));
        return;
    }
    struct tail_file *file = tail__file_new(tail, key, path, st->device, st->inode);
    file->generation = tail->sink->generation(tail->owner, false);
    file->scan_seen = tail->scan_number;
    if (is_too_old(tail, st) || (tail->config.starts_at_end && !tail->was_scanned)) {
        file->off = file->acked_off = st->size_bytes;
        file->is_ignored = is_too_old(tail, st);
        tail__dirty(file);
    }
    if (!file->is_ignored) {
        open_reported(file);
        follow(file);
    }
}

/* Two names of one file (hard links): the first one stays, so that it does not count as renamed at
 * each scan. */
static bool is_still_there(struct tail *tail, const struct tail_file *file)
{
    struct vfs_stat st;
    char key[TAIL__KEY_BYTES];
    size_t n;
    struct err err;
    return vfs_stat(tail->config.fs, file->path, tail->config.follows_links, &st, NULL) == 0 &&
           tail__key(tail, file->path, &st, key, &n, &err) &&
           str_eq((struct str){key, n}, file->key);
}

/* Known by its path, and another file is there now: the old one is read to its end first. False:
 * not yet. */
static bool replaced(struct tail_file *file, const struct vfs_stat *st)
{
    bool is_same = st->inode == file->inode && st->device == file->device;
    bool was_read = file->device != 0 || file->inode != 0;
    if (!is_same && was_read) {
        if (file->file && (!file->is_at_end || !tail__file_close(file, TAIL_CLOSE_REPLACED)))
            return false;
        tail__file_restart(file);
    }
    file->inode = st->inode;
    file->device = st->device;
    return true;
}

static void known_file(struct tail *tail, struct tail_file *file, struct str path,
                       const struct vfs_stat *st)
{
    if (file->scan_seen == tail->scan_number) /* a second name */
        return;
    if (!str_eq(file->path, path)) {
        if (is_still_there(tail, file)) {
            file->scan_seen = tail->scan_number;
            return;
        }
        tail__file_path(file, path);
        file->is_moved = file->file != NULL;
        if (!file->file)
            file->is_verified = false; /* its inode may belong to somebody else by now */
    }
    file->scan_seen = tail->scan_number;
    file->is_missing = file->is_removed = false;
    if (tail->config.identity == TAIL_IDENTITY_PATH && !replaced(file, st))
        return;
    if (file->file)
        return;
    bool has_changed = st->size_bytes != file->size_seen || st->modified_ns != file->modified_seen;
    bool is_unread = st->size_bytes != file->off && has_changed;
    if (is_too_old(tail, st) && st->size_bytes >= file->off)
        return;
    if (is_unread || (!file->is_verified && has_changed)) {
        open_reported(file);
        follow(file);
    }
}

static void found_path(struct tail *tail, struct str path)
{
    struct vfs_stat st;
    char key[TAIL__KEY_BYTES];
    size_t n;
    struct err err;
    if (tail->config.is_excluded && tail->config.is_excluded(tail->owner, path))
        return;
    int rc = vfs_stat(tail->config.fs, path, tail->config.follows_links, &st, &err);
    if (rc < 0) {
        if (rc != -ERR_NOT_FOUND)
            tail__report(tail, LOG_WARN, "%s", err.text);
        return;
    }
    if (st.kind != VFS_KIND_FILE)
        return;
    if (!tail__key(tail, path, &st, key, &n, &err)) {
        if (err.code != ERR_NONE)
            tail__report(tail, LOG_ERROR, "cannot follow \"%.*s\": %s", STR_ARG(path), err.text);
        return;
    }
    struct tail_file *file = strmap_get(&tail->files, (struct str){key, n});
    if (file)
        known_file(tail, file, path, &st);
    else
        new_file(tail, path, (struct str){key, n}, &st);
}

/* Looks for the file's inode in the folder of its last path: logs are rotated within their folder.
 */
static bool find_moved(struct tail *tail, const struct tail_file *file, struct str *ret_path)
{
    struct str dir = path_dir(file->path);
    struct vfs_entry *entries;
    size_t count;
    if (tail->config.identity != TAIL_IDENTITY_NATIVE ||
        vfs_list(tail->config.fs, dir, tail->scan_mem, &entries, &count, NULL) < 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct vfs_stat st;
        struct str path = path_join(tail->scan_mem, dir, entries[i].name);
        if (entries[i].kind == VFS_KIND_FILE &&
            vfs_stat(tail->config.fs, path, false, &st, NULL) == 0 && st.inode == file->inode &&
            st.device == file->device) {
            *ret_path = path;
            return true;
        }
    }
    return false;
}

static void missing_file(struct tail *tail, struct tail_file *file)
{
    struct vfs_stat st;
    struct str path;
    bool was_missing = file->is_missing;
    file->is_missing = true;
    if (file->is_removed && file->file)
        return;
    if (is_still_there(tail,
                       file)) { /* where it was rotated to, or left out by other patterns now */
        bool is_at_path = vfs_stat(tail->config.fs, file->path, false, &st, NULL) == 0;
        if (!was_missing && !file->file && is_at_path && st.size_bytes > file->off)
            open_reported(file);
        return;
    }
    if (!file->is_removed && find_moved(tail, file, &path)) {
        struct tail_file *successor = file_at_path(tail, file->path, file);
        tail__file_path(file, path);
        file->is_moved = file->file != NULL;
        if (!file->file && vfs_stat(tail->config.fs, path, false, &st, NULL) == 0 &&
            st.size_bytes > file->off)
            open_reported(file);
        if (successor && file->file && file->after != successor)
            successor->after = file;
        return;
    }
    if (!file->is_removed)
        tail__look_now(file);
    file->is_removed = true;
    if (!file->file && tail->config.clean_removed)
        tail__file_forget(file);
}

static void clean_inactive(struct tail *tail, struct tail_file *file)
{
    int64_t max = tail->config.clean_inactive_ns;
    if (max > 0 && !file->file && file->updated_ns > 0 &&
        clock_wall_ns(tail->config.clock) - file->updated_ns > max)
        tail__file_forget(file);
}

static void look_for_missing(struct tail *tail)
{
    size_t at = 0, count = 0;
    struct tail_file *file;
    struct tail_file **all = arena_alloc(tail->scan_mem, (tail->files.count + 1) * sizeof(*all));
    while ((file = tail_next(tail, &at)) != NULL) /* forgetting changes the table */
        all[count++] = file;
    for (size_t i = 0; i < count; i++) {
        if (all[i]->scan_seen != tail->scan_number)
            missing_file(tail, all[i]);
        else
            clean_inactive(tail, all[i]);
    }
}

void tail__scan(struct tail *tail)
{
    struct tail_paths paths = {0};
    struct err err;
    arena_reset(tail->scan_mem);
    tail->scan_number++;
    tail->is_pending = false;
    for (size_t i = 0; i < tail->config.glob_count; i++) {
        if (tail_glob(tail->config.fs, tail->config.globs[i], tail->config.is_recursive,
                      tail->scan_mem, &paths, glob_failed, tail, &err) < 0)
            tail__report(tail, LOG_ERROR, "%s", err.text);
    }
    tail_paths_sort(&paths);
    for (size_t i = 0; i < paths.count; i++)
        found_path(tail, paths.items[i]);
    look_for_missing(tail);
    tail->was_scanned = true;
}
