/* SPDX-License-Identifier: Apache-2.0 */
/* model_units_test.h: the rows of the tables of queries and aggregations, and which of them were
 * asked for. */
#ifndef NARU_QUERY_MODEL_UNITS_TEST_H
#define NARU_QUERY_MODEL_UNITS_TEST_H

#include "query/search_support_test.h"

static bool met_queries[64], met_aggs[64];

/* ---- Units and who asks for them ---- */

static const char *const query_units[] = {
#define QUERY(name) #name,
#include "query/query_types.tbl"
#undef QUERY
};
static const char *const agg_units[] = {
#define BUCKET(name) #name,
#include "query/buckets.tbl"
#undef BUCKET
#define AGG(name) #name,
#include "agg/aggs.tbl"
#undef AGG
};
/* Computed from printed buckets, which the model compares: their rows come from Elasticsearch. */
#define PIPELINES "buckets/{derivative,bucket_sort,bucket_metrics}_test.c"
/* Rows that are asked for elsewhere: why. */
static const struct {
    const char *name, *where;
} elsewhere[] = {{"metric", "stands for the rows of aggs.tbl"},
                 {"count", "in windows of streams only"},
                 {"first", "in windows of streams only"},
                 {"last", "in windows of streams only"},
                 {"composite", "oracle_test.c"},
                 {"multi_terms", "oracle_test.c"},
                 {"significant_terms", "oracle_test.c"},
                 {"derivative", PIPELINES},
                 {"cumulative_sum", PIPELINES},
                 {"bucket_sort", PIPELINES},
                 {"avg_bucket", PIPELINES},
                 {"max_bucket", PIPELINES},
                 {"min_bucket", PIPELINES},
                 {"sum_bucket", PIPELINES},
                 {"stats_bucket", PIPELINES}};

static void mark(const char *const *units, size_t count, bool *met, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(units[i], name) == 0) {
            met[i] = true;
            return;
        }
    }
    fail_msg("%s is in no table", name);
}

static void asks_query(const char *name)
{
    mark(query_units, ARRAY_COUNT(query_units), met_queries, name);
}

static void asks_agg(const char *name)
{
    mark(agg_units, ARRAY_COUNT(agg_units), met_aggs, name);
}

static void all_units_were_met(const char *const *units, size_t count, const bool *met)
{
    for (size_t i = 0; i < count; i++) {
        bool is_known = met[i];
        for (size_t k = 0; k < ARRAY_COUNT(elsewhere) && !is_known; k++)
            is_known = strcmp(elsewhere[k].name, units[i]) == 0;
        if (!is_known)
            fail_msg("\"%s\" has no oracle", units[i]);
    }
}

#endif
