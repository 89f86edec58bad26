/* SPDX-License-Identifier: Apache-2.0 */
/* cardinality.c: how many distinct values there are. Exact (a set of 64-bit hashes) up to
 * precision_threshold values, then HyperLogLog with 2^p registers. The estimate is Ertl's ("New
 * cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6): unbiased over
 * the whole range without the measured tables of HLL++.
 *
 * p follows from the threshold as in Elasticsearch: 3000 (the default) gives p = 14, an error of
 * about 0.8 %. */
#include <math.h>

#include "agg/agg_int.h"
#include "base/hash.h"
#include "base/str.h"

#define THRESHOLD_MAX      40000
#define PRECISION_MIN      4u
#define PRECISION_MAX      18u
#define SET_CAPACITY_FIRST 16u

struct cardinality_params {
    int64_t precision_threshold;
    unsigned precision; /* from the threshold */
};

struct cardinality {
    uint64_t *set;      /* open addressing, 0: free; NULL: none yet, or registers are in use */
    uint8_t *registers; /* NULL while exact */
    uint32_t capacity, count;
    uint64_t has_zero; /* the hash 0, which the set cannot hold */
};

static const struct opt cardinality_opts[] = {
    OPT_INT(struct cardinality_params, precision_threshold, .dflt = "3000", .min = 0,
            .max = INT64_MAX, .help = "Counts up to here are exact; at most 40000."),
    OPT_END,
};

static int cardinality_check(void *params, struct arena *mem UNUSED, struct err *err)
{
    struct cardinality_params *own = params;
    if (own->precision_threshold < 0)
        return err_set(err, ERR_INVALID,
                       "[precisionThreshold] must be greater than or equal to 0. Found [%lld] in "
                       "[cardinality]",
                       (long long)own->precision_threshold);
    if (own->precision_threshold > THRESHOLD_MAX)
        own->precision_threshold = THRESHOLD_MAX;
    uint64_t bytes = (uint64_t)ceil((double)own->precision_threshold / 0.75) * 4;
    unsigned bits = bytes == 0 ? 1 : 64u - (unsigned)__builtin_clzll(bytes);
    own->precision = MIN_OF(MAX_OF(bits, PRECISION_MIN), PRECISION_MAX);
    return 0;
}

static void register_add(struct cardinality *own, unsigned precision, uint64_t hash)
{
    size_t at = (size_t)(hash >> (64 - precision));
    uint64_t rest = hash << precision;
    unsigned rank = rest ? (unsigned)__builtin_clzll(rest) + 1 : 64 - precision + 1;
    if (rank > own->registers[at])
        own->registers[at] = (uint8_t)rank;
}

static bool set_insert(uint64_t *set, uint32_t capacity, uint64_t hash)
{
    uint32_t mask = capacity - 1;
    for (uint32_t at = (uint32_t)hash & mask;; at = (at + 1) & mask) {
        if (set[at] == hash)
            return false;
        if (set[at] == 0) {
            set[at] = hash;
            return true;
        }
    }
}

static void set_grow(struct agg *agg, struct cardinality *own)
{
    uint32_t capacity = own->capacity ? own->capacity * 2 : SET_CAPACITY_FIRST;
    uint64_t *set = ARENA_ARRAY(agg->mem, uint64_t, capacity);
    for (uint32_t i = 0; i < own->capacity; i++) {
        if (own->set[i])
            (void)set_insert(set, capacity, own->set[i]);
    }
    own->set = set;
    own->capacity = capacity;
}

static void become_registers(struct agg *agg, struct cardinality *own)
{
    const struct cardinality_params *params = agg->params;
    own->registers = arena_zalloc(agg->mem, (size_t)1 << params->precision);
    for (uint32_t i = 0; i < own->capacity; i++) {
        if (own->set[i])
            register_add(own, params->precision, own->set[i]);
    }
    if (own->has_zero)
        register_add(own, params->precision, 0);
    own->set = NULL;
    own->capacity = own->count = 0;
}

static void add_hash(struct agg *agg, uint64_t hash)
{
    struct cardinality *own = agg->state;
    const struct cardinality_params *params = agg->params;
    if (own->registers) {
        register_add(own, params->precision, hash);
        return;
    }
    if (hash == 0) {
        own->has_zero = 1;
        return;
    }
    if ((own->count + 1) * 4 > own->capacity * 3)
        set_grow(agg, own);
    if (set_insert(own->set, own->capacity, hash))
        own->count++;
    if (own->count > params->precision_threshold)
        become_registers(agg, own);
}

/* splitmix's finaliser maps 0 to 0: an offset keeps small integers apart from it. */
static uint64_t hash_long(int64_t v)
{
    return hash_u64((uint64_t)v + UINT64_C(0x9E3779B97F4A7C15));
}

/* 1.0 and 1 are one value: they are the same number in a document. */
static uint64_t hash_double(double v)
{
    if (v >= -9.2e18 && v <= 9.2e18 && (double)(int64_t)v == v)
        return hash_long((int64_t)v);
    return hash_bytes(&v, sizeof(v));
}

static void cardinality_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_hash(agg, hash_long(values[i]));
}

static void cardinality_add_doubles(struct agg *agg, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_hash(agg, hash_double(values[i]));
}

