/* SPDX-License-Identifier: Apache-2.0 */
/* A document's source comes back byte for byte from the builder, a sealed segment, a file, a merged
 * file and after a restart; each row also says what of it had to be stored because no column gives
 * it. */
#include "index/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "event/value.h"
#include "index/segment_int.h"

#define WHOLE "(whole)"

struct world {
    struct vfs *fs;
    struct clock_fake clock;
    struct arena *mem;
    struct engine *engine;
    const char *row; /* for messages */
};

static void world_open(struct world *w)
{
    struct err err = {0};
    struct engine_config config = {.fs = w->fs,
                                   .clock = &w->clock.base,
                                   .seed = 1,
                                   .path = STR("data"),
                                   .lane_count = 2,
                                   .is_single_threaded = true};
    if (engine_open(&config, &w->engine, &err) < 0)
        fail_msg("open: %s", err.text);
}

static void world_begin(struct world *w, const char *mapping)
{
    struct err err = {0};
    struct value body;
    *w = (struct world){.fs = vfs_mem_new(), .mem = arena_new(0)};
    clock_fake_init(&w->clock, INT64_C(1737500000) * NS_PER_S);
    world_open(w);
    if (value_from_json(str_from(mapping), w->mem, &body, &err) < 0 ||
        engine_index_create(w->engine, STR("i"), &body, &err) < 0)
        fail_msg("%s", err.text);
}

static void world_end(struct world *w)
{
    struct buf report;
    struct err err = {0};
    engine_close(w->engine);
    buf_init(&report, 0);
    if (index_check(w->fs, STR("data"), &report, &err) < 0)
        fail_msg("%s: check: %s", w->row, err.text);
    buf_deinit(&report);
    arena_free(w->mem);
    vfs_mem_free(w->fs);
}

static void put(struct world *w, enum doc_op op, struct str id, struct str source)
{
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    struct err err = {0};
    write.op = op;
    write.index = STR("i");
    write.id = id;
    write.source = source;
    if (engine_write(w->engine, &write, 1, REFRESH_NONE, w->mem, &result, &err) < 0)
        fail_msg("%s: write: %s", w->row, err.text);
    if (result.outcome == DOC_FAILED)
        fail_msg("%s: %s", w->row, result.err->text);
}

static void comes_back(struct world *w, struct str id, struct str source, const char *when)
{
    struct doc_get doc;
    struct err err = {0};
    if (engine_get(w->engine, STR("i"), id, true, w->mem, &doc, &err) < 0)
        fail_msg("%s, %s: %s", w->row, when, err.text);
    assert_true(doc.is_found);
    if (!str_eq(doc.source, source))
        fail_msg("%s came back %s as " STR_FMT, w->row, when, STR_ARG(doc.source));
}

