/* SPDX-License-Identifier: Apache-2.0 */
/* kis.c: the real-time stock feed of Korea Investment & Securities (WebSocket, H0STCNT0). Fetches
 * an approval key, holds one session, makes every trade of every frame an event with the fields'
 * own names, and reconnects with growing waits.
 *
 *     key? --fetch--> session --closed, silent, unreachable--> wait --> session …
 *                       |--OPSP0010/0011: a new key once, then the input fails
 *                       |--OPSP8996 (app key in use): wait longer
 *                       '--all subscriptions refused: the input fails
 *
 * The feed cannot be asked again for what was missed. The origin of a trade is (stock, business
 * date) and its accumulated volume, which grows with each trade: a window counts a trade once even
 * if the feed sends it twice. */
#include "pipeline/http_client.h"
#include "pipeline/kis_client.h"
#include "pipeline/kis_frame.h"
#include "pipeline/pipeline_int.h"
#include "pipeline/plugin.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include "codec/json.h"

#define SUBSCRIPTIONS_MAX 41u
#define BATCH_EVENTS_MAX  1000u
#define RETRY_FIRST_NS    (500 * NS_PER_MS)
#define RETRY_MAX_NS      (30 * NS_PER_S)
#define IN_USE_FIRST_NS   (5 * NS_PER_S)
#define IN_USE_MAX_NS     (60 * NS_PER_S)
#define KEY_VALID_NS                                                                               \
    (23 * 3600 * NS_PER_S) /* a key is good for 24 hours; needed at session start only */
#define LAST_PUSH_NS                                                                               \
    (2 * NS_PER_S) /* how long a stop waits for the queue to take what was received */
#define KEY_REPLY_BYTES_MAX 65536u
#define DEAD_BYTES_MAX      65536u /* of a broken frame that is kept */

struct kis_input {
    struct str url, approval_key, app_key, secret_key, rest_url, tr_id;
    struct value stocks;
    int custtype;
    int64_t silence_timeout;
    struct plugin *plugin;
    struct str *codes;
    size_t code_count;
    struct input *input;
    struct kis_client *client;
    struct batch *batch;
    struct rng rng;
    struct buf key; /* fetched */
    int64_t key_ns;
    struct dead_letter *dead_letters;
    bool has_dead_letters; /* some were added since the last sync */
    struct str *fields;    /* of one record */
    struct str *extra_names;
};

static const char *const custtypes[] = {"P", "B", NULL};
static const struct opt kis_opts[] = {
    OPT_STR(struct kis_input, url, .dflt = "ws://ops.koreainvestment.com:21000/tryitout/H0STCNT0",
            .help = "WebSocket address; port 21000 is the real market, 31000 paper trading."),
    OPT_STR(struct kis_input, approval_key, .flags = OPT_SECRET,
            .help = "A key fetched elsewhere; else app_key and secret_key."),
    OPT_STR(struct kis_input, app_key, .flags = OPT_SECRET,
            .help = "The app's key (36 characters)."),
    OPT_STR(struct kis_input, secret_key, .flags = OPT_SECRET,
            .help = "The app's secret (180 characters)."),
    OPT_STR(struct kis_input, rest_url, .dflt = "https://openapi.koreainvestment.com:9443",
            .help = "Where POST /oauth2/Approval is."),
    OPT_LIST(struct kis_input, stocks, .flags = OPT_REQUIRED,
             .help = "Stock codes, at most 41, as [\"005930\"]."),
    OPT_ENUM(struct kis_input, custtype, .dflt = "P", .choices = custtypes,
             .help = "P person, B company."),
    OPT_STR(struct kis_input, tr_id, .dflt = "H0STCNT0",
            .help = "The feed: H0STCNT0, trades of the Korea Exchange."),
    OPT_DURATION(
        struct kis_input, silence_timeout, .dflt = "60s", .min = NS_PER_S, .max = 3600 * NS_PER_S,
        .help =
            "Reconnect when no frame came for so long; the server sends a keep-alive every 10 s."),
    OPT_END,
};

