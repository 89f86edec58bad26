/* SPDX-License-Identifier: Apache-2.0 */
/* ship_int.h: shared by the files of ship/ only. The way of a line:
 *
 *   tail -> input (multiline, include/exclude) -> template or processors -> batch -> outbox ->
 * client -> network
 *                                                                                              |
 *   registry <- tail's acknowledged offset <- ticket of the batch <- acknowledgement <---------+
 *
 * Left of the outbox everything is on the thread of ship_run; each client has a thread of its own.
 */
#ifndef NARU_SHIP_SHIP_INT_H
#define NARU_SHIP_SHIP_INT_H

#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/rng.h"
#include "base/str.h"
#include "os/net.h"
#include "ship/registry.h"
#include "ship/ship.h"
#include "ship/yaml.h"
#include "tail/acks.h"
#include "tail/tail.h"

#define SHIP__BATCH_BYTES_MAX                                                                      \
    (8 * MIB) /* a batch is closed when it has as many, however few its events */
#define SHIP__BATCH_EVENTS_MAX 65536u
#define SHIP__BATCHES_MAX                                                                          \
    64u /* made, sent or waiting; queue.mem.events / bulk_max_size within it */
#define SHIP__INPUTS_MAX 1000u
#define SHIP__HOSTS_MAX  256u

/* ---- templates: an event whose text is known but for a few places ---- */

enum ship__slot {
    SHIP__SLOT_TIME,
    SHIP__SLOT_ID,
    SHIP__SLOT_MESSAGE,
    SHIP__SLOT_OFFSET,
    SHIP__SLOT_END
};

struct ship__segment {
    struct str text;
    enum ship__slot slot; /* what follows the text */
};
struct ship__template {
    struct ship__segment *segments;
    size_t count;
};
struct ship__event {
    int64_t time_ns;
    const struct tail_file *file;
    uint64_t off;
    struct str message;
    unsigned flags; /* SHIP__FLAG_ */
};
enum { SHIP__FLAG_TRUNCATED = 1, SHIP__FLAG_MULTILINE = 2, SHIP__FLAG_COUNT = 4 };

/* The value that stands for a slot while the event is a tree. */
struct value ship__slot_value(enum ship__slot slot);
void ship__template_make(const struct value *event, struct arena *mem,
                         struct ship__template *ret_template);
struct ship__clock_text {
    int64_t ms;
    char text[32];
    size_t n;
};
void ship__template_write(const struct ship__template *t, const struct ship__event *ev,
                          struct ship__clock_text *now, struct buf *out);

/* ---- patterns ---- */

struct ship__patterns; /* a list of regular expressions; NULL matches nothing */
int ship__patterns_new(struct ship *ship, const struct value *list,
                       struct ship__patterns **ret_patterns, struct err *err) WARN_UNUSED;
void ship__patterns_free(struct ship__patterns *patterns);
bool ship__patterns_match(struct ship__patterns *patterns, struct str text);

struct regex;
/* The shipper frees it at its end. */
void ship__own_regex(struct ship *ship, struct regex *re);

/* ---- multiline ---- */

struct ship__multiline; /* settings */
struct ship__entry;     /* a half entry of one file */
int ship__multiline_new(struct ship *ship, const struct value *map, size_t bytes_max,
                        struct ship__multiline **ret_multiline, struct err *err) WARN_UNUSED;
void ship__multiline_free(struct ship__multiline *multiline);
struct ship__entry *ship__entry_new(void);
void ship__entry_free(struct ship__entry *entry);
struct ship__whole {
    struct str text;
    uint64_t off, end_off;
    size_t line_count;
    bool is_truncated;
};
/* Takes a line; true: an entry is complete (borrowed until the next call) and the line has NOT been
 * taken yet when *ret_again. */
bool ship__multiline_add(const struct ship__multiline *multiline, struct ship__entry *entry,
                         const struct tail_line *line, int64_t now_ns,
                         struct ship__whole *ret_whole, bool *ret_again);
/* The half entry as it is, when there is one and (at now_ns) it waited for long enough, or
 * is_forced. */
bool ship__multiline_flush(const struct ship__multiline *multiline, struct ship__entry *entry,
                           int64_t now_ns, bool is_forced, struct ship__whole *ret_whole);
