/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* top_hits.c: the best documents of a bucket, by score or by sort, shown like hits. A bucket keeps
 * a short list in order; a document is compared with its last entry first. */
#include "base/str.h"
#include "query/agg_tree.h"
#include "query/search_int.h"

#define TOP_HITS_MAX 100 /* index.max_inner_result_window */

struct top_hits_params {
    int64_t from, size;
    struct value sort, source, docvalue_fields, stored_fields;
    bool version, seq_no_primary_term, track_scores, explain;
    struct value highlight, script_fields;
    struct sort_spec *sorts;
    size_t sort_count;
    struct fetch_spec fetch;
};

struct top_hits_run {
    struct sort_reader *readers;
    struct sort_reader *printers; /* of the first segment: how values are printed */
    uint64_t *keys;               /* of the window, per sort */
    uint32_t keys_first;
    bool has_keys;
};

struct top_entry {
    const struct searcher_part *part;
    uint32_t part_index, doc;
    float score;
    struct sort_value *values;
};

struct top_hits_state {
    struct top_entry *entries;
    size_t count;
    uint64_t total;
    float max_score;
};

static const struct opt top_hits_opts[] = {
    OPT_INT(struct top_hits_params, from, .dflt = "0", .min = 0, .max = TOP_HITS_MAX,
            .help = "Hits left out at the top."),
    OPT_INT(struct top_hits_params, size, .dflt = "3", .min = 0, .max = TOP_HITS_MAX,
            .help = "How many hits."),
    OPT_VALUE(struct top_hits_params, sort, .help = "As in a search; default by score."),
    OPT_VALUE(struct top_hits_params, source, .name = "_source", .help = "As in a search."),
    OPT_VALUE(struct top_hits_params, docvalue_fields, .help = "As in a search."),
    OPT_VALUE(struct top_hits_params, stored_fields, .flags = OPT_OBSOLETE,
              .help = "Accepted and without effect."),
    OPT_BOOL(struct top_hits_params, version, .help = "Show _version."),
    OPT_BOOL(struct top_hits_params, seq_no_primary_term,
             .help = "Show _seq_no and _primary_term."),
    OPT_BOOL(struct top_hits_params, track_scores, .help = "Scores although sorted otherwise."),
    OPT_BOOL(struct top_hits_params, explain, .help = "Not supported."),
    OPT_VALUE(struct top_hits_params, highlight, .help = "Not supported yet."),
    OPT_VALUE(struct top_hits_params, script_fields, .help = "Not supported."),
    OPT_END,
};

static int top_hits_parse(struct agg_node *node, struct dsl *dsl, struct agg_tree *tree,
                          const struct value *body, struct err *err)
{
    struct top_hits_params *params = node->params;
    if (params->highlight.kind != VALUE_NONE || params->script_fields.kind != VALUE_NONE ||
        params->explain)
        return dsl_error(body, err, ERR_UNSUPPORTED,
                         "[top_hits] highlight, script_fields and explain are not supported yet");
    if (params->from + params->size > TOP_HITS_MAX)
        return dsl_error(body, err, ERR_INVALID,
                         "Top hits result window is too large, the top hits aggregator [" STR_FMT
                         "]'s from + size must be less than or equal to: [%d] but was [%lld]. This "
                         "limit can be set by "
                         "changing the [index.max_inner_result_window] index level setting.",
                         STR_ARG(node->name), TOP_HITS_MAX,
                         (long long)(params->from + params->size));
    if (params->sort.kind != VALUE_NONE)
        TRY(sort_parse(&params->sort, dsl->mem, &params->sorts, &params->sort_count, err));
    if (params->sort_count == 0) {
        params->sorts = ARENA_NEW(dsl->mem, struct sort_spec);
        *params->sorts =
            (struct sort_spec){.kind = SORT_SCORE, .field = STR("_score"), .is_desc = true};
    }
    for (size_t i = 0; i < MAX_OF(params->sort_count, 1u); i++)
        tree->needs_scores = tree->needs_scores || params->sorts[i].kind == SORT_SCORE;
    tree->needs_scores = tree->needs_scores || params->track_scores;
    if (params->source.kind != VALUE_NONE)
        TRY(source_spec_parse(&params->source, dsl->mem, &params->fetch.source, err));
    if (params->docvalue_fields.kind != VALUE_NONE)
        TRY(field_specs_parse(&params->docvalue_fields, "docvalue_fields", dsl->mem,
                              &params->fetch.docvalues, &params->fetch.docvalue_count, err));
    return 0;
}

