/* SPDX-License-Identifier: Apache-2.0 */
/* doc_place.h: where the current document of an id is, and whether a write may replace it. All
 * calls under the lane's lock. */
#ifndef NARU_INDEX_DOC_PLACE_H
#define NARU_INDEX_DOC_PLACE_H

#include "index/index_int.h"

struct doc_place {
    bool is_found; /* a live document */
    bool is_known; /* found, or a remembered delete */
    int64_t version, seq_no;
    uint32_t doc;            /* in `builder`, or in `slot` */
    struct builder *builder; /* the lane's one, or the one that is being sealed */
    struct slot *slot;       /* NULL: in the builder. Borrowed from `set` */
    struct slot_set *set;
};

void doc_place_find(struct lane *lane, struct str id, struct doc_place *ret_place);
void doc_place_deinit(struct doc_place *place);
/* Marks the document dead, if there is one. A merge may have moved it meanwhile: then it is looked
 * up again. */
void doc_place_kill(struct lane *lane, struct str id, struct doc_place *place);
/* Its source and routing, in mem; empty when there is no document. */
int doc_place_source(const struct doc_place *place, struct arena *mem, struct str *ret_source,
                     struct str *ret_routing, struct err *err) WARN_UNUSED;
/* The write's conditions; the version it will have. */
int doc_place_check(const struct doc_write *write, struct str id, const struct doc_place *place,
                    int64_t *ret_version, struct err *err) WARN_UNUSED;

/* Deletes are remembered for their versions. */
void lane__tomb_put(struct lane *lane, struct str id, int64_t version, int64_t seq_no);
void lane__tomb_drop(struct lane *lane, struct str id);

#endif
