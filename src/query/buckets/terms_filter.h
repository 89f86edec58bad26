/* SPDX-License-Identifier: Apache-2.0 */
/* terms_filter.h: include and exclude of a terms aggregation: expressions, lists of values, or one
 * partition of many. */
#ifndef NARU_QUERY_BUCKETS_TERMS_FILTER_H
#define NARU_QUERY_BUCKETS_TERMS_FILTER_H

#include "event/value.h"
#include "index/segment.h"
#include "text/timezone.h"

struct terms_filter;
/* *ret_filter NULL: everything goes. */
int terms_filter_parse(const struct value *include, const struct value *exclude, struct arena *mem,
                       struct terms_filter **ret_filter, struct err *err) WARN_UNUSED;
/* An expression is given, which is for texts only. */
bool terms_filter_has_pattern(const struct terms_filter *filter);
/* The same with its values read as dates of a field, which is when the field is known. */
int terms_filter_dates(const struct terms_filter *filter, const struct field *field,
                       struct str format, const struct time_zone *zone, int64_t now_ns,
                       struct arena *mem, const struct terms_filter **ret_filter,
                       struct err *err) WARN_UNUSED;
/* Values as a column of the field (NULL: of texts) keeps them. */
bool terms_filter_text(const struct terms_filter *filter, const struct field *field,
                       struct str text);
bool terms_filter_long(const struct terms_filter *filter, const struct field *field, int64_t v);
bool terms_filter_double(const struct terms_filter *filter, double v);

#endif
