/* SPDX-License-Identifier: Apache-2.0 */
/* qs_fuzz.c: any text as ?q=: Lucene's query_string syntax, planned and run. */
#include "query/query_fuzz.h"

bool fuzz_seed(unsigned n, struct buf *out)
{
    static const char *const texts[] = {
        "quick AND (brown OR fox) NOT k:key1",
        "+t:\"quick fox\"~2^1.5 -n:[1 TO 5} n:>=3 _exists_:f",
        "t:qu?ck* /b[a-z]+n/ k:key\\:1 d:{* TO now} ip:10.0.0.0\\/8 fox~1"};
    if (n >= ARRAY_COUNT(texts))
        return false;
    buf_add_str(out, str_from(texts[n]));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(0);
    struct value none = {0};
    query_try(&none, (struct str){(const char *)data, size}, mem);
    arena_free(mem);
    return 0;
}
