/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every plugin there is: a complete description, and for filters that they survive
 * events they are not made for. A new filter adds its line to `examples`. */
#include "support/pipeline.h"

#include "pipeline/registry.h"

static void described(const char *kind, const char *name, const char *summary, const char *since,
                      const struct opt *opts)
{
    if (!name || !summary || !since || !summary[0])
        fail_msg("the %s %s lacks name, summary or since", kind, name ? name : "?");
    for (const struct opt *opt = opts; opt && opt->kind != OPT_KIND_END; opt++) {
        if (!opt->name || !opt->help || !opt->help[0])
            fail_msg("the %s %s: option %s lacks its help", kind, name,
                     opt->name ? opt->name : "?");
        if (opt->kind == OPT_KIND_ENUM && !opt->choices)
            fail_msg("the %s %s: option %s lacks its choices", kind, name, opt->name);
        for (const struct opt *other = opts; other != opt; other++) {
            if (strcmp(other->name, opt->name) == 0)
                fail_msg("the %s %s has the option %s twice", kind, name, opt->name);
        }
    }
}

static void every_plugin_is_described(struct test *t)
{
    (void)t;
    for (size_t i = 0; input_types[i]; i++) {
        const struct input_type *p = input_types[i];
        described("input", p->name, p->summary, p->since, p->opts);
        assert_non_null(p->run);
        assert_ptr_equal(input_type_find(str_from(p->name)), p);
    }
    for (size_t i = 0; filter_types[i]; i++) {
        const struct filter_type *p = filter_types[i];
        described("filter", p->name, p->summary, p->since, p->opts);
        assert_non_null(p->process);
        assert_ptr_equal(filter_type_find(str_from(p->name)), p);
    }
    for (size_t i = 0; output_types[i]; i++) {
        const struct output_type *p = output_types[i];
        described("output", p->name, p->summary, p->since, p->opts);
        assert_non_null(p->write);
        assert_ptr_equal(output_type_find(str_from(p->name)), p);
    }
    for (size_t i = 0; codec_types[i]; i++) {
        const struct codec_type *p = codec_types[i];
        described("codec", p->name, p->summary, p->since, p->opts);
        assert_true(p->decode || p->encode);
        assert_ptr_equal(codec_type_find(str_from(p->name)), p);
    }
}

static const struct {
    const char *name, *config;
} examples[] = {
    {"csv",
     "csv { columns => [\"a\", \"b\"] convert => { \"a\" => \"integer\" \"b\" => \"date\" } }"},
    {"date",
     "date { match => [\"message\", \"ISO8601\", \"MMM dd HH:mm:ss\", \"UNIX\"] target => \"d\" }"},
    {"dissect", "dissect { mapping => { \"message\" => \"%{a} %{+a} %{b->} %{c}\" } }"},
    {"drop", "drop { percentage => 50 }"},
    {"fingerprint", "fingerprint { concatenate_all_fields => true }"},
    {"grok", "grok { match => { \"message\" => \"%{COMBINEDAPACHELOG}\" } }"},
    {"json", "json { source => \"message\" }"},
    {"kv", "kv { recursive => true }"},
    {"mutate", "mutate { gsub => [\"message\", \"a+\", \"b\"] split => { \"message\" => \",\" } "
               "strip => \"message\" "
               "convert => { \"message\" => \"integer\" } rename => { \"message\" => \"[m][n]\" } "
               "merge => { \"x\" => \"m\" } "
               "join => { \"[m][n]\" => \"-\" } capitalize => \"[m][n]\" copy => { \"m\" => "
               "\"[deep][copy]\" } }"},
    {"ruby",
     "ruby { code => 'event.set(\"l\", event.get(\"message\").to_s.bytesize); event.to_hash' }"},
    {"split", "split { }"},
    {"translate",
     "translate { field => \"message\" exact => false dictionary => { \"a\" => \"b\" } }"},
    {"window",
     "window { time => \"@timestamp\" every => \"10m\" aggregate => { \"n\" => \"count()\" } }"},
};

static struct value strange_message(struct test *t, size_t i)
{
    struct value v = value_null();
    char *big;
    switch (i) {
    case 0:
        return value_str(STR(""));
    case 1:
        return value_str(STR("\xFF\xFE{\"a\xC0\": \x80 [1 \xED\xA0\x80, k=\xFF \"q"));
    case 2:
        big = arena_alloc(t->mem, MIB);
        for (size_t k = 0; k < MIB; k++)
            big[k] = "a b=c,\"{%[\n"[k % 11];
        return value_str((struct str){big, MIB});
    case 3:
        return value_int(INT64_MIN);
    case 4:
        return value_float(1e308);
    case 5:
        v = value_map(t->mem, 1);
        value_map_set(t->mem, &v, STR("message"), value_null());
        return v;
    case 6:
        v = value_list(t->mem, 3);
        value_list_add(t->mem, &v, value_str(STR("x")));
        value_list_add(t->mem, &v, value_list(t->mem, 0));
        value_list_add(t->mem, &v, value_null());
        return v;
    case 7:
        return value_time(INT64_MIN + 1);
    case 8:
        return (struct value){.kind = VALUE_BIG, .s = STR("123456789012345678901234567890")};
    default:
        return v;
    }
}

