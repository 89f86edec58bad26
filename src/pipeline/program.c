/* SPDX-License-Identifier: Apache-2.0 */
/* program.c: a batch's way through the filters, and which outputs get which events. The tree of
 * plugins and branches is walked once per batch, not per event: a branch splits the events into
 * those of each arm, a filter gets all events that reach it in one call. The arrays lie in the
 * batch's arena.
 *
 * Order: events keep their order; new events (split, clone) come behind the others of their branch.
 */
#include "base/arena.h"
#include "base/hash.h"
#include "expr/condition.h"
#include "pipeline/pipeline_int.h"

struct pass {
    struct pipeline *pipeline;
    struct batch *batch;
    int64_t now_ns;
    struct unit *tick; /* the filter whose tick or drain this pass is for; NULL: none */
    bool is_drain;
};

static size_t drop_cancelled(struct event **events, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!events[i]->is_cancelled)
            events[kept++] = events[i];
    }
    return kept;
}

/* Appends events that are not cancelled. */
static void append(struct pass *pass, struct selection *sel, struct event **events, size_t count)
{
    if (count == 0)
        return;
    struct event **all = ARENA_ARRAY(pass->batch->mem, struct event *, sel->count + count);
    if (sel->count)
        memcpy(all, sel->events, sel->count * sizeof(*all));
    size_t n = sel->count;
    for (size_t i = 0; i < count; i++) {
        if (!events[i]->is_cancelled)
            all[n++] = events[i];
    }
    *sel = (struct selection){all, n};
}

/* A metric that all workers share is touched once per filter and batch. */
static void filter_call(struct pass *pass, struct unit *unit, struct selection *sel)
{
    const struct filter_type *type = unit__filter(unit)->type;
    struct filter_run run = {.plugin = &unit->plugin, .batch = pass->batch, .now_ns = pass->now_ns};
    struct clock *clock = pass->pipeline->config.clock;
    int64_t start_ns = clock_monotonic_ns(clock);
    size_t count_in = sel->count;
    if (count_in > 0) {
        type->process(unit->self, &run, sel->events, sel->count);
        sel->count = drop_cancelled(sel->events, sel->count);
    }
    if (pass->tick == unit) {
        if (pass->is_drain && type->drain)
            type->drain(unit->self, &run);
        else if (!pass->is_drain && type->tick)
            type->tick(unit->self, &run);
    }
    append(pass, sel, run.emitted, run.emitted_count);
    metric_add(&unit->plugin.events_in, count_in);
    metric_add(&unit->plugin.events_out, sel->count);
    metric_add(&unit->plugin.duration_ns,
               (uint64_t)MAX_OF(clock_monotonic_ns(clock) - start_ns, 0));
}

/* Moves the events of `rest` for which the condition holds to `taken`. */
static void split(struct pass *pass, const struct condition *condition, struct selection *rest,
                  struct selection *taken)
{
    *taken = *rest;
    if (!condition) {
        rest->count = 0;
        return;
    }
    struct event **yes = ARENA_ARRAY(pass->batch->mem, struct event *, rest->count);
    struct event **no = ARENA_ARRAY(pass->batch->mem, struct event *, rest->count);
    size_t yes_count = 0, no_count = 0;
    for (size_t i = 0; i < rest->count; i++) {
        if (condition_eval(condition, rest->events[i]))
            yes[yes_count++] = rest->events[i];
        else
            no[no_count++] = rest->events[i];
    }
    *taken = (struct selection){yes, yes_count};
    *rest = (struct selection){no, no_count};
}

static void run_filters(struct pass *pass, const struct config_node *nodes, struct selection *sel);

/* Events of the batch that were not there when the arm began, stand behind the others in the arm's
 * selection; how many of the others are left is counted, since the cancelled ones fell out. */
static void run_arms(struct pass *pass, const struct config_arm *arms, struct selection *sel)
{
    struct selection rest = *sel, grown = {NULL, 0};
    for (const struct config_arm *arm = arms; arm; arm = arm->next) {
        struct selection taken;
        if (rest.count > 0)
            split(pass, arm->condition, &rest, &taken);
        else
            taken = (struct selection){NULL, 0};
        if (taken.count == 0 && !pass->tick)
            continue;
        struct event **copy = ARENA_ARRAY(pass->batch->mem, struct event *, taken.count);
        if (taken.count)
            memcpy(copy, taken.events, taken.count * sizeof(*copy));
        size_t count_before = taken.count;
        struct selection run = {copy, taken.count};
        run_filters(pass, arm->nodes, &run);
        size_t left = 0;
        for (size_t i = 0; i < count_before; i++)
            left += !taken.events[i]->is_cancelled;
        append(pass, &grown, run.events + left, run.count - left);
    }
    sel->count = drop_cancelled(sel->events, sel->count);
    append(pass, sel, grown.events, grown.count);
}

