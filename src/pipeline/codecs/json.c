/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: codecs_test.c tests all codecs */
/* tidy: allow page: codecs.md describes all codecs */
/* json.c: the codecs json (one piece of input is one JSON text) and json_lines (one a line). An
 * array of objects gives an event for each. What is no JSON becomes a message with the tag
 * _jsonparsefailure. */
#include "base/arena.h"
#include "base/str.h"
#include "pipeline/codecs/text.h"

struct json {
    struct str charset, delimiter;
};

static const struct opt json_opts[] = {
    TEXT_CHARSET_OPT(struct json),
    OPT_END,
};
static const struct opt json_lines_opts[] = {
    TEXT_CHARSET_OPT(struct json),
    OPT_STR(struct json, delimiter, .dflt = "\n", .help = "What ends a line."),
    OPT_END,
};

static int json_init(void *self, struct plugin *plugin, struct err *err)
{
    (void)plugin;
    struct json *json = self;
    return text_charset_check(json->charset, err);
}

static int json_lines_init(void *self, struct plugin *plugin, struct err *err)
{
    struct json *json = self;
    if (json->delimiter.n == 0)
        return err_set(err, ERR_CONFIG, "\"delimiter\" cannot be empty");
    return json_init(self, plugin, err);
}

static void parse_failed(struct batch *batch, struct str text, int64_t now_ns)
{
    event_tag(text_event(batch, text, now_ns), STR("_jsonparsefailure"));
}

/* [{…},{…}]: parsed as one tree, then each object written into an event of its own. */
static void decode_array(struct batch *batch, struct str text, int64_t now_ns)
{
    struct value list;
    if (value_from_json(text, batch->mem, &list, NULL) < 0 || list.kind != VALUE_LIST) {
        parse_failed(batch, text, now_ns);
        return;
    }
    struct buf json;
    buf_init(&json, 0);
    for (size_t i = 0; i < list.list->count; i++) {
        struct event *ev;
        buf_clear(&json);
        value_to_json(&list.list->items[i], &json);
        struct str item = arena_str(batch->mem, buf_str(&json));
        if (event_from_json(batch, item, now_ns, &ev, NULL) < 0)
            parse_failed(batch, item, now_ns);
    }
    buf_deinit(&json);
}

static void decode_text(const struct json *json, struct str bytes, struct batch *batch,
                        int64_t now_ns)
{
    struct str text = str_trim(text_to_utf8(json->charset, bytes, batch->mem));
    if (text.n == 0)
        return;
    /* The event's strings point into the text, which must live as long as the batch. */
    text = arena_str(batch->mem, text);
    struct event *ev;
    if (text.p[0] == '[')
        decode_array(batch, text, now_ns);
    else if (event_from_json(batch, text, now_ns, &ev, NULL) < 0)
        parse_failed(batch, text, now_ns);
}

static void json_decode(void *self, void *stream, struct str bytes, bool is_end,
                        struct batch *batch, int64_t now_ns)
{
    (void)stream;
    (void)is_end;
    decode_text(self, bytes, batch, now_ns);
}

static void json_line(void *owner, struct str text, bool is_cut, struct batch *batch,
                      int64_t now_ns)
{
    if (!is_cut) {
        decode_text(owner, text, batch, now_ns);
        return;
    }
    struct event *ev = text_event(batch, text_to_utf8(STR("UTF-8"), text, batch->mem), now_ns);
    event_tag(ev, STR("_line_too_long"));
    event_tag(ev, STR("_jsonparsefailure"));
}

static void json_lines_decode(void *self, void *stream, struct str bytes, bool is_end,
                              struct batch *batch, int64_t now_ns)
{
    struct json *json = self;
    text_lines_decode(stream, json->delimiter, bytes, is_end, json_line, json, batch, now_ns);
}

static void json_lines_stream_deinit(void *self, void *stream)
{
    (void)self;
    text_lines_deinit(stream);
}

static void json_encode(void *self, const struct event *ev, struct buf *out)
{
    (void)self;
    event_to_json(ev, out);
}

static void json_lines_encode(void *self, const struct event *ev, struct buf *out)
{
    const struct json *json = self;
    event_to_json(ev, out);
    buf_add_str(out, json->delimiter);
}

const struct codec_type codec_json = {
    .name = "json",
    .summary = "One JSON text is one event; an array gives one for each of its objects.",
    .since = "0.1",
    .opts = json_opts,
    .size = sizeof(struct json),
    .init = json_init,
    .decode = json_decode,
    .encode = json_encode,
};

const struct codec_type codec_json_lines = {
    .name = "json_lines",
    .summary = "One JSON text a line.",
    .since = "0.1",
    .opts = json_lines_opts,
    .size = sizeof(struct json),
    .stream_size = sizeof(struct text_lines),
    .init = json_lines_init,
    .decode = json_lines_decode,
    .stream_deinit = json_lines_stream_deinit,
    .encode = json_lines_encode,
};
