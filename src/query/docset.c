/* SPDX-License-Identifier: Apache-2.0 */
/* docset.c: the leaf sets: all, spans, bit sets, postings, column ranges. A range over a column
 * first asks the zone maps: a window whose values all lie inside or outside needs no values. */
#include "query/docset.h"

#include <math.h>

#include "query/scan.h"

void words_set_range(uint64_t *words, uint32_t from, uint32_t to)
{
    for (uint32_t at = from; at < to;) {
        uint32_t bit = at & 63, n = MIN_OF(64 - bit, to - at);
        uint64_t mask = n == 64 ? ~UINT64_C(0) : ((UINT64_C(1) << n) - 1) << bit;
        words[at >> 6] |= mask;
        at += n;
    }
}

float docset_score_max(struct docset *set, uint32_t first, uint32_t n)
{
    return set->ops->score_max ? set->ops->score_max(set, first, n) : INFINITY;
}

/* A look-up costs about as much as going over so many documents of a list. */
#define LOOK_UP_DOCS 8u

bool docset_among_is_sparse(const struct doc_window *w, uint64_t cost, uint32_t doc_count)
{
    uint64_t windows = doc_count / ZONE_DOCS + 1;
    return w->among && cost > windows * LOOK_UP_DOCS &&
           (uint64_t)bitset_count(w->among, BITSET_WORDS(w->n)) * LOOK_UP_DOCS * windows < cost;
}

bool words_are_empty(const uint64_t *words)
{
    for (size_t i = 0; i < WINDOW_WORDS; i++) {
        if (words[i])
            return false;
    }
    return true;
}

static void score_all(const struct doc_window *w, float score)
{
    if (!w->scores)
        return;
    for (uint32_t i = 0; i < w->n; i++)
        w->scores[i] = score;
}

static void set_init(struct docset *set, const struct docset_ops *ops, uint64_t cost, float score)
{
    set->ops = ops;
    set->cost = cost;
    set->constant = score;
    set->is_constant = true;
}

static float constant_score_max(struct docset *set, uint32_t first UNUSED, uint32_t n UNUSED)
{
    return set->constant;
}

/* ---- Spans: [from, to), and everything ---- */

struct span {
    struct docset base;
    uint32_t from, to;
};

static uint32_t span_seek(struct docset *set, uint32_t at_least)
{
    const struct span *span = (const struct span *)set;
    if (at_least >= span->to)
        return DOC_NONE;
    return MAX_OF(at_least, span->from);
}

static void span_fill(struct docset *set, struct doc_window *w)
{
    const struct span *span = (const struct span *)set;
    uint32_t from = MAX_OF(span->from, w->first), to = MIN_OF(span->to, w->first + w->n);
    if (from >= to)
        return;
    words_set_range(w->words, from - w->first, to - w->first);
    score_all(w, set->constant);
}

static const struct docset_ops span_ops = {
    .seek = span_seek, .fill = span_fill, .score_max = constant_score_max};

struct docset *docset_span(uint32_t from, uint32_t to, float score, struct arena *mem)
{
    if (from >= to)
        return NULL;
    struct span *span = ARENA_NEW(mem, struct span);
    set_init(&span->base, &span_ops, to - from, score);
    span->base.is_random = span->base.is_counted = span->base.is_cheap = true;
    span->from = from;
    span->to = to;
    return &span->base;
}

struct docset *docset_all(uint32_t doc_count, float score, struct arena *mem)
{
    struct docset *set = docset_span(0, doc_count, score, mem);
    if (set)
        set->is_all = true;
    return set;
}

/* ---- Bit sets of a whole segment ---- */

struct bits {
    struct docset base;
    const uint64_t *words;
    uint32_t doc_count;
};

