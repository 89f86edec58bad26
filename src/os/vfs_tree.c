/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_tree.c: see vfs_tree_int.h. Every call has the same course: take the lock, ask the hook,
 * resolve the path, do it, tell the hook. */
#include "os/vfs_tree_int.h"

#include "base/arena.h"
#include "base/str.h"

#define NAME_BYTES_MAX 255u /* as on Linux */

struct tree_file {
    struct vfs_file base;
    struct tree_node *node; /* one reference */
    unsigned flags;
    uint64_t generation;
    bool has_lock;
    char *path; /* owned, for error texts */
};

/* Where a path leads: `node` is NULL when only its folder exists. */
struct place {
    struct tree_node *dir; /* NULL for the root itself */
    struct str name;
    struct tree_node *node;
};

static struct tree *tree_of(struct vfs *fs)
{
    return (struct tree *)fs;
}

static struct tree_file *file_of(struct vfs_file *file)
{
    return (struct tree_file *)file;
}

/* ---- nodes ---- */

static struct tree_node *node_new(struct tree *tree, bool is_dir)
{
    struct tree_node *node = MEM_NEW(struct tree_node);
    node->is_dir = is_dir;
    node->inode = ++tree->inode_next;
    node->modified_ns = (int64_t)++tree->changes * NS_PER_MS;
    return node;
}

struct tree_node *tree__ref(struct tree_node *node)
{
    node->refs++;
    return node;
}

void tree__unref(struct tree *tree, struct tree_node *node)
{
    if (!node)
        return;
    ASSERT(node->refs > 0);
    if (--node->refs > 0)
        return;
    tree->free_bytes += node->bytes.n;
    tree__entries_clear(tree, &node->entries);
    if (tree->hooks->node_freed)
        tree->hooks->node_freed(tree, node);
    mem_free(node->bytes.p);
    mem_free(node);
}

void tree__bytes_truncate(struct tree_bytes *bytes, uint64_t size)
{
    if (size > bytes->n) {
        if (size > bytes->capacity) {
            size_t capacity = MAX_OF((size_t)size, bytes->capacity * 2);
            bytes->p = mem_realloc(bytes->p, capacity);
            bytes->capacity = capacity;
        }
        memset(bytes->p + bytes->n, 0, (size_t)size - bytes->n);
    }
    bytes->n = (size_t)size;
}

void tree__bytes_write(struct tree_bytes *bytes, uint64_t off, const void *p, size_t n)
{
    if (n == 0)
        return;
    if (off + n > bytes->n)
        tree__bytes_truncate(bytes, off + n);
    memcpy(bytes->p + off, p, n);
}

/* Position of the name, or where it would stand. */
static size_t entry_find(const struct tree_entries *entries, struct str name, bool *ret_is_there)
{
    size_t low = 0, high = entries->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = str_cmp(str_from(entries->items[mid].name), name);
        if (c == 0) {
            *ret_is_there = true;
            return mid;
        }
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *ret_is_there = false;
    return low;
}

struct tree_node *tree__entry_get(const struct tree_entries *entries, struct str name)
{
    bool is_there;
    size_t at = entry_find(entries, name, &is_there);
    return is_there ? entries->items[at].node : NULL;
}

static void entry_remove(struct tree *tree, struct tree_entries *entries, size_t at)
{
    struct tree_entry entry = entries->items[at];
    entries->count--;
    memmove(&entries->items[at], &entries->items[at + 1], (entries->count - at) * sizeof(entry));
    mem_free(entry.name);
    tree__unref(tree, entry.node);
}

void tree__entry_set(struct tree *tree, struct tree_entries *entries, struct str name,
                     struct tree_node *node)
{
    bool is_there;
    size_t at = entry_find(entries, name, &is_there);
    if (!node) {
        if (is_there)
            entry_remove(tree, entries, at);
        return;
    }
    tree__ref(node);
    if (is_there) {
        tree__unref(tree, entries->items[at].node);
        entries->items[at].node = node;
        return;
    }
    mem_grow((void **)&entries->items, &entries->capacity, entries->count + 1,
             sizeof(*entries->items));
    memmove(&entries->items[at + 1], &entries->items[at],
            (entries->count - at) * sizeof(*entries->items));
    entries->items[at] = (struct tree_entry){mem_cstr(name), node};
    entries->count++;
}

