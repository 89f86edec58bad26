/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_posix.c: the machine's file system behind vfs.h. Each function is one system call with its
 * loop over interrupted and partial transfers; descriptors never outlive an exec. A file keeps its
 * path for its error texts only. */
#include "os/vfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "os/os_int.h"

#define FILE_MODE 0640
#define DIR_MODE  0750

struct posix_file {
    struct vfs_file base;
    int fd;
    char *path; /* owned, for error texts */
};

static const char empty_map[1]; /* what a mapped file of no bytes points to */

static struct posix_file *posix(struct vfs_file *file)
{
    return (struct posix_file *)file;
}

static int open_mode(unsigned flags)
{
    int mode = O_CLOEXEC | O_NOCTTY;
    if (flags & VFS_WRITE)
        mode |= flags & VFS_READ ? O_RDWR : O_WRONLY;
    else
        mode |= O_RDONLY;
    if (flags & VFS_CREATE)
        mode |= O_CREAT;
    if (flags & VFS_EXCLUSIVE)
        mode |= O_EXCL;
    if (flags & VFS_TRUNCATE)
        mode |= O_TRUNC;
    if (flags & VFS_APPEND)
        mode |= O_APPEND;
    if (flags & VFS_NOFOLLOW)
        mode |= O_NOFOLLOW;
    return mode;
}

static int posix_open(struct vfs *fs, struct str path, unsigned flags, struct vfs_file **ret_file,
                      struct err *err)
{
    ASSERT(flags & (VFS_READ | VFS_WRITE));
    ASSERT((flags & VFS_WRITE) || !(flags & (VFS_CREATE | VFS_TRUNCATE | VFS_APPEND)));
    struct os_path name;
    TRY(os__path(path, &name, err));
    int fd;
    do {
        fd = open(name.text, open_mode(flags), FILE_MODE);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return os__errno(err, errno, flags & VFS_CREATE ? "create" : "open", name.text);
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)close(fd);
        return os__errno(err, EISDIR, "open", name.text);
    }
    struct posix_file *file = MEM_NEW(struct posix_file);
    file->base.fs = fs;
    file->fd = fd;
    file->path = mem_cstr(path);
    *ret_file = &file->base;
    return 0;
}

static void posix_close(struct vfs_file *base)
{
    struct posix_file *file = posix(base);
    (void)close(file->fd); /* never again after EINTR: Linux has closed it by then */
    mem_free(file->path);
    mem_free(file);
}

