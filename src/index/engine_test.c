/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's door: what a caller is promised, over the memory file system and a clock that stands
 * still. */
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
#include "index/segment.h"

struct fixture {
    struct vfs *fs;
    struct clock_fake clock;
    struct arena *mem;
    struct engine *engine;
};

static void open_engine(struct fixture *f)
{
    struct err err = {0};
    struct engine_config config = {.fs = f->fs,
                                   .clock = &f->clock.base,
                                   .seed = 1,
                                   .path = STR("data"),
                                   .lane_count = 2,
                                   .is_single_threaded = true};
    if (engine_open(&config, &f->engine, &err) < 0)
        fail_msg("open: %s", err.text);
}

static int setup(void **state)
{
    struct fixture *f = MEM_NEW(struct fixture);
    f->fs = vfs_mem_new();
    clock_fake_init(&f->clock, INT64_C(1737500000) * NS_PER_S);
    f->mem = arena_new(0);
    open_engine(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct buf report;
    struct err err = {0};
    engine_close(f->engine);
    buf_init(&report, 0);
    int rc = index_check(f->fs, STR("data"), &report, &err);
    if (rc < 0)
        print_message("check: %s\n", err.text);
    buf_deinit(&report);
    arena_free(f->mem);
    vfs_mem_free(f->fs);
    mem_free(f);
    return rc;
}

static void reopen(struct fixture *f)
{
    engine_close(f->engine);
    open_engine(f);
}

static struct doc_result put(struct fixture *f, enum doc_op op, const char *id, const char *source)
{
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    struct err err = {0};
    write.op = op;
    write.index = STR("i");
    write.id = str_from(id);
    write.source = str_from(source);
    if (engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &result, &err) < 0)
        fail_msg("write: %s", err.text);
    return result;
}

static void gives(struct fixture *f, const char *id, const char *source)
{
    struct doc_get doc;
    struct err err = {0};
    if (engine_get(f->engine, STR("i"), str_from(id), true, f->mem, &doc, &err) < 0)
        fail_msg("get: %s", err.text);
    assert_int_equal(doc.is_found, source != NULL);
    if (source && !str_eq(doc.source, str_from(source)))
        fail_msg("[%s] is %.*s, not %s", id, (int)doc.source.n, doc.source.p, source);
}

