/* SPDX-License-Identifier: Apache-2.0 */
/* The ruby filter through modules/ruby.so, and the user's own filters of the stock pipeline. Ruby's
 * thread and its files stay for the process's life, so these tests may leak. */
#include "support/pipeline.h"

static void gives_code(struct test *t, const char *code, const char *in, const char *out)
{
    t->may_leak = true;
    gives(t, arena_printf(t->mem, "ruby { code => '%s' }", code).p, in, out);
}

static void gets_and_sets(struct test *t)
{
    gives_code(t, "event.set(\"b\", event.get(\"a\") + 1)", "{\"a\":1}", "{\"a\":1,\"b\":2}");
    gives_code(t, "event.set(\"[x][y]\", event.get(\"[l][1]\")); event.remove(\"l\")",
               "{\"l\":[1,\"z\"]}", "{\"x\":{\"y\":\"z\"}}");
    gives_code(t, "event.set(\"b\", event.get(\"none\"))", "{}", "{\"b\":null}");
    gives_code(t,
               "event.set(\"k\", [event.get(\"s\").encoding.to_s, event.get(\"f\").class.to_s, "
               "event.get(\"t\"), event.get(\"h\")])",
               "{\"s\":\"가\",\"f\":1.5,\"t\":true,\"h\":{\"a\":[null]}}",
               "{\"s\":\"가\",\"f\":1.5,\"t\":true,\"h\":{\"a\":[null]},\"k\":[\"UTF-8\",\"Float\","
               "true,{\"a\":[null]}]}");
    gives_code(t, "event.set(\"b\", event.get(\"a\") * 10)",
               "{\"a\":123456789012345678901234567890}",
               "{\"a\":123456789012345678901234567890,\"b\":1234567890123456789012345678900}");
    gives_code(t,
               "event.set(\"b\", 2**62); event.set(\"c\", 2**63 - 1); event.set(\"d\", 2**63); "
               "event.set(\"e\", -2**63)",
               "{}",
               "{\"b\":4611686018427387904,\"c\":9223372036854775807,\"d\":9223372036854775808,"
               "\"e\":-9223372036854775808}");
    gives_code(t, "event.set(\"b\", event.include?(\"a\") && !event.include?(\"z\"))",
               "{\"a\":null}", "{\"a\":null,\"b\":true}");
    gives_code(
        t, "event.set(\"[@metadata][x]\", :sym); event.set(\"c\", event.get(\"[@metadata][x]\"))",
        "{}", "{\"c\":\"sym\",\"@metadata\":{\"x\":\"sym\"}}");
    gives_code(
        t, "event.set(\"h\", {\"a\" => {1 => [:x]}}); event.set(\"j\", event.to_hash.keys.sort)",
        "{\"z\":1}",
        "{\"z\":1,\"h\":{\"a\":{\"1\":[\"x\"]}},\"j\":[\"@timestamp\",\"@version\",\"h\",\"z\"]}");
    gives_code(
        t, "event.set(\"a\", event.sprintf(\"%{n}-%{none}\")); event.tag(\"x\"); event.tag(\"x\")",
        "{\"n\":5}", "{\"n\":5,\"a\":\"5-%{none}\",\"tags\":[\"x\"]}");
    gives_code(t, "event.set(\"j\", JSON.parse(event.to_json)[\"n\"])", "{\"n\":5}",
               "{\"n\":5,\"j\":5}");
}

