/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c: the leaves of a plan (one term is in plan_term.c): sets of terms, patterns, ranges,
 * presence, ids. Each looks at a segment's dictionary or column statistics first, so that a segment
 * without matches costs a look-up. */
#include "query/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "query/filter_plan.h"
#include "query/plan_int.h"
#include "query/query.h"
#include "text/regex.h"

int64_t plan_count(const struct plan *plan, const struct searcher_part *part)
{
    if (!plan)
        return 0;
    return plan->ops->count ? plan->ops->count(plan, part) : -1;
}

struct plan *plan_fail(struct planner *planner, enum err_code code, const char *format, ...)
{
    if (planner->rc < 0)
        return NULL;
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    planner->rc = err_set(planner->err, code, "%s", text);
    return NULL;
}

struct kept_regex {
    struct regex *re;
    struct kept_regex *next;
};

void planner_keep_regex(struct planner *planner, struct regex *re)
{
    struct kept_regex *kept = ARENA_NEW(planner->mem, struct kept_regex);
    kept->re = re;
    kept->next = planner->regexes;
    planner->regexes = kept;
}

void planner_deinit(struct planner *planner)
{
    for (struct kept_regex *kept = planner->regexes; kept; kept = kept->next)
        regex_free(kept->re);
    planner->regexes = NULL;
    filter_plans_release(planner);
}

void *plan__new(struct planner *planner, const struct plan_ops *ops, size_t size, float boost)
{
    struct plan *plan = arena_zalloc(planner->mem, size);
    plan->ops = ops;
    plan->boost = boost;
    return plan;
}

bool plan__field_stats(struct planner *planner, const struct field *field,
                       struct field_stats *ret_stats)
{
    struct field_stats sum = {0};
    for (size_t i = 0; i < planner->part_count; i++) {
        struct field_stats own;
        if (!segment_field_stats(planner->parts[i].segment, field, &own))
            continue;
        sum.doc_count += own.doc_count;
        sum.sum_doc_freq += own.sum_doc_freq;
        sum.sum_total_term_freq += own.sum_total_term_freq;
    }
    *ret_stats = sum;
    return sum.doc_count > 0;
}

uint64_t plan__doc_freq(struct planner *planner, const struct field *field, struct str term)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < planner->part_count; i++) {
        struct term_info info;
        if (segment_term(planner->parts[i].segment, field, term, &info))
            sum += info.doc_freq;
    }
    return sum;
}

/* ---- Everything ---- */

static struct docset *all_open(const struct plan *plan, struct plan_run *run)
{
    return docset_all(run->doc_count, plan->boost, run->mem);
}

static int64_t all_count(const struct plan *plan UNUSED, const struct searcher_part *part)
{
    return segment_doc_count(part->segment);
}

static bool all_key(const struct plan *plan UNUSED, struct buf *key, struct arena *mem UNUSED)
{
    filter_key_begin(key, 'a', NULL);
    return true;
}

static const struct plan_ops all_ops = {
    .name = "all", .open = all_open, .count = all_count, .key = all_key};

struct plan *plan_all(struct planner *planner, float boost)
{
    return plan__new(planner, &all_ops, sizeof(struct plan), boost);
}

bool plan_is_all(const struct plan *plan)
{
    return plan && plan->ops == &all_ops;
}

/* ---- Unions of terms ---- */

void plan__union_init(struct plan__union *all, uint32_t doc_count, struct arena *mem)
{
    size_t words = BITSET_WORDS(doc_count) + WINDOW_WORDS; /* fills write whole windows */
    *all = (struct plan__union){ARENA_ARRAY(mem, uint64_t, words), 0, doc_count};
}

struct docset *plan__union_set(struct plan__union *all, float score, struct arena *mem)
{
    all->count = bitset_count(all->bits, BITSET_WORDS(all->doc_count));
    return docset_bits(all->bits, all->doc_count, all->count, score, mem);
}

struct terms_plan {
    struct plan base;
    const struct field *field;
    struct str *terms;
    size_t count;
};

#define TERMS_APART                                                                                \
    16u /* up to so many terms are a union of postings, more are folded into one bit set */