void tree__entries_clear(struct tree *tree, struct tree_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        mem_free(entries->items[i].name);
        tree__unref(tree, entries->items[i].node);
    }
    mem_free(entries->items);
    *entries = (struct tree_entries){0};
}

/* ---- paths ---- */

/* Walks with `..` resolved by the text, as far as the last part. Fails when a folder on the way is
 * missing. */
static int place_find(struct tree *tree, struct str path, struct place *ret_place, struct err *err)
{
    enum { DEPTH_MAX = 64 };
    struct place way[DEPTH_MAX];
    size_t depth = 0;
    way[0] = (struct place){NULL, STR_NONE, tree->root};
    struct str rest = path, part;
    while (str_split_next(&rest, '/', &part)) {
        if (part.n == 0 || str_is(part, "."))
            continue;
        if (str_is(part, "..")) {
            depth -= depth > 0;
            continue;
        }
        if (part.n > NAME_BYTES_MAX || depth + 1 == DEPTH_MAX)
            return err_set(err, ERR_INVALID, "the path \"%.*s\" is too long", STR_ARG(path));
        struct tree_node *dir = way[depth].node;
        if (!dir || !dir->is_dir)
            return err_set(err, ERR_NOT_FOUND, "cannot open \"%.*s\": no such folder",
                           STR_ARG(path));
        way[++depth] = (struct place){dir, part, tree__entry_get(&dir->entries, part)};
    }
    *ret_place = way[depth];
    return 0;
}

/* The same where the node must exist. */
static int node_find(struct tree *tree, struct str path, struct tree_node **ret_node,
                     struct err *err)
{
    struct place place;
    TRY(place_find(tree, path, &place, err));
    if (!place.node)
        return err_set(err, ERR_NOT_FOUND, "cannot open \"%.*s\": no such file", STR_ARG(path));
    *ret_node = place.node;
    return 0;
}

static int dir_find(struct tree *tree, struct str path, struct tree_node **ret_node,
                    struct err *err)
{
    TRY(node_find(tree, path, ret_node, err));
    if (!(*ret_node)->is_dir)
        return err_set(err, ERR_NOT_FOUND, "\"%.*s\" is not a folder", STR_ARG(path));
    return 0;
}

static void touch(struct tree *tree, struct tree_node *node)
{
    node->modified_ns = (int64_t)++tree->changes * NS_PER_MS;
}

/* Sets an entry of a live folder and tells the hook. */
static void link_set(struct tree *tree, const struct place *place, struct tree_node *node)
{
    if (tree->hooks->entry_set)
        tree->hooks->entry_set(tree, place->dir, place->name, node);
    touch(tree, place->dir);
    tree__entry_set(tree, &place->dir->entries, place->name, node);
}

/* ---- the course of a call ---- */

/* The lock for the rest of the scope. */
static void unlock(pthread_mutex_t **mu)
{
    pthread_mutex_unlock(*mu);
}
#define LOCK_SCOPE(tree)                                                                           \
    CLEANUP(unlock) pthread_mutex_t *lock_scope_mu = &(tree)->mu;                                  \
    pthread_mutex_lock(lock_scope_mu)

/* The hook's answer for a call without bytes: *ret_late becomes what to return after the work. */
static int begin(struct tree *tree, enum tree_call call, struct str path, int *ret_late,
                 struct err *err)
{
    int rc = 0;
    *ret_late = 0;
    switch (tree->hooks->before(tree, call, path, NULL, &rc, err)) {
    case TREE_DO:
        return 0;
    case TREE_DO_THEN_FAIL:
        *ret_late = rc;
        return 0;
    case TREE_FAIL:
        return rc;
    }
    return rc;
}

