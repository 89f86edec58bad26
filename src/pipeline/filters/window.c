/* SPDX-License-Identifier: Apache-2.0 */
/* window.c: event-time windows in a pipeline: events go in, one event per group and window comes
 * out when the window closes. The state machine is stream/windows.h, the file stream/checkpoint.h;
 * this file joins them to events and acknowledgements.
 *
 * Exactly once:
 *   - an event that names its origin (source, position) is counted once, since the known positions
 * are saved in the same frame as the windows that count them;
 *   - a batch's acknowledgement is held until a save that includes it: what was not saved is
 * delivered again;
 *   - a window counts as delivered when the batch it went out with is acknowledged by the outputs;
 * until then it is handed out again after a restart. A destination that replaces rows (upsert)
 * therefore always ends with the right table. */
#include <pthread.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "codec/json.h"
#include "event/iso8601.h"
#include "pipeline/plugin.h"
#include "pipeline/registry.h"
#include "stream/checkpoint.h"
#include "stream/windows.h"
#include "text/date_format.h"

#define SAVE_NS     (1 * NS_PER_S) /* the most an acknowledgement is held for company */
#define HELD_MAX    128u           /* acknowledgements held; then a save comes at once */
#define ROWS_MAX    1000u          /* windows handed out in one tick */
#define FLIGHTS_MAX 8u             /* batches of windows on their way */
#define FUTURE_NS_MAX                                                                              \
    (48 * 3600 * NS_PER_S) /* an event further ahead of the clock would close every window */
#define BY_MAX          16u
#define STATE_BYTES_MAX CHECKPOINT_BYTES_MAX

struct window_agg {
    struct str name;  /* of the field in the row */
    bool is_constant; /* count(): counts events */
    bool is_time;     /* of the time field: takes the time that was read, not its text */
    struct field_path input;
};

/* A batch of rows on its way. */
struct flight {
    uint64_t cookie;
    struct flight_row {
        uint64_t id, version;
    } * rows;
    size_t count;
};

struct window_filter {
    struct str time, order, timezone, time_format, start_field, end_field;
    struct value by, aggregate;
    int64_t every, size, offset, lateness, retain, idle;
    bool passthrough;

    struct plugin *plugin;
    struct field_path time_path, order_path, start_path, end_path;
    struct field_path *by_paths;
    size_t by_count;
    struct window_agg *aggs;
    struct agg_spec *specs;
    size_t agg_count;
    const struct time_zone *zone;      /* of time texts without one, in and out */
    const struct date_pattern *format; /* NULL: rows hold times, not texts */

    struct windows *windows;
    struct checkpoint *checkpoint;
    uint64_t saved_changes;
    int64_t next_save_ns, last_event_ns;
    struct ack *held[HELD_MAX];
    size_t held_count;
    struct buf scratch;

    struct flight flights[FLIGHTS_MAX];
    size_t flight_count;
    uint64_t cookie_next;
    pthread_mutex_t mu; /* guards the three below */
    bool has_mu;
    struct {
        uint64_t cookie;
        bool is_ok;
    } arrived[FLIGHTS_MAX];
    size_t arrived_count;
};

#define DAY_NS (24 * 3600 * NS_PER_S)
static const struct opt window_opts[] = {
    OPT_FIELD(struct window_filter, time, .dflt = "@timestamp",
              .help = "Field with the event's time: a time, ISO 8601, or milliseconds."),
    OPT_DURATION(struct window_filter, every, .flags = OPT_REQUIRED, .min = NS_PER_MS,
                 .max = 366 * DAY_NS,
                 .help = "A window begins at each multiple of this, as \"10m\"."),
    OPT_DURATION(struct window_filter, size, .dflt = "0", .min = 0, .max = 366 * DAY_NS,
                 .help = "Length, when windows overlap; else every."),
    OPT_DURATION(struct window_filter, offset, .dflt = "0", .min = 0, .max = 366 * DAY_NS,
                 .help = "Shifts the beginnings."),
    OPT_STR(struct window_filter, timezone,
            .help = "Zone of times without one, and of windows of a day or more."),
    OPT_STR(
        struct window_filter, time_format,
        .help =
            "Joda pattern, as \"yyyy-MM-dd HH:mm:ss\": times of the row become texts in timezone."),
    OPT_LIST(struct window_filter, by,
             .help = "Fields that tell groups apart; one window for each."),
    OPT_DURATION(struct window_filter, lateness, .dflt = "30s", .min = 0, .max = 366 * DAY_NS,
                 .help =
                     "How much later than the newest event one may come before its window closes."),
    OPT_DURATION(struct window_filter, retain, .dflt = "24h", .min = 0, .max = 3660 * DAY_NS,
                 .help = "How long closed windows are kept; a late event changes its window and "
                         "the row goes out again."),
    OPT_DURATION(struct window_filter, idle, .dflt = "60s", .min = 0, .max = 366 * DAY_NS,
                 .help = "After so long without events open windows go out as they are; 0: never."),
    OPT_STR(struct window_filter, order,
            .help = "Number field that orders events of the same time, for first and last."),
    OPT_MAP(struct window_filter, aggregate, .flags = OPT_REQUIRED,
            .help = "Field of the row => function(field), as \"open\" => \"first(price)\"."),
    OPT_FIELD(struct window_filter, start_field, .dflt = "window_start",
              .help = "Field for the window's beginning."),
    OPT_FIELD(struct window_filter, end_field, .dflt = "window_end",
              .help = "Field for the window's end (not in it)."),
    OPT_BOOL(struct window_filter, passthrough, .dflt = "false",
             .help = "Events go on too, not only rows."),
    OPT_END,
};