static struct docset *terms_open(const struct plan *plan, struct plan_run *run)
{
    const struct terms_plan *own = (const struct terms_plan *)plan;
    struct segment *seg = run->part->segment;
    struct docset *sets[TERMS_APART];
    size_t set_count = 0;
    struct plan__union all = {0};
    for (size_t i = 0; i < own->count; i++) {
        struct term_info info;
        if (!segment_term(seg, own->field, own->terms[i], &info))
            continue;
        struct postings *postings = postings_open(seg, own->field, &info, POSTINGS_DOCS, run->mem);
        if (own->count <= TERMS_APART) {
            sets[set_count++] =
                docset_postings(postings, info.doc_freq, run->doc_count, plan->boost, run->mem);
            continue;
        }
        if (!all.bits)
            plan__union_init(&all, run->doc_count, run->mem);
        postings_add(postings, all.bits);
    }
    if (all.bits)
        return plan__union_set(&all, plan->boost, run->mem);
    if (set_count <= 1)
        return set_count ? sets[0] : NULL;
    struct docset **should = ARENA_ARRAY(run->mem, struct docset *, set_count);
    memcpy(should, sets, set_count * sizeof(*should));
    struct bool_clauses clauses = {.should = should, .should_count = set_count, .should_min = 1};
    return docset_constant(docset_bool(&clauses, run->doc_count, false, run->mem), plan->boost,
                           run->mem);
}

static int term_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool terms_key(const struct plan *plan, struct buf *key, struct arena *mem)
{
    const struct terms_plan *own = (const struct terms_plan *)plan;
    struct str *sorted = ARENA_ARRAY(mem, struct str, own->count);
    memcpy(sorted, own->terms, own->count * sizeof(*sorted));
    qsort(sorted, own->count, sizeof(*sorted), term_order);
    filter_key_begin(key, 'T', own->field);
    for (size_t i = 0; i < own->count && !key->is_over; i++)
        filter_key_str(key, sorted[i]);
    return true;
}

static const struct plan_ops terms_ops = {
    .name = "terms", .open = terms_open, .key = terms_key, .keep_uses = KEEP_USES_COSTLY};

struct plan *plan_terms(struct planner *planner, const struct field *field, const struct str *terms,
                        size_t count, float boost)
{
    if (count == 0)
        return NULL;
    struct terms_plan *own = plan__new(planner, &terms_ops, sizeof(*own), boost);
    own->field = field;
    own->terms = ARENA_ARRAY(planner->mem, struct str, count);
    own->count = count;
    for (size_t i = 0; i < count; i++)
        own->terms[i] = arena_str(planner->mem, terms[i]);
    return &own->base;
}

/* ---- Patterns and ranges over the dictionary ---- */

struct pattern_plan {
    struct plan base;
    const struct field *field;
    struct str prefix; /* of patterns; of ranges the lower bound */
    struct str high;   /* of ranges; p == NULL: open */
    bool is_range;
    plan_match_fn *matches;
    const void *owner;
    struct str text; /* what `matches` looks for */
};

static bool pattern_ends(const struct pattern_plan *own, struct str term)
{
    if (own->is_range)
        return own->high.p && str_cmp(term, own->high) > 0;
    return !str_starts_with(term, own->prefix);
}

static struct docset *pattern_open(const struct plan *plan, struct plan_run *run)
{
    const struct pattern_plan *own = (const struct pattern_plan *)plan;
    struct segment *seg = run->part->segment;
    struct term_iter *it = term_iter_open(seg, own->field, run->mem);
    if (!it)
        return NULL;
    struct plan__union all = {0};
    for (bool is_there = term_iter_seek(it, own->prefix); is_there; is_there = term_iter_next(it)) {
        struct str term = term_iter_term(it);
        if (pattern_ends(own, term))
            break;
        if (own->matches && !own->matches(own->owner, term))
            continue;
        if (!all.bits)
            plan__union_init(&all, run->doc_count, run->mem);
        term_iter_docs(it, all.bits);
    }
    return all.bits ? plan__union_set(&all, plan->boost, run->mem) : NULL;
}

static bool pattern_key(const struct plan *plan, struct buf *key, struct arena *mem UNUSED)
{
    const struct pattern_plan *own = (const struct pattern_plan *)plan;
    uint64_t matches = (uint64_t)(uintptr_t)own->matches; /* the kind of pattern */
    filter_key_begin(key, own->is_range ? 'r' : 'p', own->field);
    filter_key_str(key, own->prefix);
    filter_key_str(key, own->is_range ? own->high : own->text);
    buf_add_u64_le(key, matches);
    return true;
}

