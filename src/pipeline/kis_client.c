/* SPDX-License-Identifier: Apache-2.0 */
/* kis_client.c: see kis_client.h. Everything runs on the caller's thread inside lws_service; two
 * timers wake it: one that hands on what came (flush), one that looks at silence and stop. A
 * session's states:
 *
 *     CONNECTING --established--> SUBSCRIBING --first good answer--> OPEN
 *         any  --error, close, silence, fatal answer, stop--> ended (end != RUNNING)
 *
 * Subscriptions go out one text frame a stock, each in its own writable callback, keep-alive echoes
 * before them. */
#include "pipeline/kis_client.h"

#include <libwebsockets.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "pipeline/kis_frame.h"

#define CHECK_US         100000 /* between looks at silence and stop */
#define RUNNING          ((enum kis_client_end) - 1)
#define ECHOES_BYTES_MAX 65536u

struct kis_client {
    struct kis_client_config config;
    struct kis_url url;
    struct lws_context *context;
    struct lws *wsi;
    lws_sorted_usec_list_t flush_timer, check_timer;
    bool is_flush_due;
    struct str approval_key;
    enum kis_client_end end;
    bool is_over; /* the connection is gone: run may return */
    bool is_established, had_data;
    size_t subscribed;     /* requests written so far */
    size_t good, bad;      /* answers */
    int64_t last_frame_ns; /* monotonic */
    struct buf rx, echo, out;
    struct arena *mem; /* of one message */
    struct err err;
};

int kis_url_parse(struct str url, struct kis_url *ret_url, struct err *err)
{
    struct kis_url parsed = {.port = 0};
    struct str rest = url;
    if (str_starts_with(rest, STR("ws://")))
        rest = str_from_off(rest, 5);
    else if (str_starts_with(rest, STR("wss://")))
        rest = str_from_off(rest, 6);
    else
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT "\" is no WebSocket address: it begins with ws:// or wss://",
                       STR_ARG(url));
    parsed.is_tls = url.p[2] == 's';
    ptrdiff_t slash = str_find_char(rest, '/');
    parsed.path = slash < 0 ? STR("/") : str_from_off(rest, (size_t)slash);
    struct str host = slash < 0 ? rest : str_sub(rest, 0, (size_t)slash);
    ptrdiff_t colon = str_find_char(host, ':');
    uint64_t port = parsed.is_tls ? 443 : 80;
    if (colon >= 0 &&
        (!str_to_u64(str_from_off(host, (size_t)colon + 1), &port) || port == 0 || port > 65535))
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" has no port from 1 to 65535",
                       STR_ARG(url));
    parsed.host = colon < 0 ? host : str_sub(host, 0, (size_t)colon);
    if (parsed.host.n == 0)
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" names no host", STR_ARG(url));
    parsed.port = (uint16_t)port;
    *ret_url = parsed;
    return 0;
}

