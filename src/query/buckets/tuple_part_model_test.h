/* SPDX-License-Identifier: Apache-2.0 */
/* tuple_part_model_test.h: the documents of tuple_part_test.c: each is made of a small number, and
 * what a part of it is follows from that number. */
#ifndef NARU_QUERY_BUCKETS_TUPLE_PART_MODEL_TEST_H
#define NARU_QUERY_BUCKETS_TUPLE_PART_MODEL_TEST_H

#include "query/search_support_test.h"

#include <math.h>

#include "index/segment.h"
#include "query/buckets/tuples_int.h"

#define DAY_MS     INT64_C(86400000)
#define RANKS      20
#define DOCS       5000u
#define EQUAL_DOCS 50u
#define RANK_NONE  (-1) /* the document has nothing but its number */

/* Documents are numbers from 0 to RANKS - 1, which all fields hold in their way, in order. */
static const char *const unsigneds[] = {"0", "7", "9223372036854775807", "9223372036854775808",
                                        "18446744073709551615"};
static int64_t date_of(int rank)
{
    return (INT64_C(20100) + rank - 10) * DAY_MS - DAY_MS / 4; /* 2025-01-02, 18:00 */
}

static const struct part_case {
    const char *field;
    enum tuple_kind kind;
    double interval;
    const char *calendar, *zone;
} cases[] = {
    {"n", TUPLE_TERMS, 0, NULL, NULL},
    {"f", TUPLE_TERMS, 0, NULL, NULL},
    {"k", TUPLE_TERMS, 0, NULL, NULL},
    {"b", TUPLE_TERMS, 0, NULL, NULL},
    {"u", TUPLE_TERMS, 0, NULL, NULL},
    {"n", TUPLE_HISTOGRAM, 3, NULL, NULL},
    {"f", TUPLE_HISTOGRAM, 0.3, NULL, NULL},
    {"d", TUPLE_DATE_HISTOGRAM, 0, "day", "Asia/Seoul"},
    {"d", TUPLE_DATE_HISTOGRAM, 0, "week", NULL},
};

/* The bucket of a rank, as it is shown. */
static struct value shown(struct test *t, const struct part_case *c, int rank)
{
    if (c->kind == TUPLE_DATE_HISTOGRAM && c->zone)
        return value_int((date_of(rank) + DAY_MS * 9 / 24) / DAY_MS * DAY_MS - DAY_MS * 9 / 24);
    if (c->kind == TUPLE_DATE_HISTOGRAM)
        return value_int((date_of(rank) / DAY_MS + 3) / 7 * 7 * DAY_MS - 3 * DAY_MS);
    double number = *c->field == 'n' ? rank - 5 : (rank - 5) / 8.0;
    if (c->kind == TUPLE_HISTOGRAM)
        return value_float(floor(number / c->interval) * c->interval);
    switch (*c->field) {
    case 'n':
        return value_int(rank - 5);
    case 'f':
        return value_float(number);
    case 'b':
        return value_bool(rank >= RANKS / 2);
    case 'u':
        return rank / 4 < 3 ? value_int(rank / 4 == 0   ? 0
                                        : rank / 4 == 1 ? 7
                                                        : INT64_MAX)
                            : (struct value){.kind = VALUE_BIG, .s = str_from(unsigneds[rank / 4])};
    default:
        return value_str(arena_printf(t->mem, "k%02d", rank));
    }
}

static bool is_same(const struct value *a, const struct value *b)
{
    return a->kind == b->kind && value_eq(a, b);
}

static int cmp_shown(const struct value *a, const struct value *b, int rank_a, int rank_b)
{
    return is_same(a, b) ? 0 : rank_a < rank_b ? -1 : 1;
}

/* The same as a tuple of a page before would hold it. */
static struct tuple_edge edge_of(const struct tuple_part *part, const struct value *v)
{
    struct tuple_edge edge = {.is_missing = v->kind == VALUE_NULL};
    uint64_t u = 0;
    if (v->kind == VALUE_STR)
        edge.text = v->s;
    else if (v->kind == VALUE_FLOAT)
        edge.key = part->spec->kind == TUPLE_HISTOGRAM ? tuple_interval_of_key(part, v->f)
                                                       : tuple_key_of_double(v->f);
    else if (v->kind == VALUE_BIG)
        assert_true(str_to_u64(v->s, &u));
    else if (!edge.is_missing)
        edge.key = v->kind == VALUE_BOOL ? v->b : v->i;
    if (part->source.field && part->source.field->type == FIELD_UNSIGNED_LONG)
        edge.key = (int64_t)((u ? u : (uint64_t)edge.key) ^ (UINT64_C(1) << 63));
    return edge;
}

struct model {
    struct bed bed;
    struct searcher *searcher;
    int ranks[3 * DOCS]; /* by the number of the document */
};

static void write_docs(struct model *m, uint32_t segment, uint32_t count)
{
    struct test *t = m->bed.t;
    struct doc_write *writes = ARENA_ARRAY(t->mem, struct doc_write, count);
    struct doc_result *results = ARENA_ARRAY(t->mem, struct doc_result, count);
    for (uint32_t i = 0; i < count; i++) {
        int rank = segment == 2 ? 7 : (int)rng_below(&t->rng, RANKS);
        bool is_bare = segment == 0 && rng_below(&t->rng, 4) == 0;
        uint32_t number = segment * DOCS + i;
        struct value d = value_int(date_of(rank));
        m->ranks[number] = is_bare ? RANK_NONE : rank;
        writes[i] = DOC_WRITE_INIT;
        writes[i].index = STR("i");
        writes[i].source =
            arena_printf(t->mem,
                         is_bare ? "{\"i\":%u}"
                                 : "{\"i\":%u,\"n\":%d,\"f\":%g,\"k\":\"k%02d\",\"b\":%s,"
                                   "\"u\":%s,\"d\":%lld}",
                         number, rank - 5, (rank - 5) / 8.0, rank,
                         rank >= RANKS / 2 ? "true" : "false", unsigneds[rank / 4], (long long)d.i);
    }
    assert_ok(engine_write(m->bed.engine, writes, count, REFRESH_NOW, t->mem, results, &t->err),
              &t->err);
}

/* A segment of two windows with documents that have no value, one where all have, and one of equal
 * documents. */
static void model_init(struct model *m, struct test *t)
{
    bed_init(&m->bed, t);
    create(&m->bed, "i",
           "{\"mappings\":{\"properties\":{\"i\":{\"type\":\"long\"},\"n\":{\"type\":\"long\"},"
           "\"f\":{\"type\":\"double\"},\"k\":{\"type\":\"keyword\"},\"b\":{\"type\":\"boolean\"},"
           "\"u\":{\"type\":\"unsigned_long\"},\"d\":{\"type\":\"date\"}}}}");
    write_docs(m, 0, DOCS);
    write_docs(m, 1, 300);
    write_docs(m, 2, EQUAL_DOCS);
    m->searcher = snapshot(&m->bed, "i");
}

#endif
