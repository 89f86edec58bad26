/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_tree_int.h: a tree of files and folders in memory that answers all calls of vfs.h; `vfs_mem`
 * and `vfs_sim` are this tree with hooks. One lock for the whole tree; the hooks run with it held.
 *
 * A node lives as long as something refers to it: an entry of a folder, an open file, and in
 * vfs_sim the durable entries and the journal. Paths start at the one root, with or without a
 * leading slash; there are no links. Times are the count of changes in milliseconds, so that a run
 * repeats exactly. */
#ifndef NARU_OS_VFS_TREE_INT_H
#define NARU_OS_VFS_TREE_INT_H

#include <pthread.h>

#include "os/vfs.h"

struct tree_bytes {
    char *p;
    size_t n, capacity;
};

struct tree_entry {
    char *name;             /* owned */
    struct tree_node *node; /* one reference */
};

/* The entries of a folder, sorted by name. */
struct tree_entries {
    struct tree_entry *items;
    size_t count, capacity;
};

struct tree_node {
    unsigned refs;
    bool is_dir;
    bool is_locked;
    uint64_t inode;
    int64_t modified_ns;
    struct tree_bytes bytes;     /* of a file */
    struct tree_entries entries; /* of a folder */
    struct sim_node *sim;        /* vfs_sim's, freed by hook */
};

enum tree_call {
    TREE_OPEN,
    TREE_CREATE,
    TREE_READ,
    TREE_WRITE,
    TREE_SYNC,
    TREE_TRUNCATE,
    TREE_STAT,
    TREE_MAP,
    TREE_LOCK,
    TREE_RENAME,
    TREE_REMOVE,
    TREE_MAKE_DIR,
    TREE_SYNC_DIR,
    TREE_LIST,
    TREE_FREE_BYTES,
};

enum tree_verdict {
    TREE_DO,
    TREE_DO_THEN_FAIL, /* takes effect, is reported as failed: the power went during the call */
    TREE_FAIL,
};

struct tree {
    struct vfs base;
    const struct tree_hooks *hooks;
    pthread_mutex_t mu; /* guards all below and every node */
    struct tree_node *root;
    uint64_t inode_next;
    uint64_t changes;
    uint64_t free_bytes;
    uint64_t generation; /* files opened in an earlier one are dead */
};

/* What a kind of tree adds. All MAY be NULL except before. */
struct tree_hooks {
    /* Called first in every call. `*n`: bytes of a write, lowered to let only a part through before
     * the failure. Fills err unless the verdict is TREE_DO. */
    enum tree_verdict (*before)(struct tree *tree, enum tree_call call, struct str path, size_t *n,
                                int *ret_rc, struct err *err);
    void (*wrote)(struct tree *tree, struct tree_node *node, uint64_t off, const void *p, size_t n);
    void (*truncated)(struct tree *tree, struct tree_node *node, uint64_t size);
    void (*synced)(struct tree *tree, struct tree_node *node);
    /* Entry `name` of dir now is `node` (NULL: removed). */
    void (*entry_set)(struct tree *tree, struct tree_node *dir, struct str name,
                      struct tree_node *node);
    void (*renamed)(struct tree *tree, struct tree_node *from_dir, struct str from,
                    struct tree_node *to_dir, struct str to, struct tree_node *node);
    void (*dir_synced)(struct tree *tree, struct tree_node *dir);
    void (*node_freed)(struct tree *tree, struct tree_node *node);
};

void tree__init(struct tree *tree, const struct tree_hooks *hooks);
void tree__deinit(struct tree *tree);

struct tree_node *tree__ref(struct tree_node *node);
void tree__unref(struct tree *tree, struct tree_node *node);

void tree__bytes_write(struct tree_bytes *bytes, uint64_t off, const void *p, size_t n);
void tree__bytes_truncate(struct tree_bytes *bytes, uint64_t size);

struct tree_node *tree__entry_get(const struct tree_entries *entries, struct str name);
/* Takes a reference of its own; NULL removes. */
void tree__entry_set(struct tree *tree, struct tree_entries *entries, struct str name,
                     struct tree_node *node);
void tree__entries_clear(struct tree *tree, struct tree_entries *entries);

#endif