/* ---- settings ---- */

static int setting_err(struct window_filter *wf, const char *name, struct err *err)
{
    const struct value *v = value_map_get(&wf->plugin->settings, str_from(name));
    (void)err_wrap(err, "%s", name);
    return v ? plugin_err_at(wf->plugin, v->pos, err) : -(int)err->code;
}

/* "last(STCK_PRPR)", "count()" */
static int agg_parse(struct window_filter *wf, struct str name, const struct value *v,
                     struct err *err)
{
    struct arena *mem = wf->plugin->mem;
    struct window_agg *agg = &wf->aggs[wf->agg_count];
    struct str text = v->kind == VALUE_STR ? str_trim(v->s) : STR("");
    ptrdiff_t open = str_find_char(text, '(');
    if (open <= 0 || text.p[text.n - 1] != ')')
        return err_set(err, ERR_CONFIG,
                       "\"" STR_FMT "\" wants function(field), as \"sum(volume)\", or \"count()\"",
                       STR_ARG(name));
    struct str type = str_trim(str_sub(text, 0, (size_t)open));
    struct str field = str_trim(str_sub(text, (size_t)open + 1, text.n - (size_t)open - 2));
    bool is_count = str_is(type, "count");
    agg->name = name;
    agg->is_constant = is_count && field.n == 0;
    if (!agg->is_constant) {
        if (field.n == 0)
            return err_set(err, ERR_CONFIG, "\"" STR_FMT "\": " STR_FMT "() needs a field",
                           STR_ARG(name), STR_ARG(type));
        TRY(field_path_parse(mem, field, &agg->input, err));
        agg->is_time = str_eq(agg->input.text, wf->time_path.text);
    }
    if (is_count && field.n)
        type = STR("value_count"); /* count(field): events that have it */
    if (agg_spec_init(&wf->specs[wf->agg_count], type, NULL, mem, err) < 0)
        return err_wrap(err, "\"" STR_FMT "\"", STR_ARG(name));
    wf->agg_count++;
    return 0;
}

static int aggregate_parse(struct window_filter *wf, struct err *err)
{
    const struct value_map *map = wf->aggregate.map;
    if (map->count == 0 || map->count > WINDOWS_AGGS_MAX) {
        (void)err_set(err, ERR_CONFIG, "1 to %u functions are wanted", WINDOWS_AGGS_MAX);
        return setting_err(wf, "aggregate", err);
    }
    wf->aggs = ARENA_ARRAY(wf->plugin->mem, struct window_agg, map->count);
    wf->specs = ARENA_ARRAY(wf->plugin->mem, struct agg_spec, map->count);
    for (size_t i = 0; i < map->count; i++)
        if (agg_parse(wf, map->keys[i], &map->values[i], err) < 0) {
            (void)err_wrap(err, "aggregate");
            return plugin_err_at(wf->plugin, map->values[i].pos, err);
        }
    return 0;
}

