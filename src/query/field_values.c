/* SPDX-License-Identifier: Apache-2.0 */
/* field_values.c: see field_values.h. */
#include "query/field_values.h"

size_t column_doc_values(const struct column *column, uint32_t doc, struct arena *mem,
                         struct column_value **ret_values)
{
    enum column_kind kind = column_kind(column);
    size_t n = kind == COLUMN_LONG     ? column_doc_longs(column, doc, NULL, 0)
               : kind == COLUMN_DOUBLE ? column_doc_doubles(column, doc, NULL, 0)
                                       : column_doc_ordinals(column, doc, NULL, 0);
    struct column_value *values = ARENA_ARRAY(mem, struct column_value, n + 1);
    int64_t *longs = ARENA_ARRAY(mem, int64_t, n + 1);
    double *doubles = ARENA_ARRAY(mem, double, n + 1);
    uint32_t *ordinals = ARENA_ARRAY(mem, uint32_t, n + 1);
    if (kind == COLUMN_LONG)
        (void)column_doc_longs(column, doc, longs, n);
    else if (kind == COLUMN_DOUBLE)
        (void)column_doc_doubles(column, doc, doubles, n);
    else
        (void)column_doc_ordinals(column, doc, ordinals, n);
    for (size_t i = 0; i < n; i++) {
        values[i] = (struct column_value){.kind = kind, .i = longs[i], .f = doubles[i]};
        if (kind == COLUMN_ORDINAL)
            values[i].text = column_ordinal_text(column, ordinals[i], mem);
    }
    *ret_values = values;
    return n;
}
