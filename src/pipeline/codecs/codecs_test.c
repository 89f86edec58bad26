/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs, decoding from pieces as an input would hand them over, and what they print. */
#include "support/pipeline.h"

#include "pipeline/pipeline_int.h"

static struct pipeline *load(struct test *t, struct test_pipeline *tp, const char *codec)
{
    struct pipeline *pipeline;
    test_pipeline_init(
        tp, arena_printf(t->mem, "input { generator { codec => %s } } output { null { } }", codec));
    assert_ok(pipeline_load(&tp->config, &pipeline, &t->err), &t->err);
    return pipeline;
}

/* Decodes the pieces; each event as one line of JSON without its time. */
#define decodes(t, codec, want, ...)                                                               \
    decodes_((t), (codec), (want), (const char *const[]){__VA_ARGS__, NULL}, __LINE__)
static void decodes_(struct test *t, const char *codec, const char *want, const char *const *pieces,
                     int line)
{
    struct test_pipeline tp;
    struct pipeline *pipeline = load(t, &tp, codec);
    struct codec_stream *stream = codec_stream_new(unit__codec(pipeline->units[PLUGIN_CODEC]));
    struct batch *batch = batch_new(NULL);
    for (; *pieces; pieces++)
        codec_decode(stream, str_from(*pieces), pieces[1] == NULL, batch, TEST_NOW_NS);
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < batch->count; i++) {
        struct value v = test_event_value(t, batch->events[i], NULL);
        value_to_json(&v, &out);
        buf_add_char(&out, '\n');
    }
    test__str_eq(buf_str(&out), str_from(want), __FILE__, line);
    buf_deinit(&out);
    batch_unref(batch);
    codec_stream_free(stream);
    pipeline_free(pipeline);
    test_pipeline_deinit(&tp);
}

static void lines(struct test *t)
{
    decodes(t, "plain", "{\"message\":\"a\\nb\"}\n", "a\nb");
    decodes(t, "line",
            "{\"message\":\"a\"}\n{\"message\":\"bc\"}\n{\"message\":\"\"}\n{\"message\":\"d\"}\n",
            "a\nb", "c\n\n", "d");
    decodes(t, "line { delimiter => \"||\" }",
            "{\"message\":\"a\"}\n{\"message\":\"b|c\"}\n{\"message\":\"d\"}\n", "a|", "|b|c||",
            "d");
    decodes(t, "line", "{\"message\":\"\\\\xFFx가\"}\n", "\xFFx가\n");
    decodes(t, "line { charset => \"CP949\" }", "{\"message\":\"가나\"}\n", "\xB0\xA1\xB3\xAA\n");
    refuses(t, "input { generator { codec => line { charset => \"klingon\" } } }", NULL,
            "not known");
}

static void json(struct test *t)
{
    decodes(t, "json", "{\"a\":1,\"b\":[1.5,{\"c\":null}]}\n",
            "{\"a\":1,\"b\":[1.5,{\"c\":null}]}");
}

static void json_many(struct test *t)
{
    decodes(t, "json", "{\"a\":1}\n{\"b\":2}\n", "[{\"a\":1},{\"b\":2}]");
    decodes(t, "json", "{\"message\":\"{x\",\"tags\":[\"_jsonparsefailure\"]}\n", "{x");
    decodes(t, "json_lines", "{\"a\":1}\n{\"b\":2}\n", "{\"a\"", ":1}\n\n{\"b\":2}");
    decodes(t, "json_lines", "{\"message\":\"5\",\"tags\":[\"_jsonparsefailure\"]}\n{\"b\":2}\n",
            "5\n{\"b\":2}\n");
}

static void multiline(struct test *t)
{
    decodes(t, "multiline { pattern => \"^ \" what => previous }",
            "{\"message\":\"a\\n b\\n c\",\"tags\":[\"multiline\"]}\n{\"message\":\"d\"}\n",
            "a\n b\n", " c\nd");
    decodes(t, "multiline { pattern => \"\\\\$\" what => next multiline_tag => \"\" }",
            "{\"message\":\"a\\\\\\nb\"}\n{\"message\":\"c\"}\n", "a\\\nb\nc\n");
    decodes(t, "multiline { pattern => \"^[0-9]\" negate => true what => previous max_lines => 2 }",
            "{\"message\":\"1\\nx\",\"tags\":[\"multiline\",\"multiline_codec_max_lines_reached\"]}"
            "\n{\"message\":\"y\"}\n{\"message\":\"2\"}\n",
            "1\nx\ny\n2\n");
    refuses(t, "input { stdin { codec => multiline { pattern => \"x\" what => last } } }", NULL,
            "previous");
}

#define prints(t, codec, in, want) prints_((t), (codec), (in), (want), __LINE__)
static void prints_(struct test *t, const char *codec, const char *in, const char *want, int line)
{
    struct test_pipeline tp;
    struct pipeline *pipeline;
    test_pipeline_init(&tp, arena_printf(t->mem, "output { stdout { codec => %s } }", codec));
    assert_ok(pipeline_load(&tp.config, &pipeline, &t->err), &t->err);
    struct batch *batch = batch_new(NULL);
    test_events_add(t, batch, str_from(in));
    struct buf out;
    buf_init(&out, 0);
    struct codec *codec_ = NULL;
    for (struct unit *unit = pipeline->units[PLUGIN_CODEC]; unit; unit = unit->next) {
        if (unit__codec(unit)->type->encode && (!codec_ || unit->number > 0))
            codec_ = unit__codec(unit);
    }
    for (size_t i = 0; i < batch->count; i++)
        codec_encode(codec_, batch->events[i], &out);
    test__str_eq(buf_str(&out), str_from(want), __FILE__, line);
    buf_deinit(&out);
    batch_unref(batch);
    pipeline_free(pipeline);
    test_pipeline_deinit(&tp);
}

static void what_is_printed(struct test *t)
{
    const char *in =
        "{\"@timestamp\":\"2025-01-22T04:52:33.000Z\",\"message\":\"hi\",\"host\":\"h\"}";
    prints(t, "dots", in, ".");
    prints(t, "line { format => \"%{message}!\" }", in, "hi!\n");
    prints(t, "line", in, "2025-01-22T04:52:33.000Z h hi\n");
    prints(t, "plain { format => \"<%{none}>\" }", in, "<%{none}>");
    prints(t, "rubydebug",
           "{\"@timestamp\":\"2025-01-22T04:52:33.000Z\",\"message\":\"a\\\"b\\n\\\\ #{x} "
           "가\",\"n\":[1,-2.5,null,true,{}],\"o\":{\"k\":\"v\",\"long\":[]}}",
           "{\n    \"@timestamp\" => 2025-01-22T04:52:33.000Z,\n       \"message\" => "
           "\"a\\\"b\\n\\\\ \\#{x} 가\",\n"
           "             \"n\" => [\n        [0] 1,\n        [1] -2.5,\n        [2] nil,\n        "
           "[3] true,\n        [4] {}\n    ],\n"
           "             \"o\" => {\n           \"k\" => \"v\",\n        \"long\" => []\n    },\n  "
           "    \"@version\" => \"1\"\n}\n");
}

TEST_MAIN(TEST(lines), TEST(json), TEST(json_many), TEST(multiline), TEST(what_is_printed))