static int posix_read_at(struct vfs_file *base, uint64_t off, void *p, size_t n, size_t *ret_n,
                         struct err *err)
{
    struct posix_file *file = posix(base);
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(file->fd, (char *)p + done, n - done, (off_t)(off + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return os__errno(err, errno, "read", file->path);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_n = done;
    return 0;
}

static int posix_write_at(struct vfs_file *base, uint64_t off, const void *p, size_t n,
                          struct err *err)
{
    struct posix_file *file = posix(base);
    size_t done = 0;
    while (done < n) {
        /* On Linux pwrite to an O_APPEND file appends, whatever the offset (pwrite(2), BUGS). */
        ssize_t put = pwrite(file->fd, (const char *)p + done, n - done, (off_t)(off + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return os__errno(err, errno, "write", file->path);
        if (put == 0)
            return os__errno(err, EIO, "write", file->path);
        done += (size_t)put;
    }
    return 0;
}

static int posix_sync(struct vfs_file *base, struct err *err)
{
    struct posix_file *file = posix(base);
    int rc;
    do {
        rc = fdatasync(file->fd);
    } while (rc < 0 && errno == EINTR);
    /* EINVAL: a pipe, a terminal or /dev/null, which has nothing to keep. */
    if (rc < 0 && errno != EINVAL)
        return os__errno(err, errno, "sync", file->path);
    return 0;
}

static int posix_truncate(struct vfs_file *base, uint64_t size, struct err *err)
{
    struct posix_file *file = posix(base);
    int rc;
    do {
        rc = ftruncate(file->fd, (off_t)size);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? os__errno(err, errno, "truncate", file->path) : 0;
}

static enum vfs_kind kind_of_mode(mode_t mode)
{
    if (S_ISREG(mode))
        return VFS_KIND_FILE;
    if (S_ISDIR(mode))
        return VFS_KIND_DIR;
    return S_ISLNK(mode) ? VFS_KIND_LINK : VFS_KIND_OTHER;
}

static struct vfs_stat stat_result(const struct stat *st)
{
    return (struct vfs_stat){
        .kind = kind_of_mode(st->st_mode),
        .size_bytes = (uint64_t)st->st_size,
        .inode = st->st_ino,
        .device = st->st_dev,
        .modified_ns = st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec,
    };
}

static int posix_file_stat(struct vfs_file *base, struct vfs_stat *ret_stat, struct err *err)
{
    struct posix_file *file = posix(base);
    struct stat st;
    if (fstat(file->fd, &st) < 0)
        return os__errno(err, errno, "stat", file->path);
    *ret_stat = stat_result(&st);
    return 0;
}

static int posix_map(struct vfs_file *base, uint64_t size, const void **ret_p, struct err *err)
{
    struct posix_file *file = posix(base);
    if (size == 0) {
        *ret_p = empty_map;
        return 0;
    }
    struct vfs_stat st;
    TRY(posix_file_stat(base, &st, err));
    if (size > st.size_bytes) /* touching a page past the end would be SIGBUS */
        return err_set(err, ERR_IO, "cannot map %llu bytes of \"%s\": it has only %llu",
                       (unsigned long long)size, file->path, (unsigned long long)st.size_bytes);
    void *p = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, file->fd, 0);
    if (p == MAP_FAILED)
        return os__errno(err, errno, "map", file->path);
    os__map_guard_add(p, size);
    *ret_p = p;
    return 0;
}

static bool posix_map_is_lost(struct vfs *fs, const void *p)
{
    (void)fs;
    return os__map_guard_is_lost(p);
}

/* Of a file's mapping this drops the page table's entries only: the pages stay cached. Advice. */
static void posix_map_release(struct vfs *fs, const void *p, uint64_t size)
{
    (void)fs;
    if (size > 0)
        (void)madvise((void *)(uintptr_t)p, (size_t)size, MADV_DONTNEED);
}

static void posix_unmap(struct vfs *fs, const void *p, uint64_t size)
{
    (void)fs;
    if (size == 0)
        return;
    os__map_guard_remove(p); /* before the addresses can be somebody else's */
    ASSERT(munmap((void *)(uintptr_t)p, (size_t)size) == 0);
}

/* Names the holder when the lock file's content is a process id, as those who lock write it. */
static int locked(struct posix_file *file, struct err *err)
{
    char pid[21];
    size_t n = 0;
    int64_t v;
    if (posix_read_at(&file->base, 0, pid, sizeof(pid) - 1, &n, NULL) == 0 &&
        str_to_i64(str_trim((struct str){pid, n}), &v) && v > 0)
        return err_set(err, ERR_LOCKED, "\"%s\" is locked by process %lld", file->path,
                       (long long)v);
    return err_set(err, ERR_LOCKED, "\"%s\" is locked by another process", file->path);
}

static int posix_lock(struct vfs_file *base, struct err *err)
{
    struct posix_file *file = posix(base);
    /* A lock of the open file (not of the process): closing another descriptor of it keeps the
     * lock. */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc;
    do {
        rc = fcntl(file->fd, F_OFD_SETLK, &whole);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0 && (errno == EAGAIN || errno == EACCES))
        return locked(file, err);
    return rc < 0 ? os__errno(err, errno, "lock", file->path) : 0;
}

static int posix_stat(struct vfs *fs, struct str path, bool follow, struct vfs_stat *ret_stat,
                      struct err *err)
{
    (void)fs;
    struct os_path name;
    TRY(os__path(path, &name, err));
    struct stat st;
    if ((follow ? stat(name.text, &st) : lstat(name.text, &st)) < 0)
        return os__errno(err, errno, "stat", name.text);
    *ret_stat = stat_result(&st);
    return 0;
}

static int posix_rename(struct vfs *fs, struct str from, struct str to, struct err *err)
{
    (void)fs;
    struct os_path old_name, new_name;
    TRY(os__path(from, &old_name, err));
    TRY(os__path(to, &new_name, err));
    if (rename(old_name.text, new_name.text) < 0)
        return os__errno(err, errno, "rename", old_name.text);
    return 0;
}

static int posix_remove(struct vfs *fs, struct str path, struct err *err)
{
    (void)fs;
    struct os_path name;
    TRY(os__path(path, &name, err));
    if (unlink(name.text) == 0)
        return 0;
    if ((errno == EISDIR || errno == EPERM) && rmdir(name.text) == 0)
        return 0;
    return os__errno(err, errno, "remove", name.text);
}

static int posix_sync_dir(struct vfs *fs, struct str path, struct err *err)
{
    (void)fs;
    struct os_path name;
    TRY(os__path(path, &name, err));
    int fd = open(name.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return os__errno(err, errno, "open", name.text);
    int rc;
    do {
        rc = fsync(fd);
    } while (rc < 0 && errno == EINTR);
    int number = errno;
    (void)close(fd);
    if (rc < 0 && number != EINVAL) /* EINVAL: this file system has no sync of folders */
        return os__errno(err, number, "sync", name.text);
    return 0;
}

/* One level: there already is fine when it is a folder; a made one is on disk before the return. */
static int dir_make_one(struct str path, const char *name, struct err *err)
{
    if (mkdir(name, DIR_MODE) == 0)
        return posix_sync_dir(NULL, path_dir(path), err);
    int number = errno;
    struct stat st;
    if ((number == EEXIST || number == EROFS || number == EACCES) && stat(name, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        if (number == EEXIST)
            return err_set(err, ERR_IO, "cannot make the folder \"%s\": a file has this name",
                           name);
    }
    return os__errno(err, number, "make the folder", name);
}

static int posix_make_dir(struct vfs *fs, struct str path, struct err *err)
{
    (void)fs;
    struct os_path name;
    TRY(os__path(path, &name, err));
    struct stat st;
    if (stat(name.text, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    for (size_t i = 1; i < path.n; i++) {
        if (name.text[i] != '/' || name.text[i - 1] == '/')
            continue;
        name.text[i] = '\0';
        TRY(dir_make_one(str_sub(path, 0, i), name.text, err));
        name.text[i] = '/';
    }
    return dir_make_one(path, name.text, err);
}

static enum vfs_kind kind_of_entry(DIR *dir, const struct dirent *entry)
{
    switch (entry->d_type) {
    case DT_REG:
        return VFS_KIND_FILE;
    case DT_DIR:
        return VFS_KIND_DIR;
    case DT_LNK:
        return VFS_KIND_LINK;
    case DT_UNKNOWN:
        break;
    default:
        return VFS_KIND_OTHER;
    }
    struct stat st;
    if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return VFS_KIND_OTHER; /* removed meanwhile */
    return kind_of_mode(st.st_mode);
}

static int entry_order(const void *a, const void *b)
{
    return str_cmp(((const struct vfs_entry *)a)->name, ((const struct vfs_entry *)b)->name);
}

static int posix_list(struct vfs *fs, struct str path, struct arena *mem,
                      struct vfs_entry **ret_entries, size_t *ret_count, struct err *err)
{
    (void)fs;
    struct os_path name;
    TRY(os__path(path, &name, err));
    DIR *dir = opendir(name.text);
    if (!dir)
        return os__errno(err, errno, "list", name.text);
    struct vfs_entry *entries = NULL;
    size_t count = 0, capacity = 0;
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        struct str entry_name = str_from(entry->d_name);
        if (str_is(entry_name, ".") || str_is(entry_name, ".."))
            continue;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            entries =
                arena_realloc(mem, entries, count * sizeof(*entries), capacity * sizeof(*entries));
        }
        entries[count++] =
            (struct vfs_entry){arena_str(mem, entry_name), kind_of_entry(dir, entry)};
    }
    int number = errno;
    (void)closedir(dir);
    if (number)
        return os__errno(err, number, "list", name.text);
    if (count > 1)
        qsort(entries, count, sizeof(*entries), entry_order);
    *ret_entries = entries;
    *ret_count = count;
    return 0;
}

static int posix_free_bytes(struct vfs *fs, struct str path, uint64_t *ret_bytes, struct err *err)
{
    (void)fs;
    struct os_path name;
    TRY(os__path(path, &name, err));
    struct statvfs st;
    if (statvfs(name.text, &st) < 0)
        return os__errno(err, errno, "ask for the free space of", name.text);
    *ret_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return 0;
}

struct vfs *vfs_posix(void)
{
    static const struct vfs_ops ops = {
        .open = posix_open,
        .close = posix_close,
        .read_at = posix_read_at,
        .write_at = posix_write_at,
        .sync = posix_sync,
        .truncate = posix_truncate,
        .file_stat = posix_file_stat,
        .map = posix_map,
        .unmap = posix_unmap,
        .map_release = posix_map_release,
        .map_is_lost = posix_map_is_lost,
        .lock = posix_lock,
        .stat = posix_stat,
        .rename = posix_rename,
        .remove = posix_remove,
        .make_dir = posix_make_dir,
        .sync_dir = posix_sync_dir,
        .list = posix_list,
        .free_bytes = posix_free_bytes,
    };
    static struct vfs posix_fs = {&ops};
    return &posix_fs;
}