static void fails(struct fixture *f, enum doc_op op, const char *id, const char *source,
                  enum err_code code, const char *text)
{
    struct doc_result r = put(f, op, id, source);
    assert_int_equal(r.outcome, DOC_FAILED);
    if (!strstr(r.err->text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, r.err->text);
    assert_string_equal(err_name(r.err->code), err_name(code));
}

static uint64_t visible(struct fixture *f)
{
    struct searcher *s;
    struct str name = STR("i");
    struct err err = {0};
    if (engine_snapshot(f->engine, &name, 1, &s, &err) < 0)
        fail_msg("snapshot: %s", err.text);
    size_t count;
    uint64_t n = 0;
    const struct searcher_part *parts = searcher_parts(s, &count);
    for (size_t i = 0; i < count; i++)
        n += parts[i].live_count;
    searcher_unref(s);
    return n;
}

static void refresh(struct fixture *f)
{
    struct err err = {0};
    if (engine_refresh(f->engine, STR("i"), &err) < 0)
        fail_msg("refresh: %s", err.text);
}

static void flush(struct fixture *f)
{
    struct err err = {0};
    if (engine_flush(f->engine, STR("i"), &err) < 0)
        fail_msg("flush: %s", err.text);
}

static void test_versions(void **state)
{
    struct fixture *f = *state;
    struct doc_result r = put(f, DOC_INDEX, "1", "{\"a\":1}");
    assert_int_equal(r.outcome, DOC_CREATED);
    assert_int_equal(r.status, 201);
    assert_int_equal(r.version, 1);
    assert_int_equal(r.seq_no, 0);
    r = put(f, DOC_INDEX, "1", "{\"a\":2}");
    assert_int_equal(r.outcome, DOC_UPDATED);
    assert_int_equal(r.version, 2);
    gives(f, "1", "{\"a\":2}");
    fails(f, DOC_CREATE, "1", "{}", ERR_VERSION_CONFLICT,
          "[1]: version conflict, document already exists (current version [2])");
    r = put(f, DOC_DELETE, "1", "");
    assert_int_equal(r.outcome, DOC_DELETED);
    assert_int_equal(r.version, 3);
    gives(f, "1", NULL);
    r = put(f, DOC_DELETE, "2", "");
    assert_int_equal(r.outcome, DOC_NOT_FOUND);
    assert_int_equal(r.status, 404);
    r = put(f, DOC_INDEX, "1", "{\"a\":4}");
    assert_int_equal(r.version, 4);
    assert_int_equal(r.outcome, DOC_CREATED);
}

static void test_survives_restart(void **state)
{
    struct fixture *f = *state;
    put(f, DOC_INDEX, "1", "{\"a\":1,\"t\":\"hello world\"}");
    flush(f);
    put(f, DOC_INDEX, "1", "{\"a\":2}");
    put(f, DOC_INDEX, "2", "{\"a\":3,\"new\":true}");
    put(f, DOC_DELETE, "2", "");
    put(f, DOC_INDEX, "3", "{\"a\":\"text now\"}");
    for (int i = 0; i < 3; i++) {
        reopen(f);
        gives(f, "1", "{\"a\":2}");
        gives(f, "2", NULL);
        gives(f, "3", "{\"a\":\"text now\"}");
        assert_int_equal(visible(f), 2);
    }
    struct doc_result r = put(f, DOC_INDEX, "1", "{}");
    assert_int_equal(r.version, 3);
}

static void test_refresh_shows(void **state)
{
    struct fixture *f = *state;
    put(f, DOC_INDEX, "1", "{\"a\":1}");
    assert_int_equal(visible(f), 0);
    refresh(f);
    assert_int_equal(visible(f), 1);
    put(f, DOC_INDEX, "1", "{\"a\":2}");
    put(f, DOC_INDEX, "2", "{\"a\":2}");
    assert_int_equal(visible(f), 1);
    refresh(f);
    assert_int_equal(visible(f), 2);
    struct err err = {0};
    assert_int_equal(engine_force_merge(f->engine, STR("i"), 1, &err), 0);
    assert_int_equal(visible(f), 2);
    gives(f, "1", "{\"a\":2}");
}

static void test_conditions(void **state)
{
    struct fixture *f = *state;
    struct doc_result r = put(f, DOC_INDEX, "1", "{\"a\":1}");
    struct doc_write write = DOC_WRITE_INIT;
    struct err err = {0};
    write.index = STR("i");
    write.id = STR("1");
    write.source = STR("{\"a\":2}");
    write.if_seq_no = r.seq_no + 5;
    write.if_primary_term = 1;
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_string_equal(r.err->text, "[1]: version conflict, required seqNo [5], primary term [1]. "
                                     "current document has seqNo [0] and primary term [1]");
    write.if_seq_no = 0;
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_int_equal(r.outcome, DOC_UPDATED);
    write.if_seq_no = SEQ_NO_NONE;
    write.version_type = VERSION_EXTERNAL;
    write.version = 2;
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_string_equal(
        r.err->text,
        "[1]: version conflict, current version [2] is higher or equal to the one provided [2]");
    write.version = 10;
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_int_equal(r.version, 10);
}

static void test_update(void **state)
{
    struct fixture *f = *state;
    fails(f, DOC_UPDATE, "1", "{\"doc\":{\"a\":1}}", ERR_DOC_MISSING,
          "[_doc][1]: document missing");
    struct doc_result r = put(f, DOC_UPDATE, "1", "{\"doc\":{\"a\":1},\"doc_as_upsert\":true}");
    assert_int_equal(r.outcome, DOC_CREATED);
    r = put(f, DOC_UPDATE, "1", "{\"doc\":{\"b\":{\"c\":1}}}");
    assert_int_equal(r.outcome, DOC_UPDATED);
    r = put(f, DOC_UPDATE, "1", "{\"doc\":{\"b\":{\"d\":2}}}");
    gives(f, "1", "{\"a\":1,\"b\":{\"c\":1,\"d\":2}}");
    flush(f);
    r = put(f, DOC_UPDATE, "1", "{\"doc\":{\"a\":1}}");
    assert_int_equal(r.outcome, DOC_NOOP);
    assert_int_equal(r.version, 3);
    r = put(f, DOC_UPDATE, "1", "{\"doc\":{\"a\":5}}");
    assert_int_equal(r.version, 4);
    fails(f, DOC_UPDATE, "1", "{\"script\":\"x\"}", ERR_UNSUPPORTED, "[script]");
    fails(f, DOC_UPDATE, "1", "{\"dok\":{}}", ERR_INVALID, "unknown field [dok]");
}

static void test_bad_documents(void **state)
{
    struct fixture *f = *state;
    put(f, DOC_INDEX, "0", "{\"n\":1}");
    fails(f, DOC_INDEX, "1", "{\"a\":", ERR_MAPPER_PARSING, "failed to parse");
    fails(f, DOC_INDEX, "1", "[1]", ERR_MAPPER_PARSING, "must start with an object");
    fails(f, DOC_INDEX, "1", "{\"\":1}", ERR_MAPPER_PARSING, "empty");
    fails(f, DOC_INDEX, "1", "{\"a..b\":1}", ERR_MAPPER_PARSING, "[.]");
    gives(f, "1", NULL);
    put(f, DOC_INDEX, "2", "{\"n\":\"many\"}");
    gives(f, "2", "{\"n\":\"many\"}");
    put(f, DOC_INDEX, "3", "{\"n\":{\"x\":1}}");
    gives(f, "3", "{\"n\":{\"x\":1}}");
    refresh(f);
    assert_int_equal(visible(f), 3);
}

/* `format` with a name of so many bytes. */
static const char *with_name(struct fixture *f, const char *before, size_t bytes, const char *after)
{
    struct buf name;
    buf_init(&name, 0);
    buf_add_str(&name, str_from(before));
    memset(buf_reserve(&name, bytes), 'n', bytes);
    buf_added(&name, bytes);
    buf_add_str(&name, str_from(after));
    const char *text = arena_cstr(f->mem, buf_str(&name));
    buf_deinit(&name);
    return text;
}

/* The longest path that a segment can have goes through all of its life; a byte more is refused. */
static void test_long_names(void **state)
{
    struct fixture *f = *state;
    const char *longest = with_name(f, "{\"", 65535, "\":1}"),
               *longest_text = with_name(f, "{\"t", 65535 - 9, "\":\"a b\"}");
    put(f, DOC_INDEX, "1", longest);
    put(f, DOC_INDEX, "2", longest_text);
    fails(f, DOC_INDEX, "3", with_name(f, "{\"", 65536, "\":1}"), ERR_INVALID,
          "is too long. The limit of a field's path is [65535] bytes but it has [65536]");
    fails(f, DOC_INDEX, "3", with_name(f, "{\"", 65528, "\":\"a b\"}"), ERR_INVALID, "has [65536]");
    fails(f, DOC_INDEX, "3", with_name(f, "{\"", 65536, "\":{}}"), ERR_INVALID, "has [65536]");
    fails(f, DOC_INDEX, "3", with_name(f, "{\"o\":{\"", 65534, "\":1}}"), ERR_INVALID,
          "has [65536]");
    put(f, DOC_INDEX, "4", with_name(f, "{\"o\":{\"", 65533, "\":1}}"));
    refresh(f);
    flush(f);
    reopen(f);
    assert_int_equal(visible(f), 3);
    gives(f, "1", longest);
    gives(f, "2", longest_text);
    gives(f, "3", NULL);
}

static struct value json(struct fixture *f, const char *text)
{
    struct value v;
    struct err err = {0};
    if (value_from_json(str_from(text), f->mem, &v, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return v;
}

static void test_admin(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct value body =
        json(f, "{\"settings\":{\"number_of_shards\":2},\"mappings\":{\"properties\":{\"a\":{"
                "\"type\":\"long\"}}},\"aliases\":{\"al\":{}}}");
    assert_int_equal(engine_index_create(f->engine, STR("i"), &body, &err), 0);
    assert_int_equal(engine_index_create(f->engine, STR("i"), NULL, &err), -ERR_INDEX_EXISTS);
    assert_int_equal(engine_index_create(f->engine, STR("Bad"), NULL, &err), -ERR_INDEX_NAME);
    assert_string_equal(err.text, "Invalid index name [Bad], must be lowercase");
    assert_int_equal(engine_index_create(f->engine, STR("al"), NULL, &err), -ERR_INDEX_NAME);
    fails(f, DOC_INDEX, "1", "{\"a\":\"abc\"}", ERR_MAPPER_PARSING,
          "failed to parse field [a] of type [long] in document with id '1'. Preview of field's "
          "value: 'abc'");
    put(f, DOC_INDEX, "1", "{\"a\":7}");
    assert_int_equal(engine_index_create(f->engine, STR("j"), NULL, &err), 0);
    struct str *names;
    size_t count;
    static const struct {
        const char *expression;
        size_t count;
    } rows[] = {{"i", 1},   {"*", 2},    {"_all", 2}, {"al", 1},
                {"i,j", 2}, {"*,-j", 1}, {"a*", 1},   {"x*", 0}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(engine_resolve(f->engine, str_from(rows[i].expression), false, f->mem,
                                        &names, &count, &err),
                         0);
        assert_int_equal(count, rows[i].count);
    }
    assert_int_equal(engine_resolve(f->engine, STR("nope"), false, f->mem, &names, &count, &err),
                     -ERR_INDEX_NOT_FOUND);
    assert_string_equal(err.text, "no such index [nope]");
    reopen(f);
    struct value settings;
    assert_int_equal(engine_settings_get(f->engine, STR("i"), f->mem, &settings, &err), 0);
    assert_true(str_is(
        value_map_get_lit(value_map_get_lit(&settings, "index"), "number_of_shards")->s, "2"));
    gives(f, "1", "{\"a\":7}");
    struct value change =
        json(f, "{\"index\":{\"refresh_interval\":\"5s\",\"number_of_replicas\":null}}");
    assert_int_equal(engine_settings_put(f->engine, STR("i"), &change, &err), 0);
    assert_int_equal(engine_settings_get(f->engine, STR("i"), f->mem, &settings, &err), 0);
    assert_true(str_is(
        value_map_get_lit(value_map_get_lit(&settings, "index"), "refresh_interval")->s, "5s"));
    change = json(f, "{\"refresh_interval\":\"often\"}");
    assert_int_equal(engine_settings_put(f->engine, STR("i"), &change, &err), -ERR_INVALID);
    change = json(f, "{\"number_of_shards\":3}");
    assert_int_equal(engine_settings_put(f->engine, STR("i"), &change, &err), -ERR_INVALID);
    change = json(f, "{\"properties\":{\"b\":{\"type\":\"ip\"}}}");
    assert_int_equal(engine_mapping_put(f->engine, STR("i"), &change, &err), 0);
    reopen(f);
    assert_int_equal(engine_mapping_get(f->engine, STR("i"), f->mem, &settings, &err), 0);
    assert_non_null(value_map_get_lit(value_map_get_lit(&settings, "properties"), "b"));
    assert_int_equal(engine_index_delete(f->engine, STR("i"), &err), 0);
    assert_false(engine_index_exists(f->engine, STR("i")));
    reopen(f);
    assert_false(engine_index_exists(f->engine, STR("i")));
    assert_true(engine_index_exists(f->engine, STR("j")));
}

static void test_aliases(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result r;
    struct doc_get doc;
    struct value is_write = json(f, "{\"is_write_index\":true}");
    struct value is_no_write = json(f, "{\"is_write_index\":false}");
    put(f, DOC_INDEX, "1", "{}");
    assert_int_equal(engine_index_create(f->engine, STR("j"), NULL, &err), 0);
    assert_int_equal(engine_alias_put(f->engine, STR("i"), STR("al"), NULL, &err), 0);
    assert_int_equal(engine_alias_put(f->engine, STR("i"), STR("j"), NULL, &err), -ERR_ALIAS_NAME);
    write.index = STR("al");
    write.id = STR("2");
    write.source = STR("{\"a\":1}");
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_true(str_is(r.index, "i"));
    assert_int_equal(engine_get(f->engine, STR("al"), STR("2"), true, f->mem, &doc, &err), 0);
    assert_true(doc.is_found && str_is(doc.index, "i"));
    struct doc_write writes[4] = {write, write, write, write};
    struct doc_result results[4];
    for (int i = 1; i < 4; i++) {
        writes[i].index = STR("i");
        writes[i].is_alias_required = true;
    }
    writes[0].is_alias_required = true;
    writes[1].is_alias_required = false;
    writes[3].op = DOC_DELETE;
    assert_int_equal(engine_write(f->engine, writes, 4, REFRESH_NONE, f->mem, results, &err), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(results[i].outcome == DOC_FAILED, i == 2);
    assert_non_null(strstr(results[2].err->text, "[i] is not an alias"));
    assert_int_equal(engine_alias_put(f->engine, STR("j"), STR("al"), NULL, &err), 0);
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_int_equal(r.outcome, DOC_FAILED);
    assert_non_null(strstr(r.err->text, "no write index is defined for alias [al]"));
    assert_int_equal(engine_alias_put(f->engine, STR("j"), STR("al"), &is_write, &err), 0);
    reopen(f);
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_true(str_is(r.index, "j"));
    assert_int_equal(engine_alias_put(f->engine, STR("i"), STR("ro"), &is_no_write, &err), 0);
    write.index = STR("ro");
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_int_equal(r.outcome, DOC_FAILED);
    assert_non_null(strstr(r.err->text, "no write index is defined for alias [ro]"));
    assert_int_equal(engine_alias_remove(f->engine, STR("j"), STR("al"), &err), 0);
    assert_int_equal(engine_alias_remove(f->engine, STR("j"), STR("al"), &err), -ERR_NOT_FOUND);
}

static void test_generated_ids(void **state)
{
    struct fixture *f = *state;
    struct doc_write writes[300];
    struct doc_result results[300];
    struct err err = {0};
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(writes); i++) {
            writes[i] = DOC_WRITE_INIT;
            writes[i].index = STR("i");
            writes[i].source = STR("{\"x\":\"y\"}");
        }
        assert_int_equal(engine_write(f->engine, writes, ARRAY_COUNT(writes), REFRESH_NOW, f->mem,
                                      results, &err),
                         0);
        for (size_t i = 0; i < ARRAY_COUNT(writes); i++) {
            assert_int_equal(results[i].id.n, 20);
            assert_int_equal(results[i].outcome, DOC_CREATED);
            assert_true(results[i].forced_refresh);
        }
    }
    assert_int_equal(visible(f), 1200);
    struct doc_write again = DOC_WRITE_INIT;
    again.index = STR("i");
    again.id = results[7].id;
    again.source = STR("{}");
    struct doc_result r;
    assert_int_equal(engine_write(f->engine, &again, 1, REFRESH_NOW, f->mem, &r, &err), 0);
    assert_int_equal(r.outcome, DOC_UPDATED);
    assert_int_equal(engine_force_merge(f->engine, STR("i"), 1, &err), 0);
    assert_int_equal(visible(f), 1200);
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    engine_close(f->engine);
    struct err err = {0};
    struct engine_config config = {.fs = f->fs,
                                   .clock = &f->clock.base,
                                   .path = STR("data"),
                                   .lane_count = 1,
                                   .is_single_threaded = true,
                                   .memory_bytes_max = 4 * MIB,
                                   .request_bytes_max = 3 * MIB};
    assert_int_equal(engine_open(&config, &f->engine, &err), 0);
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result r;
    char *big = arena_alloc(f->mem, 4 * MIB);
    memset(big, ' ', 4 * MIB);
    big[0] = '{';
    big[4 * MIB - 1] = '}';
    write.index = STR("i");
    write.source = (struct str){big, 4 * MIB};
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err),
                     -ERR_TOO_LARGE);
    write.source.n = 5 * MIB / 2;
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err),
                     -ERR_MEM_LIMIT);
    assert_non_null(strstr(err.text, "memory_bytes_max"));
    assert_non_null(strstr(err.text, "indices.memory.index_buffer_size"));
    assert_int_equal(err.bytes_limit, 4 * MIB);
    assert_true(err.bytes_wanted > err.bytes_limit);
    vfs_mem_set_free_bytes(f->fs, 1 * MIB);
    clock_fake_advance(&f->clock, NS_PER_S);
    write.source = STR("{}");
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_int_equal(r.outcome, DOC_FAILED);
    assert_int_equal(r.status, 429);
    assert_string_equal(r.err->text,
                        "index [i] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded "
                        "flood-stage watermark, index has read-only-allow-delete block];");
    vfs_mem_set_free_bytes(f->fs, 1 * GIB);
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_int_equal(r.outcome, DOC_CREATED);
}

