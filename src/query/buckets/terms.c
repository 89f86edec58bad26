/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* terms.c: a bucket per distinct value, with exact counts (doc_count_error_upper_bound is always
 * 0). Texts are counted by a number that a run gives each text once; a segment maps its ordinals to
 * these numbers the first time they are met, so the inner loop handles integers only. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/str.h"
#include "index/ip.h"
#include "query/buckets/terms_filter.h"
#include "query/buckets/terms_order.h"
#include "query/dates.h"

struct terms_params {
    struct source_params source;
    int64_t size, shard_size, min_doc_count, shard_min_doc_count;
    bool show_term_doc_count_error;
    struct value order, include, exclude;
    struct str execution_hint, collect_mode;
    struct terms_orders orders;
    struct terms_filter *filter; /* NULL: none */
};

struct terms_run {
    struct source source;
    struct str *texts; /* by id */
    bool *is_out;      /* by id: excluded by include and exclude */
    uint32_t text_count, text_capacity;
    uint32_t *slots; /* hash table over texts: id + 1 */
    uint32_t slot_count;
    uint32_t *map; /* the segment's ordinals to ids, UINT32_MAX: not met yet */
};

struct terms_state {
    struct bucket_set set;
    uint32_t *index_of; /* at the top level: bucket + 1 by text id, so that no hash is needed */
    uint32_t index_capacity;
};

static const struct opt terms_opts[] = {
    SOURCE_OPTS(struct terms_params, source),
    SOURCE_OPT_FORMAT(struct terms_params, source),
    OPT_INT(struct terms_params, size, .dflt = "10", .help = "How many buckets are returned."),
    OPT_INT(struct terms_params, shard_size, .dflt = "-1",
            .help = "Accepted; counts are exact anyway."),
    OPT_INT(struct terms_params, min_doc_count, .dflt = "1",
            .help = "Buckets with fewer documents are left out."),
    OPT_INT(struct terms_params, shard_min_doc_count, .dflt = "0",
            .help = "Accepted; counts are exact anyway."),
    OPT_BOOL(struct terms_params, show_term_doc_count_error,
             .help = "Print the error of each count, which is 0."),
    OPT_VALUE(struct terms_params, order,
              .help =
                  "{\"_count\": \"desc\"}, {\"_key\": \"asc\"}, {\"agg.metric\": …} or a list."),
    OPT_VALUE(struct terms_params, include,
              .help = "Expression, list of values or {partition, num_partitions}."),
    OPT_VALUE(struct terms_params, exclude, .help = "Expression or list of values."),
    OPT_STR(struct terms_params, execution_hint, .flags = OPT_OBSOLETE,
            .help = "Accepted and without effect."),
    OPT_STR(struct terms_params, collect_mode, .flags = OPT_OBSOLETE,
            .help = "Accepted and without effect."),
    OPT_END,
};

/* ---- Parsing ---- */

static int terms_parse(struct agg_node *node, struct dsl *dsl, struct agg_tree *tree UNUSED,
                       const struct value *body, struct err *err)
{
    struct terms_params *params = node->params;
    TRY(source_check(node, &params->source, err));
    if (params->size <= 0)
        return dsl_error(body, err, ERR_INVALID,
                         "[size] must be greater than 0. Found [%lld] in [" STR_FMT "]",
                         (long long)params->size, STR_ARG(node->name));
    if (params->min_doc_count < 0)
        return dsl_error(
            body, err, ERR_INVALID,
            "[minDocCount] must be greater than or equal to 0. Found [%lld] in [" STR_FMT "]",
            (long long)params->min_doc_count, STR_ARG(node->name));
    if (params->order.kind != VALUE_NONE)
        TRY(terms_orders_parse(&params->orders, &params->order, err));
    return terms_filter_parse(&params->include, &params->exclude, dsl->mem, &params->filter, err);
}

/* ---- Running ---- */

static int terms_begin(const struct agg_node *node, struct agg_run *run, void *own, struct err *err)
{
    const struct terms_params *params = node->params;
    struct terms_run *mine = own;
    TRY(terms_orders_check(&params->orders, node, err));
    TRY(source_begin(&mine->source, node, &params->source, run, SOURCE_ANY, err));
    mine->map = NULL;
    if (mine->source.column && mine->source.kind == COLUMN_ORDINAL) {
        uint32_t count = column_ordinal_count(mine->source.column);
        mine->map = arena_alloc(run->scratch, ((size_t)count + 1) * sizeof(uint32_t));
        memset(mine->map, 0xFF, ((size_t)count + 1) * sizeof(uint32_t));
    }
    return 0;
}

