/* SPDX-License-Identifier: Apache-2.0 */
/* significant_terms.c: values that are more frequent in the documents of a bucket than in the
 * background. The foreground is counted like terms; the background of a text is the sum of its
 * counts in the dictionaries, looked up once per text that could be shown; with a filter, or for
 * numbers, the background is counted when the result is printed.
 *
 * Texts are counted in an array by ordinal where it is small for the documents at hand. When one
 * segment only has the field, the arrays stand until the result is printed, and texts are looked at
 * for the buckets that are shown alone; else they are emptied when the segment ends. */
#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "event/options.h"
#include "index/ip.h"
#include "query/agg_tree.h"
#include "query/buckets/significance.h"
#include "query/buckets/terms_filter.h"
#include "query/buckets/text_ids.h"

#define CODES_PER_DOC 8u  /* more of them than documents: clearing them costs more than it saves */
#define CODES_FREE    64u /* an array that small is no worse than a hash table */
#define CODES_TOTAL   (UINT64_C(1) << 22) /* of all arrays of a segment: 16 MiB */

struct significant_params {
    struct source_params source;
    int64_t size, shard_size, min_doc_count, shard_min_doc_count;
    struct value include, exclude, background_filter;
    struct value jlh, mutual_information, chi_square, gnd, percentage, script_heuristic;
    struct str execution_hint;
    struct significance significance;
    struct terms_filter *filter; /* NULL: none */
    bool has_background;
    uint32_t background; /* filter id */
};

struct significant_run {
    struct source source;
    struct text_ids ids;
    uint32_t *id_of;      /* the segment's ordinals to ids, UINT32_MAX: not met yet */
    bool is_mapped;       /* the index at hand knows the field */
    struct column *only;  /* the search's only column of the field */
    uint32_t *only_ids;   /* its ordinals to ids, UINT32_MAX: not met yet; in the run that prints */
    uint32_t code_count;  /* of the segment; 0: no arrays */
    uint64_t codes_taken; /* by the arrays there are */
    struct significant_state *open; /* those whose array is emptied when the segment ends */
    /* the background, where it has to be counted; only in the run that prints */
    bool is_background_there;
    struct bucket_set counts;
    uint64_t size;
    /* and where it is looked up */
    uint64_t *lookups; /* by text id, count + 1; 0: not yet */
    uint32_t lookup_capacity;
};

struct significant_state {
    struct bucket_set set; /* by text id or number */
    uint64_t size;
    uint32_t *by_code; /* MAY be NULL; more documents, by ordinal */
    struct significant_state *next_open;
};

static const struct opt significant_opts[] = {
    SOURCE_OPTS(struct significant_params, source),
    SOURCE_OPT_FORMAT(struct significant_params, source),
    OPT_INT(struct significant_params, size, .dflt = "10",
            .help = "How many buckets are returned."),
    OPT_INT(struct significant_params, shard_size, .dflt = "-1",
            .help = "Accepted; counts are exact anyway."),
    OPT_INT(struct significant_params, min_doc_count, .dflt = "3",
            .help = "Buckets with fewer documents are left out."),
    OPT_INT(struct significant_params, shard_min_doc_count, .dflt = "0",
            .help = "Accepted; counts are exact anyway."),
    OPT_VALUE(struct significant_params, include, .help = "Expression or list of values."),
    OPT_VALUE(struct significant_params, exclude, .help = "Expression or list of values."),
    OPT_VALUE(struct significant_params, background_filter,
              .help = "A query: the documents that are compared with. Default: all."),
    OPT_VALUE(struct significant_params, jlh, .help = "Score: {}."),
    OPT_VALUE(struct significant_params, mutual_information,
              .help = "Score: {include_negatives, background_is_superset}."),
    OPT_VALUE(struct significant_params, chi_square,
              .help = "Score: {include_negatives, background_is_superset}."),
    OPT_VALUE(struct significant_params, gnd, .help = "Score: {background_is_superset}."),
    OPT_VALUE(struct significant_params, percentage, .help = "Score: {}."),
    OPT_VALUE(struct significant_params, script_heuristic, .help = "Not supported."),
    OPT_STR(struct significant_params, execution_hint, .flags = OPT_OBSOLETE,
            .help = "Accepted and without effect."),
    OPT_END,
};

/* ---- Parsing ---- */

