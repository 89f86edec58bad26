/* SPDX-License-Identifier: Apache-2.0 */
/* kis_server_test.c: the simulator over real loopback sockets, spoken to byte by byte (RFC 6455),
 * so that nothing of our own client is needed: key, subscription answers, data frames against the
 * market's own day, keep-alive, faults. */
#include "support/test.h"

#include <poll.h>

#include "base/buf.h"
#include "os/os.h"
#include "sim/kis_server_int.h"

#define DATE    20479 /* 2026-01-26 */
#define KEY     "12345678-1234-1234-1234-123456789012"
#define WAIT_MS 10000

static struct kis_server *start(struct test *t, struct kis_server_config *config)
{
    struct kis_server *server = NULL;
    config->clock = clock_system();
    config->seed = t->seed;
    config->date_days = DATE;
    if (!config->from_ns)
        config->from_ns = -1;
    assert_ok(kis_server_start(config, &server, &t->err), &t->err);
    assert_true(kis_server_port(server) > 0);
    return server;
}

/* ---- a WebSocket client of a hundred lines ---- */

struct peer {
    int fd;
    struct buf in;
};

static void peer_send(struct peer *peer, const void *p, size_t n)
{
    assert_int_equal(send(peer->fd, p, n, MSG_NOSIGNAL), n);
}

/* Reads more; false at the end of the connection or after WAIT_MS. */
static bool peer_more(struct peer *peer, int wait_ms)
{
    struct pollfd poll_fd = {.fd = peer->fd, .events = POLLIN};
    if (poll(&poll_fd, 1, wait_ms) <= 0)
        return false;
    char block[65536];
    ssize_t n = recv(peer->fd, block, sizeof(block), 0);
    if (n <= 0)
        return false;
    buf_add(&peer->in, block, (size_t)n);
    return true;
}

