/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_sim.c: what a machine may show after losing power. The tree's live state is what programs see
 * (the page cache); beside it every node has a durable state, and what lies between the two is kept
 * as it came: per file the writes and truncations since its last sync, for all folders one journal
 * of name changes.
 *
 * The model of a crash, in the order of what it takes away:
 * 1. A name change is atomic (a rename is seen in both folders or in neither) and survives or not
 * by itself; but one that touches a name which a lost change touched is lost too, and of renamed
 * folders a prefix survives. `sync_dir` makes the changes in that folder durable, with those they
 * build on.
 * 2. Each 512-byte sector of a file shows the durable content with a prefix of the writes to this
 * sector: the page cache is written back at some moment, sector by sector, in any order. So writes
 * are torn, and later ones may survive without earlier ones elsewhere in the file.
 * 3. The size follows the same rule by itself; where it grew without the data, zeros are read.
 * That is stricter than ext4 in its default mode and about what POSIX allows; after Pillai et al.,
 * "All File Systems Are Not Created Equal", OSDI 2014. */
#include <stdio.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/str.h"
#include "os/vfs_tree_int.h"

#define SECTOR_BYTES 512u

/* One write or truncation since the file's last sync. */
struct content_op {
    uint64_t off; /* of a truncation: the new size */
    size_t n;
    char *p; /* owned copy of what was written; NULL: a truncation */
};

struct sim_node {
    struct tree_bytes durable;
    struct tree_entries durable_entries;
    struct content_op *ops;
    size_t op_count, op_capacity;
};

/* One name and what it became. */
struct name_change {
    struct tree_node *dir;  /* one reference */
    char *name;             /* owned */
    struct tree_node *node; /* one reference, or NULL: removed */
};

struct journal_op {
    struct name_change changes[2]; /* a rename has two */
    size_t change_count;
    bool is_folder_rename;
};

struct vfs_sim {
    struct tree tree;
    uint64_t seed; /* guarded by tree.mu, as all below */
    uint64_t steps;
    uint64_t crash_at; /* 0: never */
    bool is_off;
    vfs_sim_step_fn *on_step;
    void *on_step_arg;
    struct journal_op *journal;
    size_t journal_count, journal_capacity;
};

static struct vfs_sim *sim_of(struct tree *tree)
{
    return (struct vfs_sim *)tree;
}

static struct sim_node *state_of(struct tree_node *node)
{
    if (!node->sim)
        node->sim = MEM_NEW(struct sim_node);
    return node->sim;
}

/* ---- what is recorded ---- */

static bool is_step(enum tree_call call)
{
    return call == TREE_CREATE || call == TREE_WRITE || call == TREE_SYNC ||
           call == TREE_TRUNCATE || call == TREE_RENAME || call == TREE_REMOVE ||
           call == TREE_MAKE_DIR || call == TREE_SYNC_DIR;
}

static enum tree_verdict sim_before(struct tree *tree, enum tree_call call, struct str path,
                                    size_t *n, int *ret_rc, struct err *err)
{
    (void)n;
    struct vfs_sim *sim = sim_of(tree);
    bool was_off = sim->is_off;
    if (!was_off && is_step(call)) {
        sim->steps++;
        sim->is_off = (sim->crash_at > 0 && sim->steps >= sim->crash_at) ||
                      (sim->on_step && sim->on_step(sim->on_step_arg, sim->steps));
    }
    if (!sim->is_off)
        return TREE_DO;
    *ret_rc = err_set(err, ERR_IO, "\"%.*s\": the power is off", STR_ARG(path));
    return was_off ? TREE_FAIL
                   : TREE_DO_THEN_FAIL; /* the call under way may still have an effect */
}

static void content_op_add(struct tree_node *node, struct content_op op)
{
    struct sim_node *state = state_of(node);
    mem_grow((void **)&state->ops, &state->op_capacity, state->op_count + 1, sizeof(*state->ops));
    state->ops[state->op_count++] = op;
}

static void sim_wrote(struct tree *tree, struct tree_node *node, uint64_t off, const void *p,
                      size_t n)
{
    (void)tree;
    char *copy = mem_alloc(n);
    memcpy(copy, p, n);
    content_op_add(node, (struct content_op){off, n, copy});
}