#define OK(w, x)                                                                                   \
    do {                                                                                           \
        int rc_ = (x);                                                                             \
        if (rc_ < 0)                                                                               \
            fail_msg("%s: %s: %d", (w)->row, #x, rc_);                                             \
    } while (0)

/* What is stored of the document, a | for each NUL byte between holes. */
static struct str stored_part(struct world *w, struct str id)
{
    struct searcher *s;
    struct str name = STR("i"), part = STR("(no such document)");
    struct err err = {0};
    size_t count;
    OK(w, engine_snapshot(w->engine, &name, 1, &s, &err));
    const struct searcher_part *parts = searcher_parts(s, &count);
    for (size_t i = 0; i < count; i++) {
        struct stored_doc stored;
        uint32_t doc = segment_find_id(parts[i].segment, id);
        if (doc == DOC_NONE)
            continue;
        OK(w, segment__stored_read(parts[i].segment, doc, w->mem, &stored, &err));
        part = stored.source_template ? arena_str(w->mem, stored.bytes) : STR(WHOLE);
        for (size_t k = 0; k < part.n; k++) {
            if (part.p[k] == '\0')
                ((char *)(uintptr_t)part.p)[k] = '|';
        }
    }
    searcher_unref(s);
    return part;
}

static void keeps_bytes(const char *mapping, struct str source, const char *stored)
{
    struct world w;
    struct err err = {0};
    struct str id = STR("a"), other = STR("b"), name = STR("i");
    world_begin(&w, mapping);
    w.row = arena_cstr(w.mem, source);
    put(&w, DOC_INDEX, STR("dead"), source);
    put(&w, DOC_INDEX, id, source);
    comes_back(&w, id, source, "from the builder");
    OK(&w, engine_refresh(w.engine, name, &err));
    comes_back(&w, id, source, "from memory");
    put(&w, DOC_DELETE, STR("dead"), STR_NONE);
    OK(&w, engine_flush(w.engine, name, &err));
    comes_back(&w, id, source, "from a file");
    put(&w, DOC_INDEX, STR("filler"), STR("{}"));
    put(&w, DOC_INDEX, other, source);
    OK(&w, engine_flush(w.engine, name, &err));
    OK(&w, engine_force_merge(w.engine, name, 1, &err));
    comes_back(&w, id, source, "merged");
    comes_back(&w, other, source, "merged");
    struct str part = stored_part(&w, id);
    if (!str_eq(part, str_from(stored)))
        fail_msg("%s: stored is " STR_FMT ", not %s", w.row, STR_ARG(part), stored);
    engine_close(w.engine);
    world_open(&w);
    comes_back(&w, id, source, "after a restart");
    comes_back(&w, other, source, "after a restart");
    world_end(&w);
}

#define M(properties) "{\"mappings\":{\"properties\":{" properties "}}}"

static const char declared[] =
    M("\"l\":{\"type\":\"long\"},\"by\":{\"type\":\"byte\"},\"ul\":{\"type\":\"unsigned_long\"},"
      "\"d\":{\"type\":\"double\"},\"f\":{\"type\":\"float\"},\"hf\":{\"type\":\"half_float\"},"
      "\"sf\":{\"type\":\"scaled_float\",\"scaling_factor\":100},\"b\":{\"type\":\"boolean\"},"
      "\"k\":{\"type\":\"keyword\"},\"k5\":{\"type\":\"keyword\",\"ignore_above\":5},"
      "\"kl\":{\"type\":\"keyword\",\"normalizer\":\"lowercase\"},"
      "\"kd\":{\"type\":\"keyword\",\"doc_values\":false},"
      "\"t\":{\"type\":\"text\",\"fields\":{\"raw\":{\"type\":\"keyword\",\"ignore_above\":8}}},"
      "\"tt\":{\"type\":\"text\"},\"ip\":{\"type\":\"ip\"},\"dt\":{\"type\":\"date\"},"
      "\"es\":{\"type\":\"date\",\"format\":\"epoch_second\"},\"dn\":{\"type\":\"date_nanos\"},"
      "\"im\":{\"type\":\"long\",\"ignore_malformed\":true},"
      "\"off\":{\"type\":\"object\",\"enabled\":false},"
      "\"fixed\":{\"type\":\"object\",\"dynamic\":false,\"properties\":{\"l\":{\"type\":"
      "\"long\"}}},"
      "\"nv\":{\"type\":\"keyword\",\"null_value\":\"none\"},"
      "\"c1\":{\"type\":\"keyword\",\"copy_to\":\"c2\"},\"c2\":{\"type\":\"keyword\"}");

static void keeps(const char *source, const char *stored)
{
    keeps_bytes(declared, str_from(source), stored);
}

/* Nothing of it is stored. */
static void rebuilds(const char *source)
{
    keeps(source, "");
}

static void test_numbers(void **state)
{
    (void)state;
    rebuilds("{\"l\":5}");
    rebuilds("{\"l\":0,\"by\":-128}");
    rebuilds("{\"l\":9223372036854775807}");
    rebuilds("{\"l\":-9223372036854775808}");
    rebuilds("{\"l\":\"7\"}");
    keeps("{\"l\":-0}", "-0");
    keeps("{\"l\":1.0}", "1.0");
    keeps("{\"l\":1e3}", "1e3");
    keeps("{\"l\":\"007\"}", "\"007\"");
    keeps("{\"l\":\"\"}", "\"\"");
    rebuilds("{\"ul\":18446744073709551615}");
    rebuilds("{\"ul\":0}");
    keeps("{\"ul\":5.0}", "5.0");
    rebuilds("{\"b\":true}");
    rebuilds("{\"b\":\"false\"}");
    keeps("{\"b\":\"\"}", "\"\"");
}

static void test_doubles(void **state)
{
    (void)state;
    rebuilds("{\"d\":1.5}");
    rebuilds("{\"d\":1.0}");
    rebuilds("{\"d\":1}");
    rebuilds("{\"d\":-0.001}");
    rebuilds("{\"d\":123456789.123456}");
    keeps("{\"d\":1e3}", "1e3");
    keeps("{\"d\":1.50}", "1.50");
    keeps("{\"d\":-0.0}", "-0.0");
    keeps("{\"d\":-0}", "-0");
    keeps("{\"d\":0.30000000000000004}", "0.30000000000000004");
    keeps("{\"d\":12345678901234567890}", "12345678901234567890");
    keeps("{\"d\":1.7976931348623157e308}", "1.7976931348623157e308");
    rebuilds("{\"f\":12.34}");
    rebuilds("{\"f\":0.1}");
    keeps("{\"f\":16777217}", "16777217");
    rebuilds("{\"hf\":0.5}");
    keeps("{\"hf\":12.34}", "12.34");
    rebuilds("{\"sf\":12.34}");
    keeps("{\"sf\":12.345}", "12.345");
}

static void test_strings(void **state)
{
    (void)state;
    rebuilds("{\"k\":\"x\"}");
    rebuilds("{\"k\":\"\"}");
    rebuilds("{\"k\":\"나루 é 😀 /\"}");
    rebuilds("{\"k\":5}");
    rebuilds("{\"k\":1.50}");
    rebuilds("{\"k\":true}");
    keeps("{\"k\":\"a\\nb\"}", "\"a\\nb\"");
    keeps("{\"k\":\"\\u0041\\/\"}", "\"\\u0041\\/\"");
    keeps("{\"k\":\"\xff bad\"}", "\"\xff bad\"");
    rebuilds("{\"k5\":\"abcde\"}");
    keeps("{\"k5\":\"abcdef\"}", "\"abcdef\"");
    rebuilds("{\"kl\":\"low\"}");
    keeps("{\"kl\":\"High\"}", "\"High\"");
    keeps("{\"kd\":\"x\"}", "\"x\"");
    rebuilds("{\"t\":\"Two word\"}");
    keeps("{\"t\":\"Longer than that\"}", "\"Longer than that\"");
    keeps("{\"tt\":\"No keyword\"}", "\"No keyword\"");
    rebuilds("{\"ip\":\"10.0.0.255\"}");
    rebuilds("{\"ip\":\"2001:db8::1\"}");
    keeps("{\"ip\":\"010.0.0.1\"}", "\"010.0.0.1\"");
    keeps("{\"ip\":\"2001:0DB8::1\"}", "\"2001:0DB8::1\"");
    keeps("{\"ip\":\"::ffff:1.2.3.4\"}", "\"::ffff:1.2.3.4\"");
}

static void test_dates(void **state)
{
    (void)state;
    rebuilds("{\"dt\":1737478800123}");
    rebuilds("{\"dt\":\"1737478800123\"}");
    rebuilds("{\"dt\":\"2025-01-21T17:00:00.123Z\"}");
    rebuilds("{\"dt\":\"2025-01-21T17:00:00Z\"}");
    rebuilds("{\"dt\":\"2025-01-21T17:00:00+09:00\"}");
    rebuilds("{\"dt\":\"1969-12-31T23:59:59.5-03:30\"}");
    rebuilds("{\"dt\":\"2025-01-21\"}");
    rebuilds("{\"dt\":\"2025-01-21T17:00:00\"}");
    keeps("{\"dt\":\"2025-01-21T17:00Z\"}", "\"2025-01-21T17:00Z\"");
    keeps("{\"dt\":\"2025-01-21T17:00:00.123456Z\"}", "\"2025-01-21T17:00:00.123456Z\"");
    rebuilds("{\"dt\":\"2025-01-21T17:00:00.123000Z\"}");
    rebuilds("{\"es\":898459201}");
    rebuilds("{\"es\":\"898459201\"}");
    rebuilds("{\"dn\":\"2025-01-21T17:00:00.123456789Z\"}");
    rebuilds("{\"dn\":1737478800123}");
}

static void test_shapes(void **state)
{
    (void)state;
    rebuilds("{}");
    rebuilds(" \n{ \"l\" :\t5 , \"k\":\"x\" }\r\n ");
    rebuilds("\xEF\xBB\xBF{\"l\":5}");
    rebuilds("{\"k\":null,\"l\":null}");
    rebuilds("{\"nv\":null}");
    rebuilds("{\"\\u006b\":\"x\"}"); /* "k", written otherwise */
    keeps("{\"k\":[\"x\"]}", "[\"x\"]");
    keeps("{\"k\":[ \"x\", null,\"y\" ],\"l\":[]}", "[ \"x\", null,\"y\" ]|[]");
    keeps("{\"o\":[{\"a\":1},{\"a\":[2]}],\"l\":1}", "[{\"a\":1},{\"a\":[2]}]");
    keeps("{\"k\":\"x\",\"k\":\"y\"}", "\"x\"|\"y\"");
    keeps("{\"k\":\"x\",\"k\":\"x\"}", "\"x\"|\"x\"");
    keeps("{\"l\":1,\"l\":\"\"}", "\"\"");
    keeps("{\"off\":{\"a\":[1, 2],\"b\":\"c\"},\"k\":\"x\"}", "{\"a\":[1, 2],\"b\":\"c\"}");
    keeps("{\"off\":5}", "5");
    keeps("{\"fixed\":{\"l\":5,\"x\":\"y\",\"o\":{\"p\":1},\"q.r\":7}}", "\"y\"|{\"p\":1}|7");
    keeps("{\"im\":\"no number\"}", "\"no number\"");
    keeps("{\"im\":{\"not\":\"even\"}}", "{\"not\":\"even\"}");
    rebuilds("{\"c1\":\"x\"}");
    keeps("{\"c1\":\"x\",\"c2\":\"y\"}", "\"y\"");
    rebuilds("{\"a.b\":5,\"a\":{\"c\":{\"d\":true},\"e\":{}},\"n\":\"text\"}");
    rebuilds("{\"new\":1.5,\"when\":\"2025-01-21T17:00:00Z\",\"who\":\"me\"}");
}

/* A name with two types has two fields: each document's hole is of its own. */
static void test_variants(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    static const char *const sources[] = {"{\"v\":5}",   "{\"v\":\"five\"}",  "{\"v\":true}",
                                          "{\"v\":5.5}", "{\"v\":{\"w\":1}}", "{\"v\":\"6\"}"};
    world_begin(&w, "{}");
    w.row = "variants";
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < ARRAY_COUNT(sources); i++)
            put(&w, DOC_INDEX, arena_printf(w.mem, "%u.%u", round, i), str_from(sources[i]));
        OK(&w, engine_flush(w.engine, STR("i"), &err));
    }
    OK(&w, engine_force_merge(w.engine, STR("i"), 1, &err));
    for (uint32_t i = 0; i < ARRAY_COUNT(sources) * 3; i++)
        comes_back(&w, arena_printf(w.mem, "%u.%u", i % 3, i / 3), str_from(sources[i / 3]), "");
    world_end(&w);
}