static const struct opt heuristic_opts[] = {
    OPT_BOOL(struct significance, includes_negatives, .help = "Rarer terms score, too."),
    OPT_BOOL(struct significance, background_is_superset, .dflt = "true",
             .help = "The background holds the documents at hand."),
    OPT_END,
};

static int parse_heuristic(struct significance *significance, enum significance_kind kind,
                           const struct value *body, struct dsl *dsl, struct err *err)
{
    const char *name = significance_name(kind);
    if (body->kind != VALUE_MAP)
        return dsl_error(body, err, ERR_PARSE, "[%s] must be an object", name);
    struct value renamed = value_map(dsl->mem, body->map->count);
    bool has_table = kind == SIGNIFICANCE_MUTUAL_INFORMATION || kind == SIGNIFICANCE_CHI_SQUARE;
    for (size_t i = 0; i < body->map->count; i++) {
        struct str key = body->map->keys[i];
        bool is_negatives = has_table && str_is(key, "include_negatives");
        if (!is_negatives &&
            !((has_table || kind == SIGNIFICANCE_GND) && str_is(key, "background_is_superset")))
            return dsl_error(&body->map->values[i], err, ERR_PARSE,
                             "[%s] unknown field [" STR_FMT "]", name, STR_ARG(key));
        value_map_set(dsl->mem, &renamed, is_negatives ? STR("includes_negatives") : key,
                      body->map->values[i]);
    }
    if (options_fill(heuristic_opts, significance, &renamed, OPTIONS_JSON, dsl->mem, NULL, NULL,
                     NULL, err) < 0)
        return err_wrap(err, "[%s]", name);
    significance->kind = kind;
    return 0;
}

static int parse_heuristics(struct significant_params *params, struct dsl *dsl, struct err *err)
{
    const struct value *bodies[SIGNIFICANCE_COUNT] = {&params->jlh, &params->mutual_information,
                                                      &params->chi_square, &params->gnd,
                                                      &params->percentage};
    bool has_one = false;
    if (params->script_heuristic.kind != VALUE_NONE)
        return dsl_error(&params->script_heuristic, err, ERR_UNSUPPORTED,
                         "[script_heuristic] is not supported");
    params->significance = (struct significance){SIGNIFICANCE_JLH, false, true};
    for (int i = 0; i < SIGNIFICANCE_COUNT; i++) {
        if (bodies[i]->kind == VALUE_NONE)
            continue;
        if (has_one)
            return dsl_error(bodies[i], err, ERR_PARSE,
                             "significant_terms takes one score, [%s] is another",
                             significance_name((enum significance_kind)i));
        has_one = true;
        TRY(parse_heuristic(&params->significance, (enum significance_kind)i, bodies[i], dsl, err));
    }
    return 0;
}

static int significant_parse(struct agg_node *node, struct dsl *dsl, struct agg_tree *tree,
                             const struct value *body, struct err *err)
{
    struct significant_params *params = node->params;
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
    TRY(parse_heuristics(params, dsl, err));
    params->has_background = params->background_filter.kind != VALUE_NONE;
    if (params->has_background)
        TRY(agg_tree_filter(tree, dsl, &params->background_filter, &params->background, err));
    return terms_filter_parse(&params->include, &params->exclude, dsl->mem, &params->filter, err);
}

/* ---- Keys ---- */

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

static int64_t text_key(struct significant_run *mine, struct agg_run *run, uint32_t ordinal)
{
    if (ordinal == SOURCE_MISSING)
        return text_ids_get(&mine->ids, mine->source.missing_text, run->mem);
    if (mine->id_of[ordinal] == UINT32_MAX)
        mine->id_of[ordinal] = text_ids_get(
            &mine->ids, column_ordinal_text(mine->source.column, ordinal, run->scratch), run->mem);
    return mine->id_of[ordinal];
}

static int64_t batch_key(struct significant_run *mine, struct agg_run *run,
                         const struct value_batch *batch, size_t i)
{
    if (mine->source.kind == COLUMN_ORDINAL)
        return text_key(mine, run, batch->ordinals[i]);
    return mine->source.kind == COLUMN_DOUBLE ? double_key(batch->doubles[i]) : batch->longs[i];
}

/* ---- Segments ---- */

