/* SPDX-License-Identifier: Apache-2.0 */
/* dsl_fuzz.c: any bytes as the body of a search: parsed, planned, run, printed. */
#include "query/query_fuzz.h"

bool fuzz_seed(unsigned n, struct buf *out)
{
    static const char *const bodies[] = {
        "{\"query\":{\"bool\":{\"must\":[{\"match\":{\"t\":\"quick "
        "fox\"}}],\"filter\":[{\"range\":{\"d\":{\"gte\":"
        "0,\"lt\":\"now-1d/"
        "d\"}}}],\"must_not\":{\"term\":{\"k\":\"key1\"}},\"should\":[{\"exists\":{\"field\":"
        "\"n\"}}],\"minimum_should_match\":\"1\"}},\"sort\":[{\"n\":\"desc\"},\"_score\"],\"size\":"
        "3}",
        "{\"query\":{\"query_string\":{\"query\":\"t:(qu*ck AND /b.own/) OR n:[1 TO "
        "5}\",\"fields\":[\"t^2\","
        "\"k\"]}},\"track_total_hits\":true,\"_source\":[\"t\",\"n*\"]}",
        "{\"size\":0,\"aggs\":{\"a\":{\"terms\":{\"field\":\"k\",\"size\":2},\"aggs\":{\"s\":{"
        "\"stats\":{\"field\":"
        "\"f\"}}}},\"h\":{\"date_histogram\":{\"field\":\"d\",\"fixed_interval\":\"1m\"}},\"p\":{"
        "\"percentiles\":"
        "{\"field\":\"n\"}},\"r\":{\"range\":{\"field\":\"f\",\"ranges\":[{\"to\":5},{\"from\":5}]}"
        "}}}",
        "{\"query\":{\"dis_max\":{\"queries\":[{\"match_phrase\":{\"t\":{\"query\":\"brown "
        "fox\",\"slop\":1}}},{"
        "\"prefix\":{\"k\":\"ke\"}},{\"terms\":{\"n\":[1,2,3]}},{\"ids\":{\"values\":[\"1\"]}},{"
        "\"regexp\":{\"k\":"
        "\"key[0-9]\"}}],\"tie_breaker\":0.3}},\"from\":1,\"docvalue_fields\":[\"n\",{\"field\":"
        "\"d\",\"format\":"
        "\"epoch_millis\"}],\"post_filter\":{\"term\":{\"b\":true}}}",
        "{\"query\":{\"multi_match\":{\"query\":\"fox\",\"fields\":[\"t\",\"k\"],\"type\":\"most_"
        "fields\"}},"
        "\"sort\":[{\"d\":{\"order\":\"asc\",\"missing\":\"_last\"}}],\"search_after\":[500000],"
        "\"collapse\":{"
        "\"field\":\"k\"},\"highlight\":{\"fields\":{\"t\":{}}}}",
    };
    if (n >= ARRAY_COUNT(bodies))
        return false;
    buf_add_str(out, str_from(bodies[n]));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(0);
    struct value body;
    if (value_from_json((struct str){(const char *)data, size}, mem, &body, NULL) == 0)
        query_try(&body, STR_NONE, mem);
    arena_free(mem);
    return 0;
}
