/* SPDX-License-Identifier: Apache-2.0 */
/* csv_fuzz.c: any bytes: the reader ends and stays inside; what it accepts comes back when it is
 * written and read again. */
#include "base/str.h"
#include "codec/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(0);
    struct str text = {(const char *)data, size};
    struct csv_row row, again;
    size_t used;
    if (csv_parse(text, NULL, mem, &row, &used, NULL) == 0 && row.count > 0) {
        ASSERT(used <= size);
        struct buf out;
        buf_init(&out, 0);
        for (size_t i = 0; i < row.count; i++) {
            const struct csv_field *field = &row.fields[i];
            csv_write_field(&out, NULL, field->text, field->text.n == 0 && !field->is_quoted,
                            i == 0);
        }
        csv_write_row_end(&out, NULL);
        bool is_one_nil = row.count == 1 && out.n == 1; /* a line end alone is an empty line */
        int rc = csv_parse(buf_str(&out), NULL, mem, &again, &used, NULL);
        ASSERT(rc == 0 && (is_one_nil || again.count == row.count) && used == out.n);
        for (size_t i = 0; i < again.count; i++)
            ASSERT(str_eq(again.fields[i].text, row.fields[i].text));
        buf_deinit(&out);
    }
    arena_free(mem);
    return 0;
}