/* ---- settings ---- */

static int code_add(struct kis_input *kis, struct str code, struct err *err)
{
    if (code.n == 0 || code.n > 12)
        return err_set(err, ERR_CONFIG,
                       "stocks: \"" STR_FMT
                       "\" is no stock code; write it in quotes, as \"005930\"",
                       STR_ARG(code));
    if (kis->code_count == SUBSCRIPTIONS_MAX)
        return err_set(err, ERR_CONFIG, "stocks: one session takes at most %u codes",
                       SUBSCRIPTIONS_MAX);
    kis->codes[kis->code_count++] = code;
    return 0;
}

/* Codes, each item one or several with commas between, as an environment variable holds them. */
static int stocks_parse(struct kis_input *kis, struct err *err)
{
    const struct value_list *list = kis->stocks.list;
    kis->codes = ARENA_ARRAY(kis->plugin->mem, struct str, SUBSCRIPTIONS_MAX);
    for (size_t i = 0; i < list->count; i++) {
        const struct value *v = &list->items[i];
        struct str rest = v->kind == VALUE_STR ? v->s : STR(""), code;
        int rc = rest.n ? 0 : code_add(kis, rest, err);
        while (rc == 0 && rest.n && str_split_next(&rest, ',', &code))
            rc = code_add(kis, str_trim(code), err);
        if (rc < 0)
            return plugin_err_at(kis->plugin, v->pos, err);
    }
    return kis->code_count ? 0 : err_set(err, ERR_CONFIG, "stocks: at least one code is needed");
}

static void names_make(struct kis_input *kis)
{
    struct arena *mem = kis->plugin->mem;
    kis->fields = ARENA_ARRAY(mem, struct str, KIS_RECORD_FIELDS_MAX);
    kis->extra_names = ARENA_ARRAY(mem, struct str, KIS_RECORD_FIELDS_MAX);
    for (unsigned i = KIS_TRADE_FIELDS; i < KIS_RECORD_FIELDS_MAX; i++)
        kis->extra_names[i] = arena_printf(mem, "FIELD_%u", i + 1);
}

static int kis_init(void *self, struct plugin *plugin, struct err *err)
{
    struct kis_input *kis = self;
    struct kis_url url;
    kis->plugin = plugin;
    plugin->wants_order = true; /* trades of one second are told apart by their order alone */
    buf_init(&kis->key, KEY_REPLY_BYTES_MAX);
    rng_init(&kis->rng, plugin->env->seed ^ hash_str(plugin->id));
    TRY(kis_url_parse(kis->url, &url, err));
    TRY(stocks_parse(kis, err));
    if (!str_is(kis->tr_id, "H0STCNT0"))
        return err_set(err, ERR_UNSUPPORTED, "tr_id \"" STR_FMT "\": only H0STCNT0 is there",
                       STR_ARG(kis->tr_id));
    if (kis->approval_key.n == 0 && (kis->app_key.n == 0 || kis->secret_key.n == 0))
        return err_set(err, ERR_CONFIG, "approval_key, or app_key and secret_key, are needed");
    names_make(kis);
    return 0;
}

static void kis_deinit(void *self)
{
    struct kis_input *kis = self;
    buf_deinit(&kis->key);
    dead_letter_free(kis->dead_letters);
}

/* ---- the approval key ---- */

static bool is_stopping(void *owner)
{
    struct kis_input *kis = owner;
    return input_is_stopping(kis->input);
}

static void key_request_write(const struct kis_input *kis, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out, false);
    json_object_begin(&w);
    json_key_lit(&w, "grant_type");
    json_str(&w, STR("client_credentials"));
    json_key_lit(&w, "appkey");
    json_str(&w, kis->app_key);
    json_key_lit(&w, "secretkey");
    json_str(&w, kis->secret_key);
    json_object_end(&w);
}

