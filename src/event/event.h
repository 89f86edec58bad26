/* SPDX-License-Identifier: Apache-2.0 */
/* event.h: the record that pipelines and streams share, and batches of them. A batch owns one
 * arena; everything its events hold lies in it. Events move through a pipeline a batch at a time.
 *
 * Acknowledgement: a batch carries one `struct ack`, made by the input. Whoever still needs the
 * batch holds a reference (each output queue, a window that has not saved its state). When the last
 * reference goes, the input's callback runs, on whatever thread that was: `is_ok` false when
 * anybody called ack_fail before. */
#ifndef NARU_EVENT_EVENT_H
#define NARU_EVENT_EVENT_H

#include "event/value.h"

struct ack;
typedef void ack_fn(void *owner, uint64_t cookie,
                    bool is_ok); /* MUST be quick and MUST NOT block */
struct ack *ack_new(ack_fn *done, void *owner, uint64_t cookie); /* one reference */
struct ack *ack_ref(struct ack *ack);                            /* NULL is fine in all three */
void ack_unref(struct ack *ack);
void ack_fail(struct ack *ack); /* the input should not count the batch as delivered */

/* Where an event comes from, for exactly-once: `position` grows within one `source`. */
struct event_origin {
    uint64_t source;   /* hash of the input's identity (file, index, partition); 0: not known */
    uint64_t position; /* position behind this event */
};

struct event {
    struct arena *mem; /* the batch's, borrowed */
    struct value
        fields; /* a map; "@timestamp" (VALUE_TIME) and "@version" ("1") are ordinary entries */
    struct value metadata; /* a map: [@metadata][...]; never serialised */
    struct event_origin origin;
    bool is_cancelled;
};

struct batch {
    struct arena *mem;
    struct event **events;
    size_t count;
    size_t capacity;
    struct ack *ack; /* owned reference, may be NULL */
    size_t bytes;    /* rough size of what came in, for queue weights */
    uint32_t refs;
};

#define BATCH_BYTES_MAX (256 * MIB)

struct batch *batch_new(struct ack *taken_ack);
struct batch *batch_ref(struct batch *batch);
void batch_unref(struct batch *batch); /* the last one frees the arena and unrefs the ack */
/* A new event at the end of the batch: no fields at all. */
struct event *batch_add(struct batch *batch);
/* The same with @timestamp and @version set. */
struct event *batch_add_stamped(struct batch *batch, int64_t now_ns);
struct event *event_clone(struct batch *batch, const struct event *ev); /* added to the batch */

/* Field references: "foo", "[foo]", "[a][b][0]", "[@metadata][x]". Parsed once into a path. */
#define FIELD_PATH_PARTS_MAX 32u
struct field_path {
    struct str *parts;
    size_t count;
    bool is_metadata; /* first part was @metadata (not in parts) */
    struct str text;
};
/* -ERR_INVALID with the reason ("a[b]" is no field reference …). Strings lie in mem. */
int field_path_parse(struct arena *mem, struct str text, struct field_path *ret_path,
                     struct err *err) WARN_UNUSED;
bool field_path_is_valid(struct str text);

/* NULL when it is not there. Integer parts index lists (negative from the end). */
struct value *event_get(const struct event *ev, const struct field_path *path);
/* Makes maps on the way; -ERR_INVALID when the way leads through something that is no map. */
int event_set(struct event *ev, const struct field_path *path, struct value v, struct err *err);
bool event_remove(struct event *ev, const struct field_path *path, struct value *ret_removed);
/* Conveniences that parse the reference each time: for rare use. */
struct value *event_get_text(const struct event *ev, struct str ref);
int event_set_text(struct event *ev, struct str ref, struct value v, struct err *err);
#define event_get_lit(ev, lit) event_get_text((ev), STR(lit))

void event_tag(struct event *ev, struct str tag); /* appends to "tags", never twice */
bool event_has_tag(const struct event *ev, struct str tag);
bool event_timestamp_ns(const struct event *ev, int64_t *ret_ns);
void event_to_json(const struct event *ev, struct buf *out); /* without metadata */
/* A JSON object's members become fields, "@metadata" goes to metadata, "@timestamp" text becomes a
 * time. When the JSON has no @timestamp it is set to now_ns. Strings borrow from `json`: it must
 * live as long as the batch (arena_str(batch->mem, ...) where it does not). */
int event_from_json(struct batch *batch, struct str json, int64_t now_ns, struct event **ret_ev,
                    struct err *err) WARN_UNUSED;

/* sprintf templates: "%{field}", "%{[a][b]}", "%{+yyyy.MM.dd}" (UTC of @timestamp), "%{+%s}" (epoch
 * seconds). Compiled once. A missing field leaves the reference as it is. */
struct sprintf_template;
int sprintf_compile(struct arena *mem, struct str text, struct sprintf_template **ret_t,
                    struct err *err) WARN_UNUSED;
struct str sprintf_text(const struct sprintf_template *t, const struct event *ev,
                        struct arena *mem);
bool sprintf_is_constant(const struct sprintf_template *t);
/* All references exist? (jdbc: NULL instead of the literal text) */
bool sprintf_is_complete(const struct sprintf_template *t, const struct event *ev);

#endif