static const struct plan_ops pattern_ops = {
    .name = "pattern", .open = pattern_open, .key = pattern_key, .keep_uses = KEEP_USES_COSTLY};

struct plan *plan_pattern(struct planner *planner, const struct field *field, struct str prefix,
                          plan_match_fn *matches, const void *owner, struct str text, float boost)
{
    struct pattern_plan *own = plan__new(planner, &pattern_ops, sizeof(*own), boost);
    own->field = field;
    own->prefix = arena_str(planner->mem, prefix);
    own->matches = matches;
    own->owner = owner;
    own->text = text.p ? arena_str(planner->mem, text) : STR_NONE;
    return &own->base;
}

struct str plan_pattern_text(struct planner *planner, struct str pattern, bool is_nocase)
{
    char *text = arena_alloc(planner->mem, pattern.n + 1);
    text[0] = is_nocase ? 'i' : 'c';
    memcpy(text + 1, pattern.p, pattern.n);
    return (struct str){text, pattern.n + 1};
}

/* Ordinal columns answer term ranges as number ranges. */
static struct docset *term_range_open(const struct plan *plan, struct plan_run *run)
{
    const struct pattern_plan *own = (const struct pattern_plan *)plan;
    struct column *column =
        own->field->has_doc_values ? segment_column(run->part->segment, own->field) : NULL;
    if (!column || column_kind(column) != COLUMN_ORDINAL) {
        bool has_postings = own->field->type != FIELD_IP;
        return has_postings ? pattern_open(plan, run) : NULL;
    }
    bool is_found = false;
    uint32_t min = own->prefix.p ? column_ordinal_find(column, own->prefix, &is_found) : 0;
    uint32_t max = column_ordinal_count(column);
    if (own->high.p) {
        max = column_ordinal_find(column, own->high, &is_found);
        max += is_found ? 1 : 0;
    }
    if (max == 0)
        return NULL;
    return docset_ordinals(column, min, max - 1, run->doc_count, plan->boost, run->mem);
}

static const struct plan_ops term_range_ops = {.name = "term_range",
                                               .open = term_range_open,
                                               .key = pattern_key,
                                               .keep_uses = KEEP_USES_COSTLY};

/* The next text in byte order is the text and a zero byte: an open lower bound becomes a closed
 * one. An open upper bound is kept closed by a predicate in the dictionary form, by subtracting one
 * ordinal in the column form: both use `high` closed, so it is lowered here only when it is
 * exclusive. */
struct term_range_owner {
    struct str high;
};

static bool is_below(const void *owner, struct str term)
{
    return str_cmp(term, ((const struct term_range_owner *)owner)->high) < 0;
}

static struct docset *term_range_below_open(const struct plan *plan, struct plan_run *run)
{
    const struct pattern_plan *own = (const struct pattern_plan *)plan;
    struct column *column =
        own->field->has_doc_values ? segment_column(run->part->segment, own->field) : NULL;
    if (!column || column_kind(column) != COLUMN_ORDINAL)
        return own->field->type != FIELD_IP ? pattern_open(plan, run) : NULL;
    bool is_found = false;
    uint32_t min = own->prefix.p ? column_ordinal_find(column, own->prefix, &is_found) : 0;
    uint32_t max = column_ordinal_find(column, own->high, &is_found);
    return max == 0 ? NULL
                    : docset_ordinals(column, min, max - 1, run->doc_count, plan->boost, run->mem);
}

static const struct plan_ops term_range_below_ops = {.name = "term_range",
                                                     .open = term_range_below_open,
                                                     .key = pattern_key,
                                                     .keep_uses = KEEP_USES_COSTLY};

struct plan *plan_term_range(struct planner *planner, const struct field *field, struct str low,
                             bool has_low, struct str high, bool has_high, float boost)
{
    struct pattern_plan *own = plan__new(planner, &term_range_ops, sizeof(*own), boost);
    own->field = field;
    own->is_range = true;
    own->prefix = STR("");
    if (low.p) {
        char *text = arena_alloc(planner->mem, low.n + 1);
        memcpy(text, low.p, low.n);
        text[low.n] = '\0';
        own->prefix = (struct str){text, has_low ? low.n : low.n + 1};
    }
    if (high.p) {
        own->high = arena_str(planner->mem, high);
        if (!has_high) {
            struct term_range_owner *owner = ARENA_NEW(planner->mem, struct term_range_owner);
            owner->high = own->high;
            own->base.ops = &term_range_below_ops;
            own->matches = is_below;
            own->owner = owner;
        }
    }
    return &own->base;
}

