/* SPDX-License-Identifier: Apache-2.0 */
/* json_fuzz.c: any bytes: the reader ends, stays inside, and what it accepts survives minifying and
 * pretty printing. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct str input, unsigned flags)
{
    struct arena *mem = arena_new(0);
    struct json_reader json;
    json_reader_init(&json, input, mem, flags);
    enum json_token token;
    while ((token = json_next(&json)) != JSON_END && token != JSON_ERROR)
        ASSERT(json.token_off <= json.token_end && json.token_end <= input.n);
    arena_free(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    read_all(input, 0);
    read_all(input, JSON_REPLACE_UTF8 | JSON_LAZY_NUMBERS);
    struct buf small, pretty, again;
    buf_init(&small, 0);
    buf_init(&pretty, 0);
    buf_init(&again, 0);
    struct err err;
    if (json_minify(input, &small, &err) == 0) {
        struct json_writer w;
        json_writer_init(&w, &pretty, true);
        json_raw(&w, buf_str(&small));
        int rc = json_minify(buf_str(&pretty), &again, &err);
        ASSERT(rc == 0 && str_eq(buf_str(&again), buf_str(&small)));
    }
    buf_deinit(&small);
    buf_deinit(&pretty);
    buf_deinit(&again);
    return 0;
}
