/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h: several segments to one, without their dead documents. Documents keep their order within
 * an input; inputs stand one behind the other, or, when every one of them is sorted by a field,
 * their documents are merged by it. */
#ifndef NARU_INDEX_MERGE_H
#define NARU_INDEX_MERGE_H

#include "base/base.h"
#include "base/err.h"
#include "index/renumber.h"
#include "index/segment.h"
#include "os/vfs.h"

struct merge_input {
    struct segment *segment;
    const uint64_t *live;     /* NULL: all */
    struct renumber new_docs; /* out: per old document; freed by the caller */
};

/* Called now and then while a merge runs, with the bytes made since: it may wait; a negative result
 * ends the merge. */
struct merge_pace {
    int (*breathe)(void *arg, uint64_t bytes, struct err *err);
    void *arg;
};

#define MERGE_SORT_NONE UINT32_MAX
/* Sets every input's new_docs, returns how many documents live. With the id of a field by which all
 * inputs are sorted ascending, documents are merged by it. */
uint32_t merge_plan(struct merge_input *inputs, size_t count, uint32_t sort_field);
/* After merge_plan with a result > 0. `pace` MAY be NULL. Into `file` (written, synced; *ret_size)
 * or, with file NULL, into memory (*ret_bytes, heap). */
int merge_run(const struct merge_input *inputs, size_t count, struct vfs_file *file,
              bool is_compressed, const struct merge_pace *pace, void **ret_bytes,
              uint64_t *ret_size, struct err *err) WARN_UNUSED;

#endif
