/* SPDX-License-Identifier: Apache-2.0 */
/* kql_fuzz.c: any text as Kibana's query language: translated to the DSL, which must accept it or
 * say what is wrong, and run. */
#include "query/query_fuzz.h"

bool fuzz_seed(unsigned n, struct buf *out)
{
    static const char *const texts[] = {"t: quick and (k: key1 or not n >= 3)",
                                        "k: (\"key1\" or key*) and d < now-1d and b: true",
                                        "o: { x: 1 and y: \"a\\\"b\" } or fox or *: brown"};
    if (n >= ARRAY_COUNT(texts))
        return false;
    buf_add_str(out, str_from(texts[n]));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(0);
    struct value query, body;
    struct err err = {0};
    if (kql_to_dsl((struct str){(const char *)data, size}, mem, &query, &err) == 0) {
        body = value_map(mem, 1);
        value_map_set(mem, &body, STR("query"), query);
        query_try(&body, STR_NONE, mem);
    } else {
        ASSERT(err.code != ERR_NONE && err.text[0]);
    }
    arena_free(mem);
    return 0;
}
