/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: codecs_test.c tests all codecs */
/* tidy: allow page: codecs.md describes all codecs */
/* plain.c: one piece of input is one event; nothing is cut. */
#include "base/arena.h"
#include "pipeline/codecs/text.h"

struct plain {
    struct str charset, format;
    struct sprintf_template *format_t;
};

static const struct opt plain_opts[] = {
    TEXT_CHARSET_OPT(struct plain),
    OPT_STR(struct plain, format, .help = "Template of what goes out, as \"%{message}\"."),
    OPT_END,
};

static int plain_init(void *self, struct plugin *plugin, struct err *err)
{
    struct plain *plain = self;
    TRY(text_charset_check(plain->charset, err));
    return plain->format.p ? sprintf_compile(plugin->mem, plain->format, &plain->format_t, err) : 0;
}

static void plain_decode(void *self, void *stream, struct str bytes, bool is_end,
                         struct batch *batch, int64_t now_ns)
{
    (void)stream;
    const struct plain *plain = self;
    if (bytes.n == 0 && is_end)
        return;
    text_event(batch, text_to_utf8(plain->charset, bytes, batch->mem), now_ns);
}

static void plain_encode(void *self, const struct event *ev, struct buf *out)
{
    const struct plain *plain = self;
    text_encode(plain->format_t, ev, out);
}

const struct codec_type codec_plain = {
    .name = "plain",
    .summary = "Takes each piece of input as one message.",
    .since = "0.1",
    .opts = plain_opts,
    .size = sizeof(struct plain),
    .init = plain_init,
    .decode = plain_decode,
    .encode = plain_encode,
};
