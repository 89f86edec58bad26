/* SPDX-License-Identifier: Apache-2.0 */
/* ship.c: the shipper's life: data folder, registry, inputs, the loop that reads and fills batches.
 */
#include "ship/ship_int.h"

#include <stdio.h>

#include "codec/json.h"
#include "codec/lumberjack.h"
#include "os/os.h"
#include "text/regex.h"

#define SAFE_BYTES    (10 * MIB)        /* of a line: fits a frame even when each byte is escaped */
#define RETRY_NS      NS_PER_S          /* after the registry could not be written */
#define IDLE_WAIT_NS  (10 * NS_PER_S)   /* at most: scans come by then */
#define FLUSH_TICK_NS (500 * NS_PER_MS) /* how often half entries are looked at */

/* ---- batches ---- */

bool ship__is_stopping(struct ship *ship)
{
    return __atomic_load_n(&ship->is_stopping, __ATOMIC_ACQUIRE);
}

/* Hands the batch on. What the store must know about its files goes to disk first. False: not now.
 */
static bool seal(struct ship *ship)
{
    struct ship__batch *batch = ship->batch;
    struct err err;
    if (!batch || (batch->count == 0 && batch->marks.count == 0))
        return true;
    if (ship->is_unsynced) {
        if (registry_flush(ship->registry, &err) < 0) {
            log_err(LOG_ERROR, "ship.registry", &err);
            return false;
        }
        ship->is_unsynced = false;
    }
    ship->batch = NULL;
    batch->ticket = tail_acks_add(ship->acks, &batch->marks);
    if (batch->count > 0) {
        ship__outbox_put(&ship->outbox, batch);
        return true;
    }
    tail_acks_done(ship->acks, batch->ticket); /* only lines that were left out */
    ship__outbox_recycle(&ship->outbox, batch);
    return true;
}

/* Two entries may come of one line: the one it ended and itself. */
bool ship__has_room(struct ship *ship)
{
    struct ship__batch *batch = ship->batch;
    if (batch && (batch->count + 2 > ship->bulk_events_max + 1 ||
                  batch->frames.n >= SHIP__BATCH_BYTES_MAX)) {
        if (!seal(ship))
            return false;
    }
    if (!ship->batch)
        ship->batch = ship__outbox_new_batch(&ship->outbox);
    return ship->batch != NULL;
}

void ship__skip(struct ship *ship, struct tail_file *file, uint64_t end_off)
{
    metric_add(&ship->stats.filtered, 1);
    tail_marks_add(&ship->batch->marks, file, end_off);
}

static struct ship__template *template_of(struct ship__input *input, struct tail_file *file,
                                          unsigned flags)
{
    struct ship__file *own = ship__file_of(file);
    if (!str_eq(own->path, file->path)) { /* first line, or renamed */
        arena_reset(own->mem);
        own->path = arena_str(own->mem, file->path);
        memset(own->is_made, 0, sizeof(own->is_made));
    }
    if (!own->is_made[flags]) {
        struct value base = ship__event_base(input, own->path, flags, own->mem);
        struct value event =
            value_copy(own->mem, &base); /* processors must not change the configuration */
        own->is_dropped[flags] =
            input->is_static && (!ship__processors_run(input->processors, &event, own->mem) ||
                                 !ship__processors_run(input->ship->processors, &event, own->mem));
        if (input->is_static)
            ship__template_make(&event, own->mem, &own->templates[flags]);
        own->bases[flags] = event;
        own->is_made[flags] = true;
    }
    return &own->templates[flags];
}

/* Puts what is known now into the places of a copied base event. */
static void fill_slots(struct value *v, const struct ship__event *ev, struct arena *mem)
{
    if (v->kind == VALUE_MAP) {
        for (size_t i = 0; i < v->map->count; i++)
            fill_slots(&v->map->values[i], ev, mem);
        return;
    }
    if (v->kind != VALUE_STR || v->s.n == 0 || v->s.p[0] != '\x01')
        return;
    if (str_eq(v->s, ship__slot_value(SHIP__SLOT_MESSAGE).s)) {
        *v = value_str(ev->message);
    } else if (str_eq(v->s, ship__slot_value(SHIP__SLOT_OFFSET).s)) {
        *v = value_int((int64_t)ev->off);
    } else if (str_eq(v->s, ship__slot_value(SHIP__SLOT_TIME).s)) {
        *v = value_time(ev->time_ns / NS_PER_MS * NS_PER_MS);
    } else if (str_eq(v->s, ship__slot_value(SHIP__SLOT_ID).s)) {
        char *text = arena_alloc(mem, TAIL_LINE_ID_LEN);
        tail_line_id(ev->file, ev->off, text);
        *v = value_str((struct str){text, TAIL_LINE_ID_LEN});
    }
}

