/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_reply.h: the items of a _bulk reply. */
#ifndef NARU_SERVER_BULK_REPLY_H
#define NARU_SERVER_BULK_REPLY_H

#include "codec/json.h"
#include "index/engine.h"

struct arena;

/* Writes what became of `count` writes, an object each, into the open array. */
void bulk_items_write(const struct doc_write *writes, const struct doc_result *results,
                      size_t count, struct arena *mem, struct json_writer *w);

#endif
