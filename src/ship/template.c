/* SPDX-License-Identifier: Apache-2.0 */
/* template.c: all events of a file have the same text but for time, id, message and offset. So the
 * event is built as a tree once per file, with a marker in each of those places, the processors
 * that do not look at lines run on it, and it is written as JSON once; the text is then cut at the
 * markers. A line costs a few copies and its own escaping. */
#include "ship/ship_int.h"

#include "codec/json.h"

/* Cannot come from a configuration: YAML has no raw control characters, and an escaped one would
 * need this very text. */
static const char *const markers[] = {"\x01naru-slot-time\x01", "\x01naru-slot-id\x01",
                                      "\x01naru-slot-message\x01", "\x01naru-slot-offset\x01"};

struct value ship__slot_value(enum ship__slot slot)
{
    return value_str(str_from(markers[slot]));
}

/* The next marker in the text: its place and its length; SHIP__SLOT_END: none. */
static enum ship__slot find_marker(struct str text, size_t *ret_at, size_t *ret_n)
{
    static const char head[] = "\"\\u0001naru-slot-", tail[] = "\\u0001\"";
    ptrdiff_t at = str_find(text, STR("\"\\u0001naru-slot-"));
    if (at < 0)
        return SHIP__SLOT_END;
    struct str rest = str_from_off(text, (size_t)at + sizeof(head) - 1);
    for (enum ship__slot slot = SHIP__SLOT_TIME; slot < SHIP__SLOT_END; slot++) {
        struct str name = str_from(markers[slot] + 11);
        name.n--;
        if (str_starts_with(rest, name) &&
            str_starts_with(str_from_off(rest, name.n), STR("\\u0001\""))) {
            *ret_at = (size_t)at;
            *ret_n = sizeof(head) - 1 + name.n + sizeof(tail) - 1;
            return slot;
        }
    }
    return SHIP__SLOT_END;
}

void ship__template_make(const struct value *event, struct arena *mem,
                         struct ship__template *ret_template)
{
    struct buf out;
    buf_init(&out, SHIP__BATCH_BYTES_MAX);
    value_to_json(event, &out);
    struct str text = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    size_t capacity = 8;
    struct ship__template t = {.segments = ARENA_ARRAY(mem, struct ship__segment, capacity)};
    for (;;) {
        size_t at = text.n, n = 0;
        enum ship__slot slot = find_marker(text, &at, &n);
        if (t.count == capacity) {
            t.segments = arena_realloc(mem, t.segments, capacity * sizeof(*t.segments),
                                       2 * capacity * sizeof(*t.segments));
            capacity *= 2;
        }
        t.segments[t.count++] = (struct ship__segment){str_sub(text, 0, at), slot};
        if (slot == SHIP__SLOT_END)
            break;
        text = str_from_off(text, at + n);
    }
    *ret_template = t;
}

static void write_time(struct ship__clock_text *now, int64_t time_ns, struct buf *out)
{
    int64_t ms = time_ns / NS_PER_MS;
    if (now->n == 0 || now->ms != ms) { /* lines come by the hundred in a millisecond */
        char text[48];
        size_t n = time_to_iso8601(ms * NS_PER_MS, text);
        now->ms = ms;
        now->n = n + 2;
        now->text[0] = '"';
        memcpy(now->text + 1, text, MIN_OF(n, sizeof(now->text) - 2));
        now->text[n + 1] = '"';
    }
    buf_add(out, now->text, now->n);
}

static void write_id(const struct ship__event *ev, struct buf *out)
{
    char text[TAIL_LINE_ID_LEN + 2];
    text[0] = text[TAIL_LINE_ID_LEN + 1] = '"';
    tail_line_id(ev->file, ev->off, text + 1);
    buf_add(out, text, sizeof(text));
}

void ship__template_write(const struct ship__template *t, const struct ship__event *ev,
                          struct ship__clock_text *now, struct buf *out)
{
    for (size_t i = 0; i < t->count; i++) {
        buf_add_str(out, t->segments[i].text);
        switch (t->segments[i].slot) {
        case SHIP__SLOT_TIME:
            write_time(now, ev->time_ns, out);
            break;
        case SHIP__SLOT_ID:
            write_id(ev, out);
            break;
        case SHIP__SLOT_MESSAGE:
            json_write_str(out, ev->message);
            break;
        case SHIP__SLOT_OFFSET:
            buf_add_u64(out, ev->off);
            break;
        case SHIP__SLOT_END:
            break;
        }
    }
}
