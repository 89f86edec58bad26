/* SPDX-License-Identifier: Apache-2.0 */
/* bucket_set_test.c: buckets by their keys against a list; documents that come to buckets and to
 * their children, in whichever way, against adding them up one by one; the limit of buckets. */
#include "support/test.h"

#include "event/value.h"
#include "query/agg_tree.h"

/* ---- Keys ---- */

static void keys_agree_with_a_list(struct test *t)
{
    static const int64_t edges[] = {0, -1, 1, INT64_MIN, INT64_MAX, INT64_MIN + 1};
    for (int round = 0; round < 100; round++) {
        struct bucket_set set = {0};
        int64_t list[700];
        uint32_t count = 0, draws = (uint32_t)rng_below(&t->rng, ARRAY_COUNT(list) + 1);
        int64_t step = INT64_C(1) << rng_below(&t->rng, 50);
        assert_int_equal(bucket_set_find(&set, 0), UINT32_MAX);
        for (uint32_t i = 0; i < draws; i++) {
            int64_t key = rng_below(&t->rng, 10) ? rng_between(&t->rng, -200, 200) * step
                                                 : edges[rng_below(&t->rng, ARRAY_COUNT(edges))];
            uint32_t want = 0;
            while (want < count && list[want] != key)
                want++;
            assert_int_equal(bucket_set_find(&set, key), want < count ? want : UINT32_MAX);
            if (want == count)
                list[count++] = key;
            assert_int_equal(bucket_set_get(&set, key, t->mem), want);
            assert_true(set.buckets[want].key == key && set.count == count);
        }
    }
}

static void dense_keys_are_places(struct test *t)
{
    const struct agg_node node = {.child_count = 0};
    struct bucket_set set = {0};
    bucket_set_dense(&node, &set, 5, t->mem);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(bucket_set_get(&set, i, t->mem), i);
        assert_int_equal(bucket_set_find(&set, i), i);
        assert_true(set.buckets[i].key == i && set.buckets[i].doc_count == 0);
    }
    assert_int_equal(bucket_set_find(&set, -1), UINT32_MAX);
    assert_int_equal(bucket_set_find(&set, 5), UINT32_MAX);
    assert_int_equal(bucket_set_find(&set, INT64_C(1) << 32), UINT32_MAX);
}

/* ---- Documents ---- */

/* What a child keeps: the documents it got. They come in their order, whichever way they come. */
struct tally {
    uint64_t docs, sum;
    uint32_t next; /* no document below this one may follow */
    bool is_mixed; /* one did */
};

static void tally_add(struct tally *tally, uint32_t doc)
{
    tally->is_mixed = tally->is_mixed || doc < tally->next;
    tally->next = doc;
    tally->docs++;
    tally->sum += doc * UINT64_C(2654435761);
}

static void tally_collect(const struct agg_node *node UNUSED, struct agg_run *run UNUSED,
                          void *state, const struct doc_block *block)
{
    for (uint32_t i = 0; i < block->count; i++)
        tally_add(state, block->first + block_offset(block, i));
}

static bool tally_scatter(const struct agg_node *node, struct agg_run *run,
                          struct bucket_scatter *to)
{
    if (str_is(node->name, "c2")) /* not in this segment */
        return false;
    for (size_t i = 0; i < to->n; i++) {
        if (to->index[i] == UINT32_MAX)
            continue;
        struct bucket *bucket = &to->set->buckets[to->index[i]];
        void *state = to->set->is_dense
                          ? to->set->flat[to->child] + to->index[i] * to->set->flat_bytes[to->child]
                          : bucket_child_state(to->parent, run, bucket, to->child);
        tally_add(state, to->block->first + to->offs[i]);
    }
    return true;
}

static void tally_merge(const struct agg_node *node UNUSED, struct agg_run *run UNUSED, void *state,
                        struct agg_run *other UNUSED, void *from)
{
    struct tally *own = state;
    const struct tally *more = from;
    own->docs += more->docs;
    own->sum += more->sum;
}

static struct value tally_result(const struct agg_node *node UNUSED, struct agg_run *run UNUSED,
                                 void *state)
{
    const struct tally *tally = state;
    return value_int((int64_t)tally->docs);
}

static const struct bucket_type tally_types[] = {
    {.name = "blocks", .collect = tally_collect, .merge = tally_merge, .result = tally_result},
    {.name = "either", .collect = tally_collect, .merge = tally_merge, .scatter = tally_scatter},
};

#define CHILDREN_MAX 70u

static struct agg_node *node_new(struct test *t, size_t child_count)
{
    struct agg_node *node = ARENA_NEW(t->mem, struct agg_node);
    node->children = ARENA_ARRAY(t->mem, struct agg_node *, CHILDREN_MAX);
    node->child_count = child_count;
    for (size_t i = 0; i < child_count; i++) {
        node->children[i] = ARENA_NEW(t->mem, struct agg_node);
        *node->children[i] =
            (struct agg_node){.type = &tally_types[rng_below(&t->rng, ARRAY_COUNT(tally_types))],
                              .name = arena_printf(t->mem, "c%zu", i),
                              .state_size = sizeof(struct tally)};
    }
    return node;
}