void ship__entry_clear(struct ship__entry *entry); /* what flush or add gave has been sent on */

/* ---- processors ---- */

struct ship__processors;
int ship__processors_new(struct ship *ship, const struct value *list,
                         struct ship__processors **ret_processors, struct err *err) WARN_UNUSED;
/* All of them change only what is the same for every line of a file: they run once, on the
 * template. */
bool ship__processors_are_static(const struct ship__processors *processors);
/* False: the event is dropped. */
bool ship__processors_run(const struct ship__processors *processors, struct value *event,
                          struct arena *mem);

/* ---- inputs ---- */

enum ship__input_kind { SHIP__INPUT_LOG, SHIP__INPUT_FILESTREAM };

/* What both kinds come down to. */
struct ship__input {
    struct ship *ship;
    enum ship__input_kind kind;
    struct str type;      /* "log" */
    struct str id;        /* filestream's, may be empty */
    const char *identity; /* "native", "path", "fingerprint" */
    struct tail_config follow;
    struct tail *tail;
    struct str index, pipeline; /* for [@metadata], may be empty */
    bool disable_host;
    struct ship__patterns *include, *exclude, *exclude_files, *include_files;
    struct ship__multiline *multiline;
    struct value fields, tags; /* none when not given */
    bool fields_under_root, keep_null;
    struct ship__processors *processors;
    bool is_static; /* the processors run once per file, on the template */
    size_t message_bytes_max;
};
/* Per followed file: its templates by flags, its half entry. */
struct ship__file {
    struct arena *mem;
    struct ship__template templates[SHIP__FLAG_COUNT];
    struct value bases[SHIP__FLAG_COUNT]; /* the same as trees, for processors that look at lines */
    bool is_dropped[SHIP__FLAG_COUNT];    /* a processor drops every such event */
    bool is_made[SHIP__FLAG_COUNT];
    struct str path; /* the templates are made for it */
    struct ship__entry *entry;
};

struct ship__file *ship__file_of(struct tail_file *file); /* made at the first call */
int ship__input_load(struct ship *ship, const struct value *conf, struct err *err) WARN_UNUSED;
int ship__input_start(struct ship__input *input,
                      struct err *err) WARN_UNUSED; /* the tail, restored */
void ship__input_deinit(struct ship__input *input);
bool ship__input_excludes(const struct ship__input *input, struct str path);
/* Half entries whose time is over. */
bool ship__input_flush_late(struct ship__input *input, int64_t now_ns);
/* The registry's key and value of a file. */
void ship__input_save(struct ship__input *input, const struct tail_file *file);
void ship__input_restore(struct ship__input *input); /* gives the tail what the registry holds */
/* Of the tail's sink; `owner` is the input. */
uint64_t ship__input_generation(void *owner, bool is_restart);
int ship__input_keep(void *owner, struct tail_file *file, struct err *err) WARN_UNUSED;
void ship__input_forget(void *owner, struct tail_file *file);

/* The fields that every event of the input and path has, slots included. */
struct value ship__event_base(struct ship__input *input, struct str path, unsigned flags,
                              struct arena *mem);

/* ---- batches and the outbox ---- */

struct ship__batch {
    struct buf frames; /* lumberjack JSON frames, numbered from 1 */
    uint32_t count;
    uint64_t ticket;
    struct tail_marks marks; /* before it got its ticket */
    struct ship__batch *next;
};

struct ship__outbox {
    pthread_mutex_t mu;
    pthread_cond_t changed;
    struct ship__batch *ready_first, *ready_last; /* guarded by mu, as all below */
    struct ship__batch *free_first;
    size_t made, batches_max;
    size_t under_way; /* taken by clients, not acknowledged */
    bool is_closed;
    uint64_t wakes;
};

void ship__outbox_init(struct ship__outbox *outbox, size_t batches_max);
void ship__outbox_deinit(struct ship__outbox *outbox);
struct ship__batch *ship__outbox_new_batch(struct ship__outbox *outbox); /* NULL: all are in use */
void ship__outbox_recycle(struct ship__outbox *outbox, struct ship__batch *batch);
void ship__outbox_put(struct ship__outbox *outbox, struct ship__batch *batch);
/* NULL: nothing within the time (real ns, -1: for ever), or closed. */
struct ship__batch *ship__outbox_take(struct ship__outbox *outbox, int64_t timeout_ns);
void ship__outbox_give_back(struct ship__outbox *outbox,
                            struct ship__batch *batch); /* to the front */
