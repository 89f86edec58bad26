/* SPDX-License-Identifier: Apache-2.0 */
/* terms.c: a bucket per distinct value, with exact counts (doc_count_error_upper_bound is always
 * 0). Texts are counted by a number, their id. When one segment only has the field, which is so for
 * every merged index, the id is the ordinal and no text is looked at before the result is printed;
 * else a run gives each text an id once, and a segment maps its ordinals to ids.
 *
 * Within a segment values are counted in an array by their code (ordinal, or integer less the
 * smallest); when the segment ends the array is emptied into the buckets. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/str.h"
#include "index/ip.h"
#include "query/buckets/terms_filter.h"
#include "query/buckets/terms_order.h"
#include "query/dates.h"

#define ROOT_CODES_MAX     (UINT32_C(1) << 24) /* array of a node at the top: 64 MiB at most */
#define DENSE_CODES_MAX    (UINT32_C(1) << 21) /* a bucket for each: 64 MiB at most */
#define CODES_PER_DOC      8u    /* more of them than matches: clearing costs more than it saves */
#define NESTED_CODES_MAX   4096u /* array of each bucket's own terms */
#define NESTED_CODES_FREE  64u   /* an array that small is no worse than a hash table */
#define NESTED_CODES_TOTAL (UINT64_C(1) << 22) /* of all buckets' arrays of a segment: 16 MiB */
#define SHARD_BUCKETS_MORE 10 /* a shard of Elasticsearch sends size * 1.5 and so many more */

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
    const struct terms_filter *filter; /* once the field is known; of numbers */
    struct column *only; /* the search's only column of the field: ids are its ordinals */
    bool is_begun;
    struct str *texts; /* by id */
    bool *is_out;      /* by id: excluded by include and exclude */
    uint32_t text_count, text_capacity;
    uint32_t *slots; /* hash table over texts: id + 1 */
    uint32_t slot_count;
    uint32_t *map;       /* the segment's ordinals to ids, UINT32_MAX: not met yet */
    uint32_t code_count; /* of the segment; 0: no codes */
    int64_t least;
    struct terms_state *open; /* those with a by_code */
    uint64_t codes_taken;     /* by their arrays, below the top level */
};

struct terms_state {
    struct bucket_set set;
    uint32_t *index_of; /* at the top level: bucket + 1 by text id, so that no hash is needed */
    uint32_t index_capacity;
    /* While a segment is collected: documents by code; with children: bucket + 1 by code. */
    uint32_t *by_code;
    struct terms_state *next_open;
    uint64_t seen;    /* values, until there is a by_code */
    uint64_t *totals; /* top level without children, ids are ordinals: documents by ordinal */
};

#define CODE_IS_OUT UINT32_MAX /* in by_code: excluded */