static int segment_begin(const struct agg_node *node, struct significant_run *mine,
                         struct agg_run *run, struct err *err)
{
    const struct significant_params *params = node->params;
    TRY(source_begin(&mine->source, node, &params->source, run, SOURCE_ANY, err));
    mine->is_mapped = mapping_field(run->part->mapping, params->source.field) != NULL;
    mine->id_of = NULL;
    if (mine->source.column && mine->source.kind == COLUMN_ORDINAL) {
        size_t bytes = ((size_t)column_ordinal_count(mine->source.column) + 1) * sizeof(uint32_t);
        mine->id_of = arena_alloc(run->scratch, bytes);
        memset(mine->id_of, 0xFF, bytes);
    }
    return 0;
}

/* ---- By ordinal ---- */

static void codes_begin(const struct agg_node *node, struct significant_run *mine,
                        struct agg_run *run)
{
    const struct significant_params *params = node->params;
    int64_t least;
    ASSERT(!mine->open);
    if (!mine->only)
        mine->only = source_only_column(&params->source, run);
    mine->code_count = 0;
    if (!mine->only)
        mine->codes_taken = 0;
    if (node->child_count == 0 && mine->source.kind == COLUMN_ORDINAL && !mine->source.has_missing)
        (void)source_codes(&mine->source, (uint32_t)CODES_TOTAL, &mine->code_count, &least);
}

/* The state has its array. `docs`: how many are to be counted now. */
static bool has_codes(struct significant_run *mine, struct agg_run *run,
                      struct significant_state *own, uint32_t docs)
{
    if (mine->code_count == 0) /* this segment has none, whatever another one had */
        return false;
    if (LIKELY(own->by_code != NULL))
        return true;
    if (mine->code_count > docs * CODES_PER_DOC + CODES_FREE ||
        mine->codes_taken + mine->code_count > CODES_TOTAL)
        return false;
    mine->codes_taken += mine->code_count;
    own->by_code = ARENA_ARRAY(mine->only ? run->mem : run->scratch, uint32_t, mine->code_count);
    if (!mine->only) {
        own->next_open = mine->open;
        mine->open = own;
    }
    return true;
}

static void empty_codes(struct significant_run *mine, struct agg_run *run,
                        struct significant_state *own)
{
    const uint32_t *by_code = own->by_code;
    own->by_code = NULL;
    for (uint32_t code = 0; by_code && code < mine->code_count; code++) {
        if (by_code[code] == 0)
            continue;
        uint32_t at = bucket_set_get(&own->set, text_key(mine, run, code), run->mem);
        own->set.buckets[at].doc_count += by_code[code];
    }
}

static void significant_clear(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct significant_run *mine = node_own(node, run);
    struct significant_state *own = state, empty = {0};
    if (own->by_code) {
        /* The only column's arrays stay over all segments. */
        uint32_t count = mine->only ? column_ordinal_count(mine->only) : mine->code_count;
        memset(own->by_code, 0, count * sizeof(*own->by_code));
        empty.by_code = own->by_code;
        empty.next_open = own->next_open;
    }
    *own = empty;
}

static void significant_end(const struct agg_node *node UNUSED, struct agg_run *run, void *own)
{
    struct significant_run *mine = own;
    for (struct significant_state *state = mine->open; state; state = state->next_open)
        empty_codes(mine, run, state);
    mine->open = NULL;
}

/* ---- Background ---- */

static bool is_counted(const struct significant_params *params, const struct significant_run *mine)
{
    return params->has_background || mine->source.kind != COLUMN_ORDINAL;
}

static void count_window(struct significant_run *mine, struct agg_run *run,
                         const struct doc_block *block)
{
    struct source_cursor cursor = {0};
    struct value_batch batch;
    mine->size += block->count;
    while (source_next(&mine->source, run, block, &cursor, true, &batch)) {
        for (size_t i = 0; i < batch.count; i++) {
            uint32_t at = bucket_set_get(&mine->counts, batch_key(mine, run, &batch, i), run->mem);
            mine->counts.buckets[at].doc_count++;
        }
    }
}