/* Deletes, searches and gets go on; what needs room is refused, item by item, until there is some.
 */
static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct doc_write writes[3];
    struct doc_result r[3];
    put(f, DOC_INDEX, "1", "{\"a\":1}");
    put(f, DOC_INDEX, "2", "{\"a\":2}");
    refresh(f);
    vfs_mem_set_free_bytes(f->fs, 1 * MIB);
    clock_fake_advance(&f->clock, NS_PER_S);
    for (size_t i = 0; i < 3; i++) {
        writes[i] = DOC_WRITE_INIT;
        writes[i].index = i == 2 ? STR("new") : STR("i");
        writes[i].id = STR("1");
        writes[i].source = STR("{}");
    }
    writes[0].op = DOC_DELETE;
    assert_int_equal(engine_write(f->engine, writes, 3, REFRESH_NOW, f->mem, r, &err), 0);
    assert_int_equal(r[0].outcome, DOC_DELETED);
    assert_int_equal(r[1].status, 429);
    assert_int_equal(r[2].status, 429);
    assert_false(engine_index_exists(f->engine, STR("new")));
    gives(f, "1", NULL);
    gives(f, "2", "{\"a\":2}");
    assert_int_equal(visible(f), 1);
    struct value body = json(f, "{\"properties\":{\"b\":{\"type\":\"ip\"}}}");
    assert_int_equal(engine_mapping_put(f->engine, STR("i"), &body, &err), -ERR_DISK_FULL);
    assert_int_equal(engine_force_merge(f->engine, STR("i"), 1, &err), -ERR_DISK_FULL);
    assert_int_equal(engine_index_create(f->engine, STR("j"), NULL, &err), -ERR_DISK_FULL);
    vfs_mem_set_free_bytes(f->fs, 1 * GIB);
    assert_int_equal(engine_write(f->engine, writes, 3, REFRESH_NOW, f->mem, r, &err), 0);
    assert_int_equal(r[1].outcome, DOC_CREATED);
    assert_int_equal(r[2].outcome, DOC_CREATED);
    assert_int_equal(engine_mapping_put(f->engine, STR("i"), &body, &err), 0);
}

