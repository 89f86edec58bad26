/* SPDX-License-Identifier: Apache-2.0 */
/* field_values.h: the values of one document in one column, of any kind, and how a field's values
 * are printed. For the few documents of a page or bucket keys; scans use the block readers of
 * segment.h. */
#ifndef NARU_QUERY_FIELD_VALUES_H
#define NARU_QUERY_FIELD_VALUES_H

#include "event/value.h"
#include "index/segment.h"

struct date_pattern;
struct time_zone;

struct column_value {
    enum column_kind kind;
    int64_t i;
    double f;
    struct str text; /* bytes of an ordinal */
};
size_t column_doc_values(const struct column *column, uint32_t doc, struct arena *mem,
                         struct column_value **ret_values);
/* `pattern` NULL: the field's own date format. */
struct value field_value_print(const struct field *field, const struct column_value *v,
                               const struct date_pattern *pattern, const struct time_zone *zone,
                               struct arena *mem);

#endif