/* {"approval_key":"…"} or an error with KIS's own words. */
static int key_reply_read(struct kis_input *kis, struct str body, int status, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(4 * MIB);
    struct value root = {.kind = VALUE_NONE};
    bool is_json = value_from_json(body, mem, &root, NULL) == 0;
    const struct value *key = is_json ? value_map_get_lit(&root, "approval_key") : NULL;
    if (status == 200 && key && key->kind == VALUE_STR && key->s.n) {
        buf_clear(&kis->key);
        buf_add_str(&kis->key, key->s);
        kis->key_ns = clock_monotonic_ns(kis->plugin->env->clock);
        return 0;
    }
    const struct value *code = is_json ? value_map_get_lit(&root, "error_code") : NULL;
    const struct value *why = is_json ? value_map_get_lit(&root, "error_description") : NULL;
    struct str code_text = code ? value_to_str(mem, code) : STR(""),
               why_text = why ? value_to_str(mem, why) : STR("");
    bool is_refused = status >= 400 && status < 500 && status != 429;
    return err_set(err, is_refused ? ERR_AUTH : ERR_NET,
                   "no approval key: HTTP %d " STR_FMT " " STR_FMT, status, STR_ARG(code_text),
                   STR_ARG(why_text));
}

static int key_fetch(struct kis_input *kis, struct err *err)
{
    CLEANUP(http_client_free_ptr)
    struct http_client *http =
        http_client_new(&(struct http_client_config){.is_stopping = is_stopping, .owner = kis});
    struct str base = kis->rest_url;
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    struct buf url, body, reply;
    buf_init(&url, 4096);
    buf_init(&body, KEY_REPLY_BYTES_MAX);
    buf_init(&reply, KEY_REPLY_BYTES_MAX);
    buf_add_str(&url, base);
    buf_add_lit(&url, "/oauth2/Approval");
    key_request_write(kis, &body);
    int status = 0;
    int rc = http_client_do(http,
                            &(struct http_request){.method = "POST",
                                                   .url = buf_str(&url),
                                                   .body = buf_str(&body),
                                                   .content_type = STR("application/json; utf-8")},
                            &reply, &status, err);
    if (rc == 0)
        rc = key_reply_read(kis, buf_str(&reply), status, err);
    buf_deinit(&url);
    buf_deinit(&body);
    buf_deinit(&reply);
    return rc;
}

/* ---- frames to events ---- */

static struct batch *batch_of(struct kis_input *kis)
{
    if (!kis->batch)
        kis->batch = input_batch_new(kis->input, NULL, NULL, 0);
    return kis->batch;
}

static void on_flush(void *owner)
{
    struct kis_input *kis = owner;
    if (kis->has_dead_letters) {
        struct err err;
        kis->has_dead_letters = false;
        if (dead_letter_sync(kis->dead_letters, &err) < 0)
            plugin_warn(kis->plugin, "cannot save dead letters: %s", err.text);
    }
    if (!kis->batch)
        return;
    struct batch *batch = TAKE(kis->batch);
    int rc = input_push(kis->input, batch, -1);
    for (int64_t waited = 0; rc < 0 && waited < LAST_PUSH_NS; waited += LAST_PUSH_NS / 100) {
        clock_sleep_ns(kis->plugin->env->clock,
                       LAST_PUSH_NS / 100); /* stopping, but the feed cannot be asked again */
        rc = input_push(kis->input, batch, 0);
    }
    if (rc == 0)
        return;
    plugin_warn(kis->plugin,
                "stopped with %zu trades that the full queue did not take: they are lost",
                batch->count);
    batch_unref(batch);
}

