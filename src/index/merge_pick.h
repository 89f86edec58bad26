/* SPDX-License-Identifier: Apache-2.0 */
/* merge_pick.h: which files to merge. Neighbours only: documents keep their order. */
#ifndef NARU_INDEX_MERGE_PICK_H
#define NARU_INDEX_MERGE_PICK_H

#include "base/base.h"

#define MERGE_FACTOR          10u
#define MERGE_CLASS_BYTES_MIN (256 * KIB) /* smaller files are one size class */
/* Of a result. Documents bound the memory of a merge: two to four bytes each (merge_int.h), and 7.5
 * when ids are text (segment_writer.h). */
#define MERGE_BYTES_MAX (5 * GIB)
#define MERGE_DOCS_MAX  (UINT32_C(16) << 20)

struct merge_candidate {
    bool is_file; /* else it is in memory only and no neighbour */
    uint64_t bytes;
    uint32_t docs, dead; /* docs: dead ones too */
};

/* Has half of a limit: it is not merged with others any more. */
bool merge_is_full(const struct merge_candidate *file);
/* MERGE_FACTOR neighbours of a size class or smaller, the newest first; more until the result is at
 * least twice the largest; fewer when one more would exceed a limit. Or one that is a third dead.
 * False: there is nothing to do. */
bool merge_pick(const struct merge_candidate *files, size_t count, size_t *ret_from,
                size_t *ret_count);

#endif
