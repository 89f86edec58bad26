/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: stdin_test.c tests both */
/* generator.c: makes events by itself, for trying filters and measuring. */
#include "base/arena.h"
#include "base/buf.h"
#include "os/os.h"
#include "pipeline/plugin.h"

struct generator {
    struct str message;
    struct value lines;
    int64_t count, threads;
};

static const struct opt generator_opts[] = {
    OPT_STR(struct generator, message, .dflt = "Hello world!", .help = "Text of each event."),
    OPT_LIST(struct generator, lines, .help = "Texts to send in turn, instead of `message`."),
    OPT_INT(struct generator, count, .dflt = "0", .min = 0, .max = INT64_MAX,
            .help = "How often; with `lines`, how often all of them. 0: for ever."),
    OPT_INT(struct generator, threads, .dflt = "1", .min = 1, .max = 1,
            .help = "Only one thread makes events."),
    OPT_END,
};

static void event_finish(struct input *input, struct event *ev, int64_t sequence)
{
    struct str host = os_hostname();
    if (!value_map_get_lit(&ev->fields, "host"))
        value_map_set(ev->mem, &ev->fields, STR("host"), value_str(host));
    value_map_set(ev->mem, &ev->fields, STR("sequence"), value_int(sequence));
    input_decorate(input, ev);
}

static void message_add(struct input *input, struct codec_stream *stream, struct str text,
                        int64_t sequence, struct batch *batch)
{
    size_t before = batch->count;
    codec_decode(stream, text, true, batch, clock_wall_ns(input_plugin(input)->env->clock));
    for (size_t i = before; i < batch->count; i++)
        event_finish(input, batch->events[i], sequence);
}

static int batch_push(struct input *input, struct batch *batch)
{
    if (batch->count == 0) {
        batch_unref(batch);
        return 0;
    }
    int rc = input_push(input, batch, -1);
    if (rc < 0)
        batch_unref(batch);
    return rc;
}

static int generate(struct generator *generator, struct input *input, struct codec_stream *stream)
{
    struct value one = value_str(generator->message);
    bool has_lines = generator->lines.kind == VALUE_LIST && generator->lines.list->count > 0;
    const struct value *texts = has_lines ? generator->lines.list->items : &one;
    size_t text_count = has_lines ? generator->lines.list->count : 1;
    struct batch *batch = input_batch_new(input, NULL, NULL, 0);
    int rc = 0;
    for (int64_t n = 0; (generator->count == 0 || n < generator->count) && rc == 0; n++) {
        for (size_t i = 0; i < text_count && rc == 0; i++) {
            message_add(input, stream, value_to_str(batch->mem, &texts[i]), n, batch);
            if (batch->count < input_plugin(input)->env->batch_events_max)
                continue;
            rc = batch_push(input, batch);
            batch = input_batch_new(input, NULL, NULL, 0);
            if (input_is_stopping(input))
                rc = -ERR_SHUTDOWN;
        }
    }
    if (rc == 0)
        return batch_push(input, batch);
    batch_unref(batch);
    return rc;
}

static int generator_run(void *self, struct input *input, struct err *err)
{
    struct codec_stream *stream = codec_stream_new(input_codec(input));
    int rc = generate(self, input, stream);
    codec_stream_free(stream);
    return rc < 0 ? err_set(err, ERR_SHUTDOWN, "the pipeline stops") : 0;
}

const struct input_type input_generator = {
    .name = "generator",
    .summary = "Makes events by itself, for trying filters and measuring.",
    .since = "0.1",
    .opts = generator_opts,
    .size = sizeof(struct generator),
    .default_codec = "plain",
    .run = generator_run,
};