/* One segment of the background: its live documents that match the filter. */
static int count_part(const struct agg_node *node, struct significant_run *mine,
                      struct agg_run *run, size_t part_index)
{
    const struct significant_params *params = node->params;
    struct plan_run open = {run->part, run->doc_count, false, run->scratch};
    struct docset *set = NULL;
    uint16_t offs[ZONE_DOCS];
    TRY(segment_begin(node, mine, run, run->err));
    if (params->has_background)
        set = plan_open(search_env_plans(run->env, part_index)[params->background], &open);
    if (params->has_background && !set)
        return 0;
    for (uint32_t first = 0; first < run->doc_count; first += ZONE_DOCS) {
        uint32_t n = MIN_OF(ZONE_DOCS, run->doc_count - first);
        uint64_t words[WINDOW_WORDS] = {0};
        struct doc_window w = {first, n, NULL, words, NULL};
        struct doc_block block = {first, 0, offs, NULL};
        if (set)
            set->ops->fill(set, &w);
        else
            words_set_range(words, 0, n);
        for (uint32_t i = 0; i < n; i++) {
            bool is_live = !run->part->live || bitset_get(run->part->live, first + i);
            offs[block.count] = (uint16_t)i;
            block.count += is_live && bitset_get(words, i);
        }
        count_window(mine, run, &block);
    }
    return segment_failure(run->part->segment, run->err);
}

/* When the result is printed: the run has all segments then, and nothing is collected any more. */
static void count_background(const struct agg_node *node, struct significant_run *mine,
                             struct agg_run *run)
{
    const struct significant_params *params = node->params;
    size_t part_count;
    const struct searcher_part *parts = search_env_parts(run->env, &part_count);
    if (mine->is_background_there || !is_counted(params, mine))
        return;
    mine->is_background_there = true;
    run->scratch = run->mem;
    for (size_t i = 0; i < part_count && run->rc == 0; i++) {
        run->part = &parts[i];
        run->part_index = (uint32_t)i;
        run->doc_count = segment_doc_count(parts[i].segment);
        run->window_count = 0; /* windows of another segment */
        if (!mapping_field(parts[i].mapping, params->source.field))
            continue;
        int rc = count_part(node, mine, run, i);
        if (rc < 0)
            run->rc = rc;
    }
}

/* There is a place for the id's background. */
static void hold_lookup(struct significant_run *mine, struct agg_run *run, uint32_t id)
{
    if (id >= mine->lookup_capacity) {
        uint32_t capacity = MAX_OF(mine->ids.capacity, id + 1);
        uint64_t *lookups = ARENA_ARRAY(run->mem, uint64_t, capacity);
        if (mine->lookup_capacity)
            memcpy(lookups, mine->lookups, mine->lookup_capacity * sizeof(*lookups));
        mine->lookups = lookups;
        mine->lookup_capacity = capacity;
    }
}

/* The dictionaries' counts, of all segments. */
static uint64_t look_up(const struct significant_params *params, struct significant_run *mine,
                        struct agg_run *run, uint32_t id)
{
    hold_lookup(mine, run, id);
    size_t part_count;
    const struct searcher_part *parts = search_env_parts(run->env, &part_count);
    uint64_t docs = 0;
    for (size_t i = 0; mine->lookups[id] == 0 && i < part_count; i++) {
        const struct field *field = mapping_field(parts[i].mapping, params->source.field);
        struct column *column = field ? segment_column(parts[i].segment, field) : NULL;
        bool is_found = false;
        if (!column || column_kind(column) != COLUMN_ORDINAL)
            continue;
        uint32_t ordinal = column_ordinal_find(column, mine->ids.texts[id], &is_found);
        docs += is_found ? column_ordinal_doc_count(column, ordinal) : 0;
    }
    if (mine->lookups[id] == 0)
        mine->lookups[id] = docs + 1;
    return mine->lookups[id] - 1;
}

static uint64_t background_size(const struct significant_params *params,
                                const struct significant_run *mine, struct agg_run *run)
{
    if (is_counted(params, mine))
        return mine->size;
    size_t part_count;
    const struct searcher_part *parts = search_env_parts(run->env, &part_count);
    uint64_t size = 0;
    for (size_t i = 0; i < part_count; i++) {
        if (mapping_field(parts[i].mapping, params->source.field))
            size += segment_doc_count(parts[i].segment);
    }
    return size;
}

static uint64_t background_docs(const struct significant_params *params,
                                struct significant_run *mine, struct agg_run *run, int64_t key)
{
    if (!is_counted(params, mine))
        return look_up(params, mine, run, (uint32_t)key);
    uint32_t at = bucket_set_find(&mine->counts, key);
    return at == UINT32_MAX ? 0 : mine->counts.buckets[at].doc_count;
}

