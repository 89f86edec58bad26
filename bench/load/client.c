/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "os/os.h"

#define DRAIN_BYTES (256 * KIB)

int client_init(struct client *client, const struct net_addr *addr, struct err *err)
{
    *client = (struct client){.addr = *addr, .fd = -1};
    return net_connect(addr, CLIENT_TIMEOUT_NS, &client->fd, err);
}

void client_deinit(struct client *client)
{
    net_close(client->fd);
    client->fd = -1;
}

void client_head_add(const struct client *client, size_t body_bytes, struct buf *out)
{
    buf_printf(out,
               "POST /_bulk HTTP/1.1\r\nHost: %s:%u\r\nContent-Type: application/x-ndjson\r\n"
               "Content-Length: %zu\r\n\r\n",
               client->addr.host, client->addr.port, body_bytes);
}

int reply_head_parse(struct str text, struct reply_head *ret_head, struct err *err)
{
    struct reply_head head = {0};
    struct str line;
    uint64_t status;
    if (!str_split_next(&text, '\n', &line) || !str_starts_with(line, STR("HTTP/1.")) ||
        line.n < 12 || !str_to_u64(str_sub(line, 9, 3), &status))
        return err_set(err, ERR_INVALID, "the reply is not HTTP");
    head.status = (unsigned)status;
    while (str_split_next(&text, '\n', &line)) {
        struct str value = line, name;
        if (!str_split_next(&value, ':', &name) || !value.p)
            continue;
        value = str_trim(value);
        if (str_eq_nocase(name, STR("content-length"))) {
            if (!str_to_u64(value, &head.body_bytes))
                return err_set(err, ERR_INVALID, "the reply's Content-Length is no number");
        } else if (str_eq_nocase(name, STR("transfer-encoding"))) {
            head.is_chunked = str_eq_nocase(value, STR("chunked"));
        } else if (str_eq_nocase(name, STR("connection"))) {
            head.is_last = str_eq_nocase(value, STR("close"));
        }
    }
    *ret_head = head;
    return 0;
}

bool reply_is_clean(struct str body)
{
    ptrdiff_t items = str_find(body, STR("\"items\""));
    struct str before = items < 0 ? body : str_sub(body, 0, (size_t)items);
    return str_find(before, STR("\"errors\":false")) >= 0;
}

/* A reply being read: `text` has what came, `n` bytes, of which `at` are used up. */
struct reading {
    struct client *client;
    char text[CLIENT_HEAD_BYTES];
    size_t n, at;
    char *drain;
    /* The body's first bytes, kept for its check and for an error's text. */
    char start[512];
    size_t start_bytes;
};

static int reading_more(struct reading *r, struct err *err)
{
    size_t got;
    if (r->at == r->n)
        r->at = r->n = 0;
    if (r->n == sizeof(r->text))
        return err_set(err, ERR_TOO_LARGE, "the reply's head has more than %u bytes",
                       CLIENT_HEAD_BYTES);
    TRY(net_read(r->client->fd, r->text + r->n, sizeof(r->text) - r->n, CLIENT_TIMEOUT_NS, &got,
                 err));
    if (got == 0)
        return err_set(err, ERR_NET, "the server hung up");
    r->n += got;
    return 0;
}

/* Up to and with `end`, which is not in *ret_text. */
static int reading_until(struct reading *r, struct str end, struct str *ret_text, struct err *err)
{
    for (;;) {
        struct str rest = {r->text + r->at, r->n - r->at};
        ptrdiff_t found = str_find(rest, end);
        if (found >= 0) {
            *ret_text = str_sub(rest, 0, (size_t)found);
            r->at += (size_t)found + end.n;
            return 0;
        }
        if (r->at > 0) { /* room behind what is kept */
            memmove(r->text, rest.p, rest.n);
            r->n = rest.n;
            r->at = 0;
        }
        TRY(reading_more(r, err));
    }
}

