/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings: merging in Elasticsearch's words, printing, the internal form, and what documents make
 * of them. */
#include "index/mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "index/builder.h"

static struct str print(struct arena *mem, const struct mapping *mapping)
{
    struct buf out;
    struct value v = mapping_to_value(mapping, mem);
    buf_init(&out, 0);
    value_to_json(&v, &out);
    struct str s = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static int put(struct mapping **mapping, struct arena *mem, const char *json, struct err *err)
{
    struct value v;
    if (value_from_json(str_from(json), mem, &v, err) < 0)
        fail_msg("%s: %s", json, err->text);
    struct mapping *draft = mapping_clone(*mapping);
    int rc = mapping_put(draft, &v, err);
    if (rc == 0) {
        mapping_unref(*mapping);
        *mapping = draft;
    } else {
        mapping_unref(draft);
    }
    return rc;
}

/* The internal form keeps everything. */
static void same_after_codec(struct arena *mem, const struct mapping *mapping)
{
    struct buf json, again;
    struct mapping *back;
    struct err err = {0};
    buf_init(&json, 0);
    buf_init(&again, 0);
    mapping_encode(mapping, &json);
    if (mapping_decode(buf_str(&json), &back, &err) < 0)
        fail_msg("%s", err.text);
    mapping_encode(back, &again);
    assert_true(str_eq(buf_str(&json), buf_str(&again)));
    assert_true(str_eq(print(mem, mapping), print(mem, back)));
    struct mapping *clone = mapping_clone(back);
    buf_clear(&again);
    mapping_encode(clone, &again);
    assert_true(str_eq(buf_str(&json), buf_str(&again)));
    mapping_unref(clone);
    mapping_unref(back);
    buf_deinit(&json);
    buf_deinit(&again);
}

static void test_put(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *result;
    } good[] = {
        {"{}", "{}", "{}"},
        {"{\"properties\":{\"b\":{\"type\":\"long\"},\"a\":{\"type\":\"keyword\",\"ignore_above\":"
         "10}}}",
         "{}",
         "{\"properties\":{\"a\":{\"type\":\"keyword\",\"ignore_above\":10},\"b\":{\"type\":"
         "\"long\"}}}"},
        {"{\"properties\":{\"a.b\":{\"type\":\"ip\"}}}",
         "{\"properties\":{\"a\":{\"properties\":{\"c\":{\"type\":\"boolean\"}}}}}",
         "{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"ip\"},\"c\":{\"type\":"
         "\"boolean\"}}}}}"},
        {"{\"dynamic\":\"strict\",\"properties\":{\"t\":{\"type\":\"text\"}}}",
         "{\"properties\":{\"t\":{\"type\":\"text\",\"fields\":{\"raw\":{\"type\":\"keyword\"}}}}}",
         "{\"dynamic\":\"strict\",\"properties\":{\"t\":{\"type\":\"text\",\"fields\":{\"raw\":{"
         "\"type\":\"keyword\"}}}}}"},
        {"{\"properties\":{\"d\":{\"type\":\"date\",\"format\":\"epoch_second\"},\"s\":{\"type\":"
         "\"scaled_float\",\"scaling_factor\":100}}}",
         "{}",
         "{\"properties\":{\"d\":{\"type\":\"date\",\"format\":\"epoch_second\"},\"s\":{\"type\":"
         "\"scaled_float\",\"scaling_factor\":100.0}}}"},
        {"{\"_doc\":{\"properties\":{\"a\":{\"type\":\"long\",\"null_value\":5}}}}",
         "{\"properties\":{\"a\":{\"type\":\"long\"}}}",
         "{\"properties\":{\"a\":{\"type\":\"long\"}}}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct arena *mem = arena_new(0);
        struct mapping *mapping = mapping_new();
        struct err err = {0};
        if (put(&mapping, mem, good[i].first, &err) < 0 ||
            put(&mapping, mem, good[i].second, &err) < 0)
            fail_msg("row %zu: %s", i, err.text);
        struct str printed = print(mem, mapping);
        if (!str_eq(printed, str_from(good[i].result)))
            fail_msg("row %zu: %.*s", i, (int)printed.n, printed.p);
        same_after_codec(mem, mapping);
        mapping_unref(mapping);
        arena_free(mem);
    }
}

static void test_put_fails(void **state)
{
    (void)state;
    static const char *const first =
        "{\"properties\":{\"a\":{\"type\":\"long\"},\"t\":{\"type\":\"text\"},\"o\":{"
        "\"properties\":{\"x\":{\"type\":\"long\"}}}}}";
    static const struct {
        const char *second, *error;
        enum err_code code;
    } bad[] = {
        {"{\"properties\":{\"a\":{\"type\":\"text\"}}}",
         "mapper [a] cannot be changed from type [long] to [text]", ERR_INVALID},
        {"{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"long\"}}}}}",
         "can't merge a non object mapping [a] with an object mapping", ERR_INVALID},
        {"{\"properties\":{\"o\":{\"type\":\"long\"}}}",
         "can't merge a non object mapping [o] with an object mapping", ERR_INVALID},
        {"{\"properties\":{\"b\":{\"type\":\"lnog\"}}}",
         "No handler for type [lnog] declared on field [b]", ERR_MAPPER_PARSING},
        {"{\"properties\":{\"b\":{\"index\":false}}}", "No type specified for field [b]",
         ERR_MAPPER_PARSING},
        {"{\"properties\":{\"b\":{\"type\":\"long\",\"foo\":1}}}",
         "unknown parameter [foo] on mapper [b] of type [long]", ERR_MAPPER_PARSING},
        {"{\"properties\":{\"t\":{\"type\":\"text\",\"analyzer\":\"simple\"}}}",
         "Mapper for [t] conflicts with existing mapper:\n\tCannot update parameter [analyzer] "
         "from [default] to [simple]",
         ERR_INVALID},
        {"{\"properties\":{\"b\":{\"type\":\"scaled_float\",\"scaling_factor\":\"1e999\"}}}",
         "1e999", ERR_MAPPER_PARSING},
        {"{\"properties\":{\"b\":{\"type\":\"text\",\"boost\":\"1e999\"}}}", "1e999",
         ERR_MAPPER_PARSING},
        {"{\"propertees\":{}}", "Root mapping definition has unsupported parameters:  [propertees]",
         ERR_MAPPER_PARSING},
        {"{\"properties\":{\"b\":{\"type\":\"nested\"}}}",
         "field type [nested] of field [b] is not supported yet", ERR_UNSUPPORTED},
        {"{\"properties\":{\"b\":{\"type\":\"date\",\"format\":\"bbb\"}}}",
         "Unknown pattern letter: b", ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct arena *mem = arena_new(0);
        struct mapping *mapping = mapping_new();
        struct err err = {0};
        assert_int_equal(put(&mapping, mem, first, &err), 0);
        struct str before = print(mem, mapping);
        assert_int_equal(put(&mapping, mem, bad[i].second, &err), -(int)bad[i].code);
        if (!strstr(err.text, bad[i].error))
            fail_msg("row %zu: %s", i, err.text);
        assert_true(str_eq(before, print(mem, mapping)));
        mapping_unref(mapping);
        arena_free(mem);
    }
}

/* Documents one after the other under a mapping that follows them. */
static int add(struct builder *builder, struct mapping **mapping, const char *source,
               struct err *err)
{
    struct builder_doc doc = {STR("1"), STR_NONE, str_from(source), 0, 1};
    struct mapping *draft;
    int rc = builder_add(builder, *mapping, &doc, &draft, err);
    if (rc == 0 && draft) {
        mapping_unref(*mapping);
        *mapping = draft;
    }
    return rc;
}

static void test_dynamic(void **state)
{
    (void)state;
    static const struct {
        const char *mapping, *docs[3], *result;
    } rows[] = {
        {"{}",
         {"{\"i\":1,\"f\":1.5,\"b\":true,\"s\":\"x\",\"n\":null,\"e\":[]}"},
         "{\"properties\":{\"b\":{\"type\":\"boolean\"},\"f\":{\"type\":\"float\"},\"i\":{\"type\":"
         "\"long\"},"
         "\"s\":{\"type\":\"text\",\"fields\":{\"keyword\":{\"type\":\"keyword\",\"ignore_above\":"
         "256}}}}}"},
        {"{}",
         {"{\"d\":\"2025-01-22T04:52:33.000Z\",\"y\":\"2025\"}"},
         "{\"properties\":{\"d\":{\"type\":\"date\"},\"y\":{\"type\":\"text\",\"fields\":{"
         "\"keyword\":{\"type\":\"keyword\",\"ignore_above\":256}}}}}"},
        {"{}",
         {"{\"d\":\"2025/01/22 04:52:33\"}"},
         "{\"properties\":{\"d\":{\"type\":\"date\",\"format\":\"yyyy/MM/dd "
         "HH:mm:ss||yyyy/MM/dd||epoch_millis\"}}}"},
        {"{}",
         {"{\"d\":\"2025/01/22 04:52:33 +0900\",\"o\":\"2025-022\"}"},
         "{\"properties\":{\"d\":{\"type\":\"text\",\"fields\":{\"keyword\":{\"type\":\"keyword\","
         "\"ignore_above\":256}}},\"o\":{\"type\":\"text\",\"fields\":{\"keyword\":{\"type\":"
         "\"keyword\",\"ignore_above\":256}}}}}"},
        {"{\"dynamic_date_formats\":[\"MM/dd/yyyy\",\"yyyy.MM||yyyy.MM.dd\"]}",
         {"{\"d\":\"09/25/2015\",\"e\":\"2015.09.25\",\"f\":\"2015-09-25\"}"},
         "{\"dynamic_date_formats\":[\"MM/dd/yyyy\",\"yyyy.MM||yyyy.MM.dd\"],\"properties\":{"
         "\"d\":{\"type\":\"date\",\"format\":\"MM/dd/yyyy\"},\"e\":{\"type\":\"date\",\"format\":"
         "\"yyyy.MM||yyyy.MM.dd\"},\"f\":{\"type\":\"text\",\"fields\":{\"keyword\":{\"type\":"
         "\"keyword\",\"ignore_above\":256}}}}}"},
        {"{\"date_detection\":false}",
         {"{\"d\":\"2025-01-22\"}"},
         "{\"date_detection\":false,\"properties\":{\"d\":{\"type\":\"text\",\"fields\":{"
         "\"keyword\":{\"type\":\"keyword\",\"ignore_above\":256}}}}}"},
        {"{}",
         {"{\"a\":{\"b\":1}}", "{\"a.c\":2}", "{\"a\":[{\"b\":3},{\"d\":true}]}"},
         "{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"long\"},\"c\":{\"type\":"
         "\"long\"},\"d\":{\"type\":\"boolean\"}}}}}"},
        {"{}",
         {"{\"n\":1}", "{\"n\":\"one\"}", "{\"n\":\"7\"}"},
         "{\"properties\":{\"n\":{\"type\":\"long\",\"meta\":{\"variants\":\"text\"}}}}"},
        {"{\"dynamic\":false}", {"{\"n\":1,\"o\":{\"x\":1}}"}, "{\"dynamic\":\"false\"}"},
        {"{\"numeric_detection\":true}",
         {"{\"n\":\"12\",\"f\":\"1.5\"}"},
         "{\"numeric_detection\":true,\"properties\":{\"f\":{\"type\":\"float\"},\"n\":{\"type\":"
         "\"long\"}}}"},
        {"{\"dynamic_templates\":[{\"s\":{\"match_mapping_type\":\"string\",\"match\":\"k_*\","
         "\"mapping\":{\"type\":\"keyword\"}}}]}",
         {"{\"k_a\":\"x\"}"},
         "{\"dynamic_templates\":[{\"s\":{\"match_mapping_type\":\"string\",\"match\":\"k_*\","
         "\"mapping\":{\"type\":\"keyword\"}}}],\"properties\":{\"k_a\":{\"type\":\"keyword\"}}}"},
        {"{\"properties\":{\"a\":{\"type\":\"keyword\",\"copy_to\":\"all\"}}}",
         {"{\"a\":\"x\"}"},
         "{\"properties\":{\"a\":{\"type\":\"keyword\",\"copy_to\":\"all\"},\"all\":{\"type\":"
         "\"text\",\"fields\":{\"keyword\":{\"type\":\"keyword\",\"ignore_above\":256}}}}}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena *mem = arena_new(0);
        struct mapping *mapping = mapping_new();
        struct builder *builder = builder_new();
        struct err err = {0};
        assert_int_equal(put(&mapping, mem, rows[i].mapping, &err), 0);
        for (size_t d = 0; d < 3 && rows[i].docs[d]; d++) {
            if (add(builder, &mapping, rows[i].docs[d], &err) < 0)
                fail_msg("row %zu: %s", i, err.text);
        }
        struct str printed = print(mem, mapping);
        if (!str_eq(printed, str_from(rows[i].result)))
            fail_msg("row %zu: %.*s", i, (int)printed.n, printed.p);
        same_after_codec(mem, mapping);
        builder_free(builder);
        mapping_unref(mapping);
        arena_free(mem);
    }
}

static void test_documents_fail(void **state)
{
    (void)state;
    static const char *const mapping_json =
        "{\"dynamic\":\"strict\",\"properties\":{\"n\":{\"type\":\"byte\"},\"i\":{\"type\":"
        "\"integer\",\"coerce\":false},\"d\":{\"type\":\"date\"},"
        "\"b\":{\"type\":\"boolean\"},\"ip\":{\"type\":\"ip\"},\"k\":{\"type\":\"keyword\"},\"o\":{"
        "\"properties\":{\"x\":{\"type\":\"long\"}}},\"m\":{\"type\":\"long\",\"ignore_malformed\":"
        "true}}}";
    static const struct {
        const char *source, *error;
    } rows[] = {
        {"{\"n\":300}", "failed to parse field [n] of type [byte] in document with id '1'. Preview "
                        "of field's value: '300'"},
        {"{\"n\":\"abc\"}", "Preview of field's value: 'abc'"},
        {"{\"i\":1.5}", "failed to parse field [i] of type [integer]"},
        {"{\"i\":\"1\"}", "failed to parse field [i] of type [integer]"},
        {"{\"d\":\"yesterday\"}", "failed to parse field [d] of type [date]"},
        {"{\"b\":\"yes\"}", "failed to parse field [b] of type [boolean]"},
        {"{\"ip\":\"1.2.3\"}", "failed to parse field [ip] of type [ip]"},
        {"{\"k\":{\"x\":1}}", "failed to parse field [k] of type [keyword] in document with id "
                              "'1'. Preview of field's value: '{\"x\":1}'"},
        {"{\"o\":1}",
         "object mapping for [o] tried to parse field [o] as object, but found a concrete value"},
        {"{\"new\":1}",
         "mapping set to strict, dynamic introduction of [new] within [_doc] is not allowed"},
        {"{\"o\":{\"y\":1}}",
         "mapping set to strict, dynamic introduction of [y] within [o] is not allowed"},
    };
    struct arena *mem = arena_new(0);
    struct mapping *mapping = mapping_new();
    struct builder *builder = builder_new();
    struct err err = {0};
    assert_int_equal(put(&mapping, mem, mapping_json, &err), 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_true(add(builder, &mapping, rows[i].source, &err) < 0);
        if (!strstr(err.text, rows[i].error))
            fail_msg("row %zu: %s", i, err.text);
        assert_int_equal(builder_doc_count(builder), 0);
    }
    assert_int_equal(
        add(builder, &mapping,
            "{\"n\":\"12\",\"i\":5,\"m\":\"bad\",\"b\":\"\",\"k\":true,\"d\":1737521553123}", &err),
        0);
    builder_free(builder);
    mapping_unref(mapping);
    arena_free(mem);
}

static void test_limits(void **state)
{
    (void)state;
    struct mapping *mapping = mapping_new();
    struct builder *builder = builder_new();
    struct buf out;
    struct err err = {0};
    buf_init(&out, 0);
    for (int i = 0; i < 1001; i++)
        buf_printf(&out, "%c\"f%d\":1", i ? ',' : '{', i);
    buf_add_char(&out, '}');
    assert_int_equal(add(builder, &mapping, buf_cstr(&out), &err), -ERR_INVALID);
    assert_string_equal(err.text, "Limit of total fields [1000] has been exceeded");
    assert_int_equal(mapping->field_count, 0);
    buf_clear(&out);
    for (int i = 0; i < 25; i++)
        buf_add_lit(&out, "{\"a\":");
    buf_add_lit(&out, "1");
    for (int i = 0; i < 25; i++)
        buf_add_char(&out, '}');
    assert_int_equal(add(builder, &mapping, buf_cstr(&out), &err), -ERR_INVALID);
    assert_string_equal(err.text,
                        "Limit of mapping depth [20] has been exceeded due to object field [a]");
    buf_clear(&out);
    buf_add_lit(&out, "{\"properties\":{\"a\":{\"type\":\"long\",\"copy_to\":\"");
    for (int i = 0; i < 65536; i++)
        buf_add_char(&out, 'n');
    buf_add_lit(&out, "\"}}}");
    struct arena *mem = arena_new(0);
    struct value body;
    assert_int_equal(value_from_json(buf_str(&out), mem, &body, &err), 0);
    assert_int_equal(mapping_put(mapping, &body, &err), 0);
    assert_int_equal(add(builder, &mapping, "{\"a\":1}", &err), -ERR_INVALID);
    assert_non_null(strstr(err.text, "nnn…] is too long."));
    assert_int_equal(mapping->field_count, 1);
    arena_free(mem);
    buf_deinit(&out);
    builder_free(builder);
    mapping_unref(mapping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_put), cmocka_unit_test(test_put_fails),
                                       cmocka_unit_test(test_dynamic),
                                       cmocka_unit_test(test_documents_fail),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
