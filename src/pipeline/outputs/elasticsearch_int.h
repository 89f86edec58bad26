/* SPDX-License-Identifier: Apache-2.0 */
/* elasticsearch_int.h: what the elasticsearch output's two ways out share: the engine of this
 * process, and HTTP. */
#ifndef NARU_PIPELINE_OUTPUTS_ELASTICSEARCH_INT_H
#define NARU_PIPELINE_OUTPUTS_ELASTICSEARCH_INT_H

#include "index/engine.h"
#include "pipeline/http_client.h"
#include "pipeline/plugin.h"

/* One event on its way. Its source is bodies->p[source_off, source_off + source_n). */
struct es_action {
    const struct event *ev;
    enum doc_op op;
    struct str index, id, routing, ingest_pipeline;
    int64_t version;
    enum version_type version_type;
    bool has_version;
    bool has_stable_id; /* the id comes from where the event came from: 409 means it is there
                           already */
    size_t source_off, source_n;
    int status;        /* of the last try */
    struct str reason; /* when status is above 299; in the batch's arena */
};

struct es_output;
/* Sends all; fills status and reason of each. Negative: nothing may be assumed, try all again. */
typedef int es_send_fn(struct es_output *es, struct es_action *const *actions, size_t count,
                       const struct buf *bodies, struct arena *mem, struct err *err);
es_send_fn es__send_engine;
es_send_fn es__send_http;

struct es_output {
    struct value hosts;
    struct str index, document_id, action, routing, pipeline, version, upsert, user, password, path,
        cacert;
    struct str bulk_path;
    int version_type;
    bool doc_as_upsert, ssl, ssl_certificate_verification, http_compression;
    int64_t retry_on_conflict, retry_initial_interval, retry_max_interval, timeout;
    struct value failure_type_logging_whitelist, ignored;
    struct plugin *plugin;
    struct output *output; /* of the write that runs */
    struct sprintf_template *index_t, *id_t, *action_t, *routing_t, *pipeline_t, *version_t,
        *upsert_t;
    struct http_host *hosts_parsed;
    size_t host_count, host_now;
    bool is_engine;
    es_send_fn *send;
    struct http_client *http;
    uint64_t id_seed, id_next; /* of ids made here */
};

#endif