void ship__outbox_done(struct ship__outbox *outbox, struct ship__batch *batch);
void ship__outbox_close(struct ship__outbox *outbox);
bool ship__outbox_is_closed(struct ship__outbox *outbox);
void ship__outbox_wake(struct ship__outbox *outbox);
/* Waits for an acknowledgement, a wake or the time. `seen`: the count of wakes known so far. */
void ship__outbox_wait(struct ship__outbox *outbox, uint64_t *seen, int64_t timeout_ns);

/* ---- outputs ---- */

struct ship__output {
    const char *name;
    int (*load)(struct ship *ship, const struct value *conf, struct err *err);
    int (*start)(struct ship *ship, struct err *err);
    void (*stop)(struct ship *ship); /* after the outbox was closed: joins */
    void (*deinit)(struct ship *ship);
};
extern const struct ship__output ship__output_logstash, ship__output_console;
void ship__acked(struct ship *ship, struct ship__batch *batch); /* from a client's thread */

/* ---- the shipper ---- */

struct ship {
    struct ship_config config;
    struct arena *mem;
    struct yaml_source source;
    struct value conf;
    struct rng rng;
    struct str data_path, registry_path;
    struct vfs_file *lock;
    struct registry *registry;
    bool is_unsynced; /* lives of files that must be on disk before their lines are sent */
    int64_t shutdown_ns, registry_flush_ns;
    size_t bulk_events_max;
    uint64_t queue_events;
    uint64_t generation; /* the registry's counter of lives that ended */
    struct ship__input **inputs;
    size_t input_count, input_capacity;
    struct value fields, tags;
    bool fields_under_root;
    struct ship__processors *processors;
    struct str name, hostname;
    struct str beat_index; /* [@metadata][beat]: "filebeat", or the output's `index` */
    size_t batches_min;    /* that the output wants to have under way */
    char agent_id[37], ephemeral_id[37];
    const struct ship__output *output;
    void *output_state;
    struct ship__outbox outbox;
    struct tail_acks *acks;
    struct ship__batch *batch; /* being filled */
    struct regex **regexes;    /* of conditions */
    size_t regex_count, regex_capacity;
    struct ship__clock_text now_text;
    struct arena *scratch;
    bool is_stopping; /* atomic */
    struct {
        struct metric lines, bytes, events, filtered, acked, batches, resent, connections, failures,
            wire, files, open_files;
    } stats;
};

/* An error at a value of the configuration. Returns -code. */
int ship__fail(const struct ship *ship, const struct value *at, struct err *err, enum err_code code,
               const char *format, ...) PRINTF_LIKE(5, 6);
/* A warning while loading, with file:line:column. */
void ship__warn(const struct ship *ship, const struct value *at, const char *format, ...)
    PRINTF_LIKE(3, 4);
struct opt;
/* options_fill with positions and warnings. */
int ship__fill(struct ship *ship, const struct opt *opts, void *instance, const struct value *map,
               const char *const *skip, struct err *err) WARN_UNUSED;
/* Adds `from`'s entries to a map, deep; entries there already are replaced. Shares what it can. */
void ship__merge(struct arena *mem, struct value *map, const struct value *from);
/* A map's leaves by dotted names; `keeps_ranges`: maps of gt, gte, lt, lte are leaves. Lists stay
 * as they are. */
struct value ship__flat(struct arena *mem, const struct value *map, bool keeps_ranges);
/* Room for one more event (and a batch to put it in)? */
bool ship__has_room(struct ship *ship);
/* Appends an event for the lines up to end_off; the room was asked for. */
void ship__emit(struct ship__input *input, struct tail_file *file, const struct ship__event *ev,
                uint64_t end_off);
/* The lines up to end_off give no event. */
void ship__skip(struct ship *ship, struct tail_file *file, uint64_t end_off);
bool ship__is_stopping(struct ship *ship);
void ship__uuid(struct rng *rng, char *text); /* 36 characters and NUL */

#endif
