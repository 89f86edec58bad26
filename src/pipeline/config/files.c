/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: the configuration files a path stands for, in Logstash's way: a file; all files of a
 * folder; what a glob in the last part matches; sorted by name; editors' backups (name~) left out.
 */
#include "base/arena.h"
#include "base/str.h"
#include "os/vfs.h"
#include "pipeline/config/config.h"

static int read_one(struct vfs *fs, struct str path, struct arena *mem, struct source ***sources,
                    size_t *count, size_t *capacity, struct err *err)
{
    struct source *source = ARENA_NEW(mem, struct source);
    source->name = arena_str(mem, path);
    TRY(vfs_read_file(fs, path, SOURCE_BYTES_MAX, mem, &source->text, err));
    void *items = *sources;
    mem_grow(&items, capacity, *count + 1, sizeof(source));
    *sources = items;
    (*sources)[(*count)++] = source;
    return 0;
}

int config_read(struct vfs *fs, struct str path, struct arena *mem, struct source ***sources,
                size_t *count, size_t *capacity, struct err *err)
{
    struct vfs_stat stat;
    bool is_glob =
        str_find_char(path_name(path), '*') >= 0 || str_find_char(path_name(path), '?') >= 0;
    bool is_dir =
        !is_glob && vfs_stat(fs, path, true, &stat, NULL) == 0 && stat.kind == VFS_KIND_DIR;
    if (!is_glob && !is_dir)
        return read_one(fs, path, mem, sources, count, capacity, err);
    struct str dir = is_dir ? path : path_dir(path);
    struct str pattern = is_dir ? STR("*") : path_name(path);
    struct vfs_entry *entries;
    size_t entry_count, before = *count;
    TRY(vfs_list(fs, dir, mem, &entries, &entry_count, err));
    for (size_t i = 0; i < entry_count; i++) {
        struct str name = entries[i].name;
        if (entries[i].kind == VFS_KIND_DIR || !str_glob(pattern, name) ||
            str_ends_with(name, STR("~")) || str_starts_with(name, STR(".")))
            continue;
        TRY(read_one(fs, path_join(mem, dir, name), mem, sources, count, capacity, err));
    }
    if (*count == before)
        return err_set(err, ERR_NOT_FOUND, "no configuration file matches \"" STR_FMT "\"",
                       STR_ARG(path));
    return 0;
}
