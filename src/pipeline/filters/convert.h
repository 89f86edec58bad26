/* SPDX-License-Identifier: Apache-2.0 */
/* convert.h: from any value to a number, text or boolean, by the rules of Ruby's to_i and to_f,
 * which Logstash's mutate and csv filters use: "12x" is 12, "abc" is 0, commas between digits are
 * left out. Integers of any size are exact. */
#ifndef NARU_PIPELINE_FILTERS_CONVERT_H
#define NARU_PIPELINE_FILTERS_CONVERT_H

#include "event/value.h"

enum convert_type {
    CONVERT_INTEGER,
    CONVERT_FLOAT,
    CONVERT_STRING,
    CONVERT_BOOLEAN,
    CONVERT_INTEGER_EU, /* 1.234,5 */
    CONVERT_FLOAT_EU,
};
extern const char *const convert_type_names[]; /* by enum, NULL-terminated */
bool convert_type_from_str(struct str name, enum convert_type *ret_type);

enum convert_result { CONVERT_OK, CONVERT_UNKNOWN_BOOLEAN, CONVERT_FAILED };
/* Changes a scalar in place; null stays. */
enum convert_result convert_value(enum convert_type type, struct arena *mem, struct value *v);

/* Ruby's String#to_i and #to_f: the longest number at the beginning. */
struct value ruby_to_i(struct arena *mem, struct str text);
double ruby_to_f(struct str text);

#endif