static void sim_truncated(struct tree *tree, struct tree_node *node, uint64_t size)
{
    (void)tree;
    content_op_add(node, (struct content_op){size, 0, NULL});
}

static void content_ops_clear(struct sim_node *state)
{
    for (size_t i = 0; i < state->op_count; i++)
        mem_free(state->ops[i].p);
    state->op_count = 0;
}

static void sim_synced(struct tree *tree, struct tree_node *node)
{
    (void)tree;
    struct sim_node *state = state_of(node);
    for (size_t i = 0; i < state->op_count; i++) {
        const struct content_op *op = &state->ops[i];
        if (op->p)
            tree__bytes_write(&state->durable, op->off, op->p, op->n);
        else
            tree__bytes_truncate(&state->durable, op->off);
    }
    content_ops_clear(state);
    ASSERT(state->durable.n == node->bytes.n);
}

static void name_change_add(struct journal_op *op, struct tree_node *dir, struct str name,
                            struct tree_node *node)
{
    op->changes[op->change_count++] =
        (struct name_change){tree__ref(dir), mem_cstr(name), node ? tree__ref(node) : NULL};
}

static struct journal_op *journal_op_new(struct vfs_sim *sim)
{
    mem_grow((void **)&sim->journal, &sim->journal_capacity, sim->journal_count + 1,
             sizeof(*sim->journal));
    struct journal_op *op = &sim->journal[sim->journal_count++];
    *op = (struct journal_op){0};
    return op;
}

static void sim_entry_set(struct tree *tree, struct tree_node *dir, struct str name,
                          struct tree_node *node)
{
    name_change_add(journal_op_new(sim_of(tree)), dir, name, node);
}

static void sim_renamed(struct tree *tree, struct tree_node *from_dir, struct str from,
                        struct tree_node *to_dir, struct str to, struct tree_node *node)
{
    struct journal_op *op = journal_op_new(sim_of(tree));
    name_change_add(op, from_dir, from, NULL);
    name_change_add(op, to_dir, to, node);
    op->is_folder_rename = node->is_dir;
}

/* ---- what becomes durable ---- */

/* The names that some set of journal operations touches. */
struct touched {
    struct strmap names;
    bool has_folder_rename;
};

static struct str name_key(const struct name_change *change, char *text, size_t size)
{
    int n = snprintf(text, size, "%llu/%s", (unsigned long long)change->dir->inode, change->name);
    ASSERT(n > 0 && (size_t)n < size);
    return (struct str){text, (size_t)n};
}

static bool touched_has(const struct touched *touched, const struct journal_op *op)
{
    char text[320];
    if (op->is_folder_rename && touched->has_folder_rename)
        return true;
    for (size_t i = 0; i < op->change_count; i++) {
        if (strmap_has(&touched->names, name_key(&op->changes[i], text, sizeof(text))))
            return true;
    }
    return false;
}

static void touched_add(struct touched *touched, const struct journal_op *op)
{
    char text[320];
    touched->has_folder_rename |= op->is_folder_rename;
    for (size_t i = 0; i < op->change_count; i++)
        strmap_put(&touched->names, name_key(&op->changes[i], text, sizeof(text)), NULL);
}

static void journal_op_apply(struct tree *tree, const struct journal_op *op)
{
    for (size_t i = 0; i < op->change_count; i++) {
        const struct name_change *change = &op->changes[i];
        tree__entry_set(tree, &state_of(change->dir)->durable_entries, str_from(change->name),
                        change->node);
    }
}

static void journal_op_deinit(struct tree *tree, struct journal_op *op)
{
    for (size_t i = 0; i < op->change_count; i++) {
        mem_free(op->changes[i].name);
        tree__unref(tree, op->changes[i].node);
        tree__unref(tree, op->changes[i].dir);
    }
}

/* Applies the marked operations in their order; keeps the others, or forgets them. */
static void journal_settle(struct vfs_sim *sim, const bool *is_marked, bool keeps_others)
{
    size_t kept = 0;
    for (size_t i = 0; i < sim->journal_count; i++) {
        struct journal_op *op = &sim->journal[i];
        if (!is_marked[i] && keeps_others) {
            sim->journal[kept++] = *op;
            continue;
        }
        if (is_marked[i])
            journal_op_apply(&sim->tree, op);
        journal_op_deinit(&sim->tree, op);
    }
    sim->journal_count = kept;
}

