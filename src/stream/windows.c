/* SPDX-License-Identifier: Apache-2.0 */
/* windows.c: see windows.h. Windows lie in a table by (start, key) and in a list by end (stable ids
 * give the order of making inside one end). Each has an arena of its own, since accumulators grow
 * and a window goes whole.
 *
 * Life of a window, by three version numbers (delivered <= handed <= version):
 *
 *     open, changed   version > handed      a value came
 *     due             closed and version > handed
 *     handed          handed == version     windows_next_due
 *     delivered       delivered == version  windows_delivered; may be forgotten behind the
 * retention
 *
 * Encoded (all integers varint, signed ones zigzag), records one behind the other:
 *
 *     'H' max time · floor
 *     'S' source u64 · position · used
 *     'W' start · version · delivered · key length, key · per aggregate: length, bytes
 *     'X' start · key length, key            forgotten
 */
#include "stream/windows.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"

struct window {
    struct window *prev, *next;                 /* in the list by end */
    struct window *changed_prev, *changed_next; /* while version > handed */
    struct arena *mem;
    int64_t start_ns;
    struct str key;
    struct agg *aggs;
    uint64_t id, version, handed, delivered;
    bool is_pending; /* for encode_changes */
};

struct source {
    uint64_t source, position, used;
    bool is_pending;
};