/* The long way: some processor looks at the line. False: dropped. */
static bool emit_tree(struct ship__input *input, const struct value *base,
                      const struct ship__event *ev, struct buf *out)
{
    struct ship *ship = input->ship;
    arena_reset(ship->scratch);
    struct value event = value_copy(ship->scratch, base);
    fill_slots(&event, ev, ship->scratch);
    if (!ship__processors_run(input->processors, &event, ship->scratch) ||
        !ship__processors_run(ship->processors, &event, ship->scratch))
        return false;
    value_to_json(&event, out);
    return true;
}

void ship__emit(struct ship__input *input, struct tail_file *file, const struct ship__event *ev,
                uint64_t end_off)
{
    struct ship *ship = input->ship;
    struct ship__batch *batch = ship->batch;
    struct ship__template *t = template_of(input, file, ev->flags);
    const struct ship__file *own = file->user;
    size_t begin = lumberjack_json_begin(&batch->frames, batch->count + 1);
    bool is_kept = !own->is_dropped[ev->flags];
    if (is_kept && input->is_static)
        ship__template_write(t, ev, &ship->now_text, &batch->frames);
    else if (is_kept)
        is_kept = emit_tree(input, &own->bases[ev->flags], ev, &batch->frames);
    if (!is_kept) {
        batch->frames.n = begin;
        ship__skip(ship, file, end_off);
        return;
    }
    lumberjack_json_end(&batch->frames, begin);
    ASSERT(!batch->frames.is_over);
    if (batch->frames.n - begin > LUMBERJACK_PAYLOAD_BYTES_MAX && ev->message.n > SAFE_BYTES) {
        struct ship__event cut = *ev; /* no receiver would take it, however often it is sent */
        cut.message.n = SAFE_BYTES;
        cut.flags |= SHIP__FLAG_TRUNCATED;
        batch->frames.n = begin;
        ship__emit(input, file, &cut, end_off);
        return;
    }
    batch->count++;
    metric_add(&ship->stats.events, 1);
    tail_marks_add(&batch->marks, file, end_off);
}

void ship__acked(struct ship *ship, struct ship__batch *batch)
{
    metric_add(&ship->stats.acked, batch->count);
    tail_acks_done(ship->acks, batch->ticket);
    ship__outbox_done(&ship->outbox, batch);
}

/* ---- the event every line begins with ---- */

static void put(struct arena *mem, struct value *map, const char *key, struct value v)
{
    value_map_set(mem, map, str_from(key), v);
}

static void merge_fields(struct arena *mem, struct value *event, const struct value *fields,
                         bool is_root)
{
    if (fields->kind != VALUE_MAP || fields->map->count == 0)
        return;
    if (is_root) {
        ship__merge(mem, event, fields);
        return;
    }
    struct value below = value_map(mem, 1);
    put(mem, &below, "fields", *fields);
    ship__merge(mem, event, &below);
}

static void merge_tags(struct arena *mem, struct value *event, const struct value *tags)
{
    if (tags->kind != VALUE_LIST || tags->list->count == 0)
        return;
    struct value *old = value_map_get_lit(event, "tags");
    struct value all = value_list(mem, tags->list->count);
    for (size_t i = 0; old && old->kind == VALUE_LIST && i < old->list->count; i++)
        value_list_add(mem, &all, old->list->items[i]);
    for (size_t i = 0; i < tags->list->count; i++)
        value_list_add(mem, &all, tags->list->items[i]);
    put(mem, event, "tags", all);
}

static struct value metadata_of(const struct ship__input *input, struct arena *mem)
{
    struct value meta = value_map(mem, 6);
    put(mem, &meta, "beat", value_str(input->ship->beat_index));
    put(mem, &meta, "type", value_str(STR("_doc")));
    put(mem, &meta, "version", value_str(STR(SHIP_BEAT_VERSION)));
    put(mem, &meta, "_id", ship__slot_value(SHIP__SLOT_ID));
    if (input->pipeline.n)
        put(mem, &meta, "pipeline", value_str(input->pipeline));
    if (input->index.n)
        put(mem, &meta, "raw_index", value_str(input->index));
    return meta;
}

