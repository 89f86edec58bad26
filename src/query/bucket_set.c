/* SPDX-License-Identifier: Apache-2.0 */
/* bucket_set.c: buckets by a 64-bit key, and how a block's documents come to them and to the states
 * of their children: one bucket's as they are, those of a few in groups side by side, those of many
 * scattered. */
#include "base/hash.h"
#include "base/str.h"
#include "query/agg_tree.h"

static uint32_t slot_of(const struct bucket_set *set, int64_t key)
{
    uint32_t mask = set->slot_count - 1;
    uint32_t at = (uint32_t)hash_u64((uint64_t)key + UINT64_C(0x9E3779B97F4A7C15)) & mask;
    while (set->slots[at] && set->buckets[set->slots[at] - 1].key != key)
        at = (at + 1) & mask;
    return at;
}

static void set_grow(struct bucket_set *set, struct arena *mem)
{
    uint32_t capacity = set->capacity ? set->capacity * 2 : 8;
    set->buckets = arena_realloc(mem, set->buckets, set->capacity * sizeof(*set->buckets),
                                 capacity * sizeof(*set->buckets));
    set->capacity = capacity;
    set->slot_count = capacity * 2;
    set->slots = ARENA_ARRAY(mem, uint32_t, set->slot_count);
    for (uint32_t i = 0; i < set->count; i++)
        set->slots[slot_of(set, set->buckets[i].key)] = i + 1;
}

static size_t state_stride(const struct agg_node *node)
{
    return (node->state_size + 15) & ~(size_t)15;
}

void bucket_set_dense(const struct agg_node *node, struct bucket_set *set, uint32_t count,
                      struct arena *mem)
{
    ASSERT(set->count == 0);
    set->buckets = ARENA_ARRAY(mem, struct bucket, count);
    set->count = set->capacity = count;
    set->is_dense = true;
    for (uint32_t i = 0; i < count; i++)
        set->buckets[i].key = i;
    set->flat = ARENA_ARRAY(mem, char *, node->child_count + 1);
    set->flat_bytes = ARENA_ARRAY(mem, size_t, node->child_count + 1);
    for (size_t k = 0; k < node->child_count; k++) {
        set->flat_bytes[k] = state_stride(node->children[k]);
        set->flat[k] = arena_zalloc(mem, set->flat_bytes[k] * count);
    }
}

void bucket_open(const struct agg_node *node, struct bucket_set *set, uint32_t index,
                 struct arena *mem)
{
    struct bucket *bucket = &set->buckets[index];
    if (!set->is_dense || bucket->children || node->child_count == 0)
        return;
    bucket->children = ARENA_ARRAY(mem, void *, node->child_count);
    for (size_t k = 0; k < node->child_count; k++)
        bucket->children[k] = set->flat[k] + index * set->flat_bytes[k];
}

void bucket_set_dense_merge(const struct agg_node *node, struct agg_run *run,
                            struct bucket_set *set, struct agg_run *other, struct bucket_set *from)
{
    ASSERT(set->is_dense && from->is_dense && set->count == from->count);
    for (uint32_t i = 0; i < set->count; i++)
        set->buckets[i].doc_count += from->buckets[i].doc_count;
    for (size_t k = 0; k < node->child_count; k++) {
        const struct agg_node *child = node->children[k];
        for (uint32_t i = 0; i < set->count; i++) {
            if (from->buckets[i].doc_count > 0)
                child->type->merge(child, run, set->flat[k] + i * set->flat_bytes[k], other,
                                   from->flat[k] + i * from->flat_bytes[k]);
        }
    }
}

uint32_t bucket_set_get(struct bucket_set *set, int64_t key, struct arena *mem)
{
    if (set->is_dense) {
        ASSERT(key >= 0 && key < set->count);
        return (uint32_t)key;
    }
    if (set->count && set->last_key == key)
        return set->last_index;
    if (set->count == set->capacity)
        set_grow(set, mem);
    uint32_t slot = slot_of(set, key);
    if (!set->slots[slot]) {
        set->buckets[set->count] = (struct bucket){.key = key};
        set->slots[slot] = ++set->count;
    }
    set->last_key = key;
    set->last_index = set->slots[slot] - 1;
    return set->last_index;
}

uint32_t bucket_set_find(const struct bucket_set *set, int64_t key)
{
    if (!set->count)
        return UINT32_MAX;
    if (set->is_dense)
        return key >= 0 && key < set->count ? (uint32_t)key : UINT32_MAX;
    uint32_t slot = slot_of(set, key);
    return set->slots[slot] ? set->slots[slot] - 1 : UINT32_MAX;
}

/* The states of all children in one piece behind their pointers. */
static void make_children(const struct agg_node *node, struct agg_run *run, struct bucket *bucket)
{
    size_t size = (node->child_count * sizeof(void *) + 15) & ~(size_t)15;
    for (size_t i = 0; i < node->child_count; i++)
        size += state_stride(node->children[i]);
    char *at = arena_zalloc(run->mem, size);
    bucket->children = (void **)(void *)at;
    at += (node->child_count * sizeof(void *) + 15) & ~(size_t)15;
    for (size_t i = 0; i < node->child_count; i++) {
        bucket->children[i] = at;
        at += state_stride(node->children[i]);
    }
}

