/* SPDX-License-Identifier: Apache-2.0 */
/* mapping_codec_fuzz.c: the stored form of a mapping. What is accepted prints, takes a document,
 * and its own stored form is accepted and stays the same. */
#include "base/arena.h"
#include "base/str.h"
#include "index/builder.h"
#include "index/mapping.h"
#include "index/segment_int.h"
#include "support/fuzz.h"

bool fuzz_seed(unsigned n, struct buf *out)
{
    static const char *const bodies[] = {
        "{}",
        "{\"properties\":{\"a\":{\"type\":\"text\",\"fields\":{\"k\":{\"type\":\"keyword\"}},"
        "\"analyzer\":"
        "\"simple\",\"boost\":2},\"d\":{\"type\":\"date\",\"format\":\"yyyy-MM-dd||epoch_millis\"},"
        "\"o\":{\"properties\":{\"x\":{\"type\":\"scaled_float\",\"scaling_factor\":10},\"y\":{"
        "\"type\":"
        "\"object\",\"enabled\":false}},\"dynamic\":\"strict\"}},\"date_detection\":false}",
        "{\"dynamic\":\"false\",\"_meta\":{\"a\":1},\"dynamic_date_formats\":[\"yyyy\"],"
        "\"properties\":{\"k\":"
        "{\"type\":\"keyword\",\"ignore_above\":10,\"null_value\":\"none\",\"copy_to\":\"all\"},"
        "\"all\":{"
        "\"type\":\"text\"},\"al\":{\"type\":\"alias\",\"path\":\"k\"},\"c\":{\"type\":\"constant_"
        "keyword\","
        "\"value\":\"v\"},\"ip\":{\"type\":\"ip\"}}}",
    };
    if (n >= ARRAY_COUNT(bodies))
        return false;
    struct arena *mem = arena_new(0);
    struct mapping *mapping = mapping_new();
    struct value v;
    struct err err;
    ASSERT(value_from_json(str_from(bodies[n]), mem, &v, &err) == 0);
    ASSERT(mapping_put(mapping, &v, &err) == 0);
    mapping_encode(mapping, out);
    mapping_unref(mapping);
    arena_free(mem);
    return true;
}

static void document_add(struct mapping *mapping)
{
    struct builder *b = builder_new();
    struct builder_doc doc = {
        STR("1"), STR_NONE,
        STR("{\"a\":\"some words\",\"d\":\"2020-01-01\",\"o\":{\"x\":1.5,\"y\":2,\"z\":"
            "true},\"k\":[\"v\",null],\"f\":{\"a\":{\"b\":\"c\"}},\"ip\":\"10.0.0.1\",\"new\":7}"),
        0, 1};
    struct mapping *draft = NULL;
    struct err err;
    void *bytes = NULL;
    size_t size;
    if (builder_add(b, mapping, &doc, &draft, &err) == 0 &&
        builder_seal(b, BUILDER_SORT_NONE, &bytes, &size, &err) == 0 && bytes) {
        struct segment *seg;
        ASSERT(segment_open_bytes(bytes, size, "fuzz", &seg, &err) == 0);
        ASSERT(segment_verify_all(seg, &err) == 0);
        segment_unref(seg);
    }
    mapping_unref(draft);
    builder_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str json = {(const char *)data, size};
    struct mapping *mapping, *again;
    struct err err;
    if (mapping_decode(json, &mapping, &err) < 0)
        return 0;
    struct arena *mem = arena_new(0);
    struct buf one, two;
    buf_init(&one, 0);
    buf_init(&two, 0);
    (void)mapping_to_value(mapping, mem);
    mapping_encode(mapping, &one);
    ASSERT(mapping_decode(buf_str(&one), &again, &err) == 0);
    mapping_encode(again, &two);
    ASSERT(str_eq(buf_str(&one), buf_str(&two)));
    mapping_unref(again);
    again = mapping_clone(mapping);
    document_add(again);
    mapping_unref(again);
    mapping_unref(mapping);
    buf_deinit(&one);
    buf_deinit(&two);
    arena_free(mem);
    return 0;
}
