/* SPDX-License-Identifier: Apache-2.0 */
/* agg_tree.h: the aggregations of a request: a tree of nodes (parsed once), run over the documents
 * of segments in blocks, merged, printed.
 *
 * A node's type is one file in buckets/ (buckets.tbl), or `metric`, which puts any accumulator of
 * agg/ into the tree. A node's state belongs to one bucket of its parent; a state of zero bytes is
 * empty. Buckets make the states of their children when the first document arrives.
 *
 * Threads: a tree is read-only after parsing; an agg_run belongs to one thread, runs are merged at
 * the end. */
#ifndef NARU_QUERY_AGG_TREE_H
#define NARU_QUERY_AGG_TREE_H

#include "agg/agg.h"
#include "query/query.h"

#define AGG_DEPTH_MAX 20u
#define AGG_NODES_MAX 1000u

struct agg_node;
struct agg_run;
struct time_zone;
struct date_pattern;

struct agg_tree {
    struct agg_node **roots;
    size_t root_count;
    struct agg_node **pipelines; /* over results */
    size_t pipeline_count;
    uint32_t node_count; /* all levels; ids are below it */
    bool needs_scores;   /* a top_hits sorts by score */
    bool has_global;
    bool is_ordered;        /* some result depends on the order of the values: one thread only */
    struct agg_node **all;  /* by id */
    struct query **filters; /* queries inside aggregations, planned per index */
    size_t filter_count, filter_capacity;
};

/* Matching documents of one window, ascending. */
struct doc_block {
    uint32_t first; /* the window's first document */
    uint32_t count;
    const uint16_t *offs; /* doc = first + offs[i]; NULL: doc = first + i (the whole window) */
    const float *scores;  /* by offset in the window; NULL: no scores */
};

struct bucket_scatter;

struct bucket_type {
    const char *name, *summary, *since;
    const struct opt *opts;
    size_t opts_size; /* of params */
    size_t state_size;
    size_t
        run_size; /* of what a node keeps per run (columns of the segment, dictionaries), zeroed */
    bool is_leaf; /* takes no sub-aggregations */
    bool needs_scores;
    /* MAY be NULL. After the options are filled: what tables cannot say; queries inside. `body`:
     * the type's object. */
    int (*parse)(struct agg_node *node, struct dsl *dsl, struct agg_tree *tree,
                 const struct value *body, struct err *err);
    /* MAY be NULL. A segment begins: look up columns. */
    int (*begin)(const struct agg_node *node, struct agg_run *run, void *own, struct err *err);
    /* MUST. */
    void (*collect)(const struct agg_node *node, struct agg_run *run, void *state,
                    const struct doc_block *block);
    /* MAY be NULL. Every document of the segment, all live, no scores: answered from metadata.
     * False: collect it. */
    bool (*collect_all)(const struct agg_node *node, struct agg_run *run, void *state);
    /* MAY be NULL: always. False: no document of the window can change a root's result, so that it
     * need not be collected. */
    bool (*wants)(const struct agg_node *node, struct agg_run *run, void *state, uint32_t first);
    /* MAY be NULL: zero bytes. Makes a state empty within a segment, for another bucket; one that
     * the segment's end knows of stays known to it. */
    void (*clear)(const struct agg_node *node, struct agg_run *run, void *state);
    /* MAY be NULL. The segment ends: what was kept by its ordinals becomes values. */
    void (*end)(const struct agg_node *node, struct agg_run *run, void *own);
    /* MAY be NULL. For children of nodes with many small buckets: value i of the block's documents,
     * at offs[i], goes to the state of child `child` in set->buckets[index[i]] (UINT32_MAX: none).
     * False, before anything was done: not in this segment. */
    bool (*scatter)(const struct agg_node *node, struct agg_run *run, struct bucket_scatter *to);
    /* MUST. `from`: a state of another run. */
    void (*merge)(const struct agg_node *node, struct agg_run *run, void *state,
                  struct agg_run *other, void *from);
    /* MUST. The object behind the aggregation's name. */
    struct value (*result)(const struct agg_node *node, struct agg_run *run, void *state);
    /* Aggregations over results instead of documents have one of these two, and a path; nothing
     * but parse, path and typed_name of what is above. */
    /* Adds to the printed result of the aggregation it stands below. */
    void (*parent)(const struct agg_node *node, struct agg_run *run, struct value *result);
    /* Its result, out of the printed ones beside it. */
    struct value (*sibling)(const struct agg_node *node, struct agg_run *run,
                            const struct value *map);
    struct str (*path)(const struct agg_node *node);
    bool needs_histogram; /* `parent` only below one */
    /* MAY be NULL: `name`. With typed_keys: "sterms", "lterms" … */
    const char *(*typed_name)(const struct agg_node *node, struct agg_run *run);
};

