/* SPDX-License-Identifier: Apache-2.0 */
/* stdout.c: events to standard output, through a codec. */
#include "base/buf.h"
#include "os/stdio.h"
#include "pipeline/plugin.h"

#define STDOUT_PIECE_BYTES (256 * KIB) /* written at least this often */

static int stdout_write(void *self, struct output *output, const struct output_batch *batch,
                        struct err *err)
{
    (void)self;
    struct buf text;
    buf_init(&text, 0);
    int rc = 0;
    for (size_t i = 0; i < batch->count && rc == 0; i++) {
        codec_encode(output_codec(output), batch->events[i], &text);
        if (text.n < STDOUT_PIECE_BYTES && i + 1 < batch->count)
            continue;
        rc = os_stdout_write(buf_str(&text), err);
        buf_clear(&text);
    }
    buf_deinit(&text);
    return rc;
}

const struct output_type output_stdout = {
    .name = "stdout",
    .summary = "Prints events.",
    .since = "0.1",
    .default_codec = "rubydebug",
    .write = stdout_write,
};