static uint32_t bits_seek(struct docset *set, uint32_t at_least)
{
    const struct bits *bits = (const struct bits *)set;
    if (at_least >= bits->doc_count)
        return DOC_NONE;
    size_t word = at_least >> 6, end = BITSET_WORDS(bits->doc_count);
    uint64_t left = bits->words[word] & (~UINT64_C(0) << (at_least & 63));
    while (!left) {
        if (++word == end)
            return DOC_NONE;
        left = bits->words[word];
    }
    return (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(left);
}

static void bits_fill(struct docset *set, struct doc_window *w)
{
    const struct bits *bits = (const struct bits *)set;
    size_t first = w->first >> 6, n = BITSET_WORDS(w->n);
    for (size_t i = 0; i < n; i++)
        w->words[i] |= bits->words[first + i];
    score_all(w, set->constant);
}

static const struct docset_ops bits_ops = {
    .seek = bits_seek, .fill = bits_fill, .score_max = constant_score_max};

struct docset *docset_bits(const uint64_t *words, uint32_t doc_count, uint64_t count, float score,
                           struct arena *mem)
{
    if (count == 0)
        return NULL;
    struct bits *bits = ARENA_NEW(mem, struct bits);
    set_init(&bits->base, &bits_ops, count, score);
    bits->base.is_random = bits->base.is_counted = true;
    bits->words = words;
    bits->doc_count = doc_count;
    return &bits->base;
}

/* ---- Postings without scores ---- */

struct postings_set {
    struct docset base;
    struct postings *postings;
    uint32_t doc_count;
    uint32_t doc; /* where the postings stand; DOC_NONE at the end */
    bool is_begun;
};

static uint32_t postings_set_seek(struct docset *set, uint32_t at_least)
{
    struct postings_set *own = (struct postings_set *)set;
    if (!own->is_begun || (own->doc != DOC_NONE && own->doc < at_least)) {
        own->is_begun = true;
        own->doc = postings_advance(own->postings, at_least);
    }
    return own->doc;
}

/* Documents of `among` one by one: for when there are few. */
static void postings_set_fill_among(struct postings_set *own, struct doc_window *w)
{
    for (uint32_t word = 0; word < WINDOW_WORDS; word++) {
        for (uint64_t left = w->among[word]; left; left &= left - 1) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(left);
            if (own->doc < w->first + i)
                own->doc = postings_advance(own->postings, w->first + i);
            if (own->doc == DOC_NONE)
                return;
            if (own->doc == w->first + i)
                bitset_set(w->words, i);
        }
    }
}

static void postings_set_fill(struct docset *set, struct doc_window *w)
{
    struct postings_set *own = (struct postings_set *)set;
    if (postings_set_seek(set, w->first) >= w->first + w->n)
        return;
    if (docset_among_is_sparse(w, set->cost, own->doc_count)) {
        postings_set_fill_among(own, w);
    } else {
        postings_fill(own->postings, w->first, w->n, w->words);
        own->doc = postings_doc(own->postings);
    }
    score_all(w, set->constant);
}

static bool constant_match(struct docset *set, float least, float *ret_score)
{
    *ret_score = set->constant;
    return !(least > 0) || set->constant > least;
}

static const struct docset_ops postings_set_ops = {.seek = postings_set_seek,
                                                   .fill = postings_set_fill,
                                                   .score_max = constant_score_max,
                                                   .match = constant_match};

struct docset *docset_postings(struct postings *postings, uint64_t doc_freq, uint32_t doc_count,
                               float score, struct arena *mem)
{
    struct postings_set *own = ARENA_NEW(mem, struct postings_set);
    set_init(&own->base, &postings_set_ops, doc_freq, score);
    own->base.score_most = score;
    own->base.is_cheap = true;
    own->postings = postings;
    own->doc_count = doc_count;
    return &own->base;
}

/* ---- Column ranges ---- */

struct column_set {
    struct docset base;
    struct column *column;
    uint32_t doc_count;
    bool is_multi;
    int64_t min_i, max_i;
    double min_f, max_f;
    const uint64_t *ordinals; /* bit set, instead of a range */
    const int64_t *list;      /* sorted, instead of a range */
    size_t list_count;
    void (*scan)(struct column_set *own, struct doc_window *w);
};

enum zone_answer { ZONE_NO, ZONE_ALL, ZONE_SOME };

/* What the zone's smallest and largest value tell about a range. */
static enum zone_answer zone_ask(const struct column_set *own, uint32_t zone, uint32_t n)
{
    struct column_zone stats;
    if (!column_zone(own->column, zone, &stats))
        return ZONE_NO;
    bool is_inside, is_outside;
    if (column_kind(own->column) == COLUMN_DOUBLE) {
        is_outside = stats.max_f < own->min_f || stats.min_f > own->max_f;
        is_inside = stats.min_f >= own->min_f && stats.max_f <= own->max_f;
    } else {
        is_outside = stats.max_i < own->min_i || stats.min_i > own->max_i;
        is_inside = stats.min_i >= own->min_i && stats.max_i <= own->max_i;
    }
    if (is_outside)
        return ZONE_NO;
    if (!is_inside || own->ordinals || own->list || own->is_multi || stats.count != n)
        return ZONE_SOME;
    return ZONE_ALL;
}