/* Runs of neighbours in one bucket, of a random length on average; some in none. */
static size_t draw_batch(struct test *t, uint32_t buckets, uint32_t *index, uint16_t *offs)
{
    size_t n = 0, room = 1 + rng_below(&t->rng, BATCH_MAX);
    uint64_t run = 1 + rng_below(&t->rng, rng_below(&t->rng, 2) ? 3 : 200);
    uint32_t bucket = 0, gap = 1 + (uint32_t)rng_below(&t->rng, 3);
    for (uint32_t off = 0; off < room; off += (uint32_t)(1 + rng_below(&t->rng, gap))) {
        if (n == 0 || rng_below(&t->rng, run) == 0)
            bucket = rng_below(&t->rng, 8) ? (uint32_t)rng_below(&t->rng, buckets) : UINT32_MAX;
        index[n] = bucket;
        offs[n++] = (uint16_t)off;
    }
    return n;
}

struct round {
    struct test *t;
    const struct agg_node *node;
    struct agg_run run;
    struct tally *want; /* by bucket */
    uint32_t buckets;
};

static void collect_batches(struct round *round, struct bucket_set *set)
{
    uint32_t index[BATCH_MAX];
    uint16_t offs[BATCH_MAX];
    for (uint32_t first = 0; first < 4 * ZONE_DOCS; first += ZONE_DOCS) {
        size_t n = draw_batch(round->t, round->buckets, index, offs);
        bool is_whole = offs[n - 1] == n - 1 && rng_below(&round->t->rng, 2);
        struct doc_block block = {first, (uint32_t)n, is_whole ? NULL : offs, NULL};
        for (size_t i = 0; i < n; i++) {
            if (index[i] != UINT32_MAX)
                tally_add(&round->want[index[i]], first + offs[i]);
        }
        bucket_group(round->node, &round->run, set, index, offs, n, &block);
    }
}

static void set_init(struct round *round, struct bucket_set *set, bool is_dense)
{
    *set = (struct bucket_set){0};
    if (is_dense)
        bucket_set_dense(round->node, set, round->buckets, round->t->mem);
    for (uint32_t i = 0; i < round->buckets; i++)
        assert_int_equal(bucket_set_get(set, i, round->t->mem), i);
}

static void check_set(struct round *round, struct bucket_set *set)
{
    for (uint32_t i = 0; i < round->buckets; i++) {
        assert_int_equal(set->buckets[i].doc_count, round->want[i].docs);
        bucket_open(round->node, set, i, round->t->mem);
        for (size_t k = 0; k < round->node->child_count; k++) {
            const struct tally *got =
                bucket_child_state(round->node, &round->run, &set->buckets[i], k);
            assert_int_equal(got->docs, round->want[i].docs);
            assert_int_equal(got->sum, round->want[i].sum);
            assert_false(got->is_mixed);
        }
    }
}

/* Two sets of as many buckets as each way of handing out has, then one put to the other. */
static void documents_come_to_their_buckets(struct test *t)
{
    static const uint32_t buckets[] = {1, 2, 40, 255, 256, 257, 900, BATCH_MAX, BATCH_MAX + 1};
    static const size_t children[] = {0, 1, 2, 3, 64, 65};
    for (size_t i = 0; i < ARRAY_COUNT(buckets) * ARRAY_COUNT(children) * 2; i++) {
        struct round round = {.t = t, .run.mem = arena_new(0)};
        struct bucket_set set, more;
        round.node = node_new(t, children[i / 2 % ARRAY_COUNT(children)]);
        round.buckets = buckets[i / 2 / ARRAY_COUNT(children)];
        round.want = ARENA_ARRAY(round.run.mem, struct tally, round.buckets);
        set_init(&round, &set, i % 2);
        collect_batches(&round, &set);
        check_set(&round, &set);
        set_init(&round, &more, i % 2);
        collect_batches(&round, &more);
        if (i % 2)
            bucket_set_dense_merge(round.node, &round.run, &set, &round.run, &more);
        for (uint32_t b = 0; b < round.buckets && i % 2 == 0; b++)
            bucket_merge(round.node, &round.run, &set.buckets[b], &round.run, &more.buckets[b]);
        check_set(&round, &set);
        arena_free(round.run.mem);
    }
}

/* ---- Printing ---- */

static void buckets_are_printed_up_to_the_limit(struct test *t)
{
    struct agg_node *node = node_new(t, 2);
    node->children[0]->type = node->children[1]->type = &tally_types[0];
    struct bucket_set set = {0};
    struct agg_run run = {.mem = t->mem, .err = &t->err, .bucket_count_max = 3};
    struct doc_block block = {10, 2, NULL, NULL};
    for (int64_t key = 0; key < 5; key++) {
        struct value map = value_map(t->mem, 4);
        uint32_t at = bucket_set_get(&set, key, t->mem);
        bucket_collect(node, &run, &set.buckets[at], &block);
        bucket_print(node, &run, &set.buckets[at], &map);
        assert_int_equal(run.rc, key < 3 ? 0 : -ERR_TOO_MANY_BUCKETS);
        assert_int_equal(map.map->count, key < 3 ? 3 : 0);
        for (size_t i = 0; i < map.map->count; i++) {
            static const char *const names[] = {"doc_count", "c0", "c1"};
            assert_str_eq(map.map->keys[i], names[i]);
            assert_int_equal(map.map->values[i].i, 2);
        }
    }
    assert_string_equal(t->err.text, /* of the first that was too many */
                        "Trying to create too many buckets. Must be less than or equal to: [3] but "
                        "was [4]. This limit can be set by changing the [search.max_buckets] "
                        "cluster level setting.");
    assert_int_equal(bucket_child_result(node, &run, set.buckets, STR("c1")).i, 2);
    assert_int_equal(bucket_child_result(node, &run, set.buckets, STR("c")).kind, VALUE_NONE);
}

TEST_MAIN(TEST(keys_agree_with_a_list), TEST(dense_keys_are_places),
          TEST(documents_come_to_their_buckets), TEST(buckets_are_printed_up_to_the_limit))