static void times(struct test *t)
{
    gives_code(t,
               "event.set(\"a\", event.get(\"@timestamp\").time.strftime(\"%F %T\")); "
               "event.set(\"c\", event.timestamp.to_s)",
               "{\"@timestamp\":\"2025-01-22T04:52:33.000Z\"}",
               "{\"@timestamp\":\"2025-01-22T04:52:33.000Z\",\"a\":\"2025-01-22 "
               "04:52:33\",\"c\":\"2025-01-22T04:52:33.000Z\"}");
    gives_code(t,
               "event.set(\"@timestamp\", LogStash::Timestamp.new(Time.at(0))); event.set(\"t\", "
               "Time.at(1, 500, :millisecond))",
               "{}",
               "{\"@timestamp\":\"1970-01-01T00:00:00.000Z\",\"t\":\"1970-01-01T00:00:01.500Z\"}");
    gives_code(t,
               "event.set(\"now\", [Time.now.to_i, Time.new.to_i, LogStash::Timestamp.now.to_i, "
               "Date.today.year])",
               "{}", "{\"now\":[1795309200,1795309200,1795309200,2026]}");
    gives_code(t,
               "a = LogStash::Timestamp.at(1); b = LogStash::Timestamp.at(3); event.set(\"c\", [a "
               "< b, b - a, a == LogStash::Timestamp.at(1)])",
               "{}", "{\"c\":[true,2.0,true]}");
    gives_code(t,
               "event.set(\"k\", "
               "Time.parse(event.get(\"a\")).getlocal(\"+09:00\").strftime(\"%Y-%m-%d %H:%M:%S\"))",
               "{\"a\":\"2025-01-22T04:52:33.000Z\"}",
               "{\"a\":\"2025-01-22T04:52:33.000Z\",\"k\":\"2025-01-22 13:52:33\"}");
    gives_code(t, "event.set(\"@timestamp\", \"x\")", "{\"a\":1}",
               "{\"a\":1,\"tags\":[\"_rubyexception\"]}");
}

static void events_come_and_go(struct test *t)
{
    gives_code(t, "event.cancel if event.get(\"n\") == 1", "{\"n\":1}\n{\"n\":2}", "{\"n\":2}");
    gives_code(t, "event.cancel; event.uncancel; event.set(\"c\", event.cancelled?)", "{\"n\":1}",
               "{\"n\":1,\"c\":false}");
    gives_code(t, "e = event.clone; e.set(\"n\", 2); new_event_block.call(e)", "{\"n\":1}",
               "{\"n\":1}\n{\"n\":2}");
    gives_code(t, "yield LogStash::Event.new({\"k\" => [1, nil]})", "{\"n\":1}",
               "{\"n\":1}\n{\"k\":[1,null]}");
    gives_code(t,
               "event.get(\"l\").each { |x| new_event_block.call(LogStash::Event.new(\"x\" => x)) "
               "}; event.cancel",
               "{\"l\":[1,2]}", "{\"x\":1}\n{\"x\":2}");
    gives_code(t, "event.append(LogStash::Event.new(\"a\" => 2, \"b\" => 3, \"l\" => [1, 2]))",
               "{\"a\":1,\"l\":[1]}", "{\"a\":[1,2],\"l\":[1,2],\"b\":3}");
    gives_code(t, "return if event.get(\"n\") == 1\nevent.set(\"x\", 1)", "{\"n\":1}\n{\"n\":2}",
               "{\"n\":1}\n{\"n\":2,\"x\":1}");
    gives_code(t, "next if event.get(\"n\") == 1\nevent.set(\"x\", 1)", "{\"n\":1}\n{\"n\":2}",
               "{\"n\":1}\n{\"n\":2,\"x\":1}");
}