static uint32_t column_set_seek(struct docset *set, uint32_t at_least)
{
    const struct column_set *own = (const struct column_set *)set;
    while (at_least < own->doc_count) {
        uint32_t zone = at_least / ZONE_DOCS;
        uint32_t n = MIN_OF(ZONE_DOCS, own->doc_count - zone * ZONE_DOCS);
        if (zone_ask(own, zone, n) != ZONE_NO)
            return at_least;
        at_least = (zone + 1) * ZONE_DOCS;
    }
    return DOC_NONE;
}

static void column_set_fill(struct docset *set, struct doc_window *w)
{
    struct column_set *own = (struct column_set *)set;
    enum zone_answer answer = zone_ask(own, w->first / ZONE_DOCS, w->n);
    if (answer == ZONE_NO)
        return;
    score_all(w, set->constant);
    if (answer == ZONE_ALL)
        words_set_range(w->words, 0, w->n);
    else
        own->scan(own, w);
}

static const struct docset_ops column_set_ops = {
    .seek = column_set_seek, .fill = column_set_fill, .score_max = constant_score_max};

static bool long_is_listed(const struct column_set *own, int64_t v)
{
    size_t low = 0, high = own->list_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (own->list[mid] < v)
            low = mid + 1;
        else
            high = mid;
    }
    return low < own->list_count && own->list[low] == v;
}

static bool long_matches(const struct column_set *own, int64_t v)
{
    if (own->list)
        return long_is_listed(own, v);
    return v >= own->min_i && v <= own->max_i;
}

#define DOC_VALUES_STACK 64u

static bool doc_longs_match(const struct column_set *own, uint32_t doc)
{
    int64_t some[DOC_VALUES_STACK], *values = some;
    size_t n = column_doc_longs(own->column, doc, some, DOC_VALUES_STACK);
    if (n > DOC_VALUES_STACK) {
        values = MEM_ARRAY(int64_t, n);
        n = column_doc_longs(own->column, doc, values, n);
    }
    bool is_match = false;
    for (size_t i = 0; i < n && !is_match; i++)
        is_match = long_matches(own, values[i]);
    if (values != some)
        mem_free(values);
    return is_match;
}

static void add_bits(struct doc_window *w, const uint64_t *bits, const uint64_t *exists)
{
    for (size_t i = 0; i < BITSET_WORDS(w->n); i++)
        w->words[i] |= bits[i] & exists[i];
}

static void scan_longs(struct column_set *own, struct doc_window *w)
{
    int64_t values[ZONE_DOCS];
    uint64_t exists[WINDOW_WORDS] = {0};
    column_read_longs(own->column, w->first, w->n, values, exists);
    if (own->list) {
        for (uint32_t i = 0; i < w->n; i++) {
            if (long_is_listed(own, values[i]))
                w->words[i >> 6] |= exists[i >> 6] & (UINT64_C(1) << (i & 63));
        }
        return;
    }
    uint64_t bits[WINDOW_WORDS];
    scan_longs_between(values, w->n, own->min_i, own->max_i, bits);
    add_bits(w, bits, exists);
}

static void scan_doubles(struct column_set *own, struct doc_window *w)
{
    double values[ZONE_DOCS];
    uint64_t exists[WINDOW_WORDS] = {0}, bits[WINDOW_WORDS];
    column_read_doubles(own->column, w->first, w->n, values, exists);
    scan_doubles_between(values, w->n, own->min_f, own->max_f, bits);
    add_bits(w, bits, exists);
}

static void scan_ordinals(struct column_set *own, struct doc_window *w)
{
    uint32_t values[ZONE_DOCS];
    uint64_t exists[WINDOW_WORDS] = {0}, bits[WINDOW_WORDS] = {0};
    column_read_ordinals(own->column, w->first, w->n, values, exists);
    if (!own->ordinals)
        scan_u32s_between(values, w->n, (uint32_t)own->min_i, (uint32_t)own->max_i, bits);
    for (uint32_t i = 0; own->ordinals && i < w->n; i++)
        bits[i >> 6] |= (uint64_t)bitset_get(own->ordinals, values[i]) << (i & 63);
    add_bits(w, bits, exists);
}

static bool doc_doubles_match(const struct column_set *own, uint32_t doc)
{
    double some[DOC_VALUES_STACK], *values = some;
    size_t n = column_doc_doubles(own->column, doc, some, DOC_VALUES_STACK);
    if (n > DOC_VALUES_STACK) {
        values = MEM_ARRAY(double, n);
        n = column_doc_doubles(own->column, doc, values, n);
    }
    bool is_match = false;
    for (size_t i = 0; i < n && !is_match; i++)
        is_match = values[i] >= own->min_f && values[i] <= own->max_f;
    if (values != some)
        mem_free(values);
    return is_match;
}