void *bucket_child_state(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                         size_t i)
{
    if (UNLIKELY(!bucket->children))
        make_children(node, run, bucket);
    return bucket->children[i];
}

void bucket_collect(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                    const struct doc_block *block)
{
    bucket->doc_count += block->count;
    for (size_t i = 0; i < node->child_count; i++)
        node->children[i]->type->collect(node->children[i], run,
                                         bucket_child_state(node, run, bucket, i), block);
}

/* Buckets with fewer documents of a batch than this are handed to children value by value. */
#define SCATTER_DOCS_MAX     64u
#define SCATTER_CHILDREN_MAX 64u /* a node with more children hands out groups only */

/* Children that can take values one by one get them so. Sets done[i] of each that did; true: all
 * did. */
static bool scatter_children(const struct agg_node *node, struct agg_run *run,
                             struct bucket_scatter *to, bool *done)
{
    bool is_all = true;
    for (size_t i = 0; i < node->child_count; i++) {
        const struct agg_node *child = node->children[i];
        to->child = i;
        done[i] = child->type->scatter && child->type->scatter(child, run, to);
        is_all = is_all && done[i];
    }
    return is_all;
}

/* Where the documents of each bucket of a batch begin, side by side. */
struct grouping {
    uint32_t touched[BATCH_MAX], begin[BATCH_MAX + 1];
    uint32_t count;
    size_t docs;
};

static void sum_groups(struct grouping *groups)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < groups->count; i++) {
        uint32_t count = groups->begin[i];
        groups->begin[i] = sum;
        sum += count;
    }
    groups->begin[groups->count] = sum;
    groups->docs = sum;
}

#define FEW_BUCKETS_MAX 256u

/* Of a few buckets: counted in an array of their own, the last place for those without one. */
static void count_few(struct bucket_set *set, const uint32_t *index, size_t n,
                      struct grouping *groups)
{
    uint32_t counts[FEW_BUCKETS_MAX + 1] = {0}, other[FEW_BUCKETS_MAX + 1] = {0};
    uint32_t none = set->count;
    size_t i = 0;
    for (; i + 1 < n; i += 2) { /* two arrays: neighbours in one bucket need not wait */
        counts[MIN_OF(index[i], none)]++;
        other[MIN_OF(index[i + 1], none)]++;
    }
    if (i < n)
        counts[MIN_OF(index[i], none)]++;
    groups->count = 0;
    for (uint32_t k = 0; k < set->count; k++) {
        uint32_t docs = counts[k] + other[k];
        if (docs == 0)
            continue;
        set->buckets[k].local = groups->count;
        groups->touched[groups->count] = k;
        groups->begin[groups->count++] = docs;
    }
    sum_groups(groups);
}

static void place_few(const struct bucket_set *set, const struct grouping *groups,
                      const uint32_t *index, const uint16_t *offs, size_t n, uint16_t *placed)
{
    uint32_t at[FEW_BUCKETS_MAX + 1] = {0};
    uint32_t none = set->count;
    for (uint32_t i = 0; i < groups->count; i++)
        at[groups->touched[i]] = groups->begin[i];
    for (size_t i = 0; i < n; i++) {
        if (index[i] < none)
            placed[at[index[i]]++] = offs[i];
    }
}

static void count_groups(struct bucket_set *set, const uint32_t *index, size_t n,
                         struct grouping *groups)
{
    if (set->count <= FEW_BUCKETS_MAX) {
        count_few(set, index, n, groups);
        return;
    }
    uint32_t epoch = ++set->epoch;
    groups->count = 0;
    for (size_t i = 0; i < n; i++) {
        if (index[i] == UINT32_MAX)
            continue;
        struct bucket *bucket = &set->buckets[index[i]];
        if (bucket->epoch != epoch) {
            bucket->epoch = epoch;
            bucket->local = groups->count;
            groups->touched[groups->count] = index[i];
            groups->begin[groups->count++] = 0;
        }
        groups->begin[bucket->local]++;
    }
    sum_groups(groups);
}

#define RUN_DOCS_MIN                                                                               \
    32u /* documents of a bucket side by side, on average, to take them as they are */

static size_t count_runs(const uint32_t *index, size_t n)
{
    size_t runs = n > 0;
    for (size_t i = 1; i < n; i++)
        runs += index[i] != index[i - 1];
    return runs;
}

/* Neighbours in one bucket, as time-ordered documents are: each run is a block of its own. */
static void collect_runs(const struct agg_node *node, struct agg_run *run, struct bucket_set *set,
                         const uint32_t *index, const uint16_t *offs, size_t n,
                         const struct doc_block *block)
{
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && index[end] == index[i];)
            end++;
        if (index[i] == UINT32_MAX)
            continue;
        struct doc_block sub = {block->first, (uint32_t)(end - i), offs + i, block->scores};
        if (end - i == n && !block->offs && n == block->count)
            sub.offs = NULL; /* the whole window */
        bucket_open(node, set, index[i], run->mem);
        bucket_collect(node, run, &set->buckets[index[i]], &sub);
    }
}

