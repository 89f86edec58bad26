/* SPDX-License-Identifier: Apache-2.0 */
/* input.c: what inputs call, and the thread each runs on. */
#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "os/os.h"
#include "pipeline/pipeline_int.h"

struct batch *input_batch_new(struct input *input, ack_fn *done, void *owner, uint64_t cookie)
{
    (void)input;
    return batch_new(done ? ack_new(done, owner, cookie) : NULL);
}

void input_decorate(struct input *input, struct event *ev)
{
    if (input->unit.plugin.common)
        plugin__common_apply(input->unit.plugin.common, ev);
}

/* A batch of large events counts as more events than it has, so that the queue's limit bounds
 * memory too. */
static size_t batch_weight(const struct batch *batch)
{
    size_t by_bytes = batch->bytes / PIPELINE_EVENT_BYTES;
    return MAX_OF(MAX_OF(batch->count, by_bytes), 1);
}

/* Tries at once, then in slices, so that a stop is seen while the queue stays full. */
static int push_waiting(struct pipeline *pipeline, struct batch *batch, size_t weight,
                        int64_t timeout_ns)
{
    enum queue_result result = queue_push(pipeline->queue, batch, weight, 0);
    int64_t left_ns =
        timeout_ns < 0 ? INT64_MAX : clock_to_real_ns(pipeline->config.clock, timeout_ns);
    while (result == QUEUE_TIMEOUT) {
        if (pipeline__flag(&pipeline->is_stopping))
            return -ERR_SHUTDOWN;
        if (left_ns <= 0)
            return -ERR_TIMEOUT;
        int64_t slice_ns = MIN_OF(left_ns, PIPELINE_PUSH_SLICE_NS);
        result = queue_push(pipeline->queue, batch, weight, slice_ns);
        left_ns -= slice_ns;
    }
    return result == QUEUE_CLOSED ? -ERR_SHUTDOWN : 0;
}

int input_push(struct input *input, struct batch *batch, int64_t timeout_ns)
{
    struct pipeline *pipeline = input->pipeline;
    int64_t start_ns = clock_monotonic_ns(pipeline->config.clock);
    size_t count = batch->count;
    if (pipeline__flag(&pipeline->is_hard))
        return -ERR_SHUTDOWN;
    metric_add(&pipeline->queue_events,
               count); /* before the push: a worker may be done with it at once */
    int rc = push_waiting(pipeline, batch, batch_weight(batch), timeout_ns);
    if (rc < 0) {
        metric_add(&pipeline->queue_events, (uint64_t)0 - count);
        return rc;
    }
    metric_add(&pipeline->events_in, count);
    metric_add(&input->unit.plugin.events_out, count);
    metric_add(&input->push_ns,
               (uint64_t)MAX_OF(clock_monotonic_ns(pipeline->config.clock) - start_ns, 0));
    return 0;
}

bool input_is_stopping(const struct input *input)
{
    return pipeline__flag(&input->pipeline->is_stopping);
}

bool input_wait(struct input *input, int64_t ns)
{
    return pipeline__wait(input->pipeline, ns, false);
}

struct plugin *input_plugin(struct input *input)
{
    return &input->unit.plugin;
}

struct codec *input_codec(struct input *input)
{
    return input->codec;
}

void *input__main(void *arg)
{
    struct input *input = arg;
    struct pipeline *pipeline = input->pipeline;
    char name[64];
    (void)snprintf(name, sizeof(name), "in." STR_FMT, STR_ARG(input->unit.plugin.name));
    os_thread_name(name);
    struct err err = {0};
    int rc = input->type->run(input->unit.self, input, &err);
    if (rc < 0 && rc != -ERR_SHUTDOWN && !input_is_stopping(input))
        pipeline__fail(pipeline, &input->unit.plugin, &err);
    if (__atomic_sub_fetch(&pipeline->inputs_left, 1, __ATOMIC_ACQ_REL) == 0)
        queue_close(pipeline->queue);
    return NULL;
}