static bool is_in_dir(const struct journal_op *op, const struct tree_node *dir)
{
    for (size_t i = 0; i < op->change_count; i++) {
        if (op->changes[i].dir == dir)
            return true;
    }
    return false;
}

static void sim_dir_synced(struct tree *tree, struct tree_node *dir)
{
    struct vfs_sim *sim = sim_of(tree);
    if (sim->journal_count == 0)
        return;
    bool *is_marked = MEM_ARRAY(bool, sim->journal_count);
    struct touched touched = {.has_folder_rename = false};
    for (size_t i = sim->journal_count;
         i-- > 0;) { /* backwards: what a marked one builds on is marked */
        const struct journal_op *op = &sim->journal[i];
        is_marked[i] = is_in_dir(op, dir) || touched_has(&touched, op);
        if (is_marked[i])
            touched_add(&touched, op);
    }
    journal_settle(sim, is_marked, true);
    strmap_deinit(&touched.names);
    mem_free(is_marked);
}

static void sim_node_freed(struct tree *tree, struct tree_node *node)
{
    struct sim_node *state = node->sim;
    if (!state)
        return;
    tree__entries_clear(tree, &state->durable_entries);
    content_ops_clear(state);
    mem_free(state->ops);
    mem_free(state->durable.p);
    mem_free(state);
}

/* ---- the crash ---- */

/* How much is lost differs from crash to crash: nothing, a little, half, nearly all, all. */
struct dice {
    struct rng rng;
    uint64_t lost_of_8;
};

static bool is_lost(struct dice *dice)
{
    return rng_below(&dice->rng, 8) < dice->lost_of_8;
}

static void journal_crash(struct vfs_sim *sim, struct dice *dice)
{
    bool *is_kept = MEM_ARRAY(bool, sim->journal_count);
    struct touched lost = {.has_folder_rename = false};
    for (size_t i = 0; i < sim->journal_count; i++) {
        const struct journal_op *op = &sim->journal[i];
        is_kept[i] = !touched_has(&lost, op) && !is_lost(dice);
        if (!is_kept[i])
            touched_add(&lost, op);
    }
    journal_settle(sim, is_kept, false);
    strmap_deinit(&lost.names);
    mem_free(is_kept);
}

/* One write or truncation, sector by sector: a sector that stopped shows none of the later ones. */
static void content_op_crash(struct tree_bytes *bytes, const struct content_op *op,
                             uint64_t *stopped, struct dice *dice)
{
    uint64_t end = op->p ? op->off + op->n : bytes->n;
    for (uint64_t at = op->off; at < end;) {
        uint64_t sector = at / SECTOR_BYTES;
        uint64_t sector_end = MIN_OF((sector + 1) * SECTOR_BYTES, end);
        if (!bitset_get(stopped, sector) && is_lost(dice))
            bitset_set(stopped, sector);
        if (!bitset_get(stopped, sector)) {
            if (op->p)
                memcpy(bytes->p + at, op->p + (at - op->off), (size_t)(sector_end - at));
            else
                memset(bytes->p + at, 0, (size_t)(sector_end - at));
        }
        at = sector_end;
    }
}

/* The size after the operation, given the one before. */
static uint64_t size_after(const struct content_op *op, uint64_t size)
{
    return op->p ? MAX_OF(size, op->off + op->n) : op->off;
}

static void file_crash(struct tree *tree, struct tree_node *node, struct dice *dice)
{
    struct sim_node *state = state_of(node);
    uint64_t size = state->durable.n, largest = size;
    bool is_size_stopped = false;
    for (size_t i = 0; i < state->op_count; i++)
        largest = MAX_OF(largest, size_after(&state->ops[i], 0));
    tree__bytes_truncate(&state->durable, largest);
    uint64_t *stopped = MEM_ARRAY(uint64_t, BITSET_WORDS(largest / SECTOR_BYTES + 1));
    for (size_t i = 0; i < state->op_count; i++) {
        uint64_t after = size_after(&state->ops[i], size);
        is_size_stopped |= after != size && is_lost(dice);
        size = is_size_stopped ? size : after;
        content_op_crash(&state->durable, &state->ops[i], stopped, dice);
    }
    mem_free(stopped);
    tree__bytes_truncate(&state->durable, size);
    content_ops_clear(state);
    tree->free_bytes += node->bytes.n;
    tree->free_bytes -= size;
    tree__bytes_truncate(&node->bytes, 0);
    tree__bytes_write(&node->bytes, 0, state->durable.p, state->durable.n);
}