static uint32_t text_slot(const struct terms_run *mine, struct str text)
{
    uint32_t mask = mine->slot_count - 1;
    uint32_t at = (uint32_t)hash_str(text) & mask;
    while (mine->slots[at] && !str_eq(mine->texts[mine->slots[at] - 1], text))
        at = (at + 1) & mask;
    return at;
}

static void grow_texts(struct terms_run *mine, struct arena *mem)
{
    uint32_t capacity = mine->text_capacity ? mine->text_capacity * 2 : 16;
    mine->texts = arena_realloc(mem, mine->texts, mine->text_capacity * sizeof(struct str),
                                capacity * sizeof(struct str));
    mine->is_out = arena_realloc(mem, mine->is_out, mine->text_capacity * sizeof(bool),
                                 capacity * sizeof(bool));
    mine->text_capacity = capacity;
    mine->slot_count = capacity * 2;
    mine->slots = ARENA_ARRAY(mem, uint32_t, mine->slot_count);
    for (uint32_t i = 0; i < mine->text_count; i++)
        mine->slots[text_slot(mine, mine->texts[i])] = i + 1;
}

static uint32_t text_id(const struct terms_params *params, struct terms_run *mine,
                        struct agg_run *run, struct str text)
{
    if (mine->text_count == mine->text_capacity)
        grow_texts(mine, run->mem);
    uint32_t slot = text_slot(mine, text);
    if (!mine->slots[slot]) {
        mine->texts[mine->text_count] = arena_str(run->mem, text);
        mine->is_out[mine->text_count] = params->filter && !terms_filter_text(params->filter, text);
        mine->slots[slot] = ++mine->text_count;
    }
    return mine->slots[slot] - 1;
}

static uint32_t ordinal_id(const struct terms_params *params, struct terms_run *mine,
                           struct agg_run *run, uint32_t ordinal)
{
    if (ordinal == SOURCE_MISSING)
        return text_id(params, mine, run, mine->source.missing_text);
    if (mine->map[ordinal] == UINT32_MAX)
        mine->map[ordinal] = text_id(
            params, mine, run, column_ordinal_text(mine->source.column, ordinal, run->scratch));
    return mine->map[ordinal];
}