static void reading_keep(struct reading *r, const char *p, size_t n)
{
    size_t take = MIN_OF(n, sizeof(r->start) - r->start_bytes);
    memcpy(r->start + r->start_bytes, p, take);
    r->start_bytes += take;
}

static int reading_skip(struct reading *r, uint64_t bytes, bool is_body, struct err *err)
{
    size_t have = (size_t)MIN_OF(bytes, r->n - r->at);
    if (is_body)
        reading_keep(r, r->text + r->at, have);
    r->at += have;
    bytes -= have;
    while (bytes > 0) {
        size_t got;
        TRY(net_read(r->client->fd, r->drain, (size_t)MIN_OF(bytes, DRAIN_BYTES), CLIENT_TIMEOUT_NS,
                     &got, err));
        if (got == 0)
            return err_set(err, ERR_NET, "the server hung up");
        if (is_body)
            reading_keep(r, r->drain, got);
        bytes -= got;
    }
    return 0;
}

static int reading_chunks(struct reading *r, struct err *err)
{
    for (;;) {
        struct str line;
        TRY(reading_until(r, STR("\r\n"), &line, err));
        uint64_t size = 0;
        for (size_t i = 0; i < line.n && line.p[i] != ';'; i++) {
            char c = (char)(line.p[i] | 0x20);
            unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                             : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                    : 16;
            if (digit > 15 || size >> 56)
                return err_set(err, ERR_INVALID, "a chunk's size is no number");
            size = size << 4 | digit;
        }
        if (size > 0)
            TRY(reading_skip(r, size, true, err));
        TRY(reading_skip(r, 2, false, err)); /* the line's end behind the chunk */
        if (size == 0)
            return 0;
    }
}

static int reply_read(struct reading *r, struct reply_head *ret_head, struct err *err)
{
    struct str text;
    struct reply_head head;
    do {
        TRY(reading_until(r, STR("\r\n\r\n"), &text, err));
        TRY(reply_head_parse(text, &head, err));
    } while (head.status == 100);
    TRY(head.is_chunked ? reading_chunks(r, err) : reading_skip(r, head.body_bytes, true, err));
    *ret_head = head;
    return 0;
}

static int post_once(struct client *client, struct str head, struct str body,
                     struct reading *reading, unsigned *ret_status, struct err *err)
{
    struct reply_head reply;
    if (client->fd < 0)
        TRY(net_connect(&client->addr, CLIENT_TIMEOUT_NS, &client->fd, err));
    TRY(net_write_all(client->fd, head.p, head.n, CLIENT_TIMEOUT_NS, err));
    TRY(net_write_all(client->fd, body.p, body.n, CLIENT_TIMEOUT_NS, err));
    TRY(reply_read(reading, &reply, err));
    if (reply.is_last)
        client_deinit(client);
    *ret_status = reply.status;
    return 0;
}

int client_post(struct client *client, struct str head, struct str body, struct err *err)
{
    static _Thread_local char drain[DRAIN_BYTES];
    int64_t pause_ns = CLIENT_PAUSE_FIRST_NS;
    for (unsigned attempt = 0;; attempt++) {
        struct reading reading;
        reading = (struct reading){.client = client, .drain = drain};
        unsigned status;
        TRY(post_once(client, head, body, &reading, &status, err));
        struct str start = {reading.start, reading.start_bytes};
        if (status == 200 && reply_is_clean(start))
            return 0;
        if (status != 429)
            return err_set(err, ERR_INVALID, "status %u: " STR_FMT, status, STR_ARG(start));
        if (attempt == CLIENT_RETRIES_MAX)
            return err_set(err, ERR_INVALID, "status 429 after %u retries: " STR_FMT, attempt,
                           STR_ARG(start));
        client->retries++;
        clock_sleep_ns(clock_system(), pause_ns);
        pause_ns = MIN_OF(pause_ns * 2, CLIENT_PAUSE_MAX_NS);
    }
}