/* ---- Numbers ---- */

struct number_plan {
    struct plan base;
    const struct field *field;
    int64_t min_i, max_i;
    double min_f, max_f;
    const int64_t *list;
    size_t count;
};

static struct docset *longs_open(const struct plan *plan, struct plan_run *run)
{
    const struct number_plan *own = (const struct number_plan *)plan;
    struct column *column = segment_column(run->part->segment, own->field);
    if (own->list)
        return docset_long_list(column, own->list, own->count, run->doc_count, plan->boost,
                                run->mem);
    return docset_longs(column, own->min_i, own->max_i, run->doc_count, plan->boost, run->mem);
}

static struct docset *doubles_open(const struct plan *plan, struct plan_run *run)
{
    const struct number_plan *own = (const struct number_plan *)plan;
    struct column *column = segment_column(run->part->segment, own->field);
    return docset_doubles(column, own->min_f, own->max_f, run->doc_count, plan->boost, run->mem);
}

/* Known when the range covers the column or misses it. */
static int64_t longs_count(const struct plan *plan, const struct searcher_part *part)
{
    const struct number_plan *own = (const struct number_plan *)plan;
    struct column *column = segment_column(part->segment, own->field);
    struct column_zone stats;
    if (!column || !column_stats(column, &stats) || stats.max_i < own->min_i ||
        stats.min_i > own->max_i)
        return 0;
    if (!own->list && stats.min_i >= own->min_i && stats.max_i <= own->max_i)
        return column_doc_count(column);
    return -1;
}

static bool longs_key(const struct plan *plan, struct buf *key, struct arena *mem UNUSED)
{
    const struct number_plan *own = (const struct number_plan *)plan;
    filter_key_begin(key, own->list ? 'N' : 'n', own->field);
    buf_add_u64_le(key, (uint64_t)own->min_i);
    buf_add_u64_le(key, (uint64_t)own->max_i);
    for (size_t i = 0; own->list && i < own->count && !key->is_over; i++)
        buf_add_u64_le(key, (uint64_t)own->list[i]);
    return true;
}

static bool doubles_key(const struct plan *plan, struct buf *key, struct arena *mem UNUSED)
{
    const struct number_plan *own = (const struct number_plan *)plan;
    filter_key_begin(key, 'd', own->field);
    /* -0 and 0 compare equal and find the same. */
    double bounds[2] = {own->min_f + 0.0, own->max_f + 0.0};
    buf_add(key, bounds, sizeof(bounds));
    return true;
}

static const struct plan_ops longs_ops = {.name = "longs",
                                          .open = longs_open,
                                          .count = longs_count,
                                          .key = longs_key,
                                          .keep_uses = KEEP_USES_COSTLY};
static const struct plan_ops doubles_ops = {
    .name = "doubles", .open = doubles_open, .key = doubles_key, .keep_uses = KEEP_USES_COSTLY};

struct plan *plan_longs(struct planner *planner, const struct field *field, int64_t min,
                        int64_t max, float boost)
{
    if (min > max)
        return NULL;
    struct number_plan *own = plan__new(planner, &longs_ops, sizeof(*own), boost);
    own->field = field;
    own->min_i = min;
    own->max_i = max;
    return &own->base;
}

struct plan *plan_boolean(struct planner *planner, const struct field *field, bool v, float boost)
{
    double doc_count = 0, trues = 0, values = 0;
    for (size_t i = 0; planner->needs_scores && i < planner->part_count; i++) {
        struct column *column = segment_column(planner->parts[i].segment, field);
        struct column_zone stats;
        if (!column || !column_stats(column, &stats))
            continue;
        doc_count += column_doc_count(column);
        values += (double)stats.count;
        trues += stats.sum;
    }
    float score = boost;
    if (doc_count > 0) {
        struct bm25 *bm25 = ARENA_NEW(planner->mem, struct bm25);
        double doc_freq = v ? trues : values - trues;
        float idf = bm25_idf((uint64_t)MIN_OF(doc_freq, doc_count), (uint64_t)doc_count);
        bm25_init(bm25, boost, idf, (uint64_t)doc_count, (uint64_t)values);
        score = bm25_score(bm25, 1, 1);
    }
    return plan_longs(planner, field, v, v, score);
}