struct agg_node {
    const struct bucket_type *type;
    struct str name, type_name;
    uint32_t id;
    uint32_t depth;
    void *params;
    size_t state_size;
    struct agg_node **children;
    size_t child_count;
    struct agg_node **pipelines; /* over results; in the order in which they need each other */
    size_t pipeline_count;
    struct value meta;
    uint32_t pos;
};

int agg_tree_parse(const struct value *body, struct dsl *dsl, struct agg_tree **ret_tree,
                   struct err *err) WARN_UNUSED;
/* A query that stands inside an aggregation: parsed now, planned for each index, opened for each
 * segment. *ret_id names it. */
int agg_tree_filter(struct agg_tree *tree, struct dsl *dsl, const struct value *body,
                    uint32_t *ret_id, struct err *err) WARN_UNUSED;

/* ---- Running ---- */
#define RUN_COLUMNS_MAX 64u

struct window_values {
    const struct column *column;
    uint32_t first;
    union {
        int64_t *longs;
        double *doubles;
        uint32_t *ordinals;
    };
    uint64_t *exists;
};

/* Which documents of a window a filter matches. */
struct filter_window {
    uint32_t first;
    uint64_t words[WINDOW_WORDS];
};

struct agg_run {
    const struct agg_tree *tree;
    struct arena *mem;     /* states live here until the result is printed */
    struct arena *scratch; /* reset at each segment */
    int64_t now_ns;
    bool typed_keys;
    void **own;   /* by node id: run_size bytes */
    void **roots; /* states of the roots */
    /* the segment at hand */
    const struct searcher_part *part;
    uint32_t part_index;
    uint32_t doc_count;
    uint64_t match_estimate; /* documents of the segment that match, at most about so many */
    struct plan **plans;     /* by filter id, of the part's index */
    struct docset **filters; /* by filter id, opened lazily for the segment */
    bool *filter_is_open;
    struct filter_window *filter_windows; /* by filter id */
    struct window_values windows[RUN_COLUMNS_MAX];
    size_t window_count;
    uint16_t *group_offs; /* scratch of bucket_group */
    /* printing */
    uint64_t bucket_count, bucket_count_max;
    int rc;
    struct err *err;
    const struct search_env *env; /* for top_hits: how hits are fetched */
};

struct agg_run *agg_run_new(const struct agg_tree *tree, int64_t now_ns, uint64_t bucket_count_max,
                            struct arena *mem, struct err *err);
int agg_run_segment(struct agg_run *run, const struct searcher_part *part, uint32_t part_index,
                    uint64_t match_estimate, struct plan **plans, struct arena *scratch,
                    struct err *err) WARN_UNUSED;
/* The whole segment matches; true when no block needs to be collected. Only roots that could not
 * answer are collected then. */
bool agg_run_all(struct agg_run *run, bool *ret_done);
/* Can a document of the window change a result? */
bool agg_run_wants(struct agg_run *run, uint32_t first, const bool *is_done);
void agg_run_collect(struct agg_run *run, const struct doc_block *block, const bool *is_done);
/* The segment will not be collected any more. */
void agg_run_segment_end(struct agg_run *run);
void agg_run_merge(struct agg_run *run, struct agg_run *other);
/* {"name": {…}}; a failure (too many buckets) is in run->rc. */
struct value agg_run_result(struct agg_run *run);

/* ---- For the types ---- */
int agg_fail(struct agg_run *run, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);
/* The name a node's result has in the reply. */
struct str agg_printed_name(const struct agg_node *node, struct agg_run *run);
/* Puts a node's result, and those of aggregations over results beside it, into a map. */
void agg_print_node(const struct agg_node *node, struct agg_run *run, void *state,
                    struct value *map);
void agg_print_siblings(struct agg_node *const *pipelines, size_t count, struct agg_run *run,
                        struct value *map);
void *agg_state_new(const struct agg_node *node, struct agg_run *run);
void agg_state_clear(const struct agg_node *node, struct agg_run *run, void *state);
static inline void *node_own(const struct agg_node *node, struct agg_run *run)
{
    return run->own[node->id];
}
/* Values of the block's window, read once for all nodes. Single-valued columns only. */
const struct window_values *run_window(struct agg_run *run, const struct column *column,
                                       uint32_t first);