static void place(const struct bucket_set *set, const struct grouping *groups,
                  const uint32_t *index, const uint16_t *offs, size_t n, uint16_t *placed)
{
    uint32_t at[BATCH_MAX];
    memcpy(at, groups->begin, groups->count * sizeof(at[0]));
    for (size_t i = 0; i < n; i++) {
        if (index[i] != UINT32_MAX)
            placed[at[set->buckets[index[i]].local]++] = offs[i];
    }
}

static void count_docs(struct bucket_set *set, const uint32_t *index, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i + SCATTER_AHEAD < n && index[i + SCATTER_AHEAD] != UINT32_MAX)
            __builtin_prefetch(&set->buckets[index[i + SCATTER_AHEAD]], 1);
        if (index[i] != UINT32_MAX)
            set->buckets[index[i]].doc_count++;
    }
}

/* Puts the documents of each bucket side by side: counted first, then placed. */
void bucket_group(const struct agg_node *node, struct agg_run *run, struct bucket_set *set,
                  const uint32_t *index, const uint16_t *offs, size_t n,
                  const struct doc_block *block)
{
    if (count_runs(index, n) * RUN_DOCS_MIN <= n) {
        collect_runs(node, run, set, index, offs, n, block);
        return;
    }
    if (node->child_count == 0) {
        count_docs(set, index, n);
        return;
    }
    struct grouping groups;
    bool done[SCATTER_CHILDREN_MAX] = {false};
    struct bucket_scatter to = {node, 0, set, index, offs, n, block};
    /* Of that many buckets each has few documents of a batch: no need to count them. */
    if (set->is_dense && set->count > BATCH_MAX && node->child_count <= SCATTER_CHILDREN_MAX &&
        scatter_children(node, run, &to, done)) {
        count_docs(set, index, n);
        return;
    }
    count_groups(set, index, n, &groups);
    bool is_small = groups.docs < (size_t)groups.count * SCATTER_DOCS_MAX;
    bool is_all = is_small && !set->is_dense && node->child_count <= SCATTER_CHILDREN_MAX &&
                  scatter_children(node, run, &to, done);
    if (is_all) {
        for (uint32_t i = 0; i < groups.count; i++)
            set->buckets[groups.touched[i]].doc_count += groups.begin[i + 1] - groups.begin[i];
        return;
    }
    uint16_t placed[BATCH_MAX];
    if (set->count <= FEW_BUCKETS_MAX)
        place_few(set, &groups, index, offs, n, placed);
    else
        place(set, &groups, index, offs, n, placed);
    for (uint32_t i = 0; i < groups.count; i++) {
        struct doc_block sub = {block->first, groups.begin[i + 1] - groups.begin[i],
                                placed + groups.begin[i], block->scores};
        struct bucket *bucket = &set->buckets[groups.touched[i]];
        bucket_open(node, set, groups.touched[i], run->mem);
        bucket->doc_count += sub.count;
        for (size_t k = 0; k < node->child_count; k++) {
            if (k < SCATTER_CHILDREN_MAX && done[k])
                continue;
            node->children[k]->type->collect(node->children[k], run,
                                             bucket_child_state(node, run, bucket, k), &sub);
        }
    }
}

void bucket_merge(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                  struct agg_run *other, struct bucket *from)
{
    bucket->doc_count += from->doc_count;
    for (size_t i = 0; from->children && i < node->child_count; i++) {
        const struct agg_node *child = node->children[i];
        if (from->children[i])
            child->type->merge(child, run, bucket_child_state(node, run, bucket, i), other,
                               from->children[i]);
    }
}

void bucket_print(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                  struct value *map)
{
    if (++run->bucket_count > run->bucket_count_max) {
        (void)agg_fail(
            run, ERR_TOO_MANY_BUCKETS,
            "Trying to create too many buckets. Must be less than or equal to: [%llu] but was "
            "[%llu]. This "
            "limit can be set by changing the [search.max_buckets] cluster level setting.",
            (unsigned long long)run->bucket_count_max, (unsigned long long)run->bucket_count);
        return;
    }
    value_map_set(run->mem, map, STR("doc_count"), value_int((int64_t)bucket->doc_count));
    for (size_t i = 0; i < node->child_count && run->rc == 0; i++)
        agg_print_node(node->children[i], run, bucket_child_state(node, run, bucket, i), map);
    agg_print_siblings(node->pipelines, node->pipeline_count, run, map);
}

struct value bucket_child_result(const struct agg_node *node, struct agg_run *run,
                                 struct bucket *bucket, struct str child)
{
    for (size_t i = 0; i < node->child_count; i++) {
        const struct agg_node *sub = node->children[i];
        if (str_eq(sub->name, child))
            return sub->type->result(sub, run, bucket_child_state(node, run, bucket, i));
    }
    return (struct value){.kind = VALUE_NONE};
}
