/* SPDX-License-Identifier: Apache-2.0 */
/* vfs.h: the file system as an object. Three implementations: `vfs_posix` (the machine's),
 * `vfs_mem` (in memory, for tests, with fault injection), `vfs_sim` (in memory, models what a crash
 * may lose: unsynced writes torn at 512 bytes and reordered, directory entries not yet synced).
 *
 * Paths are relative to the process or absolute, `/` between parts, borrowed, not NUL-terminated.
 * All calls are thread-safe; on one file, reads and writes at disjoint places may run in parallel.
 * Errors: -ERR_NOT_FOUND (no such file), -ERR_DISK_FULL (ENOSPC, EDQUOT), -ERR_LOCKED, -ERR_IO with
 * errno's text. */
#ifndef NARU_OS_VFS_H
#define NARU_OS_VFS_H

#include "base/base.h"
#include "base/err.h"

struct vfs_file;
struct arena;

enum vfs_open_flags {
    VFS_READ = 1,
    VFS_WRITE = 2,
    VFS_CREATE = 4,    /* makes it when missing, mode 0640 */
    VFS_EXCLUSIVE = 8, /* with CREATE: fails with -ERR_INDEX_EXISTS when it is there */
    VFS_TRUNCATE = 16,
    VFS_APPEND = 32,   /* every write goes to the end, whatever its offset */
    VFS_NOFOLLOW = 64, /* refuses a symbolic link as the last part */
};

enum vfs_kind { VFS_KIND_FILE, VFS_KIND_DIR, VFS_KIND_LINK, VFS_KIND_OTHER };

struct vfs_stat {
    enum vfs_kind kind;
    uint64_t size_bytes;
    uint64_t inode;
    uint64_t device;
    int64_t modified_ns;
};

struct vfs_entry {
    struct str name;
    enum vfs_kind kind;
};

struct vfs_ops {
    int (*open)(struct vfs *fs, struct str path, unsigned flags, struct vfs_file **ret_file,
                struct err *err);
    void (*close)(struct vfs_file *file);
    /* Reads up to n bytes; *ret_n < n only at the end of the file. */
    int (*read_at)(struct vfs_file *file, uint64_t off, void *p, size_t n, size_t *ret_n,
                   struct err *err);
    /* Writes all or fails; after a failure any part may have been written. */
    int (*write_at)(struct vfs_file *file, uint64_t off, const void *p, size_t n, struct err *err);
    int (*sync)(struct vfs_file *file,
                struct err *err); /* fdatasync: content and size are on disk */
    int (*truncate)(struct vfs_file *file, uint64_t size, struct err *err);
    int (*file_stat)(struct vfs_file *file, struct vfs_stat *ret_stat, struct err *err);
    /* Maps [0, size) read-only, or reads it into memory where mapping is not possible. *ret_p stays
     * valid until unmap, even when the file is closed or removed. */
    int (*map)(struct vfs_file *file, uint64_t size, const void **ret_p, struct err *err);
    void (*unmap)(struct vfs *fs, const void *p, uint64_t size);
    /* The pages of the mapping that are in this process's memory need not stay there; reading one
     * brings it back. NULL: nothing is gained. */
    void (*map_release)(struct vfs *fs, const void *p, uint64_t size);
    /* Some page of the mapping could not be had (the file was cut short, the disk cannot read it)
     * and read as zeros. NULL: cannot happen. */
    bool (*map_is_lost)(struct vfs *fs, const void *p);
    /* Exclusive advisory lock for the file's life, against other processes and other opens;
     * -ERR_LOCKED when held. The file MUST be open for writing; its holder writes its process id
     * into it, for the error's text. */
    int (*lock)(struct vfs_file *file, struct err *err);

    int (*stat)(struct vfs *fs, struct str path, bool follow, struct vfs_stat *ret_stat,
                struct err *err);
    int (*rename)(struct vfs *fs, struct str from, struct str to,
                  struct err *err);                                  /* replaces `to` */
    int (*remove)(struct vfs *fs, struct str path, struct err *err); /* file or empty folder */
    /* With parents; there already: fine. What it made is on disk at the return. */
    int (*make_dir)(struct vfs *fs, struct str path, struct err *err);
    int (*sync_dir)(struct vfs *fs, struct str path,
                    struct err *err); /* entries of the folder are on disk */
    /* Entries without . and .., sorted by name, strings in mem. */
    int (*list)(struct vfs *fs, struct str path, struct arena *mem, struct vfs_entry **ret_entries,
                size_t *ret_count, struct err *err);
    int (*free_bytes)(struct vfs *fs, struct str path, uint64_t *ret_bytes, struct err *err);
};

struct vfs {
    const struct vfs_ops *ops;
};
struct vfs_file {
    struct vfs *fs;
};