static struct value log_of(struct str path, unsigned flags, struct arena *mem)
{
    struct value log = value_map(mem, 3), file = value_map(mem, 1);
    put(mem, &log, "offset", ship__slot_value(SHIP__SLOT_OFFSET));
    put(mem, &file, "path", value_str(path));
    put(mem, &log, "file", file);
    if (flags) {
        struct value list = value_list(mem, 2);
        if (flags & SHIP__FLAG_MULTILINE)
            value_list_add(mem, &list, value_str(STR("multiline")));
        if (flags & SHIP__FLAG_TRUNCATED)
            value_list_add(mem, &list, value_str(STR("truncated")));
        put(mem, &log, "flags", list);
    }
    return log;
}

static struct value agent_of(const struct ship *ship, struct arena *mem)
{
    struct value agent = value_map(mem, 6);
    put(mem, &agent, "type", value_str(STR("filebeat")));
    put(mem, &agent, "version", value_str(STR(SHIP_BEAT_VERSION)));
    put(mem, &agent, "hostname", value_str(ship->hostname));
    put(mem, &agent, "ephemeral_id", value_str(str_from(ship->ephemeral_id)));
    put(mem, &agent, "id", value_str(str_from(ship->agent_id)));
    put(mem, &agent, "name", value_str(ship->name));
    return agent;
}

/* Filebeat leaves fields without a value out. */
static void drop_nulls(struct value *map, struct arena *mem)
{
    struct value out = value_map(mem, map->map->count);
    for (size_t i = 0; i < map->map->count; i++) {
        struct value v = map->map->values[i];
        if (v.kind == VALUE_MAP)
            drop_nulls(&v, mem);
        if (v.kind != VALUE_NULL)
            value_map_set(mem, &out, map->map->keys[i], v);
    }
    *map = out;
}

struct value ship__event_base(struct ship__input *input, struct str path, unsigned flags,
                              struct arena *mem)
{
    struct ship *ship = input->ship;
    struct value event = value_map(mem, 12), type = value_map(mem, 1), ecs = value_map(mem, 1),
                 host = value_map(mem, 1);
    put(mem, &event, "@timestamp", ship__slot_value(SHIP__SLOT_TIME));
    put(mem, &event, "@metadata", metadata_of(input, mem));
    put(mem, &event, "message", ship__slot_value(SHIP__SLOT_MESSAGE));
    put(mem, &event, "log", log_of(path, flags, mem));
    put(mem, &type, "type", value_str(input->type));
    put(mem, &event, "input", type);
    put(mem, &ecs, "version", value_str(STR("1.12.0")));
    put(mem, &event, "ecs", ecs);
    put(mem, &host, "name", value_str(ship->name));
    if (!input->disable_host)
        put(mem, &event, "host", host);
    put(mem, &event, "agent", agent_of(ship, mem));
    merge_fields(mem, &event, &ship->fields, ship->fields_under_root);
    merge_fields(mem, &event, &input->fields, input->fields_under_root);
    merge_tags(mem, &event, &ship->tags);
    merge_tags(mem, &event, &input->tags);
    if (!input->keep_null)
        drop_nulls(&event, mem);
    return event;
}

/* ---- the data folder ---- */

void ship__uuid(struct rng *rng, char *text)
{
    uint64_t a = rng_u64(rng), b = rng_u64(rng);
    (void)snprintf(text, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                   (unsigned)(a >> 16 & 0xFFFF), (unsigned)(a & 0xFFF),
                   (unsigned)(0x8000 | (b >> 48 & 0x3FFF)),
                   (unsigned long long)(b & UINT64_C(0xFFFFFFFFFFFF)));
}

static int take_lock(struct ship *ship, struct arena *mem, struct err *err)
{
    struct str path = path_join(mem, ship->data_path, STR("naru.lock"));
    TRY(vfs_make_dir(ship->config.fs, ship->data_path, err));
    TRY(vfs_open(ship->config.fs, path, VFS_READ | VFS_WRITE | VFS_CREATE, &ship->lock, err));
    TRY(vfs_lock(ship->lock, err));
    struct str pid = arena_printf(mem, "%lld\n", (long long)os_pid());
    TRY(vfs_truncate(ship->lock, 0, err));
    return vfs_write_at(ship->lock, 0, pid.p, pid.n, err);
}

