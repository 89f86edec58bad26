/* SPDX-License-Identifier: Apache-2.0 */
/* source_filter.h: _source, _source_includes and _source_excludes of document endpoints. */
#ifndef NARU_QUERY_SOURCE_FILTER_H
#define NARU_QUERY_SOURCE_FILTER_H

#include "base/base.h"
#include "base/err.h"

/* `source`: "true", "false" or a list of fields; each MAY have p == NULL. *ret_json p == NULL: no
 * source is wanted. */
int source_filter_params(struct str json, struct str source, struct str includes,
                         struct str excludes, struct arena *mem, struct str *ret_json,
                         struct err *err) WARN_UNUSED;

#endif
