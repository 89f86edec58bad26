/* SPDX-License-Identifier: Apache-2.0 */
/* agg.h: metric accumulators: count, sum, avg, min, max, stats, cardinality, percentiles, first,
 * last … written once and used by searches (one state per bucket), windows in pipelines (one per
 * key and window) and SQL. An accumulator takes values, merges with another of the same spec, gives
 * its result at any time without losing anything, and can be written to bytes and read back (window
 * checkpoints).
 *
 *     struct agg_spec spec;
 *     TRY(agg_spec_init(&spec, STR("sum"), NULL, mem, err));      // once: the type and its options
 *     struct agg sum = agg_new(&spec, mem);                       // as often as needed; freed with
 * mem agg_add_value(&sum, &v, NULL); struct value total = agg_result(&sum, mem);
 *
 * Integers stay exact: as long as only integers came in, sum is an integer (128 bits inside), min
 * and max are the integers themselves. Times (VALUE_TIME) count as their nanoseconds; min, max,
 * first and last of times are times. Everything belongs to one thread at a time. Growing states
 * (cardinality, percentiles, first, last) take from the arena they were made with and never give
 * back: use one arena per window or request. */
#ifndef NARU_AGG_AGG_H
#define NARU_AGG_AGG_H

#include "base/buf.h"
#include "base/opt.h"
#include "event/value.h"

struct agg;

/* Where a value stands among the others, for first and last: by key, then by tie (sequence number,
 * file offset); of equals the one added first is `first`, the one added last is `last`. */
struct agg_order {
    int64_t key;
    int64_t tie;
};

enum agg_flags {
    AGG_ANY_VALUE = 1, /* takes strings and booleans too, not only numbers */
    AGG_ORDERED = 2,   /* needs an agg_order with each value */
    AGG_MANY = 4,      /* its result is a map (stats, percentiles), not one value */
    AGG_BY_ORDER = 8,  /* its result depends a little on the order of values and merges */
};

struct agg_type {
    const char *name, *summary, *since;
    const struct opt *opts; /* options of the type; a lone OPT_END when it has none */
    size_t opts_size;       /* of the struct that opts fill; 0: none */
    size_t state_size;
    unsigned flags;
    /* MAY be NULL: checks what the option table cannot. */
    int (*check)(void *params, struct arena *mem, struct err *err);
    void (*init)(struct agg *agg); /* MAY be NULL: an all-zero state is empty */
    /* Numbers in blocks. MUST unless add_value is there. */
    void (*add_longs)(struct agg *agg, const int64_t *values, size_t count);
    void (*add_doubles)(struct agg *agg, const double *values, size_t count);
    /* MAY be NULL: then numbers go to the two above, and numeric texts too. False: nothing it can
     * use. */
    bool (*add_value)(struct agg *agg, const struct value *v, const struct agg_order *order);
    /* MAY be NULL. Values known by their hash only (agg_hash_str): dictionaries whose texts need no
     * copy. */
    void (*add_hashes)(struct agg *agg, const uint64_t *hashes, size_t count);
    void (*merge)(struct agg *agg, const struct agg *from);
    struct value (*result)(const struct agg *agg, struct arena *mem);
    void (*encode)(const struct agg *agg, struct buf *out);
    /* Into an empty state; moves *in behind what it read. False: cut short or damaged. */
    bool (*decode)(struct agg *agg, struct str *in);
};

struct agg_spec {
    const struct agg_type *type;
    const void *params; /* filled by type->opts */
};

/* An accumulator: a handle of 32 bytes, passed by pointer. Arrays of states (one per bucket) keep
 * only `state`s and make the handle when they need it (agg_at). */
struct agg {
    const struct agg_type *type;
    const void *params;
    struct arena *mem;
    void *state;
};

/* NULL-terminated, in the order of aggs.tbl. */
const struct agg_type *const *agg_types(void);
const struct agg_type *agg_type_find(struct str name);
/* `options`: a map, or NULL. -ERR_INVALID: unknown type or bad option. params and defaults lie in
 * mem. */
int agg_spec_init(struct agg_spec *spec, struct str type_name, const struct value *options,
                  struct arena *mem, struct err *err) WARN_UNUSED;

/* An empty accumulator in mem. The spec may go, its params stay. */
struct agg agg_new(const struct agg_spec *spec, struct arena *mem);
/* The same in two calls by name, for one-off use. */
int agg_create(struct str type_name, const struct value *options, struct arena *mem,
               struct agg *ret_agg, struct err *err) WARN_UNUSED;
/* For arrays: bytes of one state (a multiple of 16); agg_init makes it empty. */
size_t agg_state_bytes(const struct agg_spec *spec);
static inline struct agg agg_at(const struct agg_spec *spec, struct arena *mem, void *state)
{
    return (struct agg){spec->type, spec->params, mem, state};
}
void agg_init(struct agg *agg);

void agg_add(struct agg *agg, double v);
void agg_add_int(struct agg *agg, int64_t v);
void agg_add_longs(struct agg *agg, const int64_t *values, size_t count);
void agg_add_doubles(struct agg *agg, const double *values, size_t count);
/* `order` MAY be NULL except for AGG_ORDERED types (there NULL means {0, 0}: order of arrival).
 * Null and VALUE_NONE are not values. A list adds each item. False: the value was nothing this type
 * can use (a text that is no number). */
bool agg_add_value(struct agg *agg, const struct value *v, const struct agg_order *order);
/* Hash of a text as add_hashes wants it. */
uint64_t agg_hash_str(struct str s);
/* `from` stays as it is. Both of the same type and options. */
void agg_merge(struct agg *agg, const struct agg *from);
/* VALUE_NULL when there is no result (avg, min, max, first, last of nothing). Strings and maps lie
 * in mem. */
struct value agg_result(const struct agg *agg, struct arena *mem);
void agg_encode(const struct agg *agg, struct buf *out);
/* Into a fresh accumulator of the same type and options; *in moves behind. */
int agg_decode(struct agg *agg, struct str *in, struct err *err) WARN_UNUSED;

#endif