static int file_check(struct tree_file *file, unsigned need, struct err *err)
{
    if (file->generation != tree_of(file->base.fs)->generation)
        return err_set(err, ERR_IO, "\"%s\" was open when the machine crashed", file->path);
    if (need && !(file->flags & need))
        return err_set(err, ERR_IO, "\"%s\" is not open for %s", file->path,
                       need == VFS_WRITE ? "writing" : "reading");
    return 0;
}

/* ---- files ---- */

static int open_node(struct tree *tree, struct str path, unsigned flags, const struct place *place,
                     struct tree_node **ret_node, struct err *err)
{
    struct tree_node *node = place->node;
    if (node && node->is_dir)
        return err_set(err, ERR_IO, "cannot open \"%.*s\": it is a folder", STR_ARG(path));
    if (node && (flags & VFS_CREATE) && (flags & VFS_EXCLUSIVE))
        return err_set(err, ERR_INDEX_EXISTS, "cannot create \"%.*s\": it exists", STR_ARG(path));
    if (!node && !(flags & VFS_CREATE))
        return err_set(err, ERR_NOT_FOUND, "cannot open \"%.*s\": no such file", STR_ARG(path));
    if (!node) {
        node = node_new(tree, false);
        link_set(tree, place, node);
    } else if ((flags & VFS_TRUNCATE) && node->bytes.n > 0) {
        if (tree->hooks->truncated)
            tree->hooks->truncated(tree, node, 0);
        tree->free_bytes += node->bytes.n;
        tree__bytes_truncate(&node->bytes, 0);
        touch(tree, node);
    }
    *ret_node = node;
    return 0;
}

static int tree_open(struct vfs *fs, struct str path, unsigned flags, struct vfs_file **ret_file,
                     struct err *err)
{
    ASSERT(flags & (VFS_READ | VFS_WRITE));
    ASSERT((flags & VFS_WRITE) || !(flags & (VFS_CREATE | VFS_TRUNCATE | VFS_APPEND)));
    struct tree *tree = tree_of(fs);
    LOCK_SCOPE(tree);
    struct place place;
    int found = place_find(tree, path, &place, NULL);
    bool is_change = (flags & VFS_CREATE && found == 0 && !place.node) || flags & VFS_TRUNCATE;
    int late;
    TRY(begin(tree, is_change ? TREE_CREATE : TREE_OPEN, path, &late, err));
    TRY(place_find(tree, path, &place, err));
    struct tree_node *node;
    TRY(open_node(tree, path, flags, &place, &node, err));
    if (late < 0)
        return late;
    struct tree_file *file = MEM_NEW(struct tree_file);
    *file = (struct tree_file){.base = {fs},
                               .node = tree__ref(node),
                               .flags = flags,
                               .generation = tree->generation,
                               .path = mem_cstr(path)};
    *ret_file = &file->base;
    return 0;
}

static void tree_close(struct vfs_file *base)
{
    struct tree_file *file = file_of(base);
    struct tree *tree = tree_of(base->fs);
    LOCK_SCOPE(tree);
    if (file->has_lock && file->generation == tree->generation)
        file->node->is_locked = false;
    tree__unref(tree, file->node);
    mem_free(file->path);
    mem_free(file);
}

static int tree_read_at(struct vfs_file *base, uint64_t off, void *p, size_t n, size_t *ret_n,
                        struct err *err)
{
    struct tree_file *file = file_of(base);
    struct tree *tree = tree_of(base->fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_READ, str_from(file->path), &late, err));
    TRY(file_check(file, VFS_READ, err));
    const struct tree_bytes *bytes = &file->node->bytes;
    size_t got = off < bytes->n ? MIN_OF(n, bytes->n - (size_t)off) : 0;
    if (got)
        memcpy(p, bytes->p + off, got);
    *ret_n = got;
    return late;
}