static inline uint32_t block_offset(const struct doc_block *block, uint32_t i)
{
    return block->offs ? block->offs[i] : i;
}

/* Where a node's values come from. Every type with a `field` has one in its params and one per run.
 */
struct source_params {
    struct str field, format, time_zone;
    struct value missing;
    struct value script;
    struct str value_type;
};
#define SOURCE_OPTS(S, m)                                                                          \
    {.name = "field",                                                                              \
     .kind = OPT_KIND_STR,                                                                         \
     .offset = offsetof(S, m) + offsetof(struct source_params, field),                             \
     .help = "The field whose values are taken."},                                                 \
        {.name = "missing",                                                                        \
         .kind = OPT_KIND_VALUE,                                                                   \
         .offset = offsetof(S, m) + offsetof(struct source_params, missing),                       \
         .help = "Value of documents that have none; default: they are left out."},                \
        {.name = "script",                                                                         \
         .kind = OPT_KIND_VALUE,                                                                   \
         .offset = offsetof(S, m) + offsetof(struct source_params, script),                        \
         .help = "Not supported."},                                                                \
    {                                                                                              \
        .name = "value_type", .kind = OPT_KIND_STR,                                                \
        .offset = offsetof(S, m) + offsetof(struct source_params, value_type),                     \
        .help = "Type of the values when the field is not mapped."                                 \
    }
#define SOURCE_OPT_FORMAT(S, m)                                                                    \
    {                                                                                              \
        .name = "format", .kind = OPT_KIND_STR,                                                    \
        .offset = offsetof(S, m) + offsetof(struct source_params, format),                         \
        .help = "How keys and values are printed as text."                                         \
    }
#define SOURCE_OPT_ZONE(S, m)                                                                      \
    {                                                                                              \
        .name = "time_zone", .kind = OPT_KIND_STR,                                                 \
        .offset = offsetof(S, m) + offsetof(struct source_params, time_zone),                      \
        .help = "Time zone of rounding and printing."                                              \
    }

struct source {
    const struct field
        *field; /* of the first index that has it; NULL: not mapped anywhere so far */
    const struct field
        *local;            /* of the last index that has it: its type is that of stored values */
    struct column *column; /* of the segment at hand; NULL: none */
    enum column_kind kind; /* of the column, or of the missing value */
    bool is_multi;
    bool has_missing;
    int64_t missing_i;
    double missing_f;
    struct str missing_text;
    bool has_kind;
    bool is_widened; /* the column has integers, which are read as floats beside the missing one */
    bool is_double; /* numbers are floats in some segment: keys and results are printed as floats */
    const struct date_pattern *pattern; /* of printed dates, NULL for other fields */
    const struct time_zone *zone;
    struct str decimal_format; /* "0.00" for numbers */
};
/* DATES: numbers, and those of a field that no index knows are dates. WIDENED: integers MAY be read
 * as floats, where a fraction stands for missing ones; values come from source_next only then. */
enum source_wants {
    SOURCE_NUMBERS = 1,
    SOURCE_STRINGS = 2,
    SOURCE_ANY = 3,
    SOURCE_DATES = 5,
    SOURCE_WIDENED = 8
};
int source_check(const struct agg_node *node, const struct source_params *params,
                 struct err *err) WARN_UNUSED;
int source_begin(struct source *source, const struct agg_node *node,
                 const struct source_params *params, struct agg_run *run, enum source_wants wants,
                 struct err *err) WARN_UNUSED;

/* The column of texts when one segment of the whole search only has the field, and documents
 * without it have no value: ordinals may stand for texts then. Else NULL. */
struct column *source_only_column(const struct source_params *params, const struct agg_run *run);

#define BATCH_MAX ZONE_DOCS
/* Values of a block, with the offset of their document. */
struct value_batch {
    size_t count;
    uint16_t offs[BATCH_MAX];
    union {
        int64_t longs[BATCH_MAX];
        double doubles[BATCH_MAX];
        uint32_t ordinals[BATCH_MAX]; /* SOURCE_MISSING: the missing text */
    };
};
#define SOURCE_MISSING UINT32_MAX
struct source_cursor {
    uint32_t at;   /* document of the block */
    size_t within; /* value of that document, when it has more than fit */
};
/* Fills the batch with the next values; false: none left. `is_distinct`: equal values of one
 * document once. */
