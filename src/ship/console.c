/* SPDX-License-Identifier: Apache-2.0 */
/* console.c: output.console: each event as a line of JSON on standard output, for looking at what
 * would be sent. An event counts as acknowledged when it was written. */
#include "ship/ship_int.h"

#include <stdio.h>

#include "base/bits.h"
#include "base/opt.h"
#include "codec/json.h"

struct console {
    bool enabled, pretty;
    int64_t bulk_max_size;
    struct value codec;
    pthread_t thread;
    bool is_started;
    struct buf out;
    struct arena *mem;
};
static const struct opt console_opts[] = {
    OPT_BOOL(struct console, enabled, .dflt = "true", .help = "On or off."),
    OPT_BOOL(struct console, pretty, .dflt = "false", .help = "Over several lines."),
    OPT_INT(struct console, bulk_max_size, .dflt = "2048", .min = 1, .max = SHIP__BATCH_EVENTS_MAX,
            .help = "Events at once."),
    OPT_VALUE(struct console, codec, .help = "json: pretty."), OPT_END};

struct codec {
    struct value json, format;
};
static const struct opt codec_opts[] = {
    OPT_VALUE(struct codec, json, .help = "pretty, escape_html."),
    OPT_VALUE(struct codec, format, .help = "A template."), OPT_END};
struct json_codec {
    bool pretty, escape_html;
};
static const struct opt json_opts[] = {
    OPT_BOOL(struct json_codec, pretty, .dflt = "false", .help = "Over several lines."),
    OPT_BOOL(struct json_codec, escape_html, .dflt = "false", .flags = OPT_OBSOLETE,
             .help = "Not done."),
    OPT_END};

static int load_codec(struct ship *ship, struct console *console, struct err *err)
{
    struct codec codec = {0};
    struct json_codec json = {0};
    if (console->codec.kind != VALUE_MAP)
        return 0;
    TRY(ship__fill(ship, codec_opts, &codec, &console->codec, NULL, err));
    if (codec.format.kind != VALUE_NONE)
        return ship__fail(ship, &codec.format, err, ERR_UNSUPPORTED,
                          "codec.format is not supported: codec.json is");
    if (codec.json.kind == VALUE_MAP)
        TRY(ship__fill(ship, json_opts, &json, &codec.json, NULL, err));
    console->pretty |= json.pretty;
    return 0;
}

static int console_load(struct ship *ship, const struct value *conf, struct err *err)
{
    struct console *console = ARENA_NEW(ship->mem, struct console);
    TRY(ship__fill(ship, console_opts, console, conf, NULL, err));
    TRY(load_codec(ship, console, err));
    ship->bulk_events_max = (size_t)console->bulk_max_size;
    ship->batches_min = 1;
    ship->output_state = console;
    buf_init(&console->out, 0);
    console->mem = arena_new(0);
    return 0;
}

static void add_event(struct console *console, struct str json)
{
    struct value v;
    arena_reset(console->mem);
    if (console->pretty && value_from_json(json, console->mem, &v, NULL) == 0) {
        struct json_writer w;
        json_writer_init(&w, &console->out, true);
        value_write_json(&v, &w);
    } else {
        buf_add_str(&console->out, json);
    }
    buf_add_char(&console->out, '\n');
}

static void write_batch(struct console *console, const struct ship__batch *batch)
{
    const char *p = batch->frames.p;
    buf_clear(&console->out);
    for (uint32_t i = 0; i < batch->count; i++) {
        size_t n = get_u32_be(p + 6);
        add_event(console, (struct str){p + 10, n});
        p += 10 + n;
    }
    (void)fwrite(console->out.p, 1, console->out.n, stdout);
    (void)fflush(stdout);
}

static void *console_run(void *arg)
{
    struct ship *ship = arg;
    struct ship__batch *batch;
    while ((batch = ship__outbox_take(&ship->outbox, -1)) != NULL) {
        write_batch(ship->output_state, batch);
        metric_add(&ship->stats.batches, 1);
        ship__acked(ship, batch);
    }
    return NULL;
}

static int console_start(struct ship *ship, struct err *err)
{
    struct console *console = ship->output_state;
    if (pthread_create(&console->thread, NULL, console_run, ship) != 0)
        return err_set(err, ERR_INTERNAL, "cannot start the console's thread");
    console->is_started = true;
    return 0;
}

static void console_stop(struct ship *ship)
{
    struct console *console = ship->output_state;
    if (console->is_started)
        (void)pthread_join(console->thread, NULL);
    console->is_started = false;
}

static void console_deinit(struct ship *ship)
{
    struct console *console = ship->output_state;
    if (!console)
        return;
    buf_deinit(&console->out);
    arena_free(console->mem);
}

const struct ship__output ship__output_console = {.name = "console",
                                                  .load = console_load,
                                                  .start = console_start,
                                                  .stop = console_stop,
                                                  .deinit = console_deinit};