/* Filebeat's <data>/meta.json: {"uuid":"…"} is the agent's id for good. */
static int agent_id(struct ship *ship, struct arena *mem, struct err *err)
{
    struct str text, path = path_join(mem, ship->data_path, STR("meta.json"));
    struct value v;
    int rc = vfs_read_file(ship->config.fs, path, 64 * KIB, mem, &text, err);
    if (rc == 0 && value_from_json(text, mem, &v, NULL) == 0) {
        const struct value *id = value_map_get_lit(&v, "uuid");
        if (id && id->kind == VALUE_STR && id->s.n == 36) {
            memcpy(ship->agent_id, id->s.p, 36);
            return 0;
        }
    }
    if (rc < 0 && rc != -ERR_NOT_FOUND)
        return rc;
    char now[48];
    size_t n = time_to_iso8601(clock_wall_ns(ship->config.clock), now);
    ship__uuid(&ship->rng, ship->agent_id);
    return vfs_write_file(ship->config.fs, path,
                          arena_printf(mem, "{\"uuid\":\"%s\",\"first_start\":\"%.*s\"}\n",
                                       ship->agent_id, (int)n, now),
                          err);
}

static int open_registry(struct ship *ship, struct arena *mem, struct err *err)
{
    uint64_t torn = 0;
    struct value v;
    TRY(registry_open(ship->config.fs, ship->registry_path, &ship->registry, &torn, err));
    if (torn > 0)
        log_line(LOG_WARN, "ship.registry",
                 "the last %llu bytes of the registry's log are damaged and left out: lines since "
                 "then are sent again",
                 (unsigned long long)torn);
    struct str text = registry_get(ship->registry, STR("naru::generation"));
    if (text.p && value_from_json(text, mem, &v, NULL) == 0) {
        const struct value *n = value_map_get_lit(&v, "generation");
        ship->generation = n && n->kind == VALUE_INT && n->i >= 0 ? (uint64_t)n->i : 0;
    }
    return 0;
}

/* ---- the loop ---- */

/* Offsets that moved go to the registry in memory. */
static void save_offsets(struct ship *ship)
{
    (void)tail_acks_apply(ship->acks);
    for (size_t i = 0; i < ship->input_count; i++) {
        struct tail_file *file;
        size_t at = 0;
        while ((file = tail_next_dirty(ship->inputs[i]->tail, &at)) != NULL)
            ship__input_save(ship->inputs[i], file);
    }
}

static void flush_registry(struct ship *ship)
{
    struct err err;
    if (registry_flush(ship->registry, &err) < 0)
        log_err(LOG_ERROR, "ship.registry", &err);
    else
        ship->is_unsynced = false;
}

struct round {
    bool is_idle; /* every tail has read everything */
    bool is_full;
    uint64_t lines;
    int64_t next_ns; /* monotonic: nothing before */
};

static void poll_inputs(struct ship *ship, struct round *round)
{
    size_t files = 0, open = 0;
    *round = (struct round){.is_idle = true, .next_ns = INT64_MAX};
    for (size_t i = 0; i < ship->input_count; i++) {
        struct ship__input *input = ship->inputs[i];
        struct tail_poll_result result;
        tail_poll(input->tail, &result);
        round->lines += result.lines;
        round->is_full |= result.is_full;
        round->is_idle &= tail_is_idle(input->tail);
        round->next_ns = MIN_OF(round->next_ns, result.next_ns);
        files += tail_file_count(input->tail);
        open += tail_open_count(input->tail);
    }
    metric_set(&ship->stats.files, files);
    metric_set(&ship->stats.open_files, open);
}

static void flush_late(struct ship *ship, struct round *round)
{
    int64_t now = clock_monotonic_ns(ship->config.clock);
    for (size_t i = 0; i < ship->input_count; i++) {
        struct ship__input *input = ship->inputs[i];
        if (!input->multiline)
            continue;
        (void)ship__input_flush_late(input, now);
        round->next_ns = MIN_OF(round->next_ns, now + FLUSH_TICK_NS);
    }
}

/* Everything is read: half entries go out, since nothing more is waited for. */
static bool close_inputs(struct ship *ship)
{
    bool is_closed = true;
    for (size_t i = 0; i < ship->input_count; i++)
        is_closed &= tail_close(ship->inputs[i]->tail);
    return is_closed;
}

static bool is_finished(struct ship *ship, const struct round *round)
{
    if (!ship->config.is_once || !round->is_idle || round->is_full || !close_inputs(ship) ||
        !seal(ship))
        return false;
    return tail_acks_open(ship->acks) == 0;
}

