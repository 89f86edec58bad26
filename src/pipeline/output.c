/* SPDX-License-Identifier: Apache-2.0 */
/* output.c: what outputs call, and the thread each runs on: takes what is queued, up to the
 * output's batch size, hands it over in one write, syncs the dead letters, and lets the batches go
 * (which acknowledges them). */
#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "os/os.h"
#include "pipeline/pipeline_int.h"

#define ITEMS_MAX         1024u /* batches in one write */
#define SCRATCH_BYTES_MAX (1 * GIB)
#define BACKOFF_SHIFT_MAX 20u

bool output_is_stopping(const struct output *output)
{
    return pipeline__flag(&output->pipeline->is_hard);
}

bool output_backoff(struct output *output, unsigned attempt, int64_t first_ns, int64_t max_ns)
{
    unsigned shift = MIN_OF(attempt, BACKOFF_SHIFT_MAX);
    int64_t ns = first_ns > max_ns >> shift ? max_ns : first_ns << shift;
    /* Half fixed, half random: those who failed together do not come back together. */
    ns = ns / 2 + rng_between(&output->rng, 0, MAX_OF(ns / 2, 1));
    return pipeline__wait(output->pipeline, ns, true);
}

void output_dead_letter(struct output *output, const struct event *ev, const struct err *reason)
{
    struct plugin *plugin = &output->unit.plugin;
    metric_add(&plugin->failures, 1);
    plugin_warn(plugin, "an event goes to the dead letters: %s", reason->text);
    (void)!dead_letter_add(output->dead_letter, ev, reason,
                           NULL); /* comes out in dead_letter_sync */
}

struct plugin *output_plugin(struct output *output)
{
    return &output->unit.plugin;
}

struct codec *output_codec(struct output *output)
{
    return output->codec;
}

struct gathered {
    struct output_item *items[ITEMS_MAX];
    size_t item_count, event_count;
};

/* Waits for the first item, then takes what is there. False: closed and empty. */
static bool gather(struct output *output, size_t events_max, struct gathered *g)
{
    g->item_count = g->event_count = 0;
    int64_t timeout_ns = -1;
    while (g->item_count < ITEMS_MAX && g->event_count < events_max) {
        void *item;
        enum queue_result result = queue_pop(output->queue, &item, timeout_ns);
        if (result != QUEUE_OK)
            return g->item_count > 0;
        g->items[g->item_count++] = item;
        g->event_count += g->items[g->item_count - 1]->count;
        timeout_ns = 0;
    }
    return true;
}

static int write_events(struct output *output, struct arena *scratch, struct event **events,
                        size_t count, struct err *err)
{
    if (output_is_stopping(output))
        return err_set(err, ERR_SHUTDOWN, "the pipeline stops");
    struct clock *clock = output->pipeline->config.clock;
    struct plugin *plugin = &output->unit.plugin;
    struct output_batch batch = {.events = events, .count = count, .mem = scratch};
    int64_t start_ns = clock_monotonic_ns(clock);
    metric_add(&plugin->events_in, count);
    int rc = output->type->write(output->unit.self, output, &batch, err);
    arena_reset(scratch);
    if (rc >= 0)
        rc = dead_letter_sync(output->dead_letter, err);
    if (rc >= 0)
        metric_add(&plugin->events_out, count);
    metric_add(&plugin->duration_ns, (uint64_t)MAX_OF(clock_monotonic_ns(clock) - start_ns, 0));
    return rc;
}

/* Writes all events of the gathered items, in pieces of at most events_max. */
static int write_gathered(struct output *output, struct arena *scratch, size_t events_max,
                          const struct gathered *g, struct err *err)
{
    if (g->item_count == 1 && g->event_count <= events_max)
        return write_events(output, scratch, g->items[0]->events, g->event_count, err);
    struct event **events = MEM_ARRAY(struct event *, g->event_count);
    size_t n = 0;
    for (size_t i = 0; i < g->item_count; i++) {
        memcpy(events + n, g->items[i]->events, g->items[i]->count * sizeof(*events));
        n += g->items[i]->count;
    }
    int rc = 0;
    for (size_t i = 0; i < n && rc >= 0; i += events_max)
        rc = write_events(output, scratch, events + i, MIN_OF(events_max, n - i), err);
    mem_free(events);
    return rc;
}

static void let_go(struct output *output, const struct gathered *g, int rc, const struct err *err)
{
    if (rc < 0 && rc != -ERR_SHUTDOWN && !output_is_stopping(output)) {
        struct err failure = *err;
        pipeline__fail(output->pipeline, &output->unit.plugin, &failure);
    }
    for (size_t i = 0; i < g->item_count; i++) {
        if (rc < 0)
            ack_fail(g->items[i]->delivery->batch->ack);
        delivery__unref(g->items[i]->delivery);
    }
}

void *output__main(void *arg)
{
    struct output *output = arg;
    char name[64];
    (void)snprintf(name, sizeof(name), "out." STR_FMT, STR_ARG(output->unit.plugin.name));
    os_thread_name(name);
    size_t events_max =
        output->type->batch_count_max ? output->type->batch_count_max : PIPELINE_OUTPUT_EVENTS;
    struct arena *scratch = arena_new(SCRATCH_BYTES_MAX);
    struct gathered *g = MEM_NEW(struct gathered);
    while (gather(output, events_max, g)) {
        struct err err = {0};
        int rc = write_gathered(output, scratch, events_max, g, &err);
        let_go(output, g, rc, &err);
    }
    mem_free(g);
    arena_free(scratch);
    if (__atomic_sub_fetch(&output->pipeline->outputs_left, 1, __ATOMIC_ACQ_REL) == 0)
        pipeline__finished(output->pipeline);
    return NULL;
}
