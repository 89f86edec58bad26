/* SPDX-License-Identifier: Apache-2.0 */
/* index_sort.h: the settings of an index's sort. */
#ifndef NARU_INDEX_INDEX_SORT_H
#define NARU_INDEX_INDEX_SORT_H

#include "base/arena.h"
#include "base/base.h"
#include "base/err.h"
#include "index/segment.h"

struct value;

bool index_sort_is_setting(struct str key);
/* `flat`: settings by their full names. */
int index_sort_check(const struct value *flat, const struct mapping *mapping, struct arena *mem,
                     struct err *err) WARN_UNUSED;

/* The path by which documents are ordered within segments: the first of index.sort.field, when its
 * order is ascending; "" when it is not; @timestamp when the index has no sort of its own. In mem.
 */
struct str index_sort_path(const struct value *flat, struct arena *mem);
/* Id of the field of that path; INDEX_SORT_NONE: it is no date and no integer with a column, and
 * documents keep the order in which they came. An order changes no answer, only its cost. */
#define INDEX_SORT_NONE UINT32_MAX
uint32_t index_sort_field(const struct mapping *mapping, struct str path);

#endif