bool source_next(const struct source *source, struct agg_run *run, const struct doc_block *block,
                 struct source_cursor *cursor, bool is_distinct, struct value_batch *batch);
/* Small numbers instead of values, for arrays instead of hash tables: ordinals, or integers less
 * the column's smallest. False: the column has several values per document, or too many different
 * ones. *ret_least: what to add to a code of an integer. */
bool source_codes(const struct source *source, uint32_t count_max, uint32_t *ret_count,
                  int64_t *ret_least);
/* Codes of the block's documents that have a value, and their offsets; returns how many. Only when
 * source_codes said yes, and the source has no missing value. Codes are below `count`, which
 * source_codes gave. codes, offs: BATCH_MAX. */
size_t source_read_codes(const struct source *source, struct agg_run *run,
                         const struct doc_block *block, int64_t least, uint32_t count,
                         uint32_t *codes, uint16_t *offs);
/* A bucket key or result as text: dates by format, else NULL text. */
struct str source_print_long(const struct source *source, int64_t stored, struct arena *mem);
struct str source_print_double(const struct source *source, double v, struct arena *mem);
bool source_prints_text(
    const struct source *source); /* key_as_string and value_as_string are there */

/* A set of buckets by a 64-bit key. */
struct bucket {
    int64_t key;
    uint64_t doc_count;
    void **children; /* states, NULL: no document yet */
    uint32_t epoch, local;
};
struct bucket_set {
    struct bucket *buckets;
    uint32_t *slots; /* index + 1, open addressing */
    uint32_t count, capacity, slot_count;
    int64_t last_key;
    uint32_t last_index;
    uint32_t epoch;
    bool is_dense;      /* buckets[i] has key i; those without documents are there too */
    char **flat;        /* dense: by child, the states of all buckets side by side */
    size_t *flat_bytes; /* of one state */
};
/* Makes an empty set one of `count` buckets with the keys 0 .. count - 1: no hash is needed. The
 * states of the children stand in arrays; a bucket gets its pointers to them by bucket_open, which
 * comes before bucket_collect, bucket_merge and bucket_print of such a bucket. */
void bucket_set_dense(const struct agg_node *node, struct bucket_set *set, uint32_t count,
                      struct arena *mem);
void bucket_open(const struct agg_node *node, struct bucket_set *set, uint32_t index,
                 struct arena *mem);
/* Puts a dense set to another one of the same node and size. */
void bucket_set_dense_merge(const struct agg_node *node, struct agg_run *run,
                            struct bucket_set *set, struct agg_run *other, struct bucket_set *from);
uint32_t bucket_set_get(struct bucket_set *set, int64_t key, struct arena *mem);
/* UINT32_MAX: not there. */
uint32_t bucket_set_find(const struct bucket_set *set, int64_t key);
/* Counts the block for one bucket and hands it to the children. */
void bucket_collect(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                    const struct doc_block *block);
/* The same for values spread over buckets: value i, of the document at offs[i], belongs to bucket
 * index[i] (UINT32_MAX: none). n <= BATCH_MAX. */
void bucket_group(const struct agg_node *node, struct agg_run *run, struct bucket_set *set,
                  const uint32_t *index, const uint16_t *offs, size_t n,
                  const struct doc_block *block);
#define SCATTER_AHEAD 16u /* states are fetched so many values before they are needed */

/* What bucket_type.scatter gets. */
struct bucket_scatter {
    const struct agg_node *parent;
    size_t child;
    struct bucket_set *set;
    const uint32_t *index;
    const uint16_t *offs;
    size_t n;
    const struct doc_block *block;
};
/* The state of a bucket's child, made when it is not there yet. */
void *bucket_child_state(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                         size_t child);
void bucket_merge(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                  struct agg_run *other, struct bucket *from);
/* doc_count and the children's results into the bucket's object; counts it against the limit. */
void bucket_print(const struct agg_node *node, struct agg_run *run, struct bucket *bucket,
                  struct value *map);
/* The result of a child, for ordering terms by it. NULL kind: no such. */
struct value bucket_child_result(const struct agg_node *node, struct agg_run *run,
                                 struct bucket *bucket, struct str child);

/* What aggregations may use of the search they belong to. */
struct search_env;
const struct searcher_part *search_env_parts(const struct search_env *env, size_t *ret_count);
/* Plans of the filters, by their id, for the index of a part. */
struct plan **search_env_plans(const struct search_env *env, size_t part);

#endif