/* ---- Running ---- */

static int significant_begin(const struct agg_node *node, struct agg_run *run, void *own,
                             struct err *err)
{
    TRY(segment_begin(node, own, run, err));
    codes_begin(node, own, run);
    return 0;
}

static void collect_codes(struct significant_run *mine, struct agg_run *run,
                          struct significant_state *own, const struct doc_block *block)
{
    uint32_t codes[BATCH_MAX];
    uint16_t offs[BATCH_MAX];
    size_t n = source_read_codes(&mine->source, run, block, 0, mine->code_count, codes, offs);
    for (size_t i = 0; i < n; i++)
        own->by_code[codes[i]]++;
}

static void significant_collect(const struct agg_node *node, struct agg_run *run, void *state,
                                const struct doc_block *block)
{
    struct significant_run *mine = node_own(node, run);
    struct significant_state *own = state;
    struct source_cursor cursor = {0};
    struct value_batch batch;
    uint32_t index[BATCH_MAX];
    if (!mine->is_mapped)
        return;
    own->size += block->count;
    if (has_codes(mine, run, own, block->count)) {
        collect_codes(mine, run, own, block);
        return;
    }
    while (source_next(&mine->source, run, block, &cursor, true, &batch)) {
        for (size_t i = 0; i < batch.count; i++)
            index[i] = bucket_set_get(&own->set, batch_key(mine, run, &batch, i), run->mem);
        bucket_group(node, run, &own->set, index, batch.offs, batch.count, block);
    }
}

/* Of few texts, one by one. */
static bool significant_scatter(const struct agg_node *node, struct agg_run *run,
                                struct bucket_scatter *to)
{
    struct significant_run *mine = node_own(node, run);
    if (!mine->is_mapped || mine->code_count == 0 || mine->code_count > CODES_FREE)
        return false;
    const struct window_values *w = run_window(run, mine->source.column, to->block->first);
    bool is_dense = column_is_dense(mine->source.column);
    char *flat = to->set->flat ? to->set->flat[to->child] : NULL;
    size_t bytes = flat ? to->set->flat_bytes[to->child] : 0;
    for (size_t i = 0; i < to->n; i++) {
        uint32_t off = to->offs[i], at = to->index[i];
        if (at == UINT32_MAX)
            continue;
        struct significant_state *own =
            (void *)(flat ? flat + at * bytes
                          : bucket_child_state(to->parent, run, &to->set->buckets[at], to->child));
        own->size++;
        if (!(is_dense || bitset_get(w->exists, off)) || w->ordinals[off] >= mine->code_count)
            continue;
        if (has_codes(mine, run, own, 1)) {
            own->by_code[w->ordinals[off]]++;
            continue;
        }
        uint32_t in = bucket_set_get(&own->set, text_key(mine, run, w->ordinals[off]), run->mem);
        own->set.buckets[in].doc_count++;
    }
    return true;
}

static int64_t key_of_other(struct significant_run *mine, const struct significant_run *theirs,
                            struct agg_run *run, int64_t key)
{
    return theirs->source.kind == COLUMN_ORDINAL
               ? (int64_t)text_ids_get(&mine->ids, theirs->ids.texts[key], run->mem)
               : key;
}

static void significant_merge(const struct agg_node *node, struct agg_run *run, void *state,
                              struct agg_run *other, void *from)
{
    struct significant_run *mine = node_own(node, run), *theirs = node_own(node, other);
    struct significant_state *own = state, *more = from;
    if (!mine->source.field)
        mine->source = theirs->source;
    own->size += more->size;
    if (!mine->only)
        mine->only = theirs->only;
    if (more->by_code && mine->only) {
        uint32_t count = column_ordinal_count(mine->only);
        if (!own->by_code)
            own->by_code = ARENA_ARRAY(run->mem, uint32_t, count);
        for (uint32_t i = 0; i < count; i++)
            own->by_code[i] += more->by_code[i];
    }
    for (uint32_t i = 0; i < more->set.count; i++) {
        struct bucket *bucket = &more->set.buckets[i];
        uint32_t at =
            bucket_set_get(&own->set, key_of_other(mine, theirs, run, bucket->key), run->mem);
        bucket_merge(node, run, &own->set.buckets[at], other, bucket);
    }
}

