/* SPDX-License-Identifier: Apache-2.0 */
/* doc_reply.h: what the document endpoints share: parameters of a write, and its result in JSON. */
#ifndef NARU_SERVER_DOC_REPLY_H
#define NARU_SERVER_DOC_REPLY_H

#include "index/engine.h"
#include "server/rest.h"

/* Parameters that index, create, update and delete have in common. */
struct write_params {
    struct str refresh, routing, version_type, pipeline, timeout, wait_for_active_shards;
    int64_t version, if_seq_no, if_primary_term;
    bool require_alias;
};
#define WRITE_PARAMS(S)                                                                            \
    OPT_STR(S, write.refresh, .name = "refresh", .help = "true, false or wait_for"),               \
        OPT_STR(S, write.routing, .name = "routing", .help = "kept with the document"),            \
        OPT_STR(S, write.pipeline, .name = "pipeline",                                             \
                .help = "ingest pipeline; only _none is there"),                                   \
        OPT_STR(S, write.timeout, .name = "timeout", .help = "accepted"),                          \
        OPT_STR(S, write.wait_for_active_shards, .name = "wait_for_active_shards",                 \
                .help = "accepted"),                                                               \
        OPT_STR(S, write.version_type, .name = "version_type",                                     \
                .help = "internal, external or external_gte"),                                     \
        OPT_INT(S, write.version, .name = "version", .dflt = "-3",                                 \
                .help = "version of an external version type"),                                    \
        OPT_INT(S, write.if_seq_no, .name = "if_seq_no", .dflt = "-2",                             \
                .help = "only when the last change has this number"),                              \
        OPT_INT(S, write.if_primary_term, .name = "if_primary_term", .dflt = "0",                  \
                .help = "and this term"),                                                          \
        OPT_BOOL(S, write.require_alias, .name = "require_alias", .dflt = "false",                 \
                 .help = "the target must be an alias")

#define VERSION_NONE (-3) /* a write that names no version, as Elasticsearch prints it */

/* "internal", "external" … */
int version_type_parse(struct str text, enum version_type *ret, struct err *err) WARN_UNUSED;
/* Numbers of a condition that cannot be. */
int doc_write_numbers_check(const struct doc_write *write, struct err *err) WARN_UNUSED;
/* What Elasticsearch's validation refuses before it looks for the document; NULL: nothing. May
 * print into mem. */
const char *doc_write_check(const struct doc_write *write, struct arena *mem);
/* The version that a read asks for. */
struct read_version {
    int64_t version; /* VERSION_NONE: any */
    enum version_type type;
};
int read_version_parse(int64_t version, struct str type, struct read_version *ret,
                       struct err *err) WARN_UNUSED;
/* -ERR_VERSION_CONFLICT when the document is there in another one. */
int read_version_check(const struct doc_get *doc, const struct read_version *wanted,
                       struct err *err) WARN_UNUSED;
/* "", "true", "false": a read's refresh. */
int read_refresh_parse(struct str text, bool *ret, struct err *err) WARN_UNUSED;

/* Fills conditions, routing and version of a write from its parameters. */
int write_params_apply(const struct write_params *params, struct doc_write *write,
                       struct err *err) WARN_UNUSED;
/* "", "true", "false", "wait_for". */
int refresh_parse(struct str text, enum write_refresh *ret_refresh, struct err *err) WARN_UNUSED;

/* Members of a written document's reply into the open object: _index, _type, _id, _version, result,
 * _shards, _seq_no, _primary_term. */
void doc_result_write(const struct doc_result *result, struct json_writer *w);
/* Members of a get's reply into the open object. `source`: as it should be shown, p == NULL: left
 * out. */
void doc_get_write(const struct doc_get *doc, struct str index, struct str id, struct str source,
                   struct json_writer *w);
/* Writes one document and its whole reply. */
int doc_write_run(struct rest_call *call, const struct doc_write *write, struct str refresh,
                  struct err *err) WARN_UNUSED;

#endif