static bool doc_ordinals_match(const struct column_set *own, uint32_t doc)
{
    uint32_t some[DOC_VALUES_STACK], *values = some;
    size_t n = column_doc_ordinals(own->column, doc, some, DOC_VALUES_STACK);
    if (n > DOC_VALUES_STACK) {
        values = MEM_ARRAY(uint32_t, n);
        n = column_doc_ordinals(own->column, doc, values, n);
    }
    bool is_match = false;
    for (size_t i = 0; i < n && !is_match; i++) {
        is_match = own->ordinals
                       ? bitset_get(own->ordinals, values[i])
                       : values[i] >= (uint32_t)own->min_i && values[i] <= (uint32_t)own->max_i;
    }
    if (values != some)
        mem_free(values);
    return is_match;
}

static void scan_multi(struct column_set *own, struct doc_window *w)
{
    bool (*matches)(const struct column_set *, uint32_t) = doc_ordinals_match;
    if (column_kind(own->column) == COLUMN_LONG)
        matches = doc_longs_match;
    else if (column_kind(own->column) == COLUMN_DOUBLE)
        matches = doc_doubles_match;
    for (uint32_t i = 0; i < w->n; i++) {
        if ((!w->among || bitset_get(w->among, i)) && matches(own, w->first + i))
            bitset_set(w->words, i);
    }
}

static struct column_set *column_set_new(struct column *column, uint32_t doc_count, float score,
                                         struct arena *mem)
{
    struct column_set *own = ARENA_NEW(mem, struct column_set);
    set_init(&own->base, &column_set_ops, column_doc_count(column), score);
    own->base.is_random = true;
    own->column = column;
    own->doc_count = doc_count;
    own->is_multi = column_is_multi(column);
    return own;
}