/* A log that could not be written for want of room takes nothing, and goes on by itself. */
static void test_log_full(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result r;
    put(f, DOC_INDEX, "1", "{\"a\":1}");
    vfs_mem_fail_at(f->fs, 1, VFS_FAULT_ENOSPC, true);
    write.index = STR("i");
    write.id = STR("2");
    write.source = STR("{}");
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), -ERR_IO);
    write.op = DOC_DELETE;
    assert_int_equal(engine_write(f->engine, &write, 1, REFRESH_NONE, f->mem, &r, &err), 0);
    assert_int_equal(r.status, 429);
    assert_non_null(strstr(r.err->text, "disk usage exceeded"));
    gives(f, "1", "{\"a\":1}");
    vfs_mem_fail_at(f->fs, 0, VFS_FAULT_NONE, false);
    assert_int_equal(engine_tick(f->engine, &err), 0);
    put(f, DOC_INDEX, "3", "{\"a\":3}");
    reopen(f);
    gives(f, "3", "{\"a\":3}");
}

static void settings(struct fixture *f, const char *text)
{
    struct err err = {0};
    struct value body = json(f, text);
    if (engine_settings_put(f->engine, STR("i"), &body, &err) < 0)
        fail_msg("%s: %s", text, err.text);
}

/* Nobody searches: no refresh, until somebody does. */
static void test_search_idle(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    put(f, DOC_INDEX, "1", "{}");
    clock_fake_advance(&f->clock, 2 * NS_PER_S);
    assert_int_equal(engine_tick(f->engine, &err), 0);
    assert_int_equal(visible(f), 1);
    put(f, DOC_INDEX, "2", "{}");
    assert_int_equal(visible(f), 1); /* searched a moment ago: the next round shows it */
    clock_fake_advance(&f->clock, 31 * NS_PER_S);
    assert_int_equal(engine_tick(f->engine, &err), 0);
    struct index_stats stats;
    assert_int_equal(engine_index_stats(f->engine, STR("i"), f->mem, &stats, &err), 0);
    assert_int_equal(stats.doc_count, 1);
    assert_int_equal(visible(f), 2);
    /* An interval of its own is kept. */
    settings(f, "{\"index\":{\"refresh_interval\":\"5s\"}}");
    put(f, DOC_INDEX, "3", "{}");
    clock_fake_advance(&f->clock, 60 * NS_PER_S);
    assert_int_equal(engine_tick(f->engine, &err), 0);
    assert_int_equal(engine_index_stats(f->engine, STR("i"), f->mem, &stats, &err), 0);
    assert_int_equal(stats.doc_count, 3);
    /* Off is off, for searches too. */
    settings(f, "{\"index\":{\"refresh_interval\":\"-1\"}}");
    put(f, DOC_INDEX, "4", "{}");
    clock_fake_advance(&f->clock, 60 * NS_PER_S);
    assert_int_equal(engine_tick(f->engine, &err), 0);
    assert_int_equal(visible(f), 3);
    settings(f, "{\"index\":{\"refresh_interval\":null,\"search.idle.after\":\"100s\"}}");
    clock_fake_advance(&f->clock, 60 * NS_PER_S);
    assert_int_equal(engine_tick(f->engine, &err), 0);
    assert_int_equal(visible(f), 4);
}

