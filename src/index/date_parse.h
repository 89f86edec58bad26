/* SPDX-License-Identifier: Apache-2.0 */
/* date_parse.h: texts and numbers of date fields to nanoseconds: Elasticsearch's named formats and
 * Java patterns, several joined by "||". */
#ifndef NARU_INDEX_DATE_PARSE_H
#define NARU_INDEX_DATE_PARSE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/err.h"

struct date_format;

#define DATE_FORMAT_DEFAULT "strict_date_optional_time||epoch_millis"

/* Compiles into mem; the same text gives an equal object. */
int date_format_compile(struct str format, struct arena *mem, const struct date_format **ret_format,
                        struct err *err) WARN_UNUSED;
/* False: no alternative fits the whole text. */
bool date_format_parse(const struct date_format *format, struct str text, int64_t *ret_ns);
/* strict_date_optional_time alone: YYYY[-MM[-DD[Thh[:mm[:ss[.fffffffff]]][zone]]]]. */
bool date_parse_iso(struct str text, int64_t *ret_ns);

#endif
