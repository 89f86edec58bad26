/* SPDX-License-Identifier: Apache-2.0 */
/* http_pace_test.c: when a body is late, and what its client then sees; over a real socket. */
#include "support/test.h"

#include "base/clock.h"
#include "os/net.h"
#include "server/http_pace.h"

#define TIMEOUT_NS (10 * NS_PER_S)

static void gives_time_for_what_has_come(struct test *t)
{
    static const struct {
        uint64_t received;
        int64_t deadline_ns;
    } rows[] = {{0, 5 * NS_PER_S},
                {100, 6 * NS_PER_S},
                {50, 5 * NS_PER_S + NS_PER_S / 2},
                {100000, 1005 * NS_PER_S},
                {UINT64_C(10) << 30, 5 * NS_PER_S + ((INT64_C(10) << 30) / 100) * NS_PER_S +
                                         (INT64_C(10) << 30) % 100 * NS_PER_S / 100}};
    struct pace pace = {.timeout_ns = 5 * NS_PER_S, .bytes_per_s = 100};
    (void)t;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct paced body = {.received = rows[i].received};
        assert_int_equal(pace_deadline_ns(&pace, &body), rows[i].deadline_ns);
    }
}

static void pair(struct test *t, int *ret_ours, int *ret_theirs)
{
    struct net_addr addr = {.host = "127.0.0.1"};
    int listen_fd;
    assert_ok(net_listen(&addr, &listen_fd, &t->err), &t->err);
    addr.port = net_local_port(listen_fd);
    assert_ok(net_connect(&addr, TIMEOUT_NS, ret_theirs, &t->err), &t->err);
    assert_ok(net_accept(listen_fd, TIMEOUT_NS, ret_ours, &t->err), &t->err);
    net_close(listen_fd);
}

static void cuts_off_only_who_is_late(struct test *t)
{
    struct pace pace;
    struct paced slow = {0}, quick = {0}, ended = {0};
    int ours[3], theirs[3];
    char text[16];
    size_t n = 0;
    for (int i = 0; i < 3; i++)
        pair(t, &ours[i], &theirs[i]);
    pace_init(&pace, 20 * NS_PER_MS, 1000, STR("late"));
    pace_begin(&pace, &ended, ours[2]);
    pace_begin(&pace, &slow, ours[0]);
    pace_begin(&pace, &quick, ours[1]);
    pace_took(&quick, 1000000); /* a thousand seconds' worth */
    pace_end(&pace, &ended);
    pace_end(&pace, &ended); /* allowed for any */
    assert_ok(net_read_all(theirs[0], text, 4, TIMEOUT_NS, &t->err), &t->err);
    assert_memory_equal(text, "late", 4);
    assert_ok(net_read(theirs[0], text, sizeof(text), TIMEOUT_NS, &n, &t->err), &t->err);
    assert_int_equal(n, 0); /* and the end */
    assert_false(net_peer_is_gone(theirs[1]));
    assert_false(net_peer_is_gone(theirs[2]));
    assert_int_equal(__atomic_load_n(&pace.cut_count, __ATOMIC_RELAXED), 1);
    pace_end(&pace, &slow);
    pace_end(&pace, &quick);
    pace_deinit(&pace);
    for (int i = 0; i < 3; i++) {
        net_close(ours[i]);
        net_close(theirs[i]);
    }
}

TEST_MAIN(TEST(gives_time_for_what_has_come), TEST(cuts_off_only_who_is_late))
