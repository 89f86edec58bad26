/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: codecs_test.c tests all codecs */
/* tidy: allow page: codecs.md describes all codecs */
/* dots.c: a dot for each event, to see how fast they come. */
#include "base/buf.h"
#include "pipeline/plugin.h"

static void dots_encode(void *self, const struct event *ev, struct buf *out)
{
    (void)self;
    (void)ev;
    buf_add_char(out, '.');
}

const struct codec_type codec_dots = {
    .name = "dots",
    .summary = "Prints a dot for each event.",
    .since = "0.1",
    .encode = dots_encode,
};