/* ---- Result ---- */

struct row {
    struct bucket *bucket;
    uint64_t background;
    double score;
};

static int key_cmp(const struct significant_run *mine, int64_t a, int64_t b)
{
    if (mine->source.kind == COLUMN_ORDINAL)
        return str_cmp(mine->ids.texts[a], mine->ids.texts[b]);
    if (mine->source.kind == COLUMN_DOUBLE)
        return (key_double(a) > key_double(b)) - (key_double(a) < key_double(b));
    return (a > b) - (a < b);
}

static int row_cmp(const void *a, const void *b, void *owner)
{
    const struct row *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return key_cmp(owner, x->bucket->key, y->bucket->key);
}

static bool is_shown(const struct significant_params *params, const struct significant_run *mine,
                     const struct bucket *bucket)
{
    if ((int64_t)bucket->doc_count < params->min_doc_count || bucket->doc_count == 0)
        return false;
    if (!params->filter)
        return true;
    if (mine->source.kind == COLUMN_ORDINAL)
        return terms_filter_text(params->filter, mine->source.field, mine->ids.texts[bucket->key]);
    return mine->source.kind == COLUMN_DOUBLE
               ? terms_filter_double(params->filter, key_double(bucket->key))
               : terms_filter_long(params->filter, mine->source.field, bucket->key);
}

static void print_key(const struct significant_run *mine, int64_t key, struct agg_run *run,
                      struct value *map)
{
    const struct source *source = &mine->source;
    struct value shown = value_int(key);
    struct str text = STR_NONE;
    if (source->kind == COLUMN_ORDINAL) {
        struct str bytes = mine->ids.texts[key];
        shown = value_str(bytes);
        if (source->field && source->field->type == FIELD_IP && bytes.n == IP_BYTES) {
            char buffer[IP_TEXT_BYTES];
            uint8_t ip[IP_BYTES];
            memcpy(ip, bytes.p, IP_BYTES);
            shown = value_str_copy(run->mem, (struct str){buffer, ip_format(ip, buffer)});
        }
    } else if (source->kind == COLUMN_DOUBLE) {
        shown = value_float(key_double(key));
        if (source_prints_text(source))
            text = source_print_double(source, key_double(key), run->mem);
    } else {
        if (source_prints_text(source))
            text = source_print_long(source, key, run->mem);
        if (source->field && source->field->type == FIELD_UNSIGNED_LONG)
            shown = (struct value){
                .kind = VALUE_BIG,
                .s = arena_printf(run->mem, "%llu",
                                  (unsigned long long)((uint64_t)key ^ (UINT64_C(1) << 63)))};
    }
    value_map_set(run->mem, map, STR("key"), shown);
    bool is_bool = source->field && source->field->type == FIELD_BOOLEAN;
    if (text.p) /* Elasticsearch prints true, not "true", here and only here */
        value_map_set(run->mem, map, STR("key_as_string"),
                      is_bool ? value_bool(key != 0) : value_str(text));
}

struct shown_codes {
    struct significant_run *mine;
    struct agg_run *run;
};

static void name_ordinal(void *owner, uint32_t ordinal, struct str text, uint32_t doc_count)
{
    const struct shown_codes *shown = owner;
    struct significant_run *mine = shown->mine;
    uint32_t id = text_ids_get(&mine->ids, text, shown->run->mem);
    mine->only_ids[ordinal] = id;
    hold_lookup(mine, shown->run, id);
    mine->lookups[id] = (uint64_t)doc_count + 1;
}

/* The counts by ordinal of the only column as buckets; texts and their background are read in one
 * pass over the dictionary. */
