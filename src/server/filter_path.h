/* SPDX-License-Identifier: Apache-2.0 */
/* filter_path.h: the parameter filter_path: keeps only the members of a JSON reply that patterns
 * name. */
#ifndef NARU_SERVER_FILTER_PATH_H
#define NARU_SERVER_FILTER_PATH_H

#include "base/base.h"
#include "base/buf.h"

/* `patterns`: "hits.hits._id,took,-_shards,**.name". `out` holds the JSON and gets the filtered
 * one; what is no JSON stays as it is. */
void filter_path_apply(struct str patterns, bool is_pretty, struct arena *mem, struct buf *out);

#endif