static void cardinality_add_hashes(struct agg *agg, const uint64_t *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_hash(agg, hashes[i]);
}

static bool cardinality_add_value(struct agg *agg, const struct value *v,
                                  const struct agg_order *order UNUSED)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_INT:
    case VALUE_TIME:
        add_hash(agg, hash_long(v->i));
        return true;
    case VALUE_FLOAT:
        add_hash(agg, hash_double(v->f));
        return true;
    case VALUE_BOOL:
        add_hash(agg, hash_str(v->b ? STR("\001true") : STR("\001false")));
        return true;
    case VALUE_BIG:
    case VALUE_STR:
        add_hash(agg, agg_hash_str(v->s));
        return true;
    case VALUE_NONE:
    case VALUE_NULL:
    case VALUE_LIST:
    case VALUE_MAP:
        break;
    }
    return false;
}

static void cardinality_add_counts(struct agg *agg, int64_t least, const uint32_t *counts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (counts[i])
            add_hash(agg, hash_long(least + (int64_t)i));
    }
}

static void cardinality_merge(struct agg *agg, const struct agg *from)
{
    struct cardinality *own = agg->state;
    const struct cardinality *other = from->state;
    const struct cardinality_params *params = agg->params;
    if (other->registers) {
        if (!own->registers)
            become_registers(agg, own);
        for (size_t i = 0; i < (size_t)1 << params->precision; i++)
            own->registers[i] = MAX_OF(own->registers[i], other->registers[i]);
        return;
    }
    for (uint32_t i = 0; i < other->capacity; i++) {
        if (other->set[i])
            add_hash(agg, other->set[i]);
    }
    if (other->has_zero)
        add_hash(agg, 0);
}

static double ertl_sigma(double x)
{
    if (x == 1.0)
        return INFINITY;
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double ertl_tau(double x)
{
    if (x == 0.0 || x == 1.0)
        return 0;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

static int64_t registers_estimate(const uint8_t *registers, unsigned precision)
{
    uint32_t histogram[66] = {0};
    size_t m = (size_t)1 << precision;
    unsigned q = 64 - precision;
    for (size_t i = 0; i < m; i++)
        histogram[registers[i]]++;
    double size = (double)m;
    double z = size * ertl_tau(1 - (double)histogram[q + 1] / size);
    for (unsigned k = q; k >= 1; k--)
        z = 0.5 * (z + (double)histogram[k]);
    z += size * ertl_sigma((double)histogram[0] / size);
    return (int64_t)llround(size * size / (2 * M_LN2) / z);
}

static struct value cardinality_result(const struct agg *agg, struct arena *mem UNUSED)
{
    const struct cardinality *own = agg->state;
    const struct cardinality_params *params = agg->params;
    if (own->registers)
        return value_int(registers_estimate(own->registers, params->precision));
    return value_int((int64_t)own->count + (int64_t)own->has_zero);
}

/* 1 and the registers, or 0, the count and the hashes. */
static void cardinality_encode(const struct agg *agg, struct buf *out)
{
    const struct cardinality *own = agg->state;
    const struct cardinality_params *params = agg->params;
    buf_add_u8(out, own->registers ? 1 : 0);
    if (own->registers) {
        buf_add(out, own->registers, (size_t)1 << params->precision);
        return;
    }
    buf_add_varint(out, own->count + own->has_zero);
    for (uint32_t i = 0; i < own->capacity; i++) {
        if (own->set[i])
            agg__put_u64(out, own->set[i]);
    }
    if (own->has_zero)
        agg__put_u64(out, 0);
}

static bool cardinality_decode(struct agg *agg, struct str *in)
{
    struct cardinality *own = agg->state;
    const struct cardinality_params *params = agg->params;
    struct str bytes;
    uint64_t count, hash;
    if (!agg__get_bytes(in, 1, &bytes))
        return false;
    if (bytes.p[0] == 1) {
        size_t m = (size_t)1 << params->precision;
        if (!agg__get_bytes(in, m, &bytes))
            return false;
        become_registers(agg, own);
        memcpy(own->registers, bytes.p, m);
        for (size_t i = 0; i < m; i++) {
            if (own->registers[i] > 64 - params->precision + 1)
                return false;
        }
        return true;
    }
    if (bytes.p[0] != 0 || !agg__get_varint(in, &count) || count > in->n / 8)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (!agg__get_u64(in, &hash))
            return false;
        add_hash(agg, hash);
    }
    return true;
}

const struct agg_type agg_type_cardinality = {
    .name = "cardinality",
    .summary = "How many distinct values there are.",
    .since = "0.1",
    .opts = cardinality_opts,
    .opts_size = sizeof(struct cardinality_params),
    .state_size = sizeof(struct cardinality),
    .flags = AGG_ANY_VALUE,
    .check = cardinality_check,
    .add_longs = cardinality_add_longs,
    .add_doubles = cardinality_add_doubles,
    .add_value = cardinality_add_value,
    .add_hashes = cardinality_add_hashes,
    .add_counts = cardinality_add_counts,
    .merge = cardinality_merge,
    .result = cardinality_result,
    .encode = cardinality_encode,
    .decode = cardinality_decode,
};