static void peer_connect(struct peer *peer, uint16_t port)
{
    buf_init(&peer->in, 64 * MIB);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    union {
        struct sockaddr any;
        struct sockaddr_in in;
    } addr = {.in = {.sin_family = AF_INET,
                     .sin_port = htons(port),
                     .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    assert_int_equal(connect(peer->fd, &addr.any, sizeof(addr.in)), 0);
}

static void peer_upgrade(struct peer *peer, uint16_t port)
{
    peer_connect(peer, port);
    static const char request[] =
        "GET /tryitout/H0STCNT0 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n";
    peer_send(peer, request, sizeof(request) - 1);
    ptrdiff_t end;
    while ((end = str_find(buf_str(&peer->in), STR("\r\n\r\n"))) < 0)
        assert_true(peer_more(peer, WAIT_MS));
    assert_true(str_starts_with(buf_str(&peer->in), STR("HTTP/1.1 101")));
    assert_str_has(buf_str(&peer->in), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    buf_drop(&peer->in, (size_t)end + 4);
}

static void peer_text(struct peer *peer, struct str text)
{
    struct buf out;
    buf_init(&out, MIB);
    buf_add_u8(&out, 0x81);
    buf_add_u8(&out, 0x80 | 126);
    buf_add_u8(&out, (uint8_t)(text.n >> 8));
    buf_add_u8(&out, (uint8_t)text.n);
    buf_add_u32_le(&out, 0); /* a mask of zeros */
    buf_add_str(&out, text);
    peer_send(peer, out.p, out.n);
    buf_deinit(&out);
}

/* The next text message; false when the connection ends first. */
static bool peer_message(struct peer *peer, struct arena *mem, int wait_ms, struct str *ret_text)
{
    for (;;) {
        const uint8_t *p = (const uint8_t *)peer->in.p;
        size_t head = peer->in.n < 2        ? SIZE_MAX
                      : (p[1] & 127) == 126 ? 4
                      : (p[1] & 127) == 127 ? 10
                                            : 2;
        if (head != SIZE_MAX && peer->in.n >= head) {
            uint64_t n = p[1] & 127;
            if (head > 2)
                n = 0;
            for (size_t i = 2; i < head; i++)
                n = n << 8 | p[i];
            if (peer->in.n >= head + n) {
                unsigned op = p[0] & 15;
                *ret_text = arena_str(mem, (struct str){peer->in.p + head, n});
                buf_drop(&peer->in, head + n);
                if (op == 8)
                    return false;
                return true;
            }
        }
        if (!peer_more(peer, wait_ms))
            return false;
    }
}

static void peer_close(struct peer *peer)
{
    (void)close(peer->fd);
    buf_deinit(&peer->in);
}

static struct str subscribe_text(struct arena *mem, const char *key, const char *type,
                                 const char *tr_id, const char *stock)
{
    return arena_printf(mem,
                        "{\"header\":{\"approval_key\":\"%s\",\"custtype\":\"P\",\"tr_type\":\"%"
                        "s\",\"content-type\":"
                        "\"utf-8\"},\"body\":{\"input\":{\"tr_id\":\"%s\",\"tr_key\":\"%s\"}}}",
                        key, type, tr_id, stock);
}

/* Sends and returns the next JSON answer; data frames before it are left out. */
static struct str ask(struct test *t, struct peer *peer, struct str text)
{
    struct str got;
    peer_text(peer, text);
    do
        assert_true(peer_message(peer, t->mem, WAIT_MS, &got));
    while (got.p[0] != '{' || str_find(got, STR("PINGPONG")) >= 0);
    return got;
}

/* ---- tests ---- */

static struct str http(struct test *t, uint16_t port, const char *method, const char *path,
                       const char *body)
{
    struct peer peer;
    peer_connect(&peer, port);
    struct str request =
        arena_printf(t->mem,
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     method, path, strlen(body), body);
    peer_send(&peer, request.p, request.n);
    while (peer_more(&peer, WAIT_MS)) {
        ptrdiff_t end = str_find(buf_str(&peer.in), STR("\r\n\r\n{"));
        if (end >= 0 && peer.in.p[peer.in.n - 1] == '}')
            break;
    }
    struct str reply = arena_str(t->mem, buf_str(&peer.in));
    peer_close(&peer);
    return reply;
}

static void gives_approval_keys(struct test *t)
{
    CLEANUP(kis_server_stop_ptr)
    struct kis_server *server = start(t, &(struct kis_server_config){.speed = 1});
    uint16_t port = kis_server_port(server);
    const char *good =
        "{\"grant_type\":\"client_credentials\",\"appkey\":\"a\",\"secretkey\":\"s\"}";
    struct str first = http(t, port, "POST", "/oauth2/Approval", good);
    assert_str_has(first, "HTTP/1.1 200");
    ptrdiff_t at = str_find(first, STR("{\"approval_key\":\""));
    assert_true(at > 0);
    assert_int_equal(first.n - (size_t)at, strlen("{\"approval_key\":\"") + KIS_KEY_BYTES + 2);
    assert_strs_eq(http(t, port, "POST", "/oauth2/Approval", good), first); /* the same all day */
    struct str refused =
        http(t, port, "POST", "/oauth2/Approval", "{\"grant_type\":\"client_credentials\"}");
    assert_str_has(refused, "HTTP/1.1 403");
    assert_str_has(refused, "EGW00103");
    assert_str_has(http(t, port, "POST", "/oauth2/Approval", "{}"), "EGW00104");
    assert_str_has(http(t, port, "POST", "/other", "{}"), "HTTP/1.1 404");
    assert_str_has(http(t, port, "GET", "/oauth2/Approval", ""), "HTTP/1.1 404");
}

static void answers_subscriptions(struct test *t)
{
    static const struct str stocks[] = {STR("005930"), STR("000660")};
    CLEANUP(kis_server_stop_ptr)
    struct kis_server *server =
        start(t, &(struct kis_server_config){
                     .stocks = stocks, .stock_count = 2, .approval_key = STR(KEY), .speed = 0.001});
    struct peer peer, other;
    peer_upgrade(&peer, kis_server_port(server));
    static const struct {
        const char *key, *type, *tr_id, *stock, *code;
    } rows[] = {
        {"nobody", "1", "H0STCNT0", "005930", "OPSP0011"},
        {KEY, "1", "H0STCNT0", "005930", "OPSP0000"},
        {KEY, "1", "H0STCNT0", "005930", "OPSP0002"},
        {KEY, "1", "H0STCNT0", "999999", "OPSP0009"},
        {KEY, "2", "H0STCNT0", "000660", "OPSP0003"},
        {KEY, "1", "H0STCNT0", "000660", "OPSP0000"},
        {KEY, "2", "H0STCNT0", "000660", "OPSP0001"},
        {KEY, "1", "H0STASP0", "005930", "OPSP0009"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str got =
            ask(t, &peer,
                subscribe_text(t->mem, rows[i].key, rows[i].type, rows[i].tr_id, rows[i].stock));
        assert_str_has(got, rows[i].code);
    }
    assert_str_has(ask(t, &peer, STR("{not json")), "OPSP8993");
    assert_str_has(ask(t, &peer, STR("{}")), "OPSP8994");
    assert_str_has(ask(t, &peer, STR("{\"header\":{\"tr_id\":\"x\"}}")), "OPSP8995");
    /* The key is in use: the second connection is told so and closed. */
    peer_upgrade(&other, kis_server_port(server));
    assert_str_has(ask(t, &other, subscribe_text(t->mem, KEY, "1", "H0STCNT0", "005930")),
                   "OPSP8996");
    struct str rest;
    assert_false(peer_message(&other, t->mem, WAIT_MS, &rest));
    peer_close(&other);
    peer_close(&peer);
}

static void too_many_subscriptions(struct test *t)
{
    CLEANUP(kis_server_stop_ptr)
    struct kis_server *server =
        start(t, &(struct kis_server_config){.approval_key = STR(KEY), .speed = 0.001});
    struct peer peer;
    peer_upgrade(&peer, kis_server_port(server));
    for (int i = 0; i <= (int)KIS_SERVER_STOCKS_MAX; i++) {
        const char *stock = arena_printf(t->mem, "%06d", i).p;
        struct str got = ask(t, &peer, subscribe_text(t->mem, KEY, "1", "H0STCNT0", stock));
        assert_str_has(got, i < (int)KIS_SERVER_STOCKS_MAX ? "OPSP0000" : "OPSP0008");
    }
    peer_close(&peer);
}

/* Takes data frames apart and checks each record against the market made here from the same seed.
 */
static uint64_t frames_check(struct peer *peer, struct arena *mem, struct market *market,
                             uint64_t wanted, bool *ret_open)
{
    uint64_t seen = 0;
    struct str text;
    *ret_open = true;
    while (seen < wanted) {
        arena_reset(mem);
        if (!peer_message(peer, mem, WAIT_MS, &text)) {
            *ret_open = false;
            return seen;
        }
        if (text.p[0] == '{') {
            if (str_find(text, STR("PINGPONG")) >= 0)
                peer_text(peer, text);
            continue;
        }
        assert_true(str_starts_with(text, STR("0|H0STCNT0|")));
        int64_t count;
        assert_true(str_to_i64(str_sub(text, 11, 3), &count));
        struct str rest = str_from_off(text, 15);
        struct buf want;
        buf_init(&want, 0);
        for (int64_t i = 0; i < count; i++, seen++) {
            struct market_trade trade;
            if (i)
                buf_add_char(&want, '^');
            assert_true(market_next(market, &trade));
            market_trade_write(&trade, &want);
        }
        assert_true(str_eq(rest, buf_str(&want)));
        buf_deinit(&want);
    }
    return seen;
}

static struct market *own_market(struct test *t, double rate)
{
    struct market *market = market_new(
        &(struct market_config){.seed = t->seed, .date_days = DATE, .trades_per_second = rate});
    (void)market_add(market, STR("005930"));
    return market;
}

static void on_sent(void *owner, const struct market_trade *trade)
{
    (void)trade;
    __atomic_add_fetch((uint64_t *)owner, 1, __ATOMIC_RELAXED);
}

static void a_day_is_the_market(struct test *t)
{
    uint64_t told = 0;
    CLEANUP(kis_server_stop_ptr)
    struct kis_server *server =
        start(t, &(struct kis_server_config){.approval_key = STR(KEY),
                                             .speed = 20000,
                                             .trades_per_second = 1,
                                             .ping_interval_ns = 200 * NS_PER_MS,
                                             .sent = on_sent,
                                             .owner = &told});
    CLEANUP(market_free_ptr) struct market *market = own_market(t, 1), *counted = own_market(t, 1);
    uint64_t all = 0;
    struct market_trade trade;
    while (market_next(counted, &trade))
        all++;
    struct peer peer;
    bool is_open;
    struct arena *mem = arena_new(0);
    peer_upgrade(&peer, kis_server_port(server));
    peer_text(&peer, subscribe_text(t->mem, KEY, "1", "H0STCNT0", "005930"));
    assert_int_equal(frames_check(&peer, mem, market, all, &is_open), all);
    assert_true(is_open);
    struct kis_server_stats stats;
    for (int i = 0; i < 500; i++) {
        kis_server_stats(server, &stats);
        if (stats.is_finished && stats.pongs > 0)
            break;
        struct str text;
        if (peer_message(&peer, mem, 10, &text) && text.p[0] == '{')
            peer_text(&peer, text); /* echoes a keep-alive */
    }
    assert_true(stats.is_finished);
    assert_true(stats.pongs > 0);
    assert_int_equal(stats.trades_sent, all);
    assert_int_equal(__atomic_load_n(&told, __ATOMIC_RELAXED), all);
    assert_int_equal(stats.sessions, 1);
    arena_free(mem);
    peer_close(&peer);
}

/* With resume, connections that drop one after the other still see every trade once. */
static void drops_and_resumes(struct test *t)
{
    CLEANUP(kis_server_stop_ptr)
    struct kis_server *server = start(t, &(struct kis_server_config){.approval_key = STR(KEY),
                                                                     .speed = 20000,
                                                                     .trades_per_second = 1,
                                                                     .resume = true,
                                                                     .faults = KIS_FAULT_DROP});
    CLEANUP(market_free_ptr) struct market *market = own_market(t, 1);
    struct arena *mem = arena_new(0);
    uint64_t wanted = 15000, seen = 0;
    int drops = 0;
    while (seen < wanted) {
        struct peer peer;
        bool is_open;
        peer_upgrade(&peer, kis_server_port(server));
        peer_text(&peer, subscribe_text(t->mem, KEY, "1", "H0STCNT0", "005930"));
        seen += frames_check(&peer, mem, market, wanted - seen, &is_open);
        drops += !is_open;
        peer_close(&peer);
    }
    assert_true(drops >= 2);
    arena_free(mem);
}

/* Without it, the feed goes on at its own time. */
static void reconnect_misses_trades(struct test *t)
{
    CLEANUP(kis_server_stop_ptr)
    struct kis_server *server =
        start(t, &(struct kis_server_config){
                     .approval_key = STR(KEY), .speed = 2000, .trades_per_second = 1});
    struct str text = STR_NONE;
    struct str hours[2] = {STR_NONE, STR_NONE};
    for (int i = 0; i < 2; i++) {
        struct peer peer;
        peer_upgrade(&peer, kis_server_port(server));
        peer_text(&peer, subscribe_text(t->mem, KEY, "1", "H0STCNT0", "005930"));
        do
            assert_true(peer_message(&peer, t->mem, WAIT_MS, &text));
        while (text.p[0] == '{');
        hours[i] = str_sub(text, 15 + 7, 6);
        peer_close(&peer);
        (void)nanosleep(&(struct timespec){.tv_nsec = 300 * NS_PER_MS}, NULL);
    }
    int64_t a, b;
    assert_true(str_to_i64(hours[0], &a) && str_to_i64(hours[1], &b));
    assert_true(b >= a + 400); /* 300 ms are ten minutes of the market; at least four are missed */
}

static void broken_frames(struct test *t)
{
    CLEANUP(kis_server_stop_ptr)
    struct kis_server *server =
        start(t, &(struct kis_server_config){.approval_key = STR(KEY),
                                             .speed = 20000,
                                             .trades_per_second = 2,
                                             .faults = KIS_FAULT_BADCOUNT | KIS_FAULT_SHORTRECORD |
                                                       KIS_FAULT_ENCRYPTED});
    struct peer peer;
    struct arena *mem = arena_new(0);
    uint64_t bad_count = 0, short_record = 0, encrypted = 0;
    peer_upgrade(&peer, kis_server_port(server));
    peer_text(&peer, subscribe_text(t->mem, KEY, "1", "H0STCNT0", "005930"));
    while (!bad_count || !short_record || !encrypted) {
        struct str text;
        arena_reset(mem);
        assert_true(peer_message(&peer, mem, WAIT_MS, &text));
        if (text.p[0] == '{')
            continue;
        int64_t count, fields = 1;
        assert_true(str_to_i64(str_sub(text, 11, 3), &count));
        for (size_t i = 15; i < text.n; i++)
            fields += text.p[i] == '^';
        encrypted += text.p[0] == '1';
        if (text.p[0] == '0' && fields == count * (int64_t)MARKET_FIELD_COUNT - 1)
            short_record++;
        else if (text.p[0] == '0' && fields != count * (int64_t)MARKET_FIELD_COUNT)
            bad_count++;
        if (fields % count && text.p[0] == '0')
            assert_true(fields % count != 0);
    }
    arena_free(mem);
    peer_close(&peer);
}

static void fault_words(struct test *t)
{
    unsigned faults = 0;
    assert_ok(kis_faults_parse(STR("drop, badcount,encrypted"), &faults, &t->err), &t->err);
    assert_int_equal(faults, KIS_FAULT_DROP | KIS_FAULT_BADCOUNT | KIS_FAULT_ENCRYPTED);
    assert_ok(kis_faults_parse(STR(""), &faults, &t->err), &t->err);
    assert_int_equal(faults, 0);
    assert_err(kis_faults_parse(STR("drop,quake"), &faults, &t->err), &t->err, ERR_INVALID);
    assert_err_has(&t->err, "quake");
}

static void port_in_use(struct test *t)
{
    CLEANUP(kis_server_stop_ptr)
    struct kis_server *server = start(t, &(struct kis_server_config){.speed = 1}), *second = NULL;
    struct kis_server_config config = {
        .clock = clock_system(), .port = kis_server_port(server), .from_ns = -1};
    assert_err(kis_server_start(&config, &second, &t->err), &t->err, ERR_IN_USE);
}

TEST_MAIN(TEST(gives_approval_keys), TEST(answers_subscriptions), TEST(too_many_subscriptions),
          TEST(a_day_is_the_market), TEST(drops_and_resumes), TEST(reconnect_misses_trades),
          TEST(broken_frames), TEST(fault_words), TEST(port_in_use))