struct windows {
    struct windows_config config;
    struct strmap by_key; /* start (8 bytes) + key -> struct window */
    struct strmap by_id;  /* id (8 bytes) -> struct window */
    struct window *first, *last;
    struct window *changed; /* list of those to be handed out, now or when they close */
    size_t count;
    uint64_t id_next;
    int64_t max_ns;   /* highest event time; INT64_MIN: none */
    int64_t floor_ns; /* windows that end at or below are forgotten, and values for them too late */
    struct source *sources; /* open addressing by hash; source 0: free */
    size_t source_capacity, source_count;
    uint64_t uses, changes;
    struct buf removed; /* 'X' records for encode_changes */
    struct buf name;    /* scratch: a key of by_key */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct windows *windows_new(const struct windows_config *config)
{
    ASSERT(config->every_ns > 0 && config->size_ns >= config->every_ns);
    ASSERT(config->spec_count <= WINDOWS_AGGS_MAX);
    struct windows *w = MEM_NEW(struct windows);
    w->config = *config;
    w->max_ns = w->floor_ns = INT64_MIN;
    w->id_next = 1;
    strmap_init(&w->by_key);
    strmap_init(&w->by_id);
    buf_init(&w->removed, 0);
    buf_init(&w->name, 0);
    return w;
}

void windows_free(struct windows *w)
{
    if (!w)
        return;
    for (struct window *window = w->first, *next; window; window = next) {
        next = window->next;
        arena_free(window->mem);
    }
    strmap_deinit(&w->by_key);
    strmap_deinit(&w->by_id);
    buf_deinit(&w->removed);
    buf_deinit(&w->name);
    mem_free(w->sources);
    mem_free(w);
}

static int64_t end_of(const struct windows *w, const struct window *window)
{
    return window->start_ns + w->config.size_ns;
}

int64_t windows_watermark(const struct windows *w)
{
    return w->max_ns == INT64_MIN ? INT64_MIN : w->max_ns - w->config.lateness_ns;
}

size_t windows_count(const struct windows *w)
{
    return w->count;
}

uint64_t windows_changes(const struct windows *w)
{
    return w->changes;
}

/* ---- the table and the lists ---- */

static struct str name_of(struct windows *w, int64_t start_ns, struct str key)
{
    buf_clear(&w->name);
    buf_add_u64_le(&w->name, (uint64_t)start_ns);
    buf_add_str(&w->name, key);
    return buf_str(&w->name);
}

static struct str id_name(const uint64_t *id)
{
    return (struct str){(const char *)id, sizeof(*id)};
}

/* Behind the last window that starts no later: near the end for values that come about in order. */
static void list_insert(struct windows *w, struct window *window)
{
    struct window *after = w->last;
    while (after && after->start_ns > window->start_ns)
        after = after->prev;
    window->prev = after;
    window->next = after ? after->next : w->first;
    *(after ? &after->next : &w->first) = window;
    *(window->next ? &window->next->prev : &w->last) = window;
}

static bool window_is_changed(const struct window *window)
{
    return window->version != window->handed;
}

static void changed_insert(struct windows *w, struct window *window)
{
    window->changed_prev = NULL;
    window->changed_next = w->changed;
    if (w->changed)
        w->changed->changed_prev = window;
    w->changed = window;
}

static void changed_remove(struct windows *w, struct window *window)
{
    *(window->changed_prev ? &window->changed_prev->changed_next : &w->changed) =
        window->changed_next;
    if (window->changed_next)
        window->changed_next->changed_prev = window->changed_prev;
    window->changed_prev = window->changed_next = NULL;
}

/* Every change of the two goes through here: the list holds exactly those that differ. */
static void versions_set(struct windows *w, struct window *window, uint64_t version,
                         uint64_t handed)
{
    bool was_changed = window_is_changed(window);
    window->version = version;
    window->handed = handed;
    if (window_is_changed(window) && !was_changed)
        changed_insert(w, window);
    else if (!window_is_changed(window) && was_changed)
        changed_remove(w, window);
}

static struct window *window_make(struct windows *w, int64_t start_ns, struct str key)
{
    struct arena *mem = arena_new(0);
    struct window *window = ARENA_NEW(mem, struct window);
    window->mem = mem;
    window->start_ns = start_ns;
    window->key = arena_str(mem, key);
    window->aggs = ARENA_ARRAY(mem, struct agg, w->config.spec_count + 1);
    for (size_t i = 0; i < w->config.spec_count; i++)
        window->aggs[i] = agg_new(&w->config.specs[i], mem);
    window->id = w->id_next++;
    (void)strmap_put(&w->by_key, name_of(w, start_ns, key), window);
    (void)strmap_put(&w->by_id, id_name(&window->id), window);
    list_insert(w, window);
    w->count++;
    return window;
}

static void window_drop(struct windows *w, struct window *window)
{
    versions_set(w, window, 0, 0);
    *(window->prev ? &window->prev->next : &w->first) = window->next;
    *(window->next ? &window->next->prev : &w->last) = window->prev;
    (void)strmap_remove(&w->by_key, name_of(w, window->start_ns, window->key));
    (void)strmap_remove(&w->by_id, id_name(&window->id));
    w->count--;
    arena_free(window->mem);
}

static void add_signed(struct buf *out, int64_t v)
{
    buf_add_varint(out, zigzag_encode(v));
}

static void add_text(struct buf *out, struct str s)
{
    buf_add_varint(out, s.n);
    buf_add_str(out, s);
}

/* Drops it and notes that for the next encode_changes. */
static void window_forget(struct windows *w, struct window *window)
{
    buf_add_char(&w->removed, 'X');
    add_signed(&w->removed, window->start_ns);
    add_text(&w->removed, window->key);
    w->floor_ns = MAX_OF(w->floor_ns, end_of(w, window));
    w->changes++;
    window_drop(w, window);
}

static bool window_is_delivered(const struct window *window)
{
    return window->delivered == window->version;
}

/* Everything that ended at or below watermark - retain goes once it is delivered. */
void windows_forget(struct windows *w)
{
    int64_t watermark = windows_watermark(w);
    if (watermark == INT64_MIN)
        return;
    int64_t limit = watermark - w->config.retain_ns;
    w->floor_ns = MAX_OF(w->floor_ns, limit);
    for (struct window *window = w->first, *next; window && end_of(w, window) <= limit;
         window = next) {
        next = window->next;
        if (window_is_delivered(window))
            window_forget(w, window);
    }
}

/* Room for one more: the oldest delivered window may have to go. */
static bool room_make(struct windows *w)
{
    if (w->count < WINDOWS_COUNT_MAX)
        return true;
    if (!w->first || !window_is_delivered(w->first))
        return false;
    window_forget(w, w->first);
    return true;
}

/* ---- positions ---- */

static struct source *source_slot(struct source *slots, size_t capacity, uint64_t source)
{
    size_t i = hash_u64(source) & (capacity - 1);
    while (slots[i].source && slots[i].source != source)
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

/* Rebuilds the table with room for twice as many; beyond the limit only the half that was used last
 * stays. */
static void sources_grow(struct windows *w)
{
    size_t capacity = MAX_OF(w->source_capacity * 2, (size_t)64);
    uint64_t used_min = 0;
    if (capacity > WINDOWS_SOURCES_MAX * 2) {
        capacity = w->source_capacity;
        used_min = w->uses - w->source_count / 2;
    }
    struct source *slots = MEM_ARRAY(struct source, capacity);
    w->source_count = 0;
    for (size_t i = 0; i < w->source_capacity; i++) {
        if (!w->sources[i].source || w->sources[i].used < used_min)
            continue;
        *source_slot(slots, capacity, w->sources[i].source) = w->sources[i];
        w->source_count++;
    }
    mem_free(w->sources);
    w->sources = slots;
    w->source_capacity = capacity;
}

static struct source *source_of(struct windows *w, uint64_t source)
{
    if (w->source_count * 2 >= w->source_capacity)
        sources_grow(w);
    struct source *slot = source_slot(w->sources, w->source_capacity, source);
    if (!slot->source) {
        *slot = (struct source){.source = source};
        w->source_count++;
    }
    return slot;
}

/* False: the position was counted before. A source that is new begins below every position. */
static bool source_advance(struct windows *w, uint64_t source, uint64_t position)
{
    if (source == 0)
        return true;
    struct source *slot = source_of(w, source);
    if (slot->used && position <= slot->position) /* used 0: new */
        return false;
    slot->position = position;
    slot->used = ++w->uses;
    slot->is_pending = true;
    w->changes++;
    return true;
}

/* ---- values ---- */

static void window_touch(struct windows *w, struct window *window)
{
    versions_set(w, window, window->version + 1, window->handed);
    window->is_pending = true;
    w->changes++;
}

static void window_add(struct windows *w, struct window *window, const struct windows_value *value)
{
    struct agg_order order = {value->time_ns, value->tie};
    for (size_t i = 0; i < w->config.spec_count; i++)
        if (value->inputs[i])
            (void)agg_add_value(&window->aggs[i], value->inputs[i], &order);
    window_touch(w, window);
}

/* One of the value's windows; the worst of what happened so far and here. */
static enum windows_added window_count(struct windows *w, int64_t start_ns, int64_t watermark,
                                       const struct windows_value *value)
{
    int64_t end_ns = start_ns + w->config.size_ns;
    struct window *window = strmap_get(&w->by_key, name_of(w, start_ns, value->key));
    if (!window && end_ns <= w->floor_ns)
        return WINDOWS_TOO_LATE;
    if (!window && !room_make(w))
        return WINDOWS_FULL;
    if (!window)
        window = window_make(w, start_ns, value->key);
    window_add(w, window, value);
    return end_ns <= watermark ? WINDOWS_ADDED_LATE : WINDOWS_ADDED;
}

enum windows_added windows_add(struct windows *w, const struct windows_value *value)
{
    const struct windows_config *c = &w->config;
    if (!source_advance(w, value->source, value->position))
        return WINDOWS_SEEN;
    int64_t watermark = windows_watermark(w);
    int64_t newest =
        floor_div(value->time_ns - c->offset_ns, c->every_ns) * c->every_ns + c->offset_ns;
    enum windows_added worst = WINDOWS_ADDED;
    for (int64_t start = newest; start + c->size_ns > value->time_ns; start -= c->every_ns) {
        enum windows_added added = window_count(w, start, watermark, value);
        worst = MAX_OF(worst, added);
    }
    if (value->time_ns > w->max_ns) {
        w->max_ns = value->time_ns;
        w->changes++;
    }
    return worst;
}

/* ---- handing out ---- */

bool windows_next_due(struct windows *w, bool all, struct window_row *ret_row)
{
    int64_t watermark = windows_watermark(w);
    for (struct window *window = w->changed; window; window = window->changed_next) {
        if (!all && end_of(w, window) > watermark)
            continue;
        versions_set(w, window, window->version, window->version);
        *ret_row = (struct window_row){window->key,  window->start_ns, end_of(w, window),
                                       window->aggs, window->id,       window->version};
        return true;
    }
    return false;
}

void windows_delivered(struct windows *w, uint64_t id, uint64_t version, bool is_ok)
{
    struct window *window = strmap_get(&w->by_id, id_name(&id));
    if (!window)
        return;
    if (!is_ok) {
        versions_set(w, window, window->version, MIN_OF(window->handed, window->delivered));
        return;
    }
    if (version <= window->delivered)
        return;
    window->delivered = version;
    window->is_pending = true;
    w->changes++;
}

/* ---- bytes ---- */

static void header_encode(const struct windows *w, struct buf *out)
{
    buf_add_char(out, 'H');
    add_signed(out, w->max_ns);
    add_signed(out, w->floor_ns);
}

static void source_encode(const struct source *s, struct buf *out)
{
    buf_add_char(out, 'S');
    buf_add_u64_le(out, s->source);
    buf_add_varint(out, s->position);
    buf_add_varint(out, s->used);
}

static void window_encode(const struct windows *w, const struct window *window, struct buf *agg,
                          struct buf *out)
{
    buf_add_char(out, 'W');
    add_signed(out, window->start_ns);
    buf_add_varint(out, window->version);
    buf_add_varint(out, window->delivered);
    add_text(out, window->key);
    for (size_t i = 0; i < w->config.spec_count; i++) {
        buf_clear(agg);
        agg_encode(&window->aggs[i], agg);
        add_text(out, buf_str(agg));
    }
}

static void encode(const struct windows *w, bool only_pending, struct buf *out)
{
    struct buf agg;
    buf_init(&agg, 0);
    header_encode(w, out);
    for (size_t i = 0; i < w->source_capacity; i++)
        if (w->sources[i].source && (!only_pending || w->sources[i].is_pending))
            source_encode(&w->sources[i], out);
    for (const struct window *window = w->first; window; window = window->next)
        if (!only_pending || window->is_pending)
            window_encode(w, window, &agg, out);
    buf_deinit(&agg);
}

void windows_encode(const struct windows *w, struct buf *out)
{
    encode(w, false, out);
}

void windows_encode_changes(struct windows *w, struct buf *out)
{
    buf_add_str(out, buf_str(&w->removed));
    encode(w, true, out);
}

void windows_encoded(struct windows *w)
{
    buf_clear(&w->removed);
    for (size_t i = 0; i < w->source_capacity; i++)
        w->sources[i].is_pending = false;
    for (struct window *window = w->first; window; window = window->next)
        window->is_pending = false;
}

struct cursor {
    const uint8_t *p, *end;
    bool is_bad;
};

static uint64_t take_varint(struct cursor *c)
{
    uint64_t v = 0;
    c->is_bad |= !get_varint(&c->p, c->end, &v);
    return c->is_bad ? 0 : v;
}

static int64_t take_signed(struct cursor *c)
{
    return zigzag_decode(take_varint(c));
}

static struct str take_text(struct cursor *c)
{
    uint64_t n = take_varint(c);
    if (c->is_bad || n > (uint64_t)(c->end - c->p)) {
        c->is_bad = true;
        return STR("");
    }
    struct str s = {(const char *)c->p, n};
    c->p += n;
    return s;
}

static void source_decode(struct windows *w, struct cursor *c)
{
    if (c->end - c->p < 8) {
        c->is_bad = true;
        return;
    }
    uint64_t source = get_u64_le(c->p);
    c->p += 8;
    uint64_t position = take_varint(c), used = take_varint(c);
    if (c->is_bad || source == 0)
        return;
    struct source *slot = source_of(w, source);
    slot->position = position;
    slot->used = MAX_OF(used, (uint64_t)1);
    w->uses = MAX_OF(w->uses, slot->used);
}

static int window_decode(struct windows *w, struct cursor *c, struct err *err)
{
    int64_t start_ns = take_signed(c);
    uint64_t version = take_varint(c), delivered = take_varint(c);
    struct str key = take_text(c);
    if (c->is_bad || delivered > version)
        return err_set(err, ERR_CORRUPT, "window state: a window is cut short");
    struct window *old = strmap_get(&w->by_key, name_of(w, start_ns, key));
    if (old)
        window_drop(w, old);
    struct window *window = window_make(w, start_ns, key);
    versions_set(w, window, version, delivered);
    window->delivered = delivered;
    for (size_t i = 0; i < w->config.spec_count; i++) {
        struct str bytes = take_text(c);
        if (c->is_bad)
            return err_set(err, ERR_CORRUPT, "window state: an accumulator is cut short");
        TRY(agg_decode(&window->aggs[i], &bytes, err));
    }
    return 0;
}

int windows_decode(struct windows *w, struct str bytes, struct err *err)
{
    struct cursor c = {(const uint8_t *)bytes.p, (const uint8_t *)str_end(bytes), false};
    while (c.p < c.end && !c.is_bad) {
        char kind = (char)*c.p++;
        if (kind == 'H') {
            w->max_ns = take_signed(&c);
            w->floor_ns = take_signed(&c);
        } else if (kind == 'S') {
            source_decode(w, &c);
        } else if (kind == 'W') {
            TRY(window_decode(w, &c, err));
        } else if (kind == 'X') {
            int64_t start_ns = take_signed(&c);
            struct window *window = strmap_get(&w->by_key, name_of(w, start_ns, take_text(&c)));
            if (window && !c.is_bad)
                window_drop(w, window);
        } else {
            c.is_bad = true;
        }
    }
    return c.is_bad ? err_set(err, ERR_CORRUPT, "window state: damaged record") : 0;
}