uint32_t docset_sorted_bound(const struct column *column, int64_t v, uint32_t doc_count)
{
    uint32_t low = 0, high = doc_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int64_t value;
        uint64_t exists[1] = {0};
        column_read_longs(column, mid, 1, &value, exists);
        if (value < v)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct docset *docset_longs(struct column *column, int64_t min, int64_t max, uint32_t doc_count,
                            float score, struct arena *mem)
{
    struct column_zone stats;
    if (min > max || !column || !column_stats(column, &stats) || stats.max_i < min ||
        stats.min_i > max)
        return NULL;
    if (stats.min_i >= min && stats.max_i <= max)
        return docset_exists(column, doc_count, score, mem);
    if (column_is_sorted(column)) {
        uint32_t from = docset_sorted_bound(column, min, doc_count);
        uint32_t to =
            max == INT64_MAX ? doc_count : docset_sorted_bound(column, max + 1, doc_count);
        return docset_span(from, to, score, mem);
    }
    struct column_set *own = column_set_new(column, doc_count, score, mem);
    own->min_i = min;
    own->max_i = max;
    own->scan = own->is_multi ? scan_multi : scan_longs;
    return &own->base;
}

struct docset *docset_doubles(struct column *column, double min, double max, uint32_t doc_count,
                              float score, struct arena *mem)
{
    struct column_zone stats;
    if (!(min <= max) || !column || !column_stats(column, &stats) || stats.max_f < min ||
        stats.min_f > max)
        return NULL;
    if (stats.min_f >= min && stats.max_f <= max)
        return docset_exists(column, doc_count, score, mem);
    struct column_set *own = column_set_new(column, doc_count, score, mem);
    own->min_f = min;
    own->max_f = max;
    own->scan = own->is_multi ? scan_multi : scan_doubles;
    return &own->base;
}

struct docset *docset_ordinals(struct column *column, uint32_t min, uint32_t max,
                               uint32_t doc_count, float score, struct arena *mem)
{
    if (!column || min > max || min >= column_ordinal_count(column))
        return NULL;
    if (min == 0 && max >= column_ordinal_count(column) - 1)
        return docset_exists(column, doc_count, score, mem);
    struct column_set *own = column_set_new(column, doc_count, score, mem);
    own->min_i = min;
    own->max_i = max;
    own->scan = own->is_multi ? scan_multi : scan_ordinals;
    if (min == max)
        own->base.cost = column_ordinal_doc_count(column, min);
    return &own->base;
}

struct docset *docset_ordinal_bits(struct column *column, const uint64_t *ordinals,
                                   uint32_t doc_count, float score, struct arena *mem)
{
    if (!column)
        return NULL;
    struct column_set *own = column_set_new(column, doc_count, score, mem);
    own->min_i = 0;
    own->max_i = UINT32_MAX;
    own->ordinals = ordinals;
    own->scan = own->is_multi ? scan_multi : scan_ordinals;
    return &own->base;
}

struct docset *docset_long_list(struct column *column, const int64_t *values, size_t count,
                                uint32_t doc_count, float score, struct arena *mem)
{
    if (!column || count == 0)
        return NULL;
    if (count == 1)
        return docset_longs(column, values[0], values[0], doc_count, score, mem);
    struct column_set *own = column_set_new(column, doc_count, score, mem);
    own->min_i = values[0];
    own->max_i = values[count - 1];
    own->list = values;
    own->list_count = count;
    own->scan = own->is_multi ? scan_multi : scan_longs;
    return &own->base;
}

/* ---- Any value ---- */

static void scan_exists(struct column_set *own, struct doc_window *w)
{
    int64_t longs[ZONE_DOCS];
    uint64_t exists[WINDOW_WORDS] = {0};
    union {
        double doubles[ZONE_DOCS];
        uint32_t ordinals[ZONE_DOCS];
    } other;
    if (column_kind(own->column) == COLUMN_LONG) {
        column_read_longs(own->column, w->first, w->n, longs, exists);
    } else if (column_kind(own->column) == COLUMN_DOUBLE) {
        column_read_doubles(own->column, w->first, w->n, other.doubles, exists);
    } else {
        column_read_ordinals(own->column, w->first, w->n, other.ordinals, exists);
    }
    for (uint32_t i = 0; i < BITSET_WORDS(w->n); i++)
        w->words[i] |= exists[i];
}

static void scan_exists_multi(struct column_set *own, struct doc_window *w)
{
    enum column_kind kind = column_kind(own->column);
    for (uint32_t i = 0; i < w->n; i++) {
        uint32_t doc = w->first + i;
        size_t n = kind == COLUMN_LONG     ? column_doc_longs(own->column, doc, NULL, 0)
                   : kind == COLUMN_DOUBLE ? column_doc_doubles(own->column, doc, NULL, 0)
                                           : column_doc_ordinals(own->column, doc, NULL, 0);
        if (n > 0)
            bitset_set(w->words, i);
    }
}

struct docset *docset_exists(struct column *column, uint32_t doc_count, float score,
                             struct arena *mem)
{
    if (!column || column_doc_count(column) == 0)
        return NULL;
    if (column_is_dense(column))
        return docset_all(doc_count, score, mem);
    struct column_set *own = column_set_new(column, doc_count, score, mem);
    own->min_i = INT64_MIN;
    own->max_i = INT64_MAX;
    own->min_f = -INFINITY;
    own->max_f = INFINITY;
    own->scan = own->is_multi ? scan_exists_multi : scan_exists;
    return &own->base;
}

/* ---- One question per document ---- */

struct predicate_set {
    struct docset base;
    bool (*is_match)(void *owner, uint32_t doc);
    void *owner;
};

static void predicate_fill(struct docset *set, struct doc_window *w)
{
    const struct predicate_set *own = (const struct predicate_set *)set;
    for (uint32_t i = 0; i < w->n; i++) {
        if ((!w->among || bitset_get(w->among, i)) && own->is_match(own->owner, w->first + i))
            bitset_set(w->words, i);
    }
    score_all(w, set->constant);
}

static const struct docset_ops predicate_ops = {.fill = predicate_fill,
                                                .score_max = constant_score_max};

struct docset *docset_predicate(bool (*is_match)(void *owner, uint32_t doc), void *owner,
                                uint32_t doc_count, float score, struct arena *mem)
{
    struct predicate_set *own = ARENA_NEW(mem, struct predicate_set);
    set_init(&own->base, &predicate_ops, doc_count, score);
    own->base.is_random = true;
    own->is_match = is_match;
    own->owner = owner;
    return &own->base;
}

static bool norm_is_there(void *owner, uint32_t doc)
{
    return ((const uint8_t *)owner)[doc] != 0;
}

struct docset *docset_norms(const uint8_t *norms, uint32_t doc_count, float score,
                            struct arena *mem)
{
    union {
        const uint8_t *in;
        void *out;
    } owner = {.in = norms};
    return norms ? docset_predicate(norm_is_there, owner.out, doc_count, score, mem) : NULL;
}