/* Makes the live state of a folder, and of all in it, what is durable. */
static void dir_crash(struct tree *tree, struct tree_node *dir, struct dice *dice)
{
    struct tree_entries live = dir->entries; /* freed at the end: nodes may move between folders */
    dir->entries = (struct tree_entries){0};
    const struct tree_entries *durable = &state_of(dir)->durable_entries;
    for (size_t i = 0; i < durable->count; i++) {
        struct tree_node *node = durable->items[i].node;
        tree__entry_set(tree, &dir->entries, str_from(durable->items[i].name), node);
        node->is_locked = false;
        if (node->is_dir)
            dir_crash(tree, node, dice); /* depth: the limit on paths */
        else
            file_crash(tree, node, dice);
    }
    tree__entries_clear(tree, &live);
}

void vfs_sim_crash(struct vfs *fs, uint64_t seed)
{
    struct vfs_sim *sim = sim_of((struct tree *)fs);
    static const uint64_t lost_of_8[] = {0, 1, 4, 7, 8};
    struct dice dice;
    pthread_mutex_lock(&sim->tree.mu);
    rng_init(&dice.rng, sim->seed ^ hash_u64(seed + 1));
    dice.lost_of_8 = lost_of_8[rng_below(&dice.rng, ARRAY_COUNT(lost_of_8))];
    journal_crash(sim, &dice);
    dice.lost_of_8 = lost_of_8[rng_below(&dice.rng, ARRAY_COUNT(lost_of_8))];
    dir_crash(&sim->tree, sim->tree.root, &dice);
    sim->tree.generation++;
    sim->is_off = false;
    sim->crash_at = 0;
    sim->on_step = NULL;
    pthread_mutex_unlock(&sim->tree.mu);
}

/* ---- the object ---- */

struct vfs *vfs_sim_new(uint64_t seed)
{
    static const struct tree_hooks hooks = {
        .before = sim_before,
        .wrote = sim_wrote,
        .truncated = sim_truncated,
        .synced = sim_synced,
        .entry_set = sim_entry_set,
        .renamed = sim_renamed,
        .dir_synced = sim_dir_synced,
        .node_freed = sim_node_freed,
    };
    struct vfs_sim *sim = MEM_NEW(struct vfs_sim);
    sim->seed = seed;
    tree__init(&sim->tree, &hooks);
    return &sim->tree.base;
}

void vfs_sim_free(struct vfs *fs)
{
    if (!fs)
        return;
    struct vfs_sim *sim = sim_of((struct tree *)fs);
    /* Durable becomes live first: two states with folders moved between could hold each other. */
    bool *all = MEM_ARRAY(bool, sim->journal_count);
    memset(all, true, sim->journal_count);
    journal_settle(sim, all, false);
    mem_free(all);
    mem_free(sim->journal);
    tree__deinit(&sim->tree);
    mem_free(sim);
}

uint64_t vfs_sim_steps(struct vfs *fs)
{
    struct vfs_sim *sim = sim_of((struct tree *)fs);
    pthread_mutex_lock(&sim->tree.mu);
    uint64_t steps = sim->steps;
    pthread_mutex_unlock(&sim->tree.mu);
    return steps;
}

void vfs_sim_on_step(struct vfs *fs, vfs_sim_step_fn *fn, void *arg)
{
    struct vfs_sim *sim = sim_of((struct tree *)fs);
    pthread_mutex_lock(&sim->tree.mu);
    sim->on_step = fn;
    sim->on_step_arg = arg;
    pthread_mutex_unlock(&sim->tree.mu);
}

void vfs_sim_crash_at(struct vfs *fs, uint64_t step)
{
    struct vfs_sim *sim = sim_of((struct tree *)fs);
    pthread_mutex_lock(&sim->tree.mu);
    sim->crash_at = step;
    pthread_mutex_unlock(&sim->tree.mu);
}