static void test_settings_checked(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    static const struct {
        const char *settings, *text; /* NULL: taken */
    } rows[] = {
        {"\"refresh_interval\":\"-2\"", "failed to parse setting [index.refresh_interval] with "
                                        "value [-2] as a time value: unit is "
                                        "missing or unrecognized"},
        {"\"search.idle.after\":\"-5s\"",
         "failed to parse setting [index.search.idle.after] with value [-5s] as a time value: "
         "negative durations are not supported"},
        {"\"sort.field\":\"nope\"", "unknown index sort field:[nope]"},
        {"\"sort.field\":\"x\"", "docvalues not found for index sort field:[x]"},
        {"\"sort.field\":\"nd\"", "docvalues not found for index sort field:[nd]"},
        {"\"sort.field\":[\"t\",\"k\"],\"sort.order\":[\"desc\"]",
         "index.sort.field:[t, k] index.sort.order:[desc], size mismatch"},
        {"\"sort.order\":\"desc\"", "index.sort.field:[] index.sort.order:[desc], size mismatch"},
        {"\"sort.field\":\"t\",\"sort.order\":\"up\"", "Illegal sort order:up"},
        {"\"sort.field\":\"t\",\"sort.mode\":\"avg\"",
         "Illegal index sort mode:[AVG], must be one of [MAX, MIN]"},
        {"\"sort.field\":\"t\",\"sort.missing\":\"zero\"",
         "Illegal missing value:[zero], must be one of [_last, _first]"},
        {"\"sort.field\":\"t\",\"sort.foo\":\"zero\"", "unknown setting [index.sort.foo]"},
        {"\"sort.field\":[\"t\",\"k\"],\"sort.order\":[\"desc\",\"asc\"]", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str text = arena_printf(
            f->mem,
            "{\"settings\":{%s},\"mappings\":{\"properties\":{\"t\":{\"type\":\"date\"},\"k\":{"
            "\"type\":\"keyword\"},\"x\":{\"type\":\"text\"},\"nd\":{\"type\":\"long\","
            "\"doc_values\":false}}}}",
            rows[i].settings);
        struct value body;
        assert_int_equal(value_from_json(text, f->mem, &body, &err), 0);
        int rc = engine_index_create(f->engine, STR("s"), &body, &err);
        assert_int_equal(rc, rows[i].text ? -ERR_INVALID : 0);
        if (rows[i].text && !strstr(err.text, rows[i].text))
            fail_msg("\"%s\" is not in \"%s\"", rows[i].text, err.text);
    }
    struct value change = json(f, "{\"sort.order\":[\"asc\",\"asc\"]}"), settings;
    assert_int_equal(engine_settings_put(f->engine, STR("s"), &change, &err), -ERR_INVALID);
    assert_non_null(strstr(err.text, "Can't update non dynamic settings [[index.sort.order]]"));
    assert_int_equal(engine_settings_get(f->engine, STR("s"), f->mem, &settings, &err), 0);
    const struct value *sort = value_map_get_lit(value_map_get_lit(&settings, "index"), "sort");
    assert_int_equal(value_map_get_lit(sort, "field")->list->count, 2);
}

static void test_locked(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct engine *second = NULL;
    struct engine_config config = {.fs = f->fs,
                                   .clock = &f->clock.base,
                                   .path = STR("data"),
                                   .lane_count = 1,
                                   .is_single_threaded = true};
    assert_int_equal(engine_open(&config, &second, &err), -ERR_LOCKED);
    assert_non_null(strstr(err.text, "data folder [data] is in use by process "));
    assert_null(strstr(err.text, "process ?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refresh_shows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_survives_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conditions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_update, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_documents, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_aliases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_generated_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search_idle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settings_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
