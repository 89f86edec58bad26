/* SPDX-License-Identifier: Apache-2.0 */
/* search_call.h: what the search endpoints share: index expression and parameters to a snapshot and
 * a request. */
#ifndef NARU_SERVER_SEARCH_CALL_H
#define NARU_SERVER_SEARCH_CALL_H

#include "query/search.h"
#include "server/rest.h"

struct index_options {
    bool ignore_unavailable, allow_no_indices;
    bool is_whole; /* an index that cannot answer is an error, whatever the others could */
    struct str expand_wildcards;
};
#define INDEX_OPTIONS(S)                                                                           \
    OPT_BOOL(S, indices.ignore_unavailable, .name = "ignore_unavailable", .dflt = "false",         \
             .help = "a missing index is no error"),                                               \
        OPT_BOOL(S, indices.allow_no_indices, .name = "allow_no_indices", .dflt = "true",          \
                 .help = "a pattern may match nothing"),                                           \
        OPT_STR(S, indices.expand_wildcards, .name = "expand_wildcards",                           \
                .help = "open, closed, hidden, none, all")

/* The concrete indices that the path's {index} names; without one: all. In the call's mem. */
int call_indices(struct rest_call *call, const struct index_options *options,
                 struct str **ret_names, size_t *ret_count, struct err *err) WARN_UNUSED;
/* Resolves and takes a snapshot; the caller unrefs it. `expression` p == NULL: all indices. */
int search_snapshot(struct rest_call *call, struct str expression,
                    const struct index_options *options, struct searcher **ret_searcher,
                    struct err *err) WARN_UNUSED;
/* Parses a body and applies every query parameter that the search knows; others are errors, but
 * those in the endpoint's own option table. */
int search_request_parse(struct rest_call *call, const struct value *body,
                         struct search_request **ret_request, struct err *err) WARN_UNUSED;
struct search_limits search_limits_of(const struct rest_call *call);

#endif