static int64_t double_key(double v)
{
    int64_t bits;
    if (v == 0)
        v = 0;
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

static double key_double(int64_t key)
{
    double v;
    memcpy(&v, &key, sizeof(v));
    return v;
}

static uint32_t indexed_bucket(struct agg_run *run, struct terms_state *own, uint32_t id)
{
    if (id >= own->index_capacity) {
        uint32_t capacity = MAX_OF(own->index_capacity * 2, MAX_OF(id + 1, 64u));
        uint32_t *index_of = ARENA_ARRAY(run->mem, uint32_t, capacity);
        if (own->index_capacity)
            memcpy(index_of, own->index_of, own->index_capacity * sizeof(*index_of));
        own->index_of = index_of;
        own->index_capacity = capacity;
    }
    if (!own->index_of[id])
        own->index_of[id] = bucket_set_get(&own->set, id, run->mem) + 1;
    return own->index_of[id] - 1;
}

static uint32_t bucket_of(const struct terms_params *params, struct terms_run *mine,
                          struct agg_run *run, struct terms_state *own,
                          const struct value_batch *batch, size_t i, bool is_root)
{
    if (mine->source.kind == COLUMN_ORDINAL) {
        uint32_t id = ordinal_id(params, mine, run, batch->ordinals[i]);
        return mine->is_out[id] ? UINT32_MAX
               : is_root        ? indexed_bucket(run, own, id)
                                : bucket_set_get(&own->set, id, run->mem);
    }
    if (mine->source.kind == COLUMN_DOUBLE) {
        if (params->filter && !terms_filter_number(params->filter, batch->doubles[i]))
            return UINT32_MAX;
        return bucket_set_get(&own->set, double_key(batch->doubles[i]), run->mem);
    }
    if (params->filter && !terms_filter_number(params->filter, (double)batch->longs[i]))
        return UINT32_MAX;
    return bucket_set_get(&own->set, batch->longs[i], run->mem);
}

static void terms_collect(const struct agg_node *node, struct agg_run *run, void *state,
                          const struct doc_block *block)
{
    const struct terms_params *params = node->params;
    struct terms_run *mine = node_own(node, run);
    struct terms_state *own = state;
    struct source_cursor cursor = {0};
    struct value_batch batch;
    uint32_t index[BATCH_MAX];
    while (source_next(&mine->source, run, block, &cursor, true, &batch)) {
        for (size_t i = 0; i < batch.count; i++)
            index[i] = bucket_of(params, mine, run, own, &batch, i, node->depth == 0);
        bucket_group(node, run, &own->set, index, batch.offs, batch.count, block);
    }
}

/* The dictionary knows how many documents each text has. */
static bool terms_collect_all(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct terms_params *params = node->params;
    struct terms_run *mine = node_own(node, run);
    struct terms_state *own = state;
    if (node->child_count > 0 || mine->source.has_missing || (mine->source.column && !mine->map))
        return false;
    if (!mine->source.column)
        return true;
    uint32_t count = column_ordinal_count(mine->source.column);
    for (uint32_t ordinal = 0; ordinal < count; ordinal++) {
        uint32_t docs = column_ordinal_doc_count(mine->source.column, ordinal);
        uint32_t id = docs ? ordinal_id(params, mine, run, ordinal) : 0;
        if (docs && !mine->is_out[id]) {
            uint32_t at = bucket_set_get(&own->set, id, run->mem);
            own->set.buckets[at].doc_count += docs;
        }
    }
    return true;
}

static void terms_merge(const struct agg_node *node, struct agg_run *run, void *state,
                        struct agg_run *other, void *from)
{
    const struct terms_params *params = node->params;
    struct terms_run *mine = node_own(node, run), *theirs = node_own(node, other);
    struct terms_state *own = state, *more = from;
    if (!mine->source.field)
        mine->source = theirs->source;
    for (uint32_t i = 0; i < more->set.count; i++) {
        struct bucket *bucket = &more->set.buckets[i];
        int64_t key = bucket->key;
        if (theirs->source.kind == COLUMN_ORDINAL)
            key = text_id(params, mine, run, theirs->texts[key]);
        uint32_t at = bucket_set_get(&own->set, key, run->mem);
        bucket_merge(node, run, &own->set.buckets[at], other, bucket);
    }
}

/* ---- Result ---- */

struct row_order {
    const struct terms_params *params;
    const struct terms_run *mine;
};

static int key_cmp(const void *owner, const struct bucket *a, const struct bucket *b)
{
    const struct terms_run *mine = owner;
    if (mine->source.kind == COLUMN_ORDINAL)
        return str_cmp(mine->texts[a->key], mine->texts[b->key]);
    if (mine->source.kind == COLUMN_DOUBLE) {
        double x = key_double(a->key), y = key_double(b->key);
        return (x > y) - (x < y);
    }
    return (a->key > b->key) - (a->key < b->key);
}

static int row_cmp(const void *a, const void *b, void *owner)
{
    const struct row_order *order = owner;
    return terms_orders_cmp(&order->params->orders, a, b, key_cmp, order->mine);
}

static struct value print_key(const struct terms_run *mine, const struct bucket *bucket,
                              struct agg_run *run, struct str *ret_text)
{
    const struct source *source = &mine->source;
    *ret_text = STR_NONE;
    if (source->kind == COLUMN_ORDINAL) {
        struct str text = mine->texts[bucket->key];
        if (source->field && source->field->type == FIELD_IP && text.n == IP_BYTES) {
            char buffer[IP_TEXT_BYTES];
            uint8_t bytes[IP_BYTES];
            memcpy(bytes, text.p, IP_BYTES);
            return value_str_copy(run->mem, (struct str){buffer, ip_format(bytes, buffer)});
        }
        return value_str(text);
    }
    if (source->kind == COLUMN_DOUBLE) {
        if (source_prints_text(source))
            *ret_text = source_print_double(source, key_double(bucket->key), run->mem);
        return value_float(key_double(bucket->key));
    }
    if (source_prints_text(source))
        *ret_text = source_print_long(source, bucket->key, run->mem);
    if (source->field && source->field->type == FIELD_UNSIGNED_LONG) {
        uint64_t u = (uint64_t)bucket->key ^ (UINT64_C(1) << 63);
        if (u > INT64_MAX)
            return (struct value){.kind = VALUE_BIG,
                                  .s = arena_printf(run->mem, "%llu", (unsigned long long)u)};
        return value_int((int64_t)u);
    }
    return value_int(bucket->key);
}

/* min_doc_count 0 shows every text of the field, also those no matching document has. */
static void add_empty(const struct terms_params *params, struct terms_run *mine,
                      struct agg_run *run, struct terms_state *own)
{
    if (params->min_doc_count > 0 || mine->source.kind != COLUMN_ORDINAL || !run->env)
        return;
    size_t count;
    const struct searcher_part *parts = search_env_parts(run->env, &count);
    for (size_t i = 0; i < count; i++) {
        const struct field *field = mapping_field(parts[i].mapping, params->source.field);
        struct column *column = field ? segment_column(parts[i].segment, field) : NULL;
        if (!column || column_kind(column) != COLUMN_ORDINAL)
            continue;
        for (uint32_t k = 0; k < column_ordinal_count(column); k++) {
            uint32_t id = text_id(params, mine, run, column_ordinal_text(column, k, run->mem));
            if (!mine->is_out[id])
                (void)bucket_set_get(&own->set, id, run->mem);
        }
    }
}

static size_t gather_rows(const struct agg_node *node, struct agg_run *run, struct terms_state *own,
                          struct terms_row *rows, uint64_t *ret_total)
{
    const struct terms_params *params = node->params;
    size_t count = 0;
    for (uint32_t i = 0; i < own->set.count; i++) {
        struct bucket *bucket = &own->set.buckets[i];
        if ((int64_t)bucket->doc_count < params->min_doc_count)
            continue;
        *ret_total += bucket->doc_count;
        terms_orders_row(&params->orders, node, run, bucket, &rows[count++]);
    }
    return count;
}

static struct value terms_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct terms_params *params = node->params;
    struct terms_run *mine = node_own(node, run);
    struct terms_state *own = state;
    add_empty(params, mine, run, own);
    struct terms_row *rows = ARENA_ARRAY(run->mem, struct terms_row, own->set.count + 1);
    uint64_t total = 0;
    size_t count = gather_rows(node, run, own, rows, &total);
    struct row_order order = {params, mine};
    qsort_r(rows, count, sizeof(*rows), row_cmp, &order);
    size_t shown = MIN_OF(count, (size_t)params->size);
    struct value buckets = value_list(run->mem, shown);
    for (size_t i = 0; i < shown && run->rc == 0; i++) {
        struct value map = value_map(run->mem, 3 + node->child_count);
        struct str text;
        value_map_set(run->mem, &map, STR("key"), print_key(mine, rows[i].bucket, run, &text));
        if (text.p)
            value_map_set(run->mem, &map, STR("key_as_string"), value_str(text));
        total -= rows[i].bucket->doc_count;
        struct value counted = value_map(run->mem, 2 + node->child_count);
        bucket_print(node, run, rows[i].bucket, &counted);
        for (size_t k = 0; k < counted.map->count; k++) {
            value_map_set(run->mem, &map, counted.map->keys[k], counted.map->values[k]);
            if (k == 0 && params->show_term_doc_count_error)
                value_map_set(run->mem, &map, STR("doc_count_error_upper_bound"), value_int(0));
        }
        value_list_add(run->mem, &buckets, map);
    }
    struct value result = value_map(run->mem, 3);
    value_map_set(run->mem, &result, STR("doc_count_error_upper_bound"), value_int(0));
    value_map_set(run->mem, &result, STR("sum_other_doc_count"), value_int((int64_t)total));
    value_map_set(run->mem, &result, STR("buckets"), buckets);
    return result;
}

static const char *terms_typed_name(const struct agg_node *node, struct agg_run *run)
{
    const struct terms_run *mine = node_own(node, run);
    if (!mine->source.field)
        return "umterms";
    return mine->source.kind == COLUMN_ORDINAL  ? "sterms"
           : mine->source.kind == COLUMN_DOUBLE ? "dterms"
                                                : "lterms";
}

const struct bucket_type bucket_type_terms = {
    .name = "terms",
    .summary = "A bucket per distinct value.",
    .since = "0.1",
    .opts = terms_opts,
    .opts_size = sizeof(struct terms_params),
    .state_size = sizeof(struct terms_state),
    .run_size = sizeof(struct terms_run),
    .parse = terms_parse,
    .begin = terms_begin,
    .collect = terms_collect,
    .collect_all = terms_collect_all,
    .merge = terms_merge,
    .result = terms_result,
    .typed_name = terms_typed_name,
};
