/* SPDX-License-Identifier: Apache-2.0 */
/* elasticsearch_int.h: what the elasticsearch input's parts share: settings, and the pages of hits
 * that come from the engine of this process (elasticsearch_engine.c) or over HTTP
 * (elasticsearch_http_search.c). */
#ifndef NARU_PIPELINE_INPUTS_ELASTICSEARCH_INT_H
#define NARU_PIPELINE_INPUTS_ELASTICSEARCH_INT_H

#include "index/engine.h"
#include "pipeline/http_client.h"
#include "pipeline/plugin.h"
#include "pipeline/position.h"
#include "pipeline/schedule.h"
#include "query/search.h"

#define ES_IN_PAGE_MAX 10000 /* index.max_result_window */

struct es_in_hit {
    struct str index, id, source; /* source: JSON */
    int64_t seq_no;
};
struct es_in_page {
    struct es_in_hit *hits; /* in the arena of the call */
    size_t count;
};

/* What identifies the one index that tracking follows. */
struct es_in_identity {
    struct str uuid;
    int64_t seq_no_max; /* all writes up to it are there to stay: no document above is looked for;
                           INT64_MAX: not known */
};

struct es_input;
struct es_in_source {
    /* One search with this body; size in the body holds. */
    int (*search)(struct es_input *es, const struct value *body, struct arena *mem,
                  struct es_in_page *ret_page, struct err *err);
    /* All hits of a body without a size of its own, page by page; an empty page is the end.
     * scroll_end after it or when giving up. */
    int (*scroll_begin)(struct es_input *es, const struct value *body, struct arena *mem,
                        struct es_in_page *ret_page, struct err *err);
    int (*scroll_next)(struct es_input *es, struct arena *mem, struct es_in_page *ret_page,
                       struct err *err);
    void (*scroll_end)(struct es_input *es);
    /* -ERR_INDEX_NOT_FOUND: not there yet. -ERR_UNSUPPORTED: more than one index or shard. */
    int (*identity)(struct es_input *es, struct arena *mem, struct es_in_identity *ret_identity,
                    struct err *err);
};
extern const struct es_in_source es__in_engine, es__in_http;

struct es_input {
    struct value hosts, docinfo_fields;
    struct str index, query, scroll, schedule, target, docinfo_target, user, password, ca_file,
        tracking;
    int64_t size, slices, interval, limit, connect_timeout_seconds, request_timeout_seconds,
        socket_timeout_seconds;
    bool docinfo, ssl;
    struct plugin *plugin;
    struct input *input;
    const struct es_in_source *source;
    struct value body; /* of query */
    bool has_body_size;
    int64_t scroll_ns;
    struct schedule *when;
    bool has_target, has_docinfo_target;
    struct field_path target_path, docinfo_path;
    bool doc_index, doc_type, doc_id;
    struct http_host *hosts_parsed;
    size_t host_count, host_now;
    struct http_client *http;
    struct scroll_table *scrolls;
    struct buf scroll_id;
    struct position *position;
    bool has_told_missing; /* that the index is not there */
    bool has_told_size;
    uint64_t origin;    /* source of events: of the index followed */
    int64_t last_read;  /* tracking: sequence number of the last document read */
    int64_t visible_to; /* tracking: everything up to here is durable and visible */
};

#endif
