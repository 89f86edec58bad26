/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_lines.h: the lines of a _bulk body, read while the body arrives: an action line is checked
 * as soon as it is complete, so a malformed one ends the request before the rest has been taken,
 * and nothing of it is applied. The documents are not looked at here, the engine parses each of
 * them once. */
#ifndef NARU_SERVER_BULK_LINES_H
#define NARU_SERVER_BULK_LINES_H

#include "index/engine.h"

#define BULK_ITEMS_MAX 1000000u

struct bulk_lines;

/* What a request says for those items that do not say it themselves. */
struct bulk_defaults {
    struct str index, routing;
    bool require_alias;
};

struct bulk_lines *bulk_lines_new(struct arena *mem);
/* `body`: everything that has come so far; it may lie elsewhere than at the call before, but its
 * bytes stay. Takes the complete lines that are new. */
int bulk_lines_take(struct bulk_lines *lines, struct str body, struct err *err) WARN_UNUSED;
/* Memory that the items take beside the body. */
size_t bulk_lines_bytes(const struct bulk_lines *lines);
/* Behind the last bulk_lines_take, with the same body: all items, checked as a whole. They point
 * into the body. */
int bulk_lines_finish(struct bulk_lines *lines, struct str body,
                      const struct bulk_defaults *defaults, struct doc_write **ret_writes,
                      size_t *ret_count, struct err *err) WARN_UNUSED;

#endif
