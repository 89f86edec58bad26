/* SPDX-License-Identifier: Apache-2.0 */
/* stdin.c: events from standard input, by default one a line. Ends at the end of the input. */
#include "base/arena.h"
#include "os/os.h"
#include "os/stdio.h"
#include "pipeline/plugin.h"

#define STDIN_PIECE_BYTES (64 * KIB)
#define STDIN_WAIT_NS     (100 * NS_PER_MS) /* how often a stop is looked for */

/* Decodes a piece and hands on what came out. */
static int piece(struct input *input, struct codec_stream *stream, struct str bytes, bool is_end)
{
    int64_t now_ns = clock_wall_ns(input_plugin(input)->env->clock);
    struct batch *batch = input_batch_new(input, NULL, NULL, 0);
    codec_decode(stream, bytes, is_end, batch, now_ns);
    for (size_t i = 0; i < batch->count; i++) {
        struct event *ev = batch->events[i];
        if (!value_map_get_lit(&ev->fields, "host"))
            value_map_set(ev->mem, &ev->fields, STR("host"), value_str(os_hostname()));
        input_decorate(input, ev);
    }
    if (batch->count == 0) {
        batch_unref(batch);
        return 0;
    }
    int rc = input_push(input, batch, -1); /* on 0 the batch is not ours any more */
    if (rc < 0)
        batch_unref(batch);
    return rc;
}

static int read_all(struct input *input, struct codec_stream *stream, char *bytes, struct err *err)
{
    while (!input_is_stopping(input)) {
        size_t n = 0;
        int rc = os_stdin_read(bytes, STDIN_PIECE_BYTES, STDIN_WAIT_NS, &n, err);
        if (rc == -ERR_TIMEOUT)
            continue;
        TRY(rc);
        if (n == 0)
            return piece(input, stream, STR_NONE, true);
        TRY(piece(input, stream, (struct str){bytes, n}, false));
    }
    return 0;
}

static int stdin_run(void *self, struct input *input, struct err *err)
{
    (void)self;
    struct codec_stream *stream = codec_stream_new(input_codec(input));
    char *bytes = mem_alloc(STDIN_PIECE_BYTES);
    int rc = read_all(input, stream, bytes, err);
    mem_free(bytes);
    codec_stream_free(stream);
    return rc;
}

const struct input_type input_stdin = {
    .name = "stdin",
    .summary = "Reads standard input.",
    .since = "0.1",
    .default_codec = "line",
    .run = stdin_run,
};