static void run_filters(struct pass *pass, const struct config_node *nodes, struct selection *sel)
{
    for (const struct config_node *node = nodes; node; node = node->next) {
        if (sel->count == 0 && !pass->tick)
            return;
        if (node->plugin) {
            if (sel->count > 0 || pass->tick == node->plugin->unit)
                filter_call(pass, node->plugin->unit, sel);
        } else {
            run_arms(pass, node->arms, sel);
        }
    }
}

void program__filter(struct pipeline *pipeline, struct batch *batch, struct selection *ret_out)
{
    struct pass pass = {
        .pipeline = pipeline, .batch = batch, .now_ns = clock_wall_ns(pipeline->config.clock)};
    struct selection sel = {ARENA_ARRAY(batch->mem, struct event *, batch->count), 0};
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->events[i]->is_cancelled)
            sel.events[sel.count++] = batch->events[i];
    }
    run_filters(&pass, pipeline->tree.first[CONFIG_FILTER], &sel);
    *ret_out = sel;
}

struct batch *program__tick(struct pipeline *pipeline, struct unit *unit, bool is_drain,
                            struct selection *ret_out)
{
    struct batch *batch = batch_new(NULL);
    struct pass pass = {.pipeline = pipeline,
                        .batch = batch,
                        .tick = unit,
                        .is_drain = is_drain,
                        .now_ns = clock_wall_ns(pipeline->config.clock)};
    struct selection sel = {NULL, 0};
    run_filters(&pass, pipeline->tree.first[CONFIG_FILTER], &sel);
    *ret_out = sel;
    return batch;
}

static void route(struct pass *pass, const struct config_node *nodes, const struct selection *sel,
                  struct selection *lists)
{
    for (const struct config_node *node = nodes; node; node = node->next) {
        if (node->plugin) {
            lists[node->plugin->unit->number] = *sel;
            continue;
        }
        struct selection rest = *sel;
        for (const struct config_arm *arm = node->arms; arm && rest.count > 0; arm = arm->next) {
            struct selection taken;
            split(pass, arm->condition, &rest, &taken);
            if (taken.count > 0)
                route(pass, arm->nodes, &taken, lists);
        }
    }
}

void program__route(struct pipeline *pipeline, struct batch *batch, const struct selection *in,
                    struct selection *lists)
{
    struct pass pass = {.pipeline = pipeline, .batch = batch};
    route(&pass, pipeline->tree.first[CONFIG_OUTPUT], in, lists);
}

/* ---- for tests and explanations ---- */

void pipeline_filter(struct pipeline *pipeline, struct batch *batch, struct event ***ret_events,
                     size_t *ret_count)
{
    ASSERT(!pipeline->is_started);
    struct selection out;
    program__filter(pipeline, batch, &out);
    *ret_events = out.events;
    *ret_count = out.count;
}

struct batch *pipeline_filter_drain(struct pipeline *pipeline, struct event ***ret_events,
                                    size_t *ret_count)
{
    ASSERT(!pipeline->is_started);
    struct batch *all = batch_new(NULL);
    struct pass pass = {.pipeline = pipeline,
                        .batch = all,
                        .is_drain = true,
                        .now_ns = clock_wall_ns(pipeline->config.clock)};
    struct selection sel = {NULL, 0};
    for (size_t i = 0; i < pipeline->tick_count; i++) {
        struct selection one = {NULL, 0};
        pass.tick = pipeline->tick_filters[i];
        run_filters(&pass, pipeline->tree.first[CONFIG_FILTER], &one);
        append(&pass, &sel, one.events, one.count);
    }
    *ret_events = sel.events;
    *ret_count = sel.count;
    return all;
}

/* ---- what filters call ---- */

void filter_matched(struct filter_run *run, struct event *ev)
{
    if (run->plugin->common)
        plugin__common_apply(run->plugin->common, ev);
}

/* Several events made from one have its origin; an output that makes ids from the origin would see
 * only one of them. So the n-th event emitted for an origin gets a source of its own, the same one
 * in every run. */
static void origin_vary(struct filter_run *run, struct event *ev)
{
    if (ev->origin.source == 0)
        return;
    if (ev->origin.source == run->emit_origin.source &&
        ev->origin.position == run->emit_origin.position) {
        run->emit_number++;
    } else {
        run->emit_origin = ev->origin;
        run->emit_number = 1;
    }
    ev->origin.source =
        hash_u64(ev->origin.source + UINT64_C(0x9E3779B97F4A7C15) * run->emit_number);
}

void filter_emit(struct filter_run *run, struct event *ev)
{
    if (run->emitted_count == run->emitted_capacity) {
        size_t capacity = run->emitted_capacity ? run->emitted_capacity * 2 : 16;
        run->emitted = arena_realloc(run->batch->mem, run->emitted, run->emitted_count * sizeof(ev),
                                     capacity * sizeof(ev));
        run->emitted_capacity = capacity;
    }
    origin_vary(run, ev);
    run->emitted[run->emitted_count++] = ev;
}

void filter_failed(struct filter_run *run, struct event *ev, struct str tag)
{
    metric_add(&run->plugin->failures, 1);
    if (tag.n)
        event_tag(ev, tag);
}