static size_t key_count(const struct top_hits_params *params)
{
    return MAX_OF(params->sort_count, 1u);
}

static int top_hits_begin(const struct agg_node *node, struct agg_run *run, void *own,
                          struct err *err)
{
    const struct top_hits_params *params = node->params;
    struct top_hits_run *mine = own;
    size_t n = key_count(params);
    mine->readers = ARENA_ARRAY(run->scratch, struct sort_reader, n);
    if (!mine->keys)
        mine->keys = ARENA_ARRAY(run->mem, uint64_t, n * ZONE_DOCS);
    mine->has_keys = false;
    for (size_t i = 0; i < n; i++)
        TRY(sort_reader_open(&mine->readers[i], &params->sorts[i], run->part, 0, 0, run->scratch,
                             err));
    if (!mine->printers) {
        mine->printers = ARENA_ARRAY(run->mem, struct sort_reader, n);
        for (size_t i = 0; i < n; i++)
            TRY(sort_reader_open(&mine->printers[i], &params->sorts[i], run->part, 0, 0, run->mem,
                                 err));
    }
    return 0;
}

static int entry_cmp(const struct top_hits_params *params, const struct top_entry *a,
                     const struct top_entry *b)
{
    for (size_t i = 0; i < key_count(params); i++) {
        int cmp = sort_value_cmp(&params->sorts[i], &a->values[i], &b->values[i]);
        if (cmp)
            return cmp;
    }
    if (a->part_index != b->part_index)
        return a->part_index < b->part_index ? -1 : 1;
    return (a->doc > b->doc) - (a->doc < b->doc);
}

static void keep(const struct top_hits_params *params, struct agg_run *run,
                 struct top_hits_state *own, const struct top_entry *entry)
{
    size_t most = (size_t)(params->from + params->size), n = key_count(params);
    if (most == 0)
        return;
    if (own->count == most && entry_cmp(params, entry, &own->entries[own->count - 1]) >= 0)
        return;
    if (!own->entries)
        own->entries = ARENA_ARRAY(run->mem, struct top_entry, most);
    struct sort_value *values = own->count == most ? own->entries[most - 1].values
                                                   : ARENA_ARRAY(run->mem, struct sort_value, n);
    size_t at = own->count == most ? most - 1 : own->count++;
    for (; at > 0 && entry_cmp(params, entry, &own->entries[at - 1]) < 0; at--)
        own->entries[at] = own->entries[at - 1];
    memcpy(values, entry->values, n * sizeof(*values));
    for (size_t i = 0; i < n; i++) {
        if (values[i].text.p)
            values[i].text = arena_str(run->mem, values[i].text);
    }
    own->entries[at] = *entry;
    own->entries[at].values = values;
}

/* The window's keys are read once and serve all buckets. */
static void read_keys(const struct top_hits_params *params, struct top_hits_run *mine,
                      struct agg_run *run, const struct doc_block *block)
{
    bool needs_own = false;
    uint64_t words[WINDOW_WORDS] = {0};
    uint32_t n = MIN_OF(ZONE_DOCS, run->doc_count - block->first);
    for (size_t i = 0; i < key_count(params); i++)
        needs_own = needs_own || params->sorts[i].kind != SORT_FIELD ||
                    (mine->readers[i].column && column_is_multi(mine->readers[i].column));
    if (mine->has_keys && mine->keys_first == block->first && !needs_own)
        return;
    for (uint32_t i = 0; needs_own && i < block->count; i++)
        bitset_set(words, block_offset(block, i));
    if (!needs_own)
        words_set_range(words, 0, n);
    for (size_t i = 0; i < key_count(params); i++)
        sort_reader_keys(&mine->readers[i], block->first, n, words, block->scores,
                         mine->keys + i * ZONE_DOCS);
    mine->keys_first = block->first;
    mine->has_keys = true;
}

static void top_hits_collect(const struct agg_node *node, struct agg_run *run, void *state,
                             const struct doc_block *block)
{
    const struct top_hits_params *params = node->params;
    struct top_hits_run *mine = node_own(node, run);
    struct top_hits_state *own = state;
    struct sort_value values[SORTS_MAX];
    own->total += block->count;
    read_keys(params, mine, run, block);
    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t off = block_offset(block, i);
        struct top_entry entry = {run->part, run->part_index, block->first + off,
                                  block->scores ? block->scores[off] : 0, values};
        if (block->scores && entry.score > own->max_score)
            own->max_score = entry.score;
        for (size_t k = 0; k < key_count(params); k++)
            values[k] =
                sort_reader_value(&mine->readers[k], mine->keys[k * ZONE_DOCS + off], run->scratch);
        keep(params, run, own, &entry);
    }
}