static void name_codes(const struct agg_node *node, struct agg_run *run,
                       struct significant_state *own)
{
    struct significant_run *mine = node_own(node, run);
    const uint32_t *by_code = own->by_code;
    if (!by_code)
        return;
    struct shown_codes shown = {mine, run};
    uint32_t count = column_ordinal_count(mine->only);
    uint64_t *wanted = ARENA_ARRAY(run->mem, uint64_t, BITSET_WORDS(count) + 1);
    bool is_any = false;
    own->by_code = NULL;
    if (!mine->only_ids) {
        mine->only_ids = ARENA_ARRAY(run->mem, uint32_t, count);
        memset(mine->only_ids, 0xFF, count * sizeof(*mine->only_ids));
    }
    for (uint32_t code = 0; code < count; code++) {
        bool is_new = by_code[code] > 0 && mine->only_ids[code] == UINT32_MAX;
        wanted[code >> 6] |= (uint64_t)is_new << (code & 63);
        is_any |= is_new;
    }
    if (is_any)
        column_ordinals_each(mine->only, wanted, name_ordinal, &shown);
    for (uint32_t code = 0; code < count; code++) {
        if (by_code[code] == 0 || mine->only_ids[code] == UINT32_MAX)
            continue;
        uint32_t at = bucket_set_get(&own->set, mine->only_ids[code], run->mem);
        own->set.buckets[at].doc_count += by_code[code];
    }
}

static size_t score_rows(const struct agg_node *node, struct agg_run *run,
                         struct significant_state *own, uint64_t superset, struct row *rows)
{
    const struct significant_params *params = node->params;
    struct significant_run *mine = node_own(node, run);
    size_t count = 0;
    for (uint32_t i = 0; i < own->set.count; i++) {
        struct bucket *bucket = &own->set.buckets[i];
        if (!is_shown(params, mine, bucket))
            continue;
        uint64_t docs = background_docs(params, mine, run, bucket->key);
        struct significance_counts counts = {bucket->doc_count, own->size, docs, superset};
        rows[count] =
            (struct row){bucket, docs, significance_score(&params->significance, &counts)};
        count += rows[count].score > 0;
    }
    return count;
}

static struct value significant_result(const struct agg_node *node, struct agg_run *run,
                                       void *state)
{
    const struct significant_params *params = node->params;
    struct significant_run *mine = node_own(node, run);
    struct significant_state *own = state;
    name_codes(node, run, own);
    struct row *rows = ARENA_ARRAY(run->mem, struct row, own->set.count + 1);
    if (mine->source.field)
        count_background(node, mine, run);
    uint64_t superset = mine->source.field ? background_size(params, mine, run) : 0;
    size_t count = score_rows(node, run, own, superset, rows);
    qsort_r(rows, count, sizeof(*rows), row_cmp, mine);
    size_t shown = MIN_OF(count, (size_t)params->size);
    struct value buckets = value_list(run->mem, shown), result = value_map(run->mem, 3);
    for (size_t i = 0; i < shown && run->rc == 0; i++) {
        struct value map = value_map(run->mem, 5 + node->child_count),
                     counted = value_map(run->mem, 1 + node->child_count);
        print_key(mine, rows[i].bucket->key, run, &map);
        bucket_print(node, run, rows[i].bucket, &counted);
        for (size_t k = 0; k < counted.map->count; k++) {
            value_map_set(run->mem, &map, counted.map->keys[k], counted.map->values[k]);
            if (k > 0)
                continue;
            value_map_set(run->mem, &map, STR("score"), value_float(rows[i].score));
            value_map_set(run->mem, &map, STR("bg_count"), value_int((int64_t)rows[i].background));
        }
        value_list_add(run->mem, &buckets, map);
    }
    if (mine->source.field) {
        value_map_set(run->mem, &result, STR("doc_count"), value_int((int64_t)own->size));
        value_map_set(run->mem, &result, STR("bg_count"), value_int((int64_t)superset));
    }
    value_map_set(run->mem, &result, STR("buckets"), buckets);
    return result;
}

static const char *significant_typed_name(const struct agg_node *node, struct agg_run *run)
{
    const struct significant_run *mine = node_own(node, run);
    if (!mine->source.field)
        return "umsigterms";
    return mine->source.kind == COLUMN_ORDINAL ? "sigsterms" : "siglterms";
}

const struct bucket_type bucket_type_significant_terms = {
    .name = "significant_terms",
    .summary = "Values that are unusually frequent here.",
    .since = "0.1",
    .opts = significant_opts,
    .opts_size = sizeof(struct significant_params),
    .state_size = sizeof(struct significant_state),
    .run_size = sizeof(struct significant_run),
    .parse = significant_parse,
    .begin = significant_begin,
    .collect = significant_collect,
    .clear = significant_clear,
    .end = significant_end,
    .scatter = significant_scatter,
    .merge = significant_merge,
    .result = significant_result,
    .typed_name = significant_typed_name,
};
