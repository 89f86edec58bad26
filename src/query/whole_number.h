/* SPDX-License-Identifier: Apache-2.0 */
/* whole_number.h: numbers of a query body beside fields of integers, exactly: no double is between
 * them. 9007199254740992.5 lies above 2^53 and below the next integer, which are one double. */
#ifndef NARU_QUERY_WHOLE_NUMBER_H
#define NARU_QUERY_WHOLE_NUMBER_H

#include "event/value.h"
#include "index/segment.h"

__extension__ typedef __int128 whole_int;

/* Beyond all integers of any field; a number that is beyond them too is kept as one of these. */
#define WHOLE_NUMBER_MAX ((whole_int)1 << 100)
#define WHOLE_NUMBER_MIN (-WHOLE_NUMBER_MAX)

struct whole_number {
    whole_int floor;
    bool has_fraction;
};

/* Reads a number, or a text that is one. False: it is something else. */
bool whole_number(const struct value *v, struct arena *mem, struct whole_number *ret_whole);
/* As a column of the field keeps it; false: it cannot be one of its values. */
bool whole_number_stored(const struct field *field, whole_int v, int64_t *ret_i);
/* The part of [low, high] that a column of the field can have; when it is empty, *ret_min is above
 * *ret_max. */
void whole_number_clamp(const struct field *field, whole_int low, whole_int high, int64_t *ret_min,
                        int64_t *ret_max);

#endif