static void exceptions_are_tagged(struct test *t)
{
    gives_code(t, "event.set(\"b\", event.get(\"a\") + 1)", "{\"n\":1}\n{\"a\":1}",
               "{\"n\":1,\"tags\":[\"_rubyexception\"]}\n{\"a\":1,\"b\":2}");
    gives_code(t, "raise Exception, \"x\"", "{\"n\":1}", "{\"n\":1,\"tags\":[\"_rubyexception\"]}");
    gives_code(t, "exit", "{\"n\":1}", "{\"n\":1,\"tags\":[\"_rubyexception\"]}");
    gives_code(t, "def f(x) = f(x + 1)\nf(0)", "{\"n\":1}",
               "{\"n\":1,\"tags\":[\"_rubyexception\"]}");
    gives_code(t, "event.set(\"a[b\", 1)", "{\"n\":1}", "{\"n\":1,\"tags\":[\"_rubyexception\"]}");
    gives_code(t, "event.set(\"a\", Object.new)", "{\"n\":1}",
               "{\"n\":1,\"tags\":[\"_rubyexception\"]}");
    gives_code(t, "event[\"a\"] = 1", "{\"n\":1}", "{\"n\":1,\"tags\":[\"_rubyexception\"]}");
    gives_code(t, "a = []; a << a; event.set(\"a\", a)", "{\"n\":1}",
               "{\"n\":1,\"tags\":[\"_rubyexception\"]}");
    gives(t,
          "ruby { code => 'raise \"x\"' tag_on_exception => \"oops\" add_field => { \"a\" => \"1\" "
          "} }",
          "{}", "{\"tags\":[\"oops\"]}");
    gives_code(t, "@old ||= event; event.set(\"x\", @old.get(\"n\"))", "{\"n\":1}\n{\"n\":2}",
               "{\"n\":1,\"x\":1}\n{\"n\":2,\"x\":1}");
    refuses(t, "filter {\n ruby {\n  code => '\n   if x\n  '\n } }", "6:1", "syntax error");
    refuses(t, "filter { ruby { } }", "1:10", "either \"code\" or \"path\"");
}

static void an_event_of_an_earlier_batch_raises(struct test *t)
{
    t->may_leak = true;
    struct test_pipeline tp;
    struct pipeline *pipeline;
    test_pipeline_init(
        &tp,
        STR("filter { ruby { code => '@old ||= event; event.set(\"x\", @old.get(\"n\"))' } }"));
    assert_ok(pipeline_load(&tp.config, &pipeline, &t->err), &t->err);
    for (int i = 0; i < 2; i++) {
        struct batch *batch = batch_new(NULL);
        test_events_add(t, batch, STR("{\"n\":1}"));
        struct event **events;
        size_t count;
        pipeline_filter(pipeline, batch, &events, &count);
        assert_int_equal(event_has_tag(events[0], STR("_rubyexception")), i == 1);
        batch_unref(batch);
    }
    pipeline_free(pipeline);
    test_pipeline_deinit(&tp);
}

static void variables_live_on(struct test *t)
{
    gives(t, "ruby { init => '@n = 10; @seen = {}' code => '@n += 1; event.set(\"n\", @n)' }",
          "{}\n{}", "{\"n\":11}\n{\"n\":12}");
    gives(t,
          "ruby { code => '@n = (@n || 0) + 1; event.set(\"a\", @n)' } ruby { code => "
          "'event.set(\"b\", @n)' }",
          "{}\n{}", "{\"a\":1,\"b\":null}\n{\"a\":2,\"b\":null}");
    gives(
        t,
        "ruby { init => 'require \"set\"; require \"csv\"; require \"ipaddr\"; require \"digest\"' "
        "code => 'event.set(\"a\", [CSV.parse_line(\"1,2\"), IPAddr.new(\"10.0.0.1\").to_i])' }",
        "{}", "{\"a\":[[\"1\",\"2\"],167772161]}");
}

static void script_files(struct test *t)
{
    t->may_leak = true;
    static const char script[] =
        "def register(params)\n  @add = params[\"add\"]\nend\n\ndef filter(event)\n"
        "  return [] if event.get(\"n\") == 0\n  event.set(\"n\", event.get(\"n\") + @add)\n"
        "  [event, LogStash::Event.new(\"new\" => true)]\nend\n\n"
        "test \"adds\" do\n  parameters { { \"add\" => 2 } }\n  in_event { { \"n\" => 1 } }\n"
        "  expect(\"three\") { |events| events.first.get(\"n\") == %d }\nend\n";
    struct str path = test_path(t, "x.rb");
    assert_ok(vfs_write_file(vfs_posix(), path, arena_printf(t->mem, script, 3), &t->err), &t->err);
    gives(
        t,
        arena_printf(t->mem, "ruby { path => \"%s\" script_params => { \"add\" => 5 } }", path.p).p,
        "{\"n\":1}\n{\"n\":0}", "{\"n\":6}\n{\"new\":true}");
    assert_ok(vfs_write_file(vfs_posix(), path, arena_printf(t->mem, script, 4), &t->err), &t->err);
    refuses(t, arena_printf(t->mem, "filter { ruby { path => \"%s\" } }", path.p).p, "1:10",
            "\"three\" does not hold");
    refuses(t, "filter { ruby { path => \"/nowhere/x.rb\" } }", "1:10", "No such file");
}