/* A frame that cannot be read is kept as it came. */
static void frame_bad(struct kis_input *kis, struct str text, const struct err *reason)
{
    struct batch *scratch = batch_new(NULL);
    struct event *ev = batch_add_stamped(scratch, clock_wall_ns(kis->plugin->env->clock));
    struct str kept = arena_str(scratch->mem, str_sub(text, 0, DEAD_BYTES_MAX));
    struct err err;
    value_map_set(ev->mem, &ev->fields, STR("message"), value_str(kept));
    metric_add(&kis->plugin->failures, 1);
    plugin_warn(kis->plugin, "%s; kept as a dead letter", reason->text);
    if (dead_letter_add(kis->dead_letters, ev, reason, &err) < 0)
        plugin_warn(kis->plugin, "cannot keep a broken frame: %s", err.text);
    kis->has_dead_letters = true;
    batch_unref(scratch);
}

/* (stock, date) and accumulated volume: see the head of the file. */
static struct event_origin trade_origin(const struct str *fields)
{
    int64_t volume;
    if (!str_to_i64(fields[13], &volume) || volume <= 0)
        return (struct event_origin){0, 0};
    uint64_t source =
        hash_u64(hash_str(STR("kis")) ^ hash_str(fields[0])) ^ hash_u64(hash_str(fields[33]));
    return (struct event_origin){source ? source : 1, (uint64_t)volume};
}

static void trade_add(struct kis_input *kis, const struct str *fields, size_t width, int64_t now_ns)
{
    struct batch *batch = batch_of(kis);
    int64_t time_ns = now_ns;
    (void)kis_time_ns(fields[33], fields[1], &time_ns);
    struct event *ev = batch_add_stamped(batch, time_ns);
    for (size_t i = 0; i < width; i++) {
        bool is_known = i < KIS_TRADE_FIELDS;
        struct str name = is_known ? str_from(kis_trade_fields[i].name) : kis->extra_names[i];
        struct value v = kis_field_value(is_known ? kis_trade_fields[i].kind : KIS_TEXT, fields[i]);
        value_map_set(ev->mem, &ev->fields, name, v);
    }
    ev->origin = trade_origin(fields);
    input_decorate(kis->input, ev);
}

static void on_frame(void *owner, struct str text)
{
    struct kis_input *kis = owner;
    struct kis_frame frame;
    struct err err;
    if (kis_frame_parse(text, &frame, &err) < 0) {
        frame_bad(kis, text, &err);
        return;
    }
    struct batch *batch = batch_of(kis);
    frame.rest = arena_str(batch->mem, frame.rest); /* one copy: the events' fields lie in it */
    batch->bytes += text.n;
    int64_t now = clock_wall_ns(kis->plugin->env->clock);
    while (kis_frame_next(&frame, kis->fields))
        trade_add(kis, kis->fields, frame.width, now);
    if (batch->count >= BATCH_EVENTS_MAX)
        on_flush(kis);
}

static void on_notice(void *owner, const char *text)
{
    struct kis_input *kis = owner;
    plugin_warn(kis->plugin, "%s", text);
}

/* ---- sessions ---- */

/* `first` doubling with each attempt up to `max`, times 0.5 to 1, so that many clients do not come
 * back at once. */
static int64_t backoff_ns(struct kis_input *kis, unsigned attempt, int64_t first, int64_t max)
{
    int64_t ns = attempt > 16 ? max : MIN_OF(first << attempt, max);
    return ns / 2 + rng_between(&kis->rng, 0, ns / 2);
}

struct kis_state {
    unsigned attempt;
    bool had_new_key; /* for this refusal */
};

/* What follows the end of a session: 0 and a wait, or the reason that the input ends with. */
static int session_ended(struct kis_input *kis, struct kis_state *state, enum kis_client_end end,
                         bool had_data, int64_t *ret_wait_ns, struct err *err)
{
    if (had_data)
        *state = (struct kis_state){0, false};
    *ret_wait_ns = backoff_ns(kis, state->attempt, RETRY_FIRST_NS, RETRY_MAX_NS);
    switch (end) {
    case KIS_END_BAD_KEY:
        if (state->had_new_key || kis->app_key.n == 0)
            return -(int)err->code;
        state->had_new_key = true;
        buf_clear(&kis->key); /* fetched anew before the next session */
        return 0;
    case KIS_END_REFUSED:
        return -(int)err->code;
    case KIS_END_IN_USE:
        *ret_wait_ns = backoff_ns(kis, state->attempt, IN_USE_FIRST_NS, IN_USE_MAX_NS);
        break;
    case KIS_END_STOPPED:
    case KIS_END_CLOSED:
    case KIS_END_SILENT:
    case KIS_END_UNREACHABLE:
        break;
    }
    state->attempt++;
    if (end != KIS_END_STOPPED)
        plugin_warn(kis->plugin, "%s; connecting again in %.1f s", err->text,
                    (double)*ret_wait_ns / 1e9);
    return 0;
}