static int write_some(struct tree *tree, struct tree_file *file, uint64_t off, const void *p,
                      size_t n, struct err *err)
{
    struct tree_bytes *bytes = &file->node->bytes;
    if (file->flags & VFS_APPEND)
        off = bytes->n;
    uint64_t grown = n > 0 && off + n > bytes->n ? off + n - bytes->n : 0;
    if (grown > tree->free_bytes)
        return err_set(err, ERR_DISK_FULL, "cannot write \"%s\": no space left on device",
                       file->path);
    tree->free_bytes -= grown;
    if (tree->hooks->wrote && n > 0)
        tree->hooks->wrote(tree, file->node, off, p, n);
    tree__bytes_write(bytes, off, p, n);
    touch(tree, file->node);
    return 0;
}

static int tree_write_at(struct vfs_file *base, uint64_t off, const void *p, size_t n,
                         struct err *err)
{
    struct tree_file *file = file_of(base);
    struct tree *tree = tree_of(base->fs);
    LOCK_SCOPE(tree);
    TRY(file_check(file, VFS_WRITE, err));
    int rc = 0;
    size_t part = n;
    enum tree_verdict verdict =
        tree->hooks->before(tree, TREE_WRITE, str_from(file->path), &part, &rc, err);
    if (verdict == TREE_FAIL)
        return rc;
    ASSERT(part <= n);
    if (verdict == TREE_DO)
        return write_some(tree, file, off, p, part, err);
    int written = write_some(tree, file, off, p, part, NULL);
    (void)written; /* the verdict's error is the one to report */
    return rc;
}

static int tree_sync(struct vfs_file *base, struct err *err)
{
    struct tree_file *file = file_of(base);
    struct tree *tree = tree_of(base->fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_SYNC, str_from(file->path), &late, err));
    TRY(file_check(file, 0, err));
    if (late == 0 && tree->hooks->synced)
        tree->hooks->synced(tree, file->node);
    return late;
}

static int tree_truncate(struct vfs_file *base, uint64_t size, struct err *err)
{
    struct tree_file *file = file_of(base);
    struct tree *tree = tree_of(base->fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_TRUNCATE, str_from(file->path), &late, err));
    TRY(file_check(file, VFS_WRITE, err));
    struct tree_bytes *bytes = &file->node->bytes;
    if (size > bytes->n && size - bytes->n > tree->free_bytes)
        return err_set(err, ERR_DISK_FULL, "cannot truncate \"%s\": no space left on device",
                       file->path);
    if (tree->hooks->truncated)
        tree->hooks->truncated(tree, file->node, size);
    tree->free_bytes = tree->free_bytes + bytes->n - size;
    tree__bytes_truncate(bytes, size);
    touch(tree, file->node);
    return late;
}

static struct vfs_stat stat_result(const struct tree_node *node)
{
    return (struct vfs_stat){.kind = node->is_dir ? VFS_KIND_DIR : VFS_KIND_FILE,
                             .size_bytes = node->bytes.n,
                             .inode = node->inode,
                             .device = 1,
                             .modified_ns = node->modified_ns};
}

static int tree_file_stat(struct vfs_file *base, struct vfs_stat *ret_stat, struct err *err)
{
    struct tree_file *file = file_of(base);
    struct tree *tree = tree_of(base->fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_STAT, str_from(file->path), &late, err));
    TRY(file_check(file, 0, err));
    *ret_stat = stat_result(file->node);
    return late;
}

/* A copy: it stays as it is, whatever becomes of the file. So a test cannot lean on seeing later
 * writes. */
static int tree_map(struct vfs_file *base, uint64_t size, const void **ret_p, struct err *err)
{
    struct tree_file *file = file_of(base);
    struct tree *tree = tree_of(base->fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_MAP, str_from(file->path), &late, err));
    TRY(file_check(file, VFS_READ, err));
    const struct tree_bytes *bytes = &file->node->bytes;
    if (size > bytes->n)
        return err_set(err, ERR_IO, "cannot map %llu bytes of \"%s\": it has only %zu",
                       (unsigned long long)size, file->path, bytes->n);
    if (late < 0)
        return late;
    char *copy = mem_alloc((size_t)size);
    if (size)
        memcpy(copy, bytes->p, (size_t)size);
    *ret_p = copy;
    return 0;
}

