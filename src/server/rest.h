/* SPDX-License-Identifier: Apache-2.0 */
/* rest.h: endpoints of the Elasticsearch REST API. An endpoint is one small file under rest/ with a
 * constant descriptor and a line in endpoints.tbl. The core finds it by method and path, decodes
 * path parts, fills its parameters by its option table, handles the parameters that every endpoint
 * has (pretty, human, error_trace, filter_path, format, source), and turns errors into
 * Elasticsearch's shape. A handler does three things: read typed parameters, call one function of a
 * lower layer, write the reply. */
#ifndef NARU_SERVER_REST_H
#define NARU_SERVER_REST_H

#include "base/opt.h"
#include "codec/json.h"
#include "event/value.h"
#include "server/http.h"

struct engine;
struct scroll_table;
struct search_pool;
struct rest;
struct http_server;

#define REST_PATH_PARTS_MAX 8u

/* What endpoints may use; one per server. */
struct rest_context {
    struct engine *engine;
    struct clock *clock;
    struct scroll_table *scrolls;
    struct search_pool *searches; /* threads that help searches; NULL: none */
    size_t search_bytes_max;      /* memory of one search; 0: default */
    struct str node_name;
    int64_t started_ns; /* monotonic */
    uint16_t http_port;
    const struct http_server *http; /* the REST listener, for figures; NULL: there is none */
};

/* Who waits for the reply. */
struct rest_client {
    bool (*is_gone)(void *owner); /* MAY be NULL; on the call's thread */
    void *owner;
    void *body_reader; /* what the endpoint's body_reader made of the body; NULL: nothing yet */
};

/* The index that refused a document. */
struct rest_place {
    struct str index, uuid; /* uuid.p == NULL: none did */
};

struct rest_call {
    struct rest_context *context;
    struct rest_client client;
    struct str method, path;
    struct str body;
    struct arena *mem;
    const struct endpoint *endpoint;
    void *params; /* the endpoint's settings struct, filled */
    struct {
        struct str name, value;
    } parts[REST_PATH_PARTS_MAX]; /* decoded path parts: {index}, {id} … */
    size_t part_count;
    struct value query;      /* every query parameter as text, for endpoints that hand them on */
    int status;              /* 200 */
    struct rest_place place; /* for the error, should the call fail */
    struct buf *out;
    struct json_writer w; /* writes to out */
    bool is_text;         /* the handler wrote text/plain instead of JSON */
    bool is_head;
    struct str warning; /* deprecation header, may be empty */
    struct str format;  /* ?format= of _cat: "", "json", "yaml" … */
};

/* A path part by name, p == NULL: the matched pattern has none. */
struct str rest_part(const struct rest_call *call, const char *name);
/* The body as a tree; an empty body gives VALUE_NONE. */
int rest_body(struct rest_call *call, struct value *ret_body, struct err *err) WARN_UNUSED;
/* The same, and an empty body is an error. */
int rest_body_required(struct rest_call *call, struct value *ret_body, struct err *err) WARN_UNUSED;

/* `names`: NULL-terminated. */
bool rest_is_one_of(struct str text, const char *const *names);

struct endpoint {
    const char *name; /* "search" */
    const char *summary;
    const char *const *routes; /* "GET /{index}/_search" …; NULL-terminated */
    const struct opt *params;  /* of the query string; MAY be NULL */
    size_t size;               /* of the settings struct */
    const char *privilege;     /* what it needs: "read", "index", "manage", "monitor" … */
    bool takes_any_param;      /* parameters not in the table are handed on in call->query */
    const struct body_reader *body_reader; /* reads the body while it arrives; MAY be NULL */
    /* 0, or -ERR: the core writes the error. */
    int (*run)(struct rest_call *call, struct err *err);
};
extern const struct endpoint *const endpoints[]; /* NULL-terminated */

/* The reader of the endpoint that a request is for; NULL: its body is only gathered. */
const struct body_reader *rest_body_reader(struct str method, struct str path);

/* Runs a request against the endpoints: never fails, an error is a reply as well. `client` MAY be
 * NULL. */
struct rest_reply {
    int status;
    struct str content_type;
    struct str warning;
};
void rest_run(struct rest_context *context, struct str method, struct str path, struct str query,
              struct str body, const struct rest_client *client, struct arena *mem, struct buf *out,
              struct rest_reply *ret_reply);

/* {"error":{"root_cause":[…],"type":…,"reason":…},"status":N}. `place` MAY be NULL: what refused a
 * document is shown with its version conflict. */
void rest_error_write(const struct err *err, const struct rest_place *place, struct json_writer *w);
/* Only the object behind "error", as documents of _mget have it. */
void rest_error_caused_write(const struct err *err, const struct rest_place *place,
                             struct json_writer *w);
/* The same without "root_cause", as bulk items have it. */
void rest_error_object_write(const struct err *err, const struct rest_place *place,
                             struct json_writer *w);

/* "_shards": {"total":1,"successful":1,"failed":0} */
void rest_shards_write(struct json_writer *w, size_t total);

/* ---- tables of _cat ---- */
struct cat_column {
    const char *name, *alias, *help;
    bool is_right;   /* numbers stand to the right */
    bool is_default; /* shown without ?h= */
};
struct cat_table {
    struct rest_call *call;
    const struct cat_column *columns;
    size_t column_count;
    struct str *cells; /* row by row, in the call's mem */
    size_t cell_count, cell_capacity;
};
void cat_init(struct cat_table *table, struct rest_call *call, const struct cat_column *columns,
              size_t count);
void cat_cell(struct cat_table *table, struct str text);
void cat_cellf(struct cat_table *table, const char *format, ...) PRINTF_LIKE(2, 3);
/* Writes the table as text or JSON as ?v, ?h, ?help, ?s and ?format ask. */
int cat_finish(struct cat_table *table, struct err *err) WARN_UNUSED;
/* "1.2kb" as Elasticsearch prints sizes. */
struct str cat_size(struct arena *mem, uint64_t bytes);
/* The same, or a bare number in the unit that ?bytes names. */
struct str cat_bytes(const struct rest_call *call, uint64_t bytes);
/* Parameters of every table; cat.c reads them from call->query. */
struct cat_params {
    struct str h, s, time, master_timeout;
    int bytes;
    bool v, help, local;
};
extern const char *const cat_byte_units[];
#define CAT_PARAMS(S, m)                                                                           \
    OPT_STR(S, m.h, .name = "h", .help = "columns to show"),                                       \
        OPT_STR(S, m.s, .name = "s", .help = "column to sort by, :desc"),                          \
        OPT_BOOL(S, m.v, .name = "v", .help = "with a head line"),                                 \
        OPT_BOOL(S, m.help, .name = "help", .help = "the columns there are"),                      \
        OPT_ENUM(S, m.bytes, .name = "bytes", .choices = cat_byte_units,                           \
                 .help = "sizes as numbers in this unit"),                                         \
        OPT_STR(S, m.time, .name = "time", .help = "accepted"),                                    \
        OPT_BOOL(S, m.local, .name = "local", .help = "accepted"),                                 \
        OPT_STR(S, m.master_timeout, .name = "master_timeout", .help = "accepted")
extern const struct opt cat_opts[]; /* for a struct cat_params */

#endif
