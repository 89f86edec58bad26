/* SPDX-License-Identifier: Apache-2.0 */
/* docset.h: which documents of one segment match, and how well, asked for in windows of ZONE_DOCS
 * documents. A doc set answers a window as a bit set (bit 0 = the window's first document), so that
 * conjunctions and unions are word operations, and, when it was opened with scores, a score per set
 * bit.
 *
 * Forward only: windows are asked for in ascending order and not all of them, except when
 * `is_random`. Belongs to one thread; lies in an arena. */
#ifndef NARU_QUERY_DOCSET_H
#define NARU_QUERY_DOCSET_H

#include "base/arena.h"
#include "base/bits.h"
#include "index/segment.h"

#define WINDOW_WORDS (ZONE_DOCS / 64u)

struct docset;

/* One window. `words` comes in zeroed and goes out with the matches. `among`, when not NULL, are
 * the only documents the caller is interested in: bits outside of it may be missing or wrong, the
 * caller masks them. `scores`, when not NULL, has a place per document; those of set bits are
 * written. */
struct doc_window {
    uint32_t first; /* a multiple of ZONE_DOCS */
    uint32_t n;     /* <= ZONE_DOCS */
    const uint64_t *among;
    uint64_t *words;
    float *scores;
};

struct docset_ops {
    /* No match lies in [at_least, result); DOC_NONE: none from there on. MAY be NULL: every window
     * is asked for. After it, only matches at or behind at_least are promised. */
    uint32_t (*seek)(struct docset *set, uint32_t at_least);
    void (*fill)(struct docset *set, struct doc_window *w);
    /* An upper bound of any score in the window; INFINITY: not known. MAY be NULL: never known. */
    float (*score_max)(struct docset *set, uint32_t first, uint32_t n);
    /* Document by document (docset_steps.h); NULL: windows only. `seek` then names documents that
     * may match; does the one it named last, and how well? False also when it scores no more than
     * `least`. */
    bool (*match)(struct docset *set, float least, float *ret_score);
    /* As seek within [target, end), but documents that cannot score more than `least` may be left
     * out; `end`: none. MAY be NULL: seek. */
    uint32_t (*seek_above)(struct docset *set, uint32_t target, uint32_t end, float least);
    /* An upper bound of the scores in [target, *ret_upto]. MAY be NULL: score_most. */
    float (*block_max)(struct docset *set, uint32_t target, uint32_t *ret_upto);
    /* Of a set that is searched itself: are steps cheaper than windows, with its threshold? And the
     * next match in [target, end) that beats the threshold; `end`: none. NULL: windows only. */
    bool (*steps_well)(struct docset *set);
    uint32_t (*step)(struct docset *set, uint32_t target, uint32_t end, float *ret_score);
};

struct docset {
    const struct docset_ops *ops;
    uint64_t cost;   /* about how many documents match */
    bool is_random;  /* windows in any order */
    bool is_all;     /* every document matches */
    bool is_counted; /* cost is exact */
    bool is_cheap;   /* as quick as a copy of its bits would be */
    float constant;  /* the score of every match, when is_constant */
    bool is_constant;
    float score_most; /* of sets with `match`: no document scores more */
    float threshold; /* set by the search before a fill: matches that score no more than this may be
                        left out; 0: none */
};

static inline uint32_t docset_seek(struct docset *set, uint32_t at_least)
{
    return set->ops->seek ? set->ops->seek(set, at_least) : at_least;
}

float docset_score_max(struct docset *set, uint32_t first, uint32_t n);

/* Sets the bits of [from, to), both relative to the window. */
void words_set_range(uint64_t *words, uint32_t from, uint32_t to);
bool words_are_empty(const uint64_t *words);
/* So few documents are in question that each is better looked up in a list of `cost` documents than
 * the list's part in the window gone over. */
bool docset_among_is_sparse(const struct doc_window *w, uint64_t cost, uint32_t doc_count);

/* The sets below. NULL stands for "nothing matches" everywhere and is accepted as an operand.
 * `score` is what each match gets when scores are asked for. */
struct docset *docset_all(uint32_t doc_count, float score, struct arena *mem);
/* Documents [from, to). */
struct docset *docset_span(uint32_t from, uint32_t to, float score, struct arena *mem);
/* A bit per document of the segment; borrowed. */
struct docset *docset_bits(const uint64_t *bits, uint32_t doc_count, uint64_t count, float score,
                           struct arena *mem);
/* Every document of a term's postings; constant score. */
struct docset *docset_postings(struct postings *postings, uint64_t doc_freq, uint32_t doc_count,
                               float score, struct arena *mem);
/* The first document of a sorted COLUMN_LONG whose value is >= v. */
uint32_t docset_sorted_bound(const struct column *column, int64_t v, uint32_t doc_count);
/* Documents with a value in [min, max]. With zone maps; a sorted column becomes a span. */
struct docset *docset_longs(struct column *column, int64_t min, int64_t max, uint32_t doc_count,
                            float score, struct arena *mem);
struct docset *docset_doubles(struct column *column, double min, double max, uint32_t doc_count,
                              float score, struct arena *mem);
struct docset *docset_ordinals(struct column *column, uint32_t min, uint32_t max,
                               uint32_t doc_count, float score, struct arena *mem);
/* Documents with one of the ordinals whose bit is set. */
struct docset *docset_ordinal_bits(struct column *column, const uint64_t *ordinals,
                                   uint32_t doc_count, float score, struct arena *mem);
/* Documents with one of the sorted values. */
struct docset *docset_long_list(struct column *column, const int64_t *values, size_t count,
                                uint32_t doc_count, float score, struct arena *mem);
/* Documents with any value. */
struct docset *docset_exists(struct column *column, uint32_t doc_count, float score,
                             struct arena *mem);
/* Documents whose norm byte is not 0: those with the text field. */
struct docset *docset_norms(const uint8_t *norms, uint32_t doc_count, float score,
                            struct arena *mem);
/* Documents for which `is_match` says yes. */
struct docset *docset_predicate(bool (*is_match)(void *owner, uint32_t doc), void *owner,
                                uint32_t doc_count, float score, struct arena *mem);

struct bool_clauses {
    struct docset **must; /* scored when wanted */
    size_t must_count;
    struct docset **filter;
    size_t filter_count;
    struct docset **should;
    size_t should_count;
    struct docset **must_not;
    size_t must_not_count;
    uint32_t should_min; /* how many of should must match; 0: they only add to the score */
};
struct docset *docset_bool(const struct bool_clauses *clauses, uint32_t doc_count,
                           bool needs_scores, struct arena *mem);
/* The best score of its members plus tie_breaker times the others. */
struct docset *docset_dis_max(struct docset **sets, size_t count, float tie_breaker,
                              struct arena *mem);
/* The matches of `set`, each with the same score. */
struct docset *docset_constant(struct docset *set, float score, struct arena *mem);

#endif