static void tree_unmap(struct vfs *fs, const void *p, uint64_t size)
{
    (void)fs;
    (void)size;
    mem_free((void *)(uintptr_t)p);
}

static int tree_lock(struct vfs_file *base, struct err *err)
{
    struct tree_file *file = file_of(base);
    struct tree *tree = tree_of(base->fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_LOCK, str_from(file->path), &late, err));
    TRY(file_check(file, VFS_WRITE, err));
    if (file->node->is_locked && !file->has_lock)
        return err_set(err, ERR_LOCKED, "\"%s\" is locked by another process", file->path);
    file->node->is_locked = file->has_lock = true;
    return late;
}

/* ---- folders and names ---- */

static int tree_stat(struct vfs *fs, struct str path, bool follow, struct vfs_stat *ret_stat,
                     struct err *err)
{
    (void)follow;
    struct tree *tree = tree_of(fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_STAT, path, &late, err));
    struct tree_node *node;
    TRY(node_find(tree, path, &node, err));
    *ret_stat = stat_result(node);
    return late;
}

/* True when `inner` is `outer` or lies somewhere in it. */
static bool is_inside(const struct tree_node *outer, const struct tree_node *inner)
{
    if (outer == inner)
        return true;
    for (size_t i = 0; outer->is_dir && i < outer->entries.count; i++) {
        if (is_inside(outer->entries.items[i].node, inner)) /* depth: the walk's limit on paths */
            return true;
    }
    return false;
}

static int rename_check(const struct place *old_place, const struct place *new_place,
                        struct str from, struct str to, struct err *err)
{
    if (!old_place->node)
        return err_set(err, ERR_NOT_FOUND, "cannot rename \"%.*s\": no such file", STR_ARG(from));
    bool is_root = !old_place->dir || !new_place->dir;
    if (is_root || (old_place->node->is_dir && is_inside(old_place->node, new_place->dir)))
        return err_set(err, ERR_IO, "cannot rename \"%.*s\" into itself", STR_ARG(from));
    struct tree_node *target = new_place->node;
    if (target && target->is_dir != old_place->node->is_dir)
        return err_set(err, ERR_IO, "cannot rename over \"%.*s\": one is a folder, one is not",
                       STR_ARG(to));
    if (target && target != old_place->node && target->is_dir && target->entries.count > 0)
        return err_set(err, ERR_IO, "cannot rename over \"%.*s\": the folder is not empty",
                       STR_ARG(to));
    return 0;
}

static int tree_rename(struct vfs *fs, struct str from, struct str to, struct err *err)
{
    struct tree *tree = tree_of(fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_RENAME, from, &late, err));
    struct place old_place, new_place;
    TRY(place_find(tree, from, &old_place, err));
    TRY(place_find(tree, to, &new_place, err));
    TRY(rename_check(&old_place, &new_place, from, to, err));
    if (old_place.node == new_place.node)
        return late;
    struct tree_node *node = tree__ref(old_place.node);
    if (tree->hooks->renamed)
        tree->hooks->renamed(tree, old_place.dir, old_place.name, new_place.dir, new_place.name,
                             node);
    tree__entry_set(tree, &old_place.dir->entries, old_place.name, NULL);
    tree__entry_set(tree, &new_place.dir->entries, new_place.name, node);
    touch(tree, old_place.dir);
    touch(tree, new_place.dir);
    tree__unref(tree, node);
    return late;
}

