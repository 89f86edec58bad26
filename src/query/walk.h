/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h: the matches of a query in the order of the documents, a page at a time, each window
 * looked at once: what a scroll does whose order is that of the documents. */
#ifndef NARU_QUERY_WALK_H
#define NARU_QUERY_WALK_H

#include "query/search_int.h"

struct doc_walk;

/* Can the request be walked? Sorted by _doc alone; or by score alone, when every match of every
 * segment has the same score, which is found out by opening its doc sets. *ret_walk: NULL when it
 * cannot. `request` is borrowed until doc_walk_free; `searcher` is referenced. */
int doc_walk_new(struct searcher *searcher, const struct search_request *request,
                 struct doc_walk **ret_walk, struct err *err) WARN_UNUSED;
void doc_walk_free(struct doc_walk *walk);
/* Goes on behind the document with this number in the snapshot (of _shard_doc). */
void doc_walk_seek(struct doc_walk *walk, uint64_t snapshot_doc);
/* The next request->size hits. */
int doc_walk_page(struct doc_walk *walk, struct clock *clock, struct arena *mem,
                  struct search_result *ret_result, struct err *err) WARN_UNUSED;

#endif