static int paths_parse(struct window_filter *wf, struct err *err)
{
    struct arena *mem = wf->plugin->mem;
    TRY(field_path_parse(mem, wf->time, &wf->time_path, err));
    TRY(field_path_parse(mem, wf->start_field, &wf->start_path, err));
    TRY(field_path_parse(mem, wf->end_field, &wf->end_path, err));
    if (wf->order.n && field_path_parse(mem, wf->order, &wf->order_path, err) < 0)
        return setting_err(wf, "order", err);
    if (wf->by.kind != VALUE_LIST)
        return 0;
    if (wf->by.list->count > BY_MAX) {
        (void)err_set(err, ERR_CONFIG, "at most %u fields", BY_MAX);
        return setting_err(wf, "by", err);
    }
    wf->by_paths = ARENA_ARRAY(mem, struct field_path, BY_MAX);
    for (; wf->by_count < wf->by.list->count; wf->by_count++) {
        const struct value *v = &wf->by.list->items[wf->by_count];
        if (field_path_parse(mem, value_to_str(mem, v), &wf->by_paths[wf->by_count], err) < 0)
            return plugin_err_at(wf->plugin, v->pos, err);
    }
    return 0;
}

static int times_check(struct window_filter *wf, int64_t *ret_offset_ns, struct err *err)
{
    int64_t offset = wf->offset;
    if (wf->size == 0)
        wf->size = wf->every;
    if (wf->size < wf->every || wf->size / wf->every > WINDOWS_PER_VALUE_MAX) {
        (void)err_set(err, ERR_CONFIG, "it must be 1 to %u times every", WINDOWS_PER_VALUE_MAX);
        return setting_err(wf, "size", err);
    }
    wf->zone = time_zone_utc();
    if (wf->timezone.n) {
        if (time_zone_open(NULL, wf->timezone, wf->plugin->mem, &wf->zone, err) < 0)
            return setting_err(wf, "timezone", err);
        int64_t east =
            time_zone_offset_at(wf->zone, clock_wall_ns(wf->plugin->env->clock) / NS_PER_S) *
            NS_PER_S;
        if (!time_zone_is_fixed(wf->zone) && wf->every > 3600 * NS_PER_S &&
            !str_is(wf->timezone, "Asia/Seoul") && !str_is(wf->timezone, "Asia/Tokyo")) {
            (void)err_set(
                err, ERR_UNSUPPORTED,
                "windows above an hour in a zone with summer time: their days are not equally "
                "long; use a fixed offset, as \"+01:00\"");
            return setting_err(wf, "timezone", err);
        }
        offset -= east;
    }
    if (wf->time_format.n &&
        date_pattern_compile(wf->time_format, DATE_JODA, wf->plugin->mem, &wf->format, err) < 0)
        return setting_err(wf, "time_format", err);
    *ret_offset_ns = offset;
    return 0;
}

