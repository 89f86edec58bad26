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

#endif
