/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_mem.c: files in memory with faults by number of call. EIO hits any call; ENOSPC and the short
 * write only those that can meet a full disk, so `fault_stays` with them is a disk that stays full
 * and can be read. */
#include "base/arena.h"
#include "os/vfs_tree_int.h"

struct vfs_mem {
    struct tree tree;
    uint64_t calls;   /* guarded by tree.mu, as all below */
    uint64_t fail_at; /* 0: never */
    enum vfs_fault fault;
    bool fault_stays;
};

static struct vfs_mem *mem_of(struct vfs *fs)
{
    return (struct vfs_mem *)fs;
}

static bool needs_space(enum tree_call call)
{
    return call == TREE_CREATE || call == TREE_WRITE || call == TREE_SYNC ||
           call == TREE_TRUNCATE || call == TREE_RENAME || call == TREE_MAKE_DIR ||
           call == TREE_SYNC_DIR;
}

static enum tree_verdict mem_before(struct tree *tree, enum tree_call call, struct str path,
                                    size_t *n, int *ret_rc, struct err *err)
{
    struct vfs_mem *mem = mem_of(&tree->base);
    mem->calls++;
    bool is_due = mem->fail_at > 0 &&
                  (mem->fault_stays ? mem->calls >= mem->fail_at : mem->calls == mem->fail_at);
    if (!is_due)
        return TREE_DO;
    switch (mem->fault) {
    case VFS_FAULT_EIO:
        *ret_rc = err_set(err, ERR_IO, "fault at \"%.*s\": Input/output error", STR_ARG(path));
        return TREE_FAIL;
    case VFS_FAULT_ENOSPC:
        if (!needs_space(call))
            return TREE_DO;
        *ret_rc = err_set(err, ERR_DISK_FULL, "fault at \"%.*s\": No space left on device",
                          STR_ARG(path));
        return TREE_FAIL;
    case VFS_FAULT_SHORT_WRITE:
        if (call != TREE_WRITE)
            return TREE_DO;
        *n /= 2;
        *ret_rc = err_set(err, ERR_DISK_FULL,
                          "fault at \"%.*s\": No space left on device after %zu bytes",
                          STR_ARG(path), *n);
        return TREE_DO_THEN_FAIL;
    case VFS_FAULT_NONE:
        break;
    }
    return TREE_DO;
}

struct vfs *vfs_mem_new(void)
{
    static const struct tree_hooks hooks = {.before = mem_before};
    struct vfs_mem *mem = MEM_NEW(struct vfs_mem);
    tree__init(&mem->tree, &hooks);
    return &mem->tree.base;
}

void vfs_mem_free(struct vfs *fs)
{
    if (!fs)
        return;
    tree__deinit(&mem_of(fs)->tree);
    mem_free(fs);
}

void vfs_mem_fail_at(struct vfs *fs, uint64_t call, enum vfs_fault fault, bool fault_stays)
{
    struct vfs_mem *mem = mem_of(fs);
    pthread_mutex_lock(&mem->tree.mu);
    mem->calls = 0;
    mem->fail_at = call;
    mem->fault = fault;
    mem->fault_stays = fault_stays;
    pthread_mutex_unlock(&mem->tree.mu);
}

uint64_t vfs_mem_calls(struct vfs *fs)
{
    struct vfs_mem *mem = mem_of(fs);
    pthread_mutex_lock(&mem->tree.mu);
    uint64_t calls = mem->calls;
    pthread_mutex_unlock(&mem->tree.mu);
    return calls;
}

void vfs_mem_set_free_bytes(struct vfs *fs, uint64_t bytes)
{
    struct vfs_mem *mem = mem_of(fs);
    pthread_mutex_lock(&mem->tree.mu);
    mem->tree.free_bytes = bytes;
    pthread_mutex_unlock(&mem->tree.mu);
}
