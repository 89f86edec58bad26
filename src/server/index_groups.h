/* SPDX-License-Identifier: Apache-2.0 */
/* index_groups.h: the metric groups that _stats, _nodes/stats and _cat/shards show of an index, a
 * node or all: docs, store, indexing … in Elasticsearch's names. */
#ifndef NARU_SERVER_INDEX_GROUPS_H
#define NARU_SERVER_INDEX_GROUPS_H

#include "codec/json.h"
#include "index/engine.h"

struct rest_call;

#define INDEX_GROUPS_ALL UINT32_MAX

/* "docs,store" to a set; p == NULL, "" and "_all": all. An unknown name is an error that names the
 * nearest one. */
int index_groups_parse(const struct rest_call *call, struct str names, uint32_t *ret_groups,
                       struct err *err) WARN_UNUSED;
/* Members "docs": {…} … into the open object. */
void index_groups_write(struct json_writer *w, uint32_t groups, const struct index_stats *stats);
/* Sums the figures of indices. */
void index_stats_add(struct index_stats *sum, const struct index_stats *stats);
/* Of all indices; *ret_count: how many there are. */
int index_stats_all(struct rest_call *call, struct index_stats *ret_sum, size_t *ret_count,
                    struct err *err) WARN_UNUSED;

/* "key": n, and "key": { */
void stat_number(struct json_writer *w, const char *key, uint64_t n);
void stat_object(struct json_writer *w, const char *key);

#endif