static void survives(struct test *t, const char *config)
{
    struct test_pipeline tp;
    struct pipeline *pipeline;
    test_pipeline_init(&tp, arena_printf(t->mem, "filter { %s }", config));
    if (pipeline_load(&tp.config, &pipeline, &t->err) < 0)
        fail_msg("%s: %s", config, t->err.text);
    struct batch *batch = batch_new(NULL);
    for (size_t i = 0; i < 10; i++) {
        struct event *ev = batch_add_stamped(batch, TEST_NOW_NS);
        struct value v = strange_message(t, i);
        value_map_set(ev->mem, &ev->fields, STR("message"), value_copy(ev->mem, &v));
    }
    (void)batch_add(batch); /* no fields at all */
    struct event **events, **more;
    size_t count, more_count;
    pipeline_filter(pipeline, batch, &events, &count);
    struct batch *drained = pipeline_filter_drain(pipeline, &more, &more_count);
    for (size_t i = 0; i < count; i++) {
        struct buf out;
        buf_init(&out, 0);
        event_to_json(events[i], &out);
        assert_false(out.is_over);
        (void)test_json(t, arena_str(t->mem, buf_str(&out)));
        buf_deinit(&out);
    }
    batch_unref(drained);
    batch_unref(batch);
    pipeline_free(pipeline);
    test_pipeline_deinit(&tp);
}

static void filters_survive_strange_events(struct test *t)
{
    t->may_leak = true; /* Ruby's thread stays */
    for (size_t i = 0; filter_types[i]; i++) {
        const char *config = NULL;
        for (size_t k = 0; k < ARRAY_COUNT(examples); k++) {
            if (strcmp(examples[k].name, filter_types[i]->name) == 0)
                config = examples[k].config;
        }
        if (!config)
            fail_msg("the filter %s has no line in examples", filter_types[i]->name);
        survives(t, config);
    }
}

/* The indented blocks of a page, one behind the other. */
static struct str blocks_of(struct test *t, struct str page)
{
    struct buf out;
    struct str line;
    buf_init(&out, 0);
    while (str_split_next(&page, '\n', &line)) {
        if (str_starts_with(line, STR("    ")))
            buf_add_str(&out, line);
        buf_add_char(&out, '\n');
    }
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static void examples_of_the_pages_load(struct test *t)
{
    t->may_leak = true;
    for (size_t i = 0; filter_types[i]; i++) {
        struct str page,
            path = arena_printf(t->mem, "src/pipeline/filters/%s.md", filter_types[i]->name);
        if (vfs_read_file(vfs_posix(), path, MIB, t->mem, &page, &t->err) == -ERR_NOT_FOUND)
            continue; /* a missing page is tools/tidy's business */
        struct str text = blocks_of(t, page);
        assert_str_has(text, filter_types[i]->name);
        bool is_whole = str_find(text, STR("filter {")) >= 0;
        struct test_pipeline tp;
        struct pipeline *pipeline;
        test_pipeline_init(
            &tp,
            is_whole ? text : arena_printf(t->mem, "filter {\n%s\n}", arena_cstr(t->mem, text)));
        if (pipeline_load(&tp.config, &pipeline, &t->err) < 0)
            fail_msg("%.*s: %u:%u: %s", STR_ARG(path), t->err.line, t->err.column, t->err.text);
        pipeline_free(pipeline);
        test_pipeline_deinit(&tp);
    }
}

static void names_are_found(struct test *t)
{
    (void)t;
    assert_string_equal(plugin_nearest(PLUGIN_FILTER, STR("mutat")), "mutate");
    assert_null(plugin_nearest(PLUGIN_FILTER, STR("qqqqqq")));
    assert_true(plugin_is_known_elsewhere(PLUGIN_INPUT, STR("kafka")));
    assert_false(plugin_is_known_elsewhere(PLUGIN_INPUT, STR("kafk")));
}

TEST_MAIN(TEST(every_plugin_is_described), TEST(filters_survive_strange_events),
          TEST(examples_of_the_pages_load), TEST(names_are_found))