static void top_hits_merge(const struct agg_node *node, struct agg_run *run, void *state,
                           struct agg_run *other, void *from)
{
    struct top_hits_state *own = state, *more = from;
    struct top_hits_run *mine = node_own(node, run), *theirs = node_own(node, other);
    if (!mine->printers)
        mine->printers = theirs->printers;
    own->total += more->total;
    own->max_score = MAX_OF(own->max_score, more->max_score);
    for (size_t i = 0; i < more->count; i++)
        keep(node->params, run, own, &more->entries[i]);
}

static struct value print_entry(const struct top_hits_params *params,
                                const struct top_hits_run *mine, struct agg_run *run,
                                const struct top_entry *entry)
{
    struct search_hit hit = {0};
    struct value map = value_map(run->mem, 8), source;
    if (fetch_hit(&params->fetch, entry->part, entry->doc, NULL, run->mem, &hit, run->err) < 0) {
        run->rc = -ERR_CORRUPT;
        return value_null();
    }
    /* Not when it is sorted by the score and something else: that shows it anyway. */
    bool has_score = params->sort_count == 0 || params->track_scores;
    value_map_set(run->mem, &map, STR("_index"), value_str(hit.index));
    value_map_set(run->mem, &map, STR("_type"), value_str(STR("_doc")));
    value_map_set(run->mem, &map, STR("_id"), value_str(hit.id));
    if (params->version)
        value_map_set(run->mem, &map, STR("_version"), value_int(hit.version));
    if (params->seq_no_primary_term) {
        value_map_set(run->mem, &map, STR("_seq_no"), value_int(hit.seq_no));
        value_map_set(run->mem, &map, STR("_primary_term"), value_int(hit.primary_term));
    }
    value_map_set(run->mem, &map, STR("_score"),
                  has_score ? value_float(f32_shown(entry->score)) : value_null());
    if (hit.source.p && value_from_json(hit.source, run->mem, &source, NULL) == 0)
        value_map_set(run->mem, &map, STR("_source"), source);
    if (hit.fields.kind == VALUE_MAP)
        value_map_set(run->mem, &map, STR("fields"), hit.fields);
    if (params->sort_count > 0) {
        struct value sort = value_list(run->mem, params->sort_count);
        for (size_t i = 0; i < params->sort_count; i++)
            value_list_add(run->mem, &sort,
                           sort_value_print(&mine->printers[i], &entry->values[i], run->mem));
        value_map_set(run->mem, &map, STR("sort"), sort);
    }
    return map;
}

static struct value top_hits_result(const struct agg_node *node, struct agg_run *run, void *state)
{
    const struct top_hits_params *params = node->params;
    const struct top_hits_run *mine = node_own(node, run);
    const struct top_hits_state *own = state;
    struct value total = value_map(run->mem, 2), hits = value_map(run->mem, 3),
                 list = value_list(run->mem, own->count);
    value_map_set(run->mem, &total, STR("value"), value_int((int64_t)own->total));
    value_map_set(run->mem, &total, STR("relation"), value_str(STR("eq")));
    for (size_t i = (size_t)params->from; i < own->count && run->rc == 0; i++)
        value_list_add(run->mem, &list, print_entry(params, mine, run, &own->entries[i]));
    bool has_max = own->count > 0 && (params->sort_count == 0 || params->track_scores);
    value_map_set(run->mem, &hits, STR("total"), total);
    value_map_set(run->mem, &hits, STR("max_score"),
                  has_max ? value_float(f32_shown(own->max_score)) : value_null());
    value_map_set(run->mem, &hits, STR("hits"), list);
    struct value result = value_map(run->mem, 1);
    value_map_set(run->mem, &result, STR("hits"), hits);
    return result;
}

const struct bucket_type bucket_type_top_hits = {
    .name = "top_hits",
    .summary = "The best documents of a bucket.",
    .since = "0.1",
    .opts = top_hits_opts,
    .opts_size = sizeof(struct top_hits_params),
    .state_size = sizeof(struct top_hits_state),
    .run_size = sizeof(struct top_hits_run),
    .is_leaf = true,
    .parse = top_hits_parse,
    .begin = top_hits_begin,
    .collect = top_hits_collect,
    .merge = top_hits_merge,
    .result = top_hits_result,
};
