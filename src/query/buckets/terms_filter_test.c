/* SPDX-License-Identifier: Apache-2.0 */
/* terms_filter_test.c: include and exclude of terms by the type of the field. */
#include "query/search_support_test.h"

static void fill(struct bed *bed)
{
    static const char *const docs[] = {
        "{\"l\":9007199254740992,\"u\":7,\"b\":true,\"ip\":\"10.0.0.1\",\"d\":0.5,\"t\":\"2025-01-"
        "01\",\"tn\":\"2025-01-01T00:00:00.000000001Z\"}",
        "{\"l\":9007199254740993,\"u\":9223372036854775815,\"b\":false,\"ip\":\"::1\",\"d\":2,"
        "\"t\":\"2025-01-02\",\"tn\":\"2025-01-02T00:00:00Z\"}",
        "{\"l\":-1,\"u\":18446744073709551615,\"ip\":\"10.0.0.2\",\"d\":-1}"};
    create(bed, "i",
           "{\"mappings\":{\"properties\":{\"l\":{\"type\":\"long\"},\"u\":{\"type\":"
           "\"unsigned_long\"},\"b\":{\"type\":\"boolean\"},\"ip\":{\"type\":\"ip\"},\"d\":{"
           "\"type\":\"double\"},\"t\":{\"type\":\"date\"},\"tn\":{\"type\":\"date_nanos\"}}}}");
    for (size_t i = 0; i < ARRAY_COUNT(docs); i++) {
        put(bed, "i", arena_printf(bed->t->mem, "%zu", i).p, docs[i]);
        if (i == 1)
            refresh(bed, "i");
    }
    refresh(bed, "i");
}

/* The keys of the buckets, in order. */
static struct str keys(struct bed *bed, const char *field, const char *filter)
{
    struct str body = arena_printf(
        bed->t->mem,
        "{\"size\":0,\"aggs\":{\"x\":{\"terms\":{\"field\":\"%s\",%s,\"order\":{\"_key\":"
        "\"asc\"}}}}}",
        field, filter);
    struct value tree = reply(bed, "i", body.p);
    const struct value *list = at_path(&tree, "aggregations/x/buckets");
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < list->list->count; i++)
        buf_printf(&out, "%s" STR_FMT, i ? " " : "",
                   STR_ARG(json_of(bed, value_map_get_lit(&list->list->items[i], "key"))));
    struct str text = arena_str(bed->t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static void values_are_of_the_field(struct test *t)
{
    static const struct {
        const char *field, *filter, *keys;
    } rows[] = {
        {"l", "\"include\":[9007199254740993]", "9007199254740993"},
        {"l", "\"exclude\":[\"9007199254740993\"]", "-1 9007199254740992"},
        {"l", "\"include\":[-1,9007199254740992],\"exclude\":[-1]", "9007199254740992"},
        {"l", "\"include\":[-1.5,\"x\"]", ""},
        {"u", "\"include\":[7,18446744073709551615]", "7 18446744073709551615"},
        {"u", "\"exclude\":[7]", "9223372036854775815 18446744073709551615"},
        {"u", "\"include\":[-1]", ""},
        {"b", "\"include\":[\"true\"]", "1"},
        {"b", "\"exclude\":[true]", "0"},
        {"ip", "\"include\":[\"10.0.0.1\",\"0:0::1\"]", "\"::1\" \"10.0.0.1\""},
        {"ip", "\"exclude\":[\"10.0.0.1\"]", "\"::1\" \"10.0.0.2\""},
        {"t", "\"include\":[\"2025-01-01\"]", "1735689600000"},
        {"t", "\"include\":[1735776000000]", "1735776000000"},
        {"t", "\"exclude\":[\"2025-01-01T09:00:00+09:00\"]", "1735776000000"},
        {"t", "\"format\":\"dd.MM.yyyy\",\"exclude\":[\"02.01.2025\"]", "1735689600000"},
        {"tn", "\"include\":[\"2025-01-02\"]", "1735776000000"},
        {"d", "\"include\":[0.5,\"-1.0\"]", "-1.0 0.5"},
    };
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str got = keys(&bed, rows[i].field, rows[i].filter);
        if (!str_eq(got, str_from(rows[i].keys)))
            fail_msg("%s %s: " STR_FMT, rows[i].field, rows[i].filter, STR_ARG(got));
    }
    bed_deinit(&bed);
}

static void expressions_are_of_texts(struct test *t)
{
    static const char *const fields[] = {"l", "u", "d", "b", "t"};
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        struct str body = arena_printf(
            t->mem,
            "{\"size\":0,\"aggs\":{\"x\":{\"terms\":{\"field\":\"%s\",\"exclude\":\"1.*\"}}}}",
            fields[i]);
        fails(&bed, body.p, ERR_INVALID,
              "Aggregation [x] cannot support regular expression style include/exclude settings");
    }
    bed_deinit(&bed);
}

TEST_MAIN(TEST(values_are_of_the_field), TEST(expressions_are_of_texts))