static int tree_remove(struct vfs *fs, struct str path, struct err *err)
{
    struct tree *tree = tree_of(fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_REMOVE, path, &late, err));
    struct place place;
    TRY(place_find(tree, path, &place, err));
    if (!place.node)
        return err_set(err, ERR_NOT_FOUND, "cannot remove \"%.*s\": no such file", STR_ARG(path));
    if (!place.dir || (place.node->is_dir && place.node->entries.count > 0))
        return err_set(err, ERR_IO, "cannot remove \"%.*s\": the folder is not empty",
                       STR_ARG(path));
    link_set(tree, &place, NULL);
    return late;
}

static int tree_make_dir(struct vfs *fs, struct str path, struct err *err)
{
    struct tree *tree = tree_of(fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_MAKE_DIR, path, &late, err));
    for (size_t i = 1; i <= path.n; i++) {
        if (i < path.n && path.p[i] != '/')
            continue;
        struct place place;
        TRY(place_find(tree, str_sub(path, 0, i), &place, err));
        if (place.node && !place.node->is_dir)
            return err_set(err, ERR_IO, "cannot make the folder \"%.*s\": a file has this name",
                           STR_ARG(str_sub(path, 0, i)));
        if (place.node)
            continue;
        link_set(tree, &place, node_new(tree, true));
        if (late == 0 && tree->hooks->dir_synced)
            tree->hooks->dir_synced(tree, place.dir);
    }
    return late;
}

static int tree_sync_dir(struct vfs *fs, struct str path, struct err *err)
{
    struct tree *tree = tree_of(fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_SYNC_DIR, path, &late, err));
    struct tree_node *dir;
    TRY(dir_find(tree, path, &dir, err));
    if (late == 0 && tree->hooks->dir_synced)
        tree->hooks->dir_synced(tree, dir);
    return late;
}

static int tree_list(struct vfs *fs, struct str path, struct arena *mem,
                     struct vfs_entry **ret_entries, size_t *ret_count, struct err *err)
{
    struct tree *tree = tree_of(fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_LIST, path, &late, err));
    struct tree_node *dir;
    TRY(dir_find(tree, path, &dir, err));
    if (late < 0)
        return late;
    struct vfs_entry *entries = ARENA_ARRAY(mem, struct vfs_entry, dir->entries.count);
    for (size_t i = 0; i < dir->entries.count; i++) {
        const struct tree_entry *entry = &dir->entries.items[i];
        entries[i] = (struct vfs_entry){arena_str(mem, str_from(entry->name)),
                                        entry->node->is_dir ? VFS_KIND_DIR : VFS_KIND_FILE};
    }
    *ret_entries = entries;
    *ret_count = dir->entries.count;
    return 0;
}

static int tree_free_bytes(struct vfs *fs, struct str path, uint64_t *ret_bytes, struct err *err)
{
    struct tree *tree = tree_of(fs);
    LOCK_SCOPE(tree);
    int late;
    TRY(begin(tree, TREE_FREE_BYTES, path, &late, err));
    struct tree_node *node;
    TRY(node_find(tree, path, &node, err));
    *ret_bytes = tree->free_bytes;
    return late;
}

static const struct vfs_ops tree_ops = {
    .open = tree_open,
    .close = tree_close,
    .read_at = tree_read_at,
    .write_at = tree_write_at,
    .sync = tree_sync,
    .truncate = tree_truncate,
    .file_stat = tree_file_stat,
    .map = tree_map,
    .unmap = tree_unmap,
    .lock = tree_lock,
    .stat = tree_stat,
    .rename = tree_rename,
    .remove = tree_remove,
    .make_dir = tree_make_dir,
    .sync_dir = tree_sync_dir,
    .list = tree_list,
    .free_bytes = tree_free_bytes,
};

void tree__init(struct tree *tree, const struct tree_hooks *hooks)
{
    tree->base.ops = &tree_ops;
    tree->hooks = hooks;
    ASSERT(pthread_mutex_init(&tree->mu, NULL) == 0);
    tree->free_bytes = 1024 * GIB;
    tree->root = tree__ref(node_new(tree, true));
}

void tree__deinit(struct tree *tree)
{
    tree__unref(tree, tree->root);
    (void)pthread_mutex_destroy(&tree->mu);
}