struct plan *plan_long_list(struct planner *planner, const struct field *field,
                            const int64_t *sorted, size_t count, float boost)
{
    if (count == 0)
        return NULL;
    struct number_plan *own = plan__new(planner, &longs_ops, sizeof(*own), boost);
    int64_t *list = ARENA_ARRAY(planner->mem, int64_t, count);
    memcpy(list, sorted, count * sizeof(*list));
    own->field = field;
    own->list = list;
    own->count = count;
    own->min_i = list[0];
    own->max_i = list[count - 1];
    return &own->base;
}

struct plan *plan_doubles(struct planner *planner, const struct field *field, double min,
                          double max, float boost)
{
    if (!(min <= max))
        return NULL;
    struct number_plan *own = plan__new(planner, &doubles_ops, sizeof(*own), boost);
    own->field = field;
    own->min_f = min;
    own->max_f = max;
    return &own->base;
}

/* ---- Presence ---- */

static struct docset *exists_open(const struct plan *plan, struct plan_run *run)
{
    const struct number_plan *own = (const struct number_plan *)plan;
    struct segment *seg = run->part->segment;
    struct column *column = segment_column(seg, own->field);
    if (column)
        return docset_exists(column, run->doc_count, plan->boost, run->mem);
    const uint8_t *norms = segment_norms(seg, own->field);
    if (norms)
        return docset_norms(norms, run->doc_count, plan->boost, run->mem);
    struct term_iter *it = term_iter_open(seg, own->field, run->mem);
    if (!it)
        return NULL;
    struct plan__union all;
    plan__union_init(&all, run->doc_count, run->mem);
    for (bool is_there = term_iter_seek(it, STR("")); is_there; is_there = term_iter_next(it)) {
        term_iter_docs(it, all.bits);
    }
    return plan__union_set(&all, plan->boost, run->mem);
}

static bool exists_key(const struct plan *plan, struct buf *key, struct arena *mem UNUSED)
{
    filter_key_begin(key, 'e', ((const struct number_plan *)plan)->field);
    return true;
}

static const struct plan_ops exists_ops = {
    .name = "exists", .open = exists_open, .key = exists_key};

struct plan *plan_exists(struct planner *planner, const struct field *field, float boost)
{
    struct number_plan *own = plan__new(planner, &exists_ops, sizeof(*own), boost);
    own->field = field;
    return &own->base;
}

/* ---- Ids and sequence numbers ---- */

struct ids_plan {
    struct plan base;
    const struct str *ids;
    size_t count;
    int64_t min, max;
};

static struct docset *ids_open(const struct plan *plan, struct plan_run *run)
{
    const struct ids_plan *own = (const struct ids_plan *)plan;
    struct plan__union all = {0};
    for (size_t i = 0; i < own->count; i++) {
        uint32_t doc = segment_find_id(run->part->segment, own->ids[i]);
        if (doc == DOC_NONE)
            continue;
        if (!all.bits)
            plan__union_init(&all, run->doc_count, run->mem);
        bitset_set(all.bits, doc);
    }
    return all.bits ? plan__union_set(&all, plan->boost, run->mem) : NULL;
}

static const struct plan_ops ids_ops = {.name = "ids", .open = ids_open};

struct plan *plan_ids(struct planner *planner, const struct str *ids, size_t count, float boost)
{
    if (count == 0)
        return NULL;
    struct ids_plan *own = plan__new(planner, &ids_ops, sizeof(*own), boost);
    own->ids = ids;
    own->count = count;
    return &own->base;
}

static struct docset *seq_nos_open(const struct plan *plan, struct plan_run *run)
{
    const struct ids_plan *own = (const struct ids_plan *)plan;
    struct column *column = segment_seq_no_column(run->part->segment);
    return docset_longs(column, own->min, own->max, run->doc_count, plan->boost, run->mem);
}

static const struct plan_ops seq_nos_ops = {.name = "seq_nos", .open = seq_nos_open};

struct plan *plan_seq_nos(struct planner *planner, int64_t min, int64_t max, float boost)
{
    if (min > max)
        return NULL;
    struct ids_plan *own = plan__new(planner, &seq_nos_ops, sizeof(*own), boost);
    own->min = min;
    own->max = max;
    return &own->base;
}
