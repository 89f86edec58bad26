/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: codecs_test.c tests all codecs */
/* tidy: allow page: codecs.md describes all codecs */
/* multiline.c: joins lines into events by a pattern: a stack trace, a statement over several lines.
 * A line that matches (or does not, with negate) belongs to the lines before it (what => previous)
 * or to those behind (what => next). What is held back goes out with the next event that begins, at
 * the stream's end, or when max_lines or max_bytes is reached.
 *
 * DEVIATES: there is no timer of its own: auto_flush_interval is refused. */
#include "base/arena.h"
#include "base/str.h"
#include "pipeline/codecs/text.h"
#include "text/regex.h"

enum what { WHAT_PREVIOUS, WHAT_NEXT };

struct multiline {
    struct str pattern, charset, multiline_tag;
    int what;
    bool negate;
    int64_t max_lines, auto_flush_interval;
    uint64_t max_bytes;
    struct value patterns_dir;
    struct regex *re;
};

struct multiline_stream {
    struct text_lines lines;
    struct buf held;
    bool is_inited, is_cut;
    int64_t line_count;
};

static const char *const whats[] = {"previous", "next", NULL};
static const struct opt multiline_opts[] = {
    OPT_STR(struct multiline, pattern, .flags = OPT_REQUIRED,
            .help = "Pattern that decides about a line."),
    OPT_ENUM(struct multiline, what, .choices = whats, .flags = OPT_REQUIRED,
             .help = "previous or next"),
    OPT_BOOL(struct multiline, negate, .dflt = "false",
             .help = "Lines that do not match are meant."),
    OPT_STR(struct multiline, multiline_tag, .dflt = "multiline",
            .help = "Tag of events of several lines."),
    OPT_INT(struct multiline, max_lines, .dflt = "500", .min = 1, .max = 1000000,
            .help = "Most lines of an event."),
    OPT_SIZE(struct multiline, max_bytes, .dflt = "10MiB", .min = 1, .max = 256 * 1048576,
             .help = "Most bytes of an event."),
    OPT_INT(struct multiline, auto_flush_interval, .help = "Not there yet."),
    OPT_LIST(struct multiline, patterns_dir,
             .help = "Not there yet: the pattern is a regular expression."),
    TEXT_CHARSET_OPT(struct multiline),
    OPT_END,
};

static int multiline_init(void *self, struct plugin *plugin, struct err *err)
{
    struct multiline *multiline = self;
    if (value_map_get_lit(&plugin->settings, "auto_flush_interval"))
        return err_set(
            err, ERR_UNSUPPORTED,
            "\"auto_flush_interval\" is not there yet: the last event waits for the next line");
    if (value_map_get_lit(&plugin->settings, "patterns_dir") ||
        str_find(multiline->pattern, STR("%{")) >= 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "named patterns are not there yet in multiline: write the expression out");
    TRY(text_charset_check(multiline->charset, err));
    return regex_compile(multiline->pattern, REGEX_RUBY, &multiline->re, err);
}

static void multiline_deinit(void *self)
{
    struct multiline *multiline = self;
    regex_free(multiline->re);
}

static void flush(const struct multiline *multiline, struct multiline_stream *stream,
                  struct batch *batch, int64_t now_ns, const char *reason)
{
    if (stream->line_count == 0)
        return;
    struct event *ev = text_event(batch, buf_str(&stream->held), now_ns);
    if (stream->line_count > 1 && multiline->multiline_tag.n)
        event_tag(ev, multiline->multiline_tag);
    if (reason)
        event_tag(ev, str_from(reason));
    if (stream->is_cut)
        event_tag(ev, STR("_line_too_long"));
    buf_clear(&stream->held);
    stream->line_count = 0;
    stream->is_cut = false;
}

struct turn {
    const struct multiline *multiline;
    struct multiline_stream *stream;
};

static void hold(const struct turn *turn, struct str text, bool is_cut, struct batch *batch,
                 int64_t now_ns)
{
    struct multiline_stream *stream = turn->stream;
    if (stream->line_count > 0)
        buf_add_char(&stream->held, '\n');
    buf_add_str(&stream->held, text);
    stream->line_count++;
    stream->is_cut = stream->is_cut || is_cut;
    if (stream->line_count >= turn->multiline->max_lines)
        flush(turn->multiline, stream, batch, now_ns, "multiline_codec_max_lines_reached");
    else if (stream->held.n >= turn->multiline->max_bytes)
        flush(turn->multiline, stream, batch, now_ns, "multiline_codec_max_bytes_reached");
}

static void on_line(void *owner, struct str line, bool is_cut, struct batch *batch, int64_t now_ns)
{
    const struct turn *turn = owner;
    const struct multiline *multiline = turn->multiline;
    struct str text = text_to_utf8(multiline->charset, line, batch->mem);
    bool belongs = (regex_find(multiline->re, text, 0, NULL) > 0) != multiline->negate;
    if (multiline->what == WHAT_PREVIOUS && !belongs)
        flush(multiline, turn->stream, batch, now_ns, NULL);
    hold(turn, text, is_cut, batch, now_ns);
    if (multiline->what == WHAT_NEXT && !belongs)
        flush(multiline, turn->stream, batch, now_ns, NULL);
}

static void multiline_decode(void *self, void *state, struct str bytes, bool is_end,
                             struct batch *batch, int64_t now_ns)
{
    struct multiline_stream *stream = state;
    if (!stream->is_inited) {
        buf_init(&stream->held, 512 * MIB);
        stream->is_inited = true;
    }
    struct turn turn = {self, stream};
    text_lines_decode(&stream->lines, STR("\n"), bytes, is_end, on_line, &turn, batch, now_ns);
    if (is_end)
        flush(self, stream, batch, now_ns, NULL);
}

static void multiline_stream_deinit(void *self, void *state)
{
    (void)self;
    struct multiline_stream *stream = state;
    text_lines_deinit(&stream->lines);
    if (stream->is_inited)
        buf_deinit(&stream->held);
}

const struct codec_type codec_multiline = {
    .name = "multiline",
    .summary = "Joins lines into events by a pattern.",
    .since = "0.1",
    .opts = multiline_opts,
    .size = sizeof(struct multiline),
    .stream_size = sizeof(struct multiline_stream),
    .init = multiline_init,
    .decode = multiline_decode,
    .stream_deinit = multiline_stream_deinit,
    .deinit = multiline_deinit,
};
