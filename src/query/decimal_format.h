/* SPDX-License-Identifier: Apache-2.0 */
/* decimal_format.h: the `format` of numbers, as Java's DecimalFormat without a locale prints it:
 * "#,##0.00", "0.0%", "0.###E0", "'#'0", "0.00;(0.00)". Halves are rounded to even. */
#ifndef NARU_QUERY_DECIMAL_FORMAT_H
#define NARU_QUERY_DECIMAL_FORMAT_H

#include "base/arena.h"
#include "base/base.h"

struct str decimal_format_double(struct str pattern, double v, struct arena *mem);
/* `v`: the digits of an integer, a - before them. */
struct str decimal_format_integer(struct str pattern, struct str v, struct arena *mem);

#endif
