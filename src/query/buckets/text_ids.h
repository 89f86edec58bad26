/* SPDX-License-Identifier: Apache-2.0 */
/* text_ids.h: a number for each distinct text, so that keys of several segments compare as
 * integers. Belongs to one run. */
#ifndef NARU_QUERY_BUCKETS_TEXT_IDS_H
#define NARU_QUERY_BUCKETS_TEXT_IDS_H

#include "base/arena.h"
#include "base/base.h"

struct text_ids {
    struct str *texts; /* by id */
    uint32_t count, capacity;
    uint32_t *slots; /* id + 1, open addressing */
    uint32_t slot_count;
};

/* The id of a text, a new one when it was not met yet; the text is copied. */
uint32_t text_ids_get(struct text_ids *ids, struct str text, struct arena *mem);

#endif
