/* SPDX-License-Identifier: Apache-2.0 */
/* date_fuzz.c: the first byte picks the dialect; a pattern up to a line end, then a text: compile,
 * read, print, count. */
#include "base/arena.h"
#include "base/str.h"
#include "text/date_math.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct arena *mem = arena_new(0);
    struct str rest = {(const char *)data + 1, size - 1}, format;
    const struct date_pattern *pattern;
    (void)str_split_next(&rest, '\n', &format);
    if (date_pattern_compile(format, (enum date_dialect)(data[0] & 3), mem, &pattern, NULL) == 0) {
        struct date_parse_options options = {.zone = time_zone_fixed(9 * 3600, mem),
                                             .now_ns = 1737521553 * NS_PER_S,
                                             .rounds_up = (data[0] & 4) != 0};
        int64_t ns = 0;
        struct buf out;
        buf_init(&out, MIB);
        (void)date_pattern_parse(pattern, rest, &options, &ns);
        date_pattern_write(pattern, ns, options.zone, &out);
        struct date_math_options math = {
            .pattern = pattern, .zone = options.zone, .now_ns = ns, .rounds_up = options.rounds_up};
        (void)!date_math_parse(rest, &math, &ns, NULL);
        buf_deinit(&out);
    }
    arena_free(mem);
    return 0;
}