/* The user's filters, byte for byte, on lines of the user's file. */
static void the_stock_pipeline(struct test *t)
{
    t->may_leak = true;
    struct str filters;
    (void)setenv("TZ", "Asia/Seoul", 1); /* Time.now.strftime is local time, for Ruby too */
    assert_ok(vfs_read_file(vfs_posix(), STR("tests/pipeline/csv_to_es.filter.conf"), MIB, t->mem,
                            &filters, &t->err),
              &t->err);
    const char *in = "{\"message\":\"005930,142011,53800,34,11449544,53900,53100\",\"host\":{"
                     "\"name\":\"h\"},\"agent\":{\"type\":\"filebeat\"},"
                     "\"ecs\":{\"version\":\"1.6.0\"},\"log\":{\"offset\":0},\"input\":{\"type\":"
                     "\"log\"},\"tags\":[\"beats_input_codec_plain_applied\"]}\n"
                     "{\"message\":\"000660,090000\"}";
    const char *out = "{\"tags\":[\"beats_input_codec_plain_applied\"],\"MKSC_SHRN_ISCD\":"
                      "\"005930\",\"STCK_CNTG_HOUR\":\"2026-11-22T05:20:11.000Z\","
                      "\"STCK_PRPR\":53800,\"CNTG_VOL\":34,\"ACML_VOL\":11449544,\"STCK_HGPR\":"
                      "53900,\"STCK_LWPR\":53100}\n"
                      "{\"MKSC_SHRN_ISCD\":\"000660\",\"STCK_CNTG_HOUR\":\"2026-11-22T00:00:00."
                      "000Z\",\"STCK_PRPR\":0,\"CNTG_VOL\":0,\"ACML_VOL\":0,"
                      "\"STCK_HGPR\":0,\"STCK_LWPR\":0}";
    gives(t, arena_cstr(t->mem, filters), in, out);
}

/* es_to_mysql.conf's first filter: newest only, by a file. */
static void the_archive_pipeline(struct test *t)
{
    t->may_leak = true;
    struct str path = test_path(t, "last_time");
    (void)setenv("LAST_TIME_FILE", path.p, 1);
    gives(t,
          "ruby { code => '\n"
          "last_processed_time = File.exist?(\"${LAST_TIME_FILE}\") ? "
          "File.read(\"${LAST_TIME_FILE}\").strip : nil\n"
          "current_time = event.get(\"STCK_CNTG_HOUR\")\n"
          "if last_processed_time && current_time <= last_processed_time\n  event.cancel\nelse\n"
          "  File.open(\"${LAST_TIME_FILE}\", \"w\") { |f| f.write(current_time) }\nend\n' }",
          "{\"STCK_CNTG_HOUR\":\"2025-01-22T04:52:33.000Z\"}\n{\"STCK_CNTG_HOUR\":\"2025-01-22T04:"
          "52:33.000Z\"}\n"
          "{\"STCK_CNTG_HOUR\":\"2025-01-22T04:52:34.000Z\"}",
          "{\"STCK_CNTG_HOUR\":\"2025-01-22T04:52:33.000Z\"}\n{\"STCK_CNTG_HOUR\":\"2025-01-22T04:"
          "52:34.000Z\"}");
}

TEST_MAIN(TEST(the_stock_pipeline), TEST(gets_and_sets), TEST(times), TEST(events_come_and_go),
          TEST(exceptions_are_tagged), TEST(an_event_of_an_earlier_batch_raises),
          TEST(variables_live_on), TEST(script_files), TEST(the_archive_pipeline))
