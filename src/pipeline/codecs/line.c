/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: codecs_test.c tests all codecs */
/* tidy: allow page: codecs.md describes all codecs */
/* line.c: each line is an event; a half line waits for its rest. */
#include "base/arena.h"
#include "pipeline/codecs/text.h"

struct line {
    struct str charset, format, delimiter;
    struct sprintf_template *format_t;
};

static const struct opt line_opts[] = {
    TEXT_CHARSET_OPT(struct line),
    OPT_STR(struct line, format, .help = "Template of what goes out, as \"%{message}\"."),
    OPT_STR(struct line, delimiter, .dflt = "\n", .help = "What ends a line."),
    OPT_END,
};

static int line_init(void *self, struct plugin *plugin, struct err *err)
{
    struct line *line = self;
    TRY(text_charset_check(line->charset, err));
    if (line->delimiter.n == 0)
        return err_set(err, ERR_CONFIG, "\"delimiter\" cannot be empty");
    return line->format.p ? sprintf_compile(plugin->mem, line->format, &line->format_t, err) : 0;
}

static void line_event(void *owner, struct str text, bool is_cut, struct batch *batch,
                       int64_t now_ns)
{
    const struct line *line = owner;
    struct event *ev = text_event(batch, text_to_utf8(line->charset, text, batch->mem), now_ns);
    if (is_cut)
        event_tag(ev, STR("_line_too_long"));
}

static void line_decode(void *self, void *stream, struct str bytes, bool is_end,
                        struct batch *batch, int64_t now_ns)
{
    struct line *line = self;
    text_lines_decode(stream, line->delimiter, bytes, is_end, line_event, line, batch, now_ns);
}

static void line_stream_deinit(void *self, void *stream)
{
    (void)self;
    text_lines_deinit(stream);
}

static void line_encode(void *self, const struct event *ev, struct buf *out)
{
    const struct line *line = self;
    text_encode(line->format_t, ev, out);
    buf_add_str(out, line->delimiter);
}

const struct codec_type codec_line = {
    .name = "line",
    .summary = "Takes each line as one message.",
    .since = "0.1",
    .opts = line_opts,
    .size = sizeof(struct line),
    .stream_size = sizeof(struct text_lines),
    .init = line_init,
    .decode = line_decode,
    .stream_deinit = line_stream_deinit,
    .encode = line_encode,
};
