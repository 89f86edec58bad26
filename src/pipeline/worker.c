/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c: the threads that take batches from the queue, run the filters and hand the events to
 * the outputs' queues. The first worker also ticks the filters that want it. The last one to end
 * drains the filters. */
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"
#include "os/os.h"
#include "pipeline/pipeline_int.h"

void delivery__unref(struct delivery *delivery)
{
    if (__atomic_sub_fetch(&delivery->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    metric_add(&delivery->pipeline->events_out, delivery->event_count);
    batch_unref(delivery->batch); /* the delivery itself lies in the batch's arena */
}

/* Waits while the output's queue is full. False: the pipeline stops hard. */
static bool output_push(struct output *output, struct output_item *item)
{
    for (;;) {
        enum queue_result result =
            queue_push(output->queue, item, item->count, PIPELINE_PUSH_SLICE_NS);
        if (result == QUEUE_OK)
            return true;
        if (result == QUEUE_CLOSED || pipeline__flag(&output->pipeline->is_hard))
            return false;
    }
}

/* Takes the batch. */
static void deliver(struct pipeline *pipeline, struct batch *batch, const struct selection *out)
{
    uint32_t output_count = pipeline->unit_count[PLUGIN_OUTPUT];
    struct selection *lists = ARENA_ARRAY(batch->mem, struct selection, output_count);
    if (out->count > 0)
        program__route(pipeline, batch, out, lists);
    metric_add(&pipeline->events_filtered, out->count);
    struct delivery *delivery = ARENA_NEW(batch->mem, struct delivery);
    *delivery = (struct delivery){
        .batch = batch, .pipeline = pipeline, .event_count = out->count, .refs = 1};
    struct output_item *items = ARENA_ARRAY(batch->mem, struct output_item, output_count);
    for (struct unit *unit = pipeline->units[PLUGIN_OUTPUT]; unit; unit = unit->next) {
        const struct selection *list = &lists[unit->number];
        if (list->count == 0)
            continue;
        struct output_item *item = &items[unit->number];
        *item = (struct output_item){
            .delivery = delivery, .events = list->events, .count = list->count};
        __atomic_add_fetch(&delivery->refs, 1, __ATOMIC_ACQ_REL);
        if (!output_push(unit__output(unit), item)) {
            ack_fail(batch->ack);
            delivery__unref(delivery);
        }
    }
    delivery__unref(delivery);
}

static void batch_run(struct pipeline *pipeline, struct batch *batch)
{
    metric_add(&pipeline->queue_events, (uint64_t)0 - batch->count);
    if (pipeline__flag(&pipeline->is_hard)) {
        ack_fail(batch->ack);
        batch_unref(batch);
        return;
    }
    struct selection out;
    struct clock *clock = pipeline->config.clock;
    int64_t start_ns = clock_monotonic_ns(clock);
    program__filter(pipeline, batch, &out);
    metric_add(&pipeline->filter_ns, (uint64_t)MAX_OF(clock_monotonic_ns(clock) - start_ns, 0));
    deliver(pipeline, batch, &out);
}

static void tick_all(struct pipeline *pipeline, bool is_drain)
{
    for (size_t i = 0; i < pipeline->tick_count; i++) {
        struct selection out;
        struct batch *batch = program__tick(pipeline, pipeline->tick_filters[i], is_drain, &out);
        deliver(pipeline, batch, &out);
    }
}

static int64_t tick_interval_ns(const struct pipeline *pipeline)
{
    int64_t ns = clock_to_real_ns(pipeline->config.clock, PIPELINE_TICK_NS);
    return MAX_OF(ns, PIPELINE_TICK_REAL_NS_MIN);
}

static void worker_end(struct pipeline *pipeline)
{
    if (__atomic_sub_fetch(&pipeline->workers_left, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (!pipeline__flag(&pipeline->is_hard))
        tick_all(pipeline, true);
    for (struct unit *unit = pipeline->units[PLUGIN_OUTPUT]; unit; unit = unit->next)
        queue_close(unit__output(unit)->queue);
    if (pipeline->unit_count[PLUGIN_OUTPUT] == 0)
        pipeline__finished(pipeline);
}

void *worker__main(void *arg)
{
    struct pipeline *pipeline = arg;
    uint32_t number = __atomic_fetch_add(&pipeline->workers_named, 1, __ATOMIC_ACQ_REL);
    bool ticks = number == 0 && pipeline->tick_count > 0;
    char name[64];
    (void)snprintf(name, sizeof(name), "worker%u", number);
    os_thread_name(name);
    for (;;) {
        void *batch;
        enum queue_result result =
            queue_pop(pipeline->queue, &batch, ticks ? tick_interval_ns(pipeline) : -1);
        if (result == QUEUE_CLOSED)
            break;
        if (result == QUEUE_OK)
            batch_run(pipeline, batch);
        if (ticks)
            tick_all(pipeline, false);
    }
    worker_end(pipeline);
    return NULL;
}