static void wait(struct ship *ship, const struct round *round, int64_t flush_due_ns, uint64_t *seen)
{
    struct clock *clock = ship->config.clock;
    int64_t now = clock_monotonic_ns(clock), until = round->next_ns;
    if (round->is_full || ship->config.is_once)
        until = now + IDLE_WAIT_NS; /* an acknowledgement wakes us */
    if (registry_is_changed(ship->registry))
        until = MIN_OF(until, flush_due_ns);
    if (ship->is_unsynced)
        until = MIN_OF(until, now + RETRY_NS);
    int64_t ns = MIN_OF(until - now, IDLE_WAIT_NS);
    if (ns > 0)
        ship__outbox_wait(&ship->outbox, seen, clock_to_real_ns(clock, ns));
}

static void loop(struct ship *ship)
{
    struct clock *clock = ship->config.clock;
    uint64_t seen = 0;
    int64_t flush_due = clock_monotonic_ns(clock);
    while (!ship__is_stopping(ship)) {
        struct round round;
        save_offsets(ship);
        poll_inputs(ship, &round);
        flush_late(ship, &round);
        if (round.is_idle || round.lines == 0) /* a batch is not waited for */
            (void)seal(ship);
        if (is_finished(ship, &round))
            return;
        int64_t now = clock_monotonic_ns(clock);
        if (registry_is_changed(ship->registry) && now >= flush_due) {
            flush_registry(ship);
            flush_due = now + ship->registry_flush_ns;
        }
        if (round.is_full || round.lines == 0)
            wait(ship, &round, flush_due, &seen);
    }
}

/* Lets what is under way come home, within the time given. */
static void drain(struct ship *ship)
{
    struct clock *clock = ship->config.clock;
    uint64_t seen = 0;
    int64_t until = clock_monotonic_ns(clock) + ship->shutdown_ns;
    while (tail_acks_open(ship->acks) > 0 && clock_monotonic_ns(clock) < until) {
        save_offsets(ship);
        ship__outbox_wait(&ship->outbox, &seen, 100 * NS_PER_MS);
    }
}

static int start(struct ship *ship, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    TRY(take_lock(ship, mem, err));
    TRY(agent_id(ship, mem, err));
    TRY(open_registry(ship, mem, err));
    for (size_t i = 0; i < ship->input_count; i++)
        TRY(ship__input_start(ship->inputs[i], err));
    return ship->output->start(ship, err);
}

int ship_run(struct ship *ship, struct err *err)
{
    int rc = start(ship, err);
    if (rc == 0) {
        loop(ship);
        if (ship__is_stopping(ship))
            drain(ship);
    }
    ship__outbox_close(&ship->outbox);
    ship->output->stop(ship);
    if (rc == 0) {
        save_offsets(ship);
        rc = registry_flush(ship->registry, err);
    }
    vfs_close(ship->lock);
    ship->lock = NULL;
    return rc;
}

void ship_stop(struct ship *ship)
{
    __atomic_store_n(&ship->is_stopping, true, __ATOMIC_RELEASE);
    ship__outbox_wake(&ship->outbox);
}

void ship_free(struct ship *ship)
{
    if (!ship)
        return;
    if (ship->batch)
        ship__outbox_recycle(&ship->outbox, ship->batch);
    if (ship->output)
        ship->output->deinit(ship);
    ship__outbox_deinit(&ship->outbox); /* marks point to files, which the inputs own */
    tail_acks_free(ship->acks);
    for (size_t i = 0; i < ship->input_count; i++)
        ship__input_deinit(ship->inputs[i]);
    mem_free(ship->inputs);
    for (size_t i = 0; i < ship->regex_count; i++)
        regex_free(ship->regexes[i]);
    mem_free(ship->regexes);
    registry_close(ship->registry);
    vfs_close(ship->lock);
    arena_free(ship->scratch);
    arena_free(ship->mem);
    mem_free(ship);
}

void ship_stats(struct ship *ship, struct ship_stats *ret_stats)
{
    *ret_stats = (struct ship_stats){
        .lines_read = metric_get(&ship->stats.lines),
        .bytes_read = metric_get(&ship->stats.bytes),
        .events = metric_get(&ship->stats.events),
        .events_filtered = metric_get(&ship->stats.filtered),
        .events_acked = metric_get(&ship->stats.acked),
        .batches_sent = metric_get(&ship->stats.batches),
        .batches_resent = metric_get(&ship->stats.resent),
        .connections = metric_get(&ship->stats.connections),
        .failures = metric_get(&ship->stats.failures),
        .wire_bytes = metric_get(&ship->stats.wire),
        .files = (size_t)metric_get(&ship->stats.files),
        .open_files = (size_t)metric_get(&ship->stats.open_files),
    };
}

struct str ship_data_path(const struct ship *ship)
{
    return ship->data_path;
}