/* The key for the next session: the configured one, one that still holds, or a new one. */
static int key_ready(struct kis_input *kis, struct str *ret_key, struct err *err)
{
    if (kis->app_key.n == 0) {
        *ret_key = kis->approval_key;
        return 0;
    }
    int64_t age = clock_monotonic_ns(kis->plugin->env->clock) - kis->key_ns;
    if (kis->key.n == 0 || age > KEY_VALID_NS)
        TRY(key_fetch(kis, err));
    *ret_key = buf_str(&kis->key);
    return 0;
}

/* One round: key and session. 0: go on after *ret_wait_ns; negative: the input ends with the error.
 */
static int round_run(struct kis_input *kis, struct kis_state *state, int64_t *ret_wait_ns,
                     struct err *err)
{
    struct str key;
    struct err why;
    err_clear(&why);
    int rc = key_ready(kis, &key, &why);
    if (rc == -ERR_AUTH) {
        *err = why;
        return rc;
    }
    if (rc < 0) {
        *ret_wait_ns = backoff_ns(kis, state->attempt++, RETRY_FIRST_NS, RETRY_MAX_NS);
        if (!input_is_stopping(kis->input))
            plugin_warn(kis->plugin, "%s; trying again in %.1f s", why.text,
                        (double)*ret_wait_ns / 1e9);
        return 0;
    }
    bool had_data = false;
    enum kis_client_end end = kis_client_run(kis->client, key, &had_data, &why);
    rc = session_ended(kis, state, end, had_data, ret_wait_ns, &why);
    if (rc < 0)
        *err = why;
    return rc;
}

static int client_make(struct kis_input *kis, struct kis_client **ret_client, struct err *err)
{
    struct kis_client_config config = {
        .url = kis->url,
        .custtype = str_from(custtypes[kis->custtype]),
        .tr_id = kis->tr_id,
        .stocks = kis->codes,
        .stock_count = kis->code_count,
        .clock = kis->plugin->env->clock,
        .silence_ns = kis->silence_timeout,
        .owner = kis,
        .frame = on_frame,
        .flush = on_flush,
        .notice = on_notice,
        .is_stopping = is_stopping,
    };
    return kis_client_new(&config, ret_client, err);
}

static int kis_run(void *self, struct input *input, struct err *err)
{
    struct kis_input *kis = self;
    struct kis_state state = {0, false};
    kis->input = input;
    kis->dead_letters = dead_letter_new(kis->plugin->env, kis->plugin->id, kis->plugin->name);
    TRY(client_make(kis, &kis->client, err));
    int rc = 0;
    while (rc == 0 && !input_is_stopping(input)) {
        int64_t wait_ns = 0;
        rc = round_run(kis, &state, &wait_ns, err);
        if (rc == 0 && !input_wait(input, wait_ns))
            break;
    }
    on_flush(kis);
    kis_client_free(TAKE(kis->client));
    return rc;
}

const struct input_type input_kis = {
    .name = "kis",
    .summary = "Real-time trades of Korea Investment & Securities over WebSocket.",
    .since = "0.1",
    .opts = kis_opts,
    .size = sizeof(struct kis_input),
    .default_codec = "plain",
    .init = kis_init,
    .run = kis_run,
    .deinit = kis_deinit,
};