/* Ends the session with this reason, unless it has one. */
static void client_end(struct kis_client *client, enum kis_client_end end)
{
    if (client->end == RUNNING)
        client->end = end;
    if (client->wsi)
        lws_set_timeout(client->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* ---- what comes in ---- */

/* Tells the meaning of an answer's code; RUNNING when the session goes on. */
static enum kis_client_end answer_end(struct kis_client *client, const struct kis_message *message)
{
    if (str_is(message->rt_cd, "0") || str_is(message->msg_cd, "OPSP0002")) {
        client->good++;
        return RUNNING;
    }
    client->bad++;
    struct str code = message->msg_cd;
    bool is_key = str_is(code, "OPSP0010") || str_is(code, "OPSP0011");
    bool is_used = str_is(code, "OPSP8996");
    const char *what = is_key                     ? "the approval key is not valid"
                       : is_used                  ? "another session holds the app key"
                       : str_is(code, "OPSP0008") ? "too many subscriptions for one session"
                                                  : "the feed refused the subscription";
    (void)err_set(&client->err,
                  is_key    ? ERR_AUTH
                  : is_used ? ERR_IN_USE
                            : ERR_INVALID,
                  "%s: " STR_FMT " " STR_FMT " (stock " STR_FMT ")", what, STR_ARG(code),
                  STR_ARG(message->msg), STR_ARG(message->tr_key));
    if (is_key)
        return KIS_END_BAD_KEY;
    if (is_used)
        return KIS_END_IN_USE;
    if (client->good == 0 && client->bad >= client->config.stock_count)
        return KIS_END_REFUSED;
    client->config.notice(client->config.owner, client->err.text);
    return RUNNING;
}

static void on_json(struct kis_client *client, struct str text)
{
    struct kis_message message;
    arena_reset(client->mem);
    if (kis_message_parse(text, client->mem, &message, NULL) < 0) {
        client->config.frame(client->config.owner, text); /* the owner names what it is not */
        return;
    }
    if (message.kind == KIS_MESSAGE_PING) {
        buf_clear(&client->echo); /* one echo is enough: the newest */
        buf_add_str(&client->echo, text);
        lws_callback_on_writable(client->wsi);
        return;
    }
    if (message.kind != KIS_MESSAGE_ANSWER)
        return;
    enum kis_client_end end = answer_end(client, &message);
    if (end != RUNNING)
        client_end(client, end);
}

static void on_flush(lws_sorted_usec_list_t *timer)
{
    struct kis_client *client = lws_container_of(timer, struct kis_client, flush_timer);
    client->is_flush_due = false;
    client->config.flush(client->config.owner);
}

static void on_text(struct kis_client *client, struct str text)
{
    if (text.n && text.p[0] == '{') {
        on_json(client, text);
        return;
    }
    client->had_data = true;
    client->config.frame(client->config.owner, text);
    if (client->is_flush_due)
        return;
    client->is_flush_due = true;
    lws_sul_schedule(client->context, 0, &client->flush_timer, on_flush,
                     KIS_CLIENT_FLUSH_NS / NS_PER_US);
}

static int on_receive(struct kis_client *client, struct lws *wsi, struct str piece)
{
    client->last_frame_ns = clock_monotonic_ns(client->config.clock);
    buf_add_str(&client->rx, piece);
    if (client->rx.is_over) {
        (void)err_set(&client->err, ERR_TOO_LARGE, "a frame is above %llu bytes",
                      (unsigned long long)KIS_CLIENT_FRAME_BYTES_MAX);
        client->end = client->end == RUNNING ? KIS_END_CLOSED : client->end;
        return -1;
    }
    if (lws_remaining_packet_payload(wsi) || !lws_is_final_fragment(wsi))
        return 0;
    on_text(client, buf_str(&client->rx));
    buf_clear(&client->rx);
    return client->end == RUNNING ? 0 : -1;
}

/* ---- what goes out ---- */

static int write_text(struct kis_client *client, struct lws *wsi, struct buf *padded)
{
    size_t n = padded->n - LWS_PRE;
    int rc = lws_write(wsi, (unsigned char *)padded->p + LWS_PRE, n, LWS_WRITE_TEXT);
    (void)client;
    return rc < (int)n ? -1 : 0;
}

static void out_begin(struct buf *out)
{
    buf_clear(out);
    memset(buf_reserve(out, LWS_PRE), 0, LWS_PRE);
    buf_added(out, LWS_PRE);
}

static int on_writable(struct kis_client *client, struct lws *wsi)
{
    if (client->end != RUNNING)
        return -1;
    out_begin(&client->out);
    if (client->echo.n) {
        buf_add_str(&client->out, buf_str(&client->echo));
        buf_clear(&client->echo);
    } else if (client->subscribed < client->config.stock_count) {
        kis_subscribe_write(&client->out, client->approval_key, client->config.custtype,
                            client->config.tr_id, client->config.stocks[client->subscribed++],
                            false);
    } else {
        return 0;
    }
    if (write_text(client, wsi, &client->out) < 0)
        return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

/* ---- libwebsockets ---- */

static void on_gone(struct kis_client *client, enum kis_client_end end, const char *what,
                    struct str detail)
{
    client->wsi = NULL;
    client->is_over = true;
    if (client->end != RUNNING)
        return;
    client->end = end;
    (void)err_set(&client->err, ERR_NET, "%s" STR_FMT ":%u%s" STR_FMT, what,
                  STR_ARG(client->url.host), (unsigned)client->url.port, detail.n ? ": " : "",
                  STR_ARG(detail));
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct kis_client *client = lws_context_user(lws_get_context(wsi));
    (void)user;
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_gone(client, KIS_END_UNREACHABLE, "cannot connect to ", (struct str){in, in ? len : 0});
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        client->is_established = true;
        client->last_frame_ns = clock_monotonic_ns(client->config.clock);
        lws_callback_on_writable(wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return on_receive(client, wsi, (struct str){in, len});
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return on_writable(client, wsi);
    case LWS_CALLBACK_CLIENT_CLOSED:
        on_gone(client, KIS_END_CLOSED, "the connection was closed by ", STR_NONE);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "kis-client", .callback = on_event, .rx_buffer_size = 65536},
    {0},
};

static void on_check(lws_sorted_usec_list_t *timer)
{
    struct kis_client *client = lws_container_of(timer, struct kis_client, check_timer);
    struct kis_client_config *config = &client->config;
    int64_t silent_ns = clock_monotonic_ns(config->clock) - client->last_frame_ns;
    if (config->is_stopping(config->owner)) {
        client_end(client, KIS_END_STOPPED);
    } else if (silent_ns > config->silence_ns && client->end == RUNNING) {
        (void)err_set(&client->err, ERR_TIMEOUT, "no frame from " STR_FMT ":%u for %lld s",
                      STR_ARG(client->url.host), (unsigned)client->url.port,
                      (long long)(silent_ns / NS_PER_S));
        client_end(client, KIS_END_SILENT);
    }
    lws_sul_schedule(client->context, 0, timer, on_check, CHECK_US);
}

int kis_client_new(const struct kis_client_config *config, struct kis_client **ret_client,
                   struct err *err)
{
    struct kis_url url;
    TRY(kis_url_parse(config->url, &url, err));
    lws_set_log_level(0, NULL); /* what goes wrong is told by our errors */
    struct kis_client *client = MEM_NEW(struct kis_client);
    client->config = *config;
    client->url = url;
    client->mem = arena_new(4 * MIB);
    buf_init(&client->rx, KIS_CLIENT_FRAME_BYTES_MAX);
    buf_init(&client->echo, ECHOES_BYTES_MAX);
    buf_init(&client->out, ECHOES_BYTES_MAX + LWS_PRE);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = client,
        .options = url.is_tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
        .gid = -1,
        .uid = -1,
    };
    client->context = lws_create_context(&info);
    if (!client->context) {
        kis_client_free(client);
        return err_set(err, ERR_INTERNAL, "libwebsockets cannot make a context");
    }
    *ret_client = client;
    return 0;
}

void kis_client_free(struct kis_client *client)
{
    if (!client)
        return;
    if (client->context)
        lws_context_destroy(client->context);
    arena_free(client->mem);
    buf_deinit(&client->rx);
    buf_deinit(&client->echo);
    buf_deinit(&client->out);
    mem_free(client);
}

static void client_reset(struct kis_client *client, struct str approval_key)
{
    client->approval_key = approval_key;
    client->end = RUNNING;
    client->is_over = client->is_established = client->had_data = false;
    client->subscribed = client->good = client->bad = 0;
    client->last_frame_ns = clock_monotonic_ns(client->config.clock);
    buf_clear(&client->rx);
    buf_clear(&client->echo);
    err_clear(&client->err);
}

static void client_connect(struct kis_client *client)
{
    char *host = mem_cstr(client->url.host), *path = mem_cstr(client->url.path);
    struct lws_client_connect_info info = {
        .context = client->context,
        .address = host,
        .port = client->url.port,
        .path = path,
        .host = host,
        .origin = host,
        .ssl_connection = client->url.is_tls ? LCCSCF_USE_SSL : 0,
        .local_protocol_name = "kis-client",
        .pwsi = &client->wsi,
    };
    if (!lws_client_connect_via_info(&info) && !client->is_over)
        on_gone(client, KIS_END_UNREACHABLE, "cannot connect to ", STR_NONE);
    mem_free(host);
    mem_free(path);
}

enum kis_client_end kis_client_run(struct kis_client *client, struct str approval_key,
                                   bool *ret_had_data, struct err *err)
{
    client_reset(client, approval_key);
    lws_sul_schedule(client->context, 0, &client->check_timer, on_check, CHECK_US);
    client_connect(client);
    while (!client->is_over)
        if (lws_service(client->context, 0) < 0)
            on_gone(client, KIS_END_CLOSED, "the event loop failed for ", STR_NONE);
    lws_sul_cancel(&client->check_timer);
    lws_sul_cancel(&client->flush_timer);
    client->is_flush_due = false;
    client->config.flush(client->config.owner);
    *ret_had_data = client->had_data;
    if (err && client->end != KIS_END_STOPPED)
        *err = client->err;
    return client->end;
}

void kis_client_wake(struct kis_client *client)
{
    lws_cancel_service(client->context);
}