/* What the saved state depends on. */
static struct str identity_of(struct window_filter *wf, int64_t offset_ns)
{
    struct buf out;
    buf_init(&out, 0);
    buf_printf(&out, "window 1 every %lld size %lld offset %lld order " STR_FMT " by ",
               (long long)wf->every, (long long)wf->size, (long long)(offset_ns % wf->every),
               STR_ARG(wf->order));
    value_to_json(&wf->by, &out);
    buf_add_lit(&out, " aggregate ");
    value_to_json(&wf->aggregate, &out);
    struct str text = arena_str(wf->plugin->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static int on_saved(void *owner, struct str payload, struct err *err)
{
    struct window_filter *wf = owner;
    return windows_decode(wf->windows, payload, err);
}

static int state_open(struct window_filter *wf, int64_t offset_ns, struct err *err)
{
    const struct plugin_env *env = wf->plugin->env;
    wf->windows = windows_new(&(struct windows_config){.every_ns = wf->every,
                                                       .size_ns = wf->size,
                                                       .offset_ns = offset_ns,
                                                       .lateness_ns = wf->lateness,
                                                       .retain_ns = wf->retain,
                                                       .specs = wf->specs,
                                                       .spec_count = wf->agg_count});
    struct str name =
        arena_printf(wf->plugin->mem, "window-" STR_FMT ".state", STR_ARG(wf->plugin->id));
    TRY(checkpoint_open(env->fs, path_join(wf->plugin->mem, env->data_dir, name),
                        identity_of(wf, offset_ns), on_saved, wf, &wf->checkpoint, err));
    windows_encoded(wf->windows);
    wf->saved_changes = windows_changes(wf->windows);
    return 0;
}

static int window_init(void *self, struct plugin *plugin, struct err *err)
{
    struct window_filter *wf = self;
    int64_t offset_ns = 0;
    wf->plugin = plugin;
    buf_init(&wf->scratch, STATE_BYTES_MAX);
    ASSERT(pthread_mutex_init(&wf->mu, NULL) == 0);
    wf->has_mu = true;
    TRY(paths_parse(wf, err));
    TRY(aggregate_parse(wf, err));
    TRY(times_check(wf, &offset_ns, err));
    TRY(state_open(wf, offset_ns, err));
    wf->last_event_ns = clock_monotonic_ns(plugin->env->clock);
    wf->next_save_ns = wf->last_event_ns + SAVE_NS;
    return 0;
}

/* ---- events in ---- */

static bool text_has_zone(struct str s)
{
    if (s.n <= 10)
        return false;
    for (size_t i = 10; i < s.n; i++)
        if (s.p[i] == 'Z' || s.p[i] == 'z' || s.p[i] == '+' || s.p[i] == '-')
            return true;
    return false;
}

static bool event_time(struct window_filter *wf, const struct event *ev, int64_t *ret_ns)
{
    const struct value *v = event_get(ev, &wf->time_path);
    if (!v)
        return false;
    if (v->kind == VALUE_TIME) {
        *ret_ns = v->time_ns;
        return true;
    }
    if (v->kind == VALUE_INT && v->i > -INT64_C(9000000000000) && v->i < INT64_C(9000000000000)) {
        *ret_ns = v->i * NS_PER_MS;
        return true;
    }
    if (v->kind != VALUE_STR || !iso8601_parse(v->s, ret_ns))
        return false;
    if (!text_has_zone(v->s))
        *ret_ns =
            time_zone_to_utc_lenient(wf->zone, *ret_ns / NS_PER_S) * NS_PER_S + *ret_ns % NS_PER_S;
    return true;
}

/* The group as a JSON list: tells groups apart and gives the row its fields again. */
static struct str event_key(struct window_filter *wf, const struct event *ev)
{
    struct json_writer w;
    buf_clear(&wf->scratch);
    json_writer_init(&w, &wf->scratch, false);
    json_array_begin(&w);
    for (size_t i = 0; i < wf->by_count; i++) {
        const struct value *v = event_get(ev, &wf->by_paths[i]);
        if (v)
            value_write_json(v, &w);
        else
            json_null(&w);
    }
    json_array_end(&w);
    return buf_str(&wf->scratch);
}

static int64_t event_tie(struct window_filter *wf, const struct event *ev)
{
    int64_t tie = (int64_t)(ev->origin.position & INT64_MAX);
    if (wf->order.n == 0)
        return tie;
    const struct value *v = event_get(ev, &wf->order_path);
    double f;
    if (v && v->kind == VALUE_INT)
        return v->i;
    if (v && v->kind == VALUE_TIME)
        return v->time_ns;
    if (v && v->kind == VALUE_STR && str_to_i64(v->s, &tie))
        return tie;
    return v && value_to_f64(v, &f) && f > -9e18 && f < 9e18 ? (int64_t)f : 0;
}

static enum windows_added event_add(struct window_filter *wf, const struct event *ev,
                                    int64_t time_ns)
{
    static const struct value one = {.kind = VALUE_INT, .i = 1};
    const struct value *inputs[WINDOWS_AGGS_MAX], time = value_time(time_ns);
    for (size_t i = 0; i < wf->agg_count; i++)
        inputs[i] = wf->aggs[i].is_constant ? &one
                    : wf->aggs[i].is_time   ? &time
                                            : event_get(ev, &wf->aggs[i].input);
    struct windows_value value = {.time_ns = time_ns,
                                  .key = event_key(wf, ev),
                                  .inputs = inputs,
                                  .tie = event_tie(wf, ev),
                                  .source = ev->origin.source,
                                  .position = ev->origin.position};
    return windows_add(wf->windows, &value);
}

static void event_refused(struct window_filter *wf, struct filter_run *run, struct event *ev,
                          const char *why, struct str tag)
{
    plugin_warn(wf->plugin, "an event is in no window: %s", why);
    filter_failed(run, ev, tag);
}

static void event_process(struct window_filter *wf, struct filter_run *run, struct event *ev)
{
    int64_t time_ns, now = clock_wall_ns(wf->plugin->env->clock);
    if (!event_time(wf, ev, &time_ns)) {
        event_refused(wf, run, ev, "its time field is missing or no time",
                      STR("_windowtimefailure"));
    } else if (time_ns > now + FUTURE_NS_MAX) {
        event_refused(wf, run, ev, "its time is more than two days ahead of the clock",
                      STR("_windowtimefailure"));
    } else {
        switch (event_add(wf, ev, time_ns)) {
        case WINDOWS_ADDED:
        case WINDOWS_ADDED_LATE:
            filter_matched(run, ev);
            break;
        case WINDOWS_SEEN:
            break;
        case WINDOWS_TOO_LATE:
            event_refused(wf, run, ev, "it is later than retain allows", STR("_windowlate"));
            break;
        case WINDOWS_FULL:
            event_refused(wf, run, ev, "200,000 windows are open or undelivered",
                          STR("_windowfull"));
            break;
        }
    }
    ev->is_cancelled |= !wf->passthrough;
}

/* ---- saving ---- */

static void held_release(struct window_filter *wf)
{
    for (size_t i = 0; i < wf->held_count; i++)
        ack_unref(wf->held[i]);
    wf->held_count = 0;
}

static bool state_save(struct window_filter *wf)
{
    uint64_t changes = windows_changes(wf->windows);
    struct err err;
    if (changes == wf->saved_changes) {
        held_release(wf);
        return true;
    }
    bool is_whole = checkpoint_wants_whole(wf->checkpoint);
    buf_clear(&wf->scratch);
    if (is_whole)
        windows_encode(wf->windows, &wf->scratch);
    else
        windows_encode_changes(wf->windows, &wf->scratch);
    int rc = wf->scratch.is_over ? err_set(&err, ERR_TOO_LARGE, "the state is above %llu bytes",
                                           (unsigned long long)STATE_BYTES_MAX)
             : is_whole          ? checkpoint_write(wf->checkpoint, buf_str(&wf->scratch), &err)
                                 : checkpoint_append(wf->checkpoint, buf_str(&wf->scratch), &err);
    wf->next_save_ns = clock_monotonic_ns(wf->plugin->env->clock) + SAVE_NS;
    if (rc < 0) {
        plugin_warn(wf->plugin, "cannot save the state: %s; nothing is acknowledged until it can",
                    err.text);
        return false;
    }
    windows_encoded(wf->windows);
    wf->saved_changes = changes;
    held_release(wf);
    return true;
}

/* Holds the batch's acknowledgement. When there is no room and saving fails, the batch is handed
 * back as failed: it will come again, and its positions tell that it was counted. */
static void batch_hold(struct window_filter *wf, struct batch *batch)
{
    if (!batch->ack)
        return;
    if (wf->held_count == HELD_MAX && !state_save(wf)) {
        ack_fail(batch->ack);
        return;
    }
    wf->held[wf->held_count++] = ack_ref(batch->ack);
}

static void window_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    struct window_filter *wf = self;
    for (size_t i = 0; i < count; i++)
        event_process(wf, run, events[i]);
    wf->last_event_ns = clock_monotonic_ns(wf->plugin->env->clock);
    batch_hold(wf, run->batch);
}

/* ---- rows out ---- */

/* A time as it stands in the row: a time, or its text in the zone. */
static struct value row_value(struct window_filter *wf, struct arena *mem, struct value v)
{
    if (v.kind != VALUE_TIME || !wf->format)
        return v;
    buf_clear(&wf->scratch);
    date_pattern_write(wf->format, v.time_ns, wf->zone, &wf->scratch);
    return value_str_copy(mem, buf_str(&wf->scratch));
}

static void row_emit(struct window_filter *wf, struct filter_run *run, const struct window_row *row)
{
    struct event *ev = batch_add_stamped(run->batch, row->start_ns);
    struct value key;
    if (value_from_json(arena_str(ev->mem, row->key), ev->mem, &key, NULL) == 0 &&
        key.kind == VALUE_LIST)
        for (size_t i = 0; i < key.list->count && i < wf->by_count; i++)
            if (key.list->items[i].kind != VALUE_NULL)
                (void)event_set(ev, &wf->by_paths[i], key.list->items[i], NULL);
    (void)event_set(ev, &wf->start_path, row_value(wf, ev->mem, value_time(row->start_ns)), NULL);
    (void)event_set(ev, &wf->end_path, row_value(wf, ev->mem, value_time(row->end_ns)), NULL);
    for (size_t i = 0; i < wf->agg_count; i++)
        value_map_set(ev->mem, &ev->fields, wf->aggs[i].name,
                      row_value(wf, ev->mem, agg_result(&row->aggs[i], ev->mem)));
    if (ev->metadata.kind != VALUE_MAP)
        ev->metadata = value_map(ev->mem, 2);
    value_map_set(ev->mem, &ev->metadata, STR("window_revision"), value_int((int64_t)row->version));
    filter_emit(run, ev);
}

/* From whatever thread let the rows' batch go. */
static void on_delivered(void *owner, uint64_t cookie, bool is_ok)
{
    struct window_filter *wf = owner;
    (void)pthread_mutex_lock(&wf->mu);
    ASSERT(wf->arrived_count < FLIGHTS_MAX);
    wf->arrived[wf->arrived_count].cookie = cookie;
    wf->arrived[wf->arrived_count++].is_ok = is_ok;
    (void)pthread_mutex_unlock(&wf->mu);
}

static void flight_end(struct window_filter *wf, uint64_t cookie, bool is_ok)
{
    for (size_t i = 0; i < wf->flight_count; i++) {
        struct flight *flight = &wf->flights[i];
        if (flight->cookie != cookie)
            continue;
        for (size_t k = 0; k < flight->count; k++)
            windows_delivered(wf->windows, flight->rows[k].id, flight->rows[k].version, is_ok);
        mem_free(flight->rows);
        *flight = wf->flights[--wf->flight_count];
        return;
    }
}

static void arrivals_take(struct window_filter *wf)
{
    (void)pthread_mutex_lock(&wf->mu);
    for (size_t i = 0; i < wf->arrived_count; i++)
        flight_end(wf, wf->arrived[i].cookie, wf->arrived[i].is_ok);
    wf->arrived_count = 0;
    (void)pthread_mutex_unlock(&wf->mu);
}

static void rows_emit(struct window_filter *wf, struct filter_run *run, bool all)
{
    struct window_row row;
    struct flight flight = {.cookie = wf->cookie_next};
    size_t capacity = 0;
    if (wf->flight_count == FLIGHTS_MAX)
        return;
    while (flight.count < ROWS_MAX && windows_next_due(wf->windows, all, &row)) {
        row_emit(wf, run, &row);
        void *rows = flight.rows;
        mem_grow(&rows, &capacity, flight.count + 1, sizeof(*flight.rows));
        flight.rows = rows;
        flight.rows[flight.count++] = (struct flight_row){row.id, row.version};
    }
    if (flight.count == 0)
        return;
    wf->cookie_next++;
    wf->flights[wf->flight_count++] = flight;
    ASSERT(!run->batch->ack);
    run->batch->ack = ack_new(on_delivered, wf, flight.cookie);
}

static void window_tick(void *self, struct filter_run *run)
{
    struct window_filter *wf = self;
    int64_t now = clock_monotonic_ns(wf->plugin->env->clock);
    arrivals_take(wf);
    bool is_idle = wf->idle > 0 && now - wf->last_event_ns >= wf->idle;
    rows_emit(wf, run, is_idle);
    windows_forget(wf->windows);
    if (now >= wf->next_save_ns || wf->held_count >= HELD_MAX / 2)
        (void)state_save(wf);
}

/* A clean stop: open windows stay open, in the saved state. */
static void window_drain(void *self, struct filter_run *run)
{
    struct window_filter *wf = self;
    arrivals_take(wf);
    rows_emit(wf, run, false);
    (void)state_save(wf);
}

static void window_deinit(void *self)
{
    struct window_filter *wf = self;
    if (wf->windows && wf->checkpoint) {
        arrivals_take(wf);
        if (!state_save(wf)) {
            for (size_t i = 0; i < wf->held_count; i++)
                ack_fail(wf->held[i]);
            held_release(wf);
        }
    }
    for (size_t i = 0; i < wf->flight_count; i++)
        mem_free(wf->flights[i].rows);
    checkpoint_close(wf->checkpoint);
    windows_free(wf->windows);
    buf_deinit(&wf->scratch);
    if (wf->has_mu)
        (void)pthread_mutex_destroy(&wf->mu);
}

const struct filter_type filter_window = {
    .name = "window",
    .summary = "Collect events into event-time windows; one event per group and window comes out.",
    .since = "0.1",
    .opts = window_opts,
    .size = sizeof(struct window_filter),
    .flags = FILTER_ORDERED,
    .init = window_init,
    .process = window_process,
    .tick = window_tick,
    .drain = window_drain,
    .deinit = window_deinit,
};