/* A refused document's new field is nobody's: its number goes to the next new one, of any type. */
static void test_refused(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    struct str source = STR("{\"second\":\"text\",\"third\":{\"x\":1.5}}"), id = STR("a");
    world_begin(&w, declared);
    w.row = "refused";
    write.index = STR("i");
    write.id = id;
    write.source = STR("{\"first\":5,\"other\":6,\"l\":\"no number\"}");
    OK(&w, engine_write(w.engine, &write, 1, REFRESH_NONE, w.mem, &result, &err));
    assert_int_equal(result.outcome, DOC_FAILED);
    put(&w, DOC_INDEX, id, source);
    OK(&w, engine_flush(w.engine, STR("i"), &err));
    comes_back(&w, id, source, "after a refused one");
    assert_true(str_is(stored_part(&w, id), ""));
    world_end(&w);
}

/* More shapes than templates, at sealing and at merging. */
static void test_overflow(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    uint32_t whole = 0, docs = TEMPLATES_MAX + 200;
    world_begin(&w,
                "{\"mappings\":{\"dynamic\":false,\"properties\":{\"l\":{\"type\":\"long\"}}}}");
    w.row = "overflow";
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < docs; i++)
            put(&w, DOC_INDEX, arena_printf(w.mem, "%u.%u", round, i),
                arena_printf(w.mem, "{\"l\":%u,\"key%u.%u\":null}", i, round, i));
        OK(&w, engine_flush(w.engine, STR("i"), &err));
    }
    OK(&w, engine_force_merge(w.engine, STR("i"), 1, &err));
    for (uint32_t i = 0; i < docs * 2; i++) {
        struct str id = arena_printf(w.mem, "%u.%u", i / docs, i % docs);
        comes_back(
            &w, id,
            arena_printf(w.mem, "{\"l\":%u,\"key%u.%u\":null}", i % docs, i / docs, i % docs),
            "merged");
        whole += str_is(stored_part(&w, id), WHOLE);
        if (i % 64 == 0)
            arena_reset(w.mem);
    }
    assert_int_equal(whole, docs * 2 - TEMPLATES_MAX);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_strings), cmocka_unit_test(test_dates),
        cmocka_unit_test(test_shapes),  cmocka_unit_test(test_variants),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
