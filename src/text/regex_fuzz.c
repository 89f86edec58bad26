/* SPDX-License-Identifier: Apache-2.0 */
/* regex_fuzz.c: the first byte holds the flags; a pattern up to a line end, then a text: compile,
 * search, replace. */
#include "base/arena.h"
#include "base/str.h"
#include "text/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1}, pattern;
    struct regex *re = NULL;
    (void)str_split_next(&rest, '\n', &pattern);
    rest.p = rest.p ? rest.p : "";
    if (regex_compile(pattern, data[0] & 31, &re, NULL) == 0) {
        struct buf out;
        struct regex_match *match = regex_match_new();
        buf_init(&out, MIB);
        if (regex_find(re, rest, 0, match) == 1) {
            for (size_t i = 0; i < regex_group_count(re); i++) {
                struct str group = regex_group(match, i);
                ASSERT(!group.p || (group.p >= rest.p && group.p + group.n <= rest.p + rest.n));
            }
        }
        (void)regex_replace(re, rest, STR("<\\0\\1\\k<n>>"), true, match, &out);
        buf_deinit(&out);
        regex_match_free(match);
        regex_free(re);
    }
    return 0;
}
