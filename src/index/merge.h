/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h: several segments to one, without their dead documents. Inputs keep their order,
 * documents their order within them. */
#ifndef NARU_INDEX_MERGE_H
#define NARU_INDEX_MERGE_H

#include "base/base.h"
#include "base/err.h"
#include "index/segment.h"
#include "os/vfs.h"

struct merge_input {
    struct segment *segment;
    const uint64_t *live; /* NULL: all */
    uint32_t
        *new_docs; /* out: heap array per old document, DOC_NONE: left out; freed by the caller */
};

/* Sets every input's new_docs, returns how many documents live. */
uint32_t merge_plan(struct merge_input *inputs, size_t count);
/* After merge_plan with a result > 0. Into `file` (written, synced; *ret_size) or, with file NULL,
 * into memory (*ret_bytes, heap). */
int merge_run(struct merge_input *inputs, size_t count, struct vfs_file *file, bool is_compressed,
              void **ret_bytes, uint64_t *ret_size, struct err *err) WARN_UNUSED;

#endif