static const struct opt terms_opts[] = {
    SOURCE_OPTS(struct terms_params, source),
    SOURCE_OPT_FORMAT(struct terms_params, source),
    OPT_INT(struct terms_params, size, .dflt = "10", .help = "How many buckets are returned."),
    OPT_INT(struct terms_params, shard_size, .dflt = "-1",
            .help = "Only sum_other_doc_count knows it; counts are exact anyway."),
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

static bool has_nanos(const struct source *source)
{
    return source->local && source->local->type == FIELD_DATE_NANOS;
}

static int filter_begin(const struct agg_node *node, struct terms_run *mine, struct agg_run *run,
                        struct err *err)
{
    static const struct field milliseconds = {.type = FIELD_DATE}; /* keys, of date_nanos too */
    const struct terms_params *params = node->params;
    const struct source *source = &mine->source;
    if (params->filter && source->field && source->kind != COLUMN_ORDINAL &&
        terms_filter_has_pattern(params->filter))
        return err_set(err, ERR_INVALID,
                       "Aggregation [" STR_FMT
                       "] cannot support regular expression style include/exclude settings as they "
                       "can only be applied to string fields. Use an array of values for "
                       "include/exclude clauses",
                       STR_ARG(node->name));
    if (!params->filter || (mine->filter && mine->filter != params->filter))
        return 0;
    mine->filter = params->filter;
    if (!source->field || !field_is_date(source->field))
        return 0;
    struct str format = params->source.format.p ? params->source.format : source->field->format;
    return terms_filter_dates(params->filter, &milliseconds, format, source->zone, run->now_ns,
                              run->mem, &mine->filter, err);
}

static int terms_begin(const struct agg_node *node, struct agg_run *run, void *own, struct err *err)
{
    const struct terms_params *params = node->params;
    struct terms_run *mine = own;
    TRY(terms_orders_check(&params->orders, node, err));
    TRY(source_begin(&mine->source, node, &params->source, run, SOURCE_ANY | SOURCE_WIDENED, err));
    TRY(filter_begin(node, mine, run, err));
    if (!mine->is_begun && !params->filter && params->min_doc_count > 0)
        mine->only = source_only_column(&params->source, run);
    mine->is_begun = true;
    mine->map = NULL;
    mine->code_count = 0;
    mine->codes_taken = 0;
    ASSERT(!mine->open);
    uint64_t codes_max = node->depth == 0 ? ROOT_CODES_MAX : NESTED_CODES_MAX;
    codes_max = MIN_OF(codes_max, run->match_estimate * CODES_PER_DOC);
    if (!mine->source.has_missing && !has_nanos(&mine->source))
        (void)source_codes(&mine->source, (uint32_t)codes_max, &mine->code_count, &mine->least);
    if (mine->source.column && mine->source.kind == COLUMN_ORDINAL && !mine->only) {
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
        mine->is_out[mine->text_count] =
            params->filter && !terms_filter_text(params->filter, mine->source.field, text);
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

static uint32_t ordinal_bucket(const struct agg_node *node, struct agg_run *run,
                               struct terms_state *own, uint32_t ordinal)
{
    const struct terms_params *params = node->params;
    struct terms_run *mine = node_own(node, run);
    if (mine->only)
        return bucket_set_get(&own->set, ordinal, run->mem);
    uint32_t id = ordinal_id(params, mine, run, ordinal);
    return mine->is_out[id]   ? UINT32_MAX
           : node->depth == 0 ? indexed_bucket(run, own, id)
                              : bucket_set_get(&own->set, id, run->mem);
}

static uint32_t long_bucket(const struct terms_run *mine, struct agg_run *run,
                            struct terms_state *own, int64_t v)
{
    if (mine->filter && !terms_filter_long(mine->filter, mine->source.field, v))
        return UINT32_MAX;
    return bucket_set_get(&own->set, v, run->mem);
}

static uint32_t bucket_of(const struct agg_node *node, struct agg_run *run, struct terms_state *own,
                          const struct value_batch *batch, size_t i)
{
    const struct terms_params *params = node->params;
    const struct terms_run *mine = node_own(node, run);
    if (mine->source.kind == COLUMN_ORDINAL)
        return ordinal_bucket(node, run, own, batch->ordinals[i]);
    if (mine->source.kind == COLUMN_LONG)
        return long_bucket(mine, run, own, batch->longs[i]);
    if (params->filter && !terms_filter_double(params->filter, batch->doubles[i]))
        return UINT32_MAX;
    return bucket_set_get(&own->set, double_key(batch->doubles[i]), run->mem);
}

static uint32_t code_bucket(const struct agg_node *node, struct agg_run *run,
                            struct terms_state *own, uint32_t code)
{
    const struct terms_run *mine = node_own(node, run);
    return mine->source.kind == COLUMN_ORDINAL
               ? ordinal_bucket(node, run, own, code)
               : long_bucket(mine, run, own, mine->least + (int64_t)code);
}

/* ---- By code ---- */

/* Whether values are counted by code. Below the top level a bucket has to have had some: an array
 * for each of many small ones would cost more than it saves. */
static bool takes_codes(const struct agg_node *node, struct terms_run *mine,
                        struct terms_state *own, const struct doc_block *block)
{
    if (mine->code_count == 0)
        return false;
    if (node->depth == 0 || own->by_code)
        return true;
    own->seen += block->count;
    if (mine->code_count > own->seen * CODES_PER_DOC + NESTED_CODES_FREE ||
        mine->codes_taken + mine->code_count > NESTED_CODES_TOTAL)
        return false;
    mine->codes_taken += mine->code_count;
    return true;
}

static void collect_codes(const struct agg_node *node, struct agg_run *run, struct terms_state *own,
                          const struct doc_block *block)
{
    struct terms_run *mine = node_own(node, run);
    uint32_t codes[BATCH_MAX], index[BATCH_MAX];
    uint16_t offs[BATCH_MAX];
    size_t n =
        source_read_codes(&mine->source, run, block, mine->least, mine->code_count, codes, offs);
    if (mine->only && node->depth == 0 && node->child_count > 0 && own->set.count == 0 &&
        mine->code_count <= DENSE_CODES_MAX)
        bucket_set_dense(node, &own->set, mine->code_count, run->mem);
    if (own->set.is_dense) {
        bucket_group(node, run, &own->set, codes, offs, n, block);
        return;
    }
    if (!own->by_code) {
        own->by_code = ARENA_ARRAY(run->scratch, uint32_t, mine->code_count);
        own->next_open = mine->open;
        mine->open = own;
    }
    uint32_t *by_code = own->by_code;
    if (node->child_count == 0) {
        for (size_t i = 0; i < n; i++)
            by_code[codes[i]]++;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = by_code[codes[i]];
        if (UNLIKELY(slot == 0)) {
            uint32_t bucket = code_bucket(node, run, own, codes[i]);
            slot = by_code[codes[i]] = bucket == UINT32_MAX ? CODE_IS_OUT : bucket + 1;
        }
        index[i] = slot == CODE_IS_OUT ? UINT32_MAX : slot - 1;
    }
    bucket_group(node, run, &own->set, index, offs, n, block);
}

static uint64_t *totals_of(const struct terms_run *mine, struct terms_state *own,
                           struct agg_run *run)
{
    if (!own->totals)
        own->totals = ARENA_ARRAY(run->mem, uint64_t, column_ordinal_count(mine->only));
    return own->totals;
}

struct emptying {
    const struct terms_params *params;
    struct terms_run *mine;
    struct agg_run *run;
    const uint32_t *by_code;
};

static void map_ordinal(void *owner, uint32_t ordinal, struct str text, uint32_t doc_count UNUSED)
{
    const struct emptying *emptying = owner;
    if (emptying->mine->map[ordinal] == UINT32_MAX)
        emptying->mine->map[ordinal] =
            text_id(emptying->params, emptying->mine, emptying->run, text);
}

/* Ids of all texts that were met, in one walk over the dictionary. */
static void map_codes(const struct agg_node *node, struct agg_run *run, const uint32_t *by_code)
{
    struct terms_run *mine = node_own(node, run);
    struct emptying emptying = {node->params, mine, run, by_code};
    uint64_t *wanted = ARENA_ARRAY(run->scratch, uint64_t, BITSET_WORDS(mine->code_count));
    for (uint32_t code = 0; code < mine->code_count; code++)
        wanted[code >> 6] |= (uint64_t)(by_code[code] > 0) << (code & 63);
    column_ordinals_each(mine->source.column, wanted, map_ordinal, &emptying);
}

/* Documents by code into buckets, or into the totals. */
static void empty_codes(const struct agg_node *node, struct agg_run *run, struct terms_state *own)
{
    struct terms_run *mine = node_own(node, run);
    const uint32_t *by_code = own->by_code;
    own->by_code = NULL;
    if (!by_code || node->child_count > 0)
        return;
    if (mine->only && node->depth == 0) {
        uint64_t *totals = totals_of(mine, own, run);
        for (uint32_t code = 0; code < mine->code_count; code++)
            totals[code] += by_code[code];
        return;
    }
    if (mine->map)
        map_codes(node, run, by_code);
    for (uint32_t code = 0; code < mine->code_count; code++) {
        uint32_t at = by_code[code] ? code_bucket(node, run, own, code) : UINT32_MAX;
        if (at != UINT32_MAX)
            own->set.buckets[at].doc_count += by_code[code];
    }
}

static void terms_clear(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct terms_run *mine = node_own(node, run);
    struct terms_state *own = state, empty = {0};
    if (own->by_code) {
        memset(own->by_code, 0, mine->code_count * sizeof(*own->by_code));
        empty.by_code = own->by_code;
        empty.next_open = own->next_open;
    }
    *own = empty;
}

static void terms_end(const struct agg_node *node, struct agg_run *run, void *own)
{
    struct terms_run *mine = own;
    for (struct terms_state *state = mine->open; state; state = state->next_open)
        empty_codes(node, run, state);
    mine->open = NULL;
}

/* Keys of dates are milliseconds. A document counts once in each, and has its values in order. */
static void to_millis(struct value_batch *batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        int64_t ms = dates_ms_of_ns(batch->longs[i]);
        if (kept > 0 && batch->offs[kept - 1] == batch->offs[i] && batch->longs[kept - 1] == ms)
            continue;
        batch->offs[kept] = batch->offs[i];
        batch->longs[kept++] = ms;
    }
    batch->count = kept;
}

static void terms_collect(const struct agg_node *node, struct agg_run *run, void *state,
                          const struct doc_block *block)
{
    struct terms_run *mine = node_own(node, run);
    struct terms_state *own = state;
    struct source_cursor cursor = {0};
    struct value_batch batch;
    uint32_t index[BATCH_MAX];
    if (takes_codes(node, mine, own, block)) {
        collect_codes(node, run, own, block);
        return;
    }
    while (source_next(&mine->source, run, block, &cursor, true, &batch)) {
        if (has_nanos(&mine->source))
            to_millis(&batch);
        for (size_t i = 0; i < batch.count; i++)
            index[i] = bucket_of(node, run, own, &batch, i);
        bucket_group(node, run, &own->set, index, batch.offs, batch.count, block);
    }
}

/* The dictionary knows how many documents each text has. */
static bool terms_collect_all(const struct agg_node *node, struct agg_run *run, void *state)
{
    struct terms_run *mine = node_own(node, run);
    struct terms_state *own = state;
    if (node->child_count > 0 || mine->source.has_missing ||
        (mine->source.column && mine->source.kind != COLUMN_ORDINAL))
        return false;
    if (!mine->source.column)
        return true;
    uint32_t count = column_ordinal_count(mine->source.column);
    uint32_t *docs = ARENA_ARRAY(run->scratch, uint32_t, count + 1);
    column_ordinal_doc_counts(mine->source.column, docs);
    if (mine->only) {
        uint64_t *totals = totals_of(mine, own, run);
        for (uint32_t i = 0; i < count; i++)
            totals[i] += docs[i];
        return true;
    }
    mine->code_count = count;
    map_codes(node, run, docs);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = docs[i] ? ordinal_bucket(node, run, own, i) : UINT32_MAX;
        if (at != UINT32_MAX)
            own->set.buckets[at].doc_count += docs[i];
    }
    return true;
}

static void terms_merge(const struct agg_node *node, struct agg_run *run, void *state,
                        struct agg_run *other, void *from)
{
    const struct terms_params *params = node->params;
    struct terms_run *mine = node_own(node, run), *theirs = node_own(node, other);
    struct terms_state *own = state, *more = from;
    empty_codes(node, other, more);
    if (!mine->source.field)
        mine->source = theirs->source;
    if (!mine->only)
        mine->only = theirs->only;
    if (more->totals) {
        uint64_t *totals = totals_of(mine, own, run);
        for (uint32_t i = 0; i < column_ordinal_count(mine->only); i++)
            totals[i] += more->totals[i];
    }
    if (more->set.is_dense && own->set.count == 0)
        bucket_set_dense(node, &own->set, more->set.count, run->mem);
    if (more->set.is_dense && own->set.is_dense) {
        bucket_set_dense_merge(node, run, &own->set, other, &more->set);
        return;
    }
    for (uint32_t i = 0; i < more->set.count; i++) {
        struct bucket *bucket = &more->set.buckets[i];
        int64_t key = bucket->key;
        if (bucket->doc_count == 0)
            continue;
        bucket_open(node, &more->set, i, run->mem);
        if (theirs->source.kind == COLUMN_ORDINAL && !mine->only)
            key = text_id(params, mine, run, theirs->texts[key]);
        uint32_t at = bucket_set_get(&own->set, key, run->mem);
        bucket_open(node, &own->set, at, run->mem);
        bucket_merge(node, run, &own->set.buckets[at], other, bucket);
    }
}

/* ---- Result ---- */

static int key_cmp(const void *owner, const struct bucket *a, const struct bucket *b)
{
    const struct terms_run *mine = owner;
    if (mine->source.kind == COLUMN_ORDINAL && !mine->only)
        return str_cmp(mine->texts[a->key], mine->texts[b->key]);
    if (mine->source.kind == COLUMN_DOUBLE) {
        double x = key_double(a->key), y = key_double(b->key);
        return (x > y) - (x < y);
    }
    return (a->key > b->key) - (a->key < b->key);
}

static struct value print_key(const struct terms_run *mine, const struct bucket *bucket,
                              struct agg_run *run, struct str *ret_text)
{
    const struct source *source = &mine->source;
    *ret_text = STR_NONE;
    if (source->kind == COLUMN_ORDINAL) {
        struct str text = mine->only
                              ? column_ordinal_text(mine->only, (uint32_t)bucket->key, run->mem)
                              : mine->texts[bucket->key];
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
    if (source->pattern)
        *ret_text = source_print_double(source, (double)bucket->key, run->mem);
    else if (source_prints_text(source))
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

/* The count that the size-th of the most frequent has; fewer documents cannot be shown. */
static uint64_t least_shown(const uint64_t *totals, uint32_t count, size_t size,
                            struct agg_run *run)
{
    if (size >= count)
        return 0;
    uint64_t *heap = ARENA_ARRAY(run->mem, uint64_t, size); /* the least at the root */
    for (uint32_t i = 0; i < count; i++) {
        uint64_t v = totals[i];
        if (v <= heap[0])
            continue;
        size_t at = 0;
        for (size_t child; (child = 2 * at + 1) < size; at = child) {
            child += child + 1 < size && heap[child + 1] < heap[child];
            if (heap[child] >= v)
                break;
            heap[at] = heap[child];
        }
        heap[at] = v;
    }
    return heap[0];
}

/* What is not shown. */
struct terms_rest {
    uint64_t docs;         /* of all buckets */
    uint32_t enough_count; /* buckets that have min_doc_count */
    uint64_t *few;         /* counts of the others; NULL: nobody asks for them */
    uint32_t few_count;
};

static bool is_by(const struct terms_orders *orders, struct str what)
{
    return orders->count > 0 && str_eq(orders->items[0].path, what);
}

/* How many buckets a shard of Elasticsearch sends. */
static int64_t sent_most(const struct terms_params *params)
{
    int64_t size = MIN_OF(params->size, (int64_t)UINT32_MAX);
    if (params->shard_size > 0)
        return MAX_OF(params->shard_size, size);
    return is_by(&params->orders, STR("_key")) ? size : size + size / 2 + SHARD_BUCKETS_MORE;
}

/* Of what a shard of Elasticsearch sends, buckets below min_doc_count are in no sum. These are the
 * largest of them when the order is by count, and all when every bucket is sent; for other orders
 * there is nothing to compare with, since Elasticsearch then shows too few. */
static uint64_t sent_in_vain(const struct terms_params *params, const struct terms_rest *rest,
                             struct agg_run *run)
{
    int64_t sent = sent_most(params);
    bool is_by_count = params->orders.count == 0 ||
                       (is_by(&params->orders, STR("_count")) && !params->orders.items[0].is_asc);
    if (!rest->few || sent <= (int64_t)rest->enough_count ||
        (!is_by_count && sent < (int64_t)rest->enough_count + rest->few_count))
        return 0;
    size_t count = MIN_OF((size_t)sent - rest->enough_count, (size_t)rest->few_count);
    uint64_t least = least_shown(rest->few, rest->few_count, count, run), sum = 0;
    for (uint32_t i = 0; i < rest->few_count; i++) {
        if (rest->few[i] > least) {
            sum += rest->few[i];
            count--;
        }
    }
    return sum + count * least;
}

static struct terms_rest rest_of(const struct terms_params *params, const struct terms_run *mine,
                                 const struct terms_state *own, struct agg_run *run)
{
    struct terms_rest rest = {0};
    uint32_t count = own->set.count + (own->totals ? column_ordinal_count(mine->only) : 0);
    if (params->min_doc_count > 1)
        rest.few = arena_alloc(run->mem, (count + 1) * sizeof(*rest.few));
    return rest;
}

static void rest_add(const struct terms_params *params, struct terms_rest *rest, uint64_t docs)
{
    rest->docs += docs;
    if ((int64_t)docs >= params->min_doc_count)
        rest->enough_count++;
    else if (rest->few)
        rest->few[rest->few_count++] = docs;
}

/* Buckets of the ordinals that may be shown; the others are in the rest only. */
static void buckets_of_totals(const struct terms_params *params, const struct terms_run *mine,
                              struct agg_run *run, struct terms_state *own, struct terms_rest *rest)
{
    uint32_t count = own->totals ? column_ordinal_count(mine->only) : 0;
    uint64_t least = count && params->orders.count == 0
                         ? least_shown(own->totals, count, (size_t)params->size, run)
                         : 0;
    least = MAX_OF(least, (uint64_t)params->min_doc_count);
    for (uint32_t i = 0; i < count; i++) {
        if (own->totals[i] >= least) {
            uint32_t at = bucket_set_get(&own->set, i, run->mem);
            own->set.buckets[at].doc_count += own->totals[i];
        } else {
            rest_add(params, rest, own->totals[i]);
        }
    }
    own->totals = NULL;
}

static size_t gather_rows(const struct agg_node *node, struct agg_run *run, struct terms_state *own,
                          struct terms_row *rows, struct terms_rest *rest)
{
    const struct terms_params *params = node->params;
    size_t count = 0;
    for (uint32_t i = 0; i < own->set.count; i++) {
        struct bucket *bucket = &own->set.buckets[i];
        rest_add(params, rest, bucket->doc_count);
        if ((int64_t)bucket->doc_count < params->min_doc_count)
            continue;
        if (params->orders.need_metrics)
            bucket_open(node, &own->set, i, run->mem);
        terms_orders_row(&params->orders, node, run, bucket, &rows[count++]);
    }
    return count;
}

static struct value terms_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct terms_params *params = node->params;
    struct terms_run *mine = node_own(node, run);
    struct terms_state *own = state;
    struct terms_rest rest = rest_of(params, mine, own, run);
    buckets_of_totals(params, mine, run, own, &rest);
    add_empty(params, mine, run, own);
    struct terms_row *rows = arena_alloc(run->mem, (own->set.count + 1) * sizeof(*rows));
    size_t count = gather_rows(node, run, own, rows, &rest);
    size_t shown = MIN_OF(count, (size_t)params->size);
    terms_orders_best(&params->orders, rows, count, shown, key_cmp, mine);
    struct value buckets = value_list(run->mem, shown);
    for (size_t i = 0; i < shown && run->rc == 0; i++) {
        struct value map = value_map(run->mem, 3 + node->child_count);
        struct str text;
        value_map_set(run->mem, &map, STR("key"), print_key(mine, rows[i].bucket, run, &text));
        if (text.p)
            value_map_set(run->mem, &map, STR("key_as_string"), value_str(text));
        rest.docs -= rows[i].bucket->doc_count;
        struct value counted = value_map(run->mem, 2 + node->child_count);
        bucket_open(node, &own->set, (uint32_t)(rows[i].bucket - own->set.buckets), run->mem);
        bucket_print(node, run, rows[i].bucket, &counted);
        for (size_t k = 0; k < counted.map->count; k++) {
            value_map_set(run->mem, &map, counted.map->keys[k], counted.map->values[k]);
            if (k == 0 && params->show_term_doc_count_error)
                value_map_set(run->mem, &map, STR("doc_count_error_upper_bound"), value_int(0));
        }
        value_list_add(run->mem, &buckets, map);
    }
    uint64_t others = rest.docs - sent_in_vain(params, &rest, run);
    struct value result = value_map(run->mem, 3);
    value_map_set(run->mem, &result, STR("doc_count_error_upper_bound"), value_int(0));
    value_map_set(run->mem, &result, STR("sum_other_doc_count"), value_int((int64_t)others));
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
    .clear = terms_clear,
    .end = terms_end,
    .merge = terms_merge,
    .result = terms_result,
    .typed_name = terms_typed_name,
};