static inline WARN_UNUSED int vfs_open(struct vfs *fs, struct str path, unsigned flags,
                                       struct vfs_file **ret_file, struct err *err)
{
    return fs->ops->open(fs, path, flags, ret_file, err);
}
static inline void vfs_close(struct vfs_file *file)
{
    if (file)
        file->fs->ops->close(file);
}
DEFINE_CLEANUP(vfs_close, struct vfs_file)
static inline WARN_UNUSED int vfs_read_at(struct vfs_file *file, uint64_t off, void *p, size_t n,
                                          size_t *ret_n, struct err *err)
{
    return file->fs->ops->read_at(file, off, p, n, ret_n, err);
}
static inline WARN_UNUSED int vfs_write_at(struct vfs_file *file, uint64_t off, const void *p,
                                           size_t n, struct err *err)
{
    return file->fs->ops->write_at(file, off, p, n, err);
}
static inline WARN_UNUSED int vfs_sync(struct vfs_file *file, struct err *err)
{
    return file->fs->ops->sync(file, err);
}
static inline WARN_UNUSED int vfs_truncate(struct vfs_file *file, uint64_t size, struct err *err)
{
    return file->fs->ops->truncate(file, size, err);
}
static inline WARN_UNUSED int vfs_file_stat(struct vfs_file *file, struct vfs_stat *ret_stat,
                                            struct err *err)
{
    return file->fs->ops->file_stat(file, ret_stat, err);
}
static inline WARN_UNUSED int vfs_map(struct vfs_file *file, uint64_t size, const void **ret_p,
                                      struct err *err)
{
    return file->fs->ops->map(file, size, ret_p, err);
}
static inline void vfs_unmap(struct vfs *fs, const void *p, uint64_t size)
{
    if (p)
        fs->ops->unmap(fs, p, size);
}
static inline void vfs_map_release(struct vfs *fs, const void *p, uint64_t size)
{
    if (p && fs->ops->map_release)
        fs->ops->map_release(fs, p, size);
}
static inline bool vfs_map_is_lost(struct vfs *fs, const void *p)
{
    return fs->ops->map_is_lost && fs->ops->map_is_lost(fs, p);
}
static inline WARN_UNUSED int vfs_lock(struct vfs_file *file, struct err *err)
{
    return file->fs->ops->lock(file, err);
}
static inline WARN_UNUSED int vfs_stat(struct vfs *fs, struct str path, bool follow,
                                       struct vfs_stat *ret_stat, struct err *err)
{
    return fs->ops->stat(fs, path, follow, ret_stat, err);
}
static inline WARN_UNUSED int vfs_rename(struct vfs *fs, struct str from, struct str to,
                                         struct err *err)
{
    return fs->ops->rename(fs, from, to, err);
}
static inline WARN_UNUSED int vfs_remove(struct vfs *fs, struct str path, struct err *err)
{
    return fs->ops->remove(fs, path, err);
}
static inline WARN_UNUSED int vfs_make_dir(struct vfs *fs, struct str path, struct err *err)
{
    return fs->ops->make_dir(fs, path, err);
}
static inline WARN_UNUSED int vfs_sync_dir(struct vfs *fs, struct str path, struct err *err)
{
    return fs->ops->sync_dir(fs, path, err);
}
static inline WARN_UNUSED int vfs_list(struct vfs *fs, struct str path, struct arena *mem,
                                       struct vfs_entry **ret_entries, size_t *ret_count,
                                       struct err *err)
{
    return fs->ops->list(fs, path, mem, ret_entries, ret_count, err);
}
static inline WARN_UNUSED int vfs_free_bytes(struct vfs *fs, struct str path, uint64_t *ret_bytes,
                                             struct err *err)
{
    return fs->ops->free_bytes(fs, path, ret_bytes, err);
}

/* The machine's file system; one object for the process, never freed. */
struct vfs *vfs_posix(void);

/* In memory. Faults: `fail_at` counts all calls that can fail (open, read, write, sync, rename …);
 * the n-th from then on (1 is the next) fails with `fault`; with `fault_stays`, all later ones too.
 * ENOSPC hits only calls that need space, SHORT_WRITE only writes: half is written, then
 * -ERR_DISK_FULL. */
struct vfs *vfs_mem_new(void);
void vfs_mem_free(struct vfs *fs);
enum vfs_fault { VFS_FAULT_NONE, VFS_FAULT_EIO, VFS_FAULT_ENOSPC, VFS_FAULT_SHORT_WRITE };
void vfs_mem_fail_at(struct vfs *fs, uint64_t call, enum vfs_fault fault, bool fault_stays);
uint64_t vfs_mem_calls(struct vfs *fs); /* calls since creation or the last fail_at */
/* What is left: a write past it fails with -ERR_DISK_FULL, a removal gives its bytes back. */
void vfs_mem_set_free_bytes(struct vfs *fs, uint64_t bytes);

/* Crash simulation over memory: every write, sync and rename is a step. `vfs_sim_crash` makes the
 * state a machine could show after losing power now, by `seed`: synced content stays; unsynced
 * writes are kept, dropped, torn at 512 bytes or reordered; unsynced directory entries come or go.
 * Open files become dead (their calls fail with ERR_IO). `vfs_sim_crash_at` arranges that from the
 * n-th step since creation on (0: never) every call fails; the n-th itself may have its effect all
 * the same. `vfs_sim_crash` switches the power on again. */
struct vfs *vfs_sim_new(uint64_t seed);
void vfs_sim_free(struct vfs *fs);
uint64_t vfs_sim_steps(struct vfs *fs);
void vfs_sim_crash_at(struct vfs *fs, uint64_t step);
void vfs_sim_crash(struct vfs *fs, uint64_t seed);
/* `fn` is asked before every step until the next crash, with the step's number; true: the power
 * goes with this step. It must not use the file system. A test that forks in it has the state of
 * this moment without running up to it again. */
typedef bool vfs_sim_step_fn(void *arg, uint64_t step);
void vfs_sim_on_step(struct vfs *fs, vfs_sim_step_fn *fn, void *arg);

/* Whole-file helpers over any vfs. */
#define VFS_READ_FILE_BYTES_MAX (256 * MIB)
int vfs_read_file(struct vfs *fs, struct str path, size_t bytes_max, struct arena *mem,
                  struct str *ret_content, struct err *err) WARN_UNUSED;
/* Atomic: writes path.tmp, syncs it, renames it over path, syncs the folder. */
int vfs_write_file(struct vfs *fs, struct str path, struct str content,
                   struct err *err) WARN_UNUSED;
struct str path_join(struct arena *mem, struct str a, struct str b);
struct str path_dir(struct str path);  /* "." when there is none */
struct str path_name(struct str path); /* last part */

#endif
