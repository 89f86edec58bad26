/* SPDX-License-Identifier: Apache-2.0 */
/* position_test.c: the position moves in order, survives restarts, goes back after a failure. */
#include "support/test.h"

#include "pipeline/position.h"
#include "support/fault.h"

static struct position *open_it(struct test *t, struct vfs *fs)
{
    struct position *position = NULL;
    assert_ok(position_open(fs, STR("p.json"), &position, &t->err), &t->err);
    return position;
}

static uint64_t begin(struct position *position, int64_t value)
{
    uint64_t cookie;
    assert_true(position_begin(position, value, &cookie));
    return cookie;
}

static void moves_in_order(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct position *p = open_it(t, fs);
    assert_int_equal(position_value(p), -1);
    position_reset(p, STR("uuid"), -1);
    uint64_t a = begin(p, 10), b = begin(p, 20), c = begin(p, 30);
    position_ack(p, b, true);
    assert_int_equal(position_value(p), -1);
    position_ack(p, a, true);
    assert_int_equal(position_value(p), 20);
    assert_false(position_is_idle(p));
    position_ack(p, c, true);
    assert_int_equal(position_value(p), 30);
    assert_true(position_is_idle(p));
    position_close(p);
    p = open_it(t, fs);
    assert_int_equal(position_value(p), 30);
    assert_str_eq(position_identity(p), "uuid");
    position_close(p);
    vfs_mem_free(fs);
}

static void a_failure_goes_back(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct position *p = open_it(t, fs);
    uint64_t a = begin(p, 10), b = begin(p, 20), c = begin(p, 30);
    position_ack(p, a, true);
    position_ack(p, b, false);
    assert_true(position_take_rewind(p));
    assert_false(position_take_rewind(p));
    position_ack(p, c, true); /* of the generation that failed */
    assert_int_equal(position_value(p), 10);
    uint64_t again = begin(p, 20);
    position_ack(p, again, true);
    assert_int_equal(position_value(p), 20);
    position_close(p);
    vfs_mem_free(fs);
}

static void has_a_limit(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct position *p = open_it(t, fs);
    uint64_t cookies[POSITION_BATCHES_MAX], one_more;
    for (size_t i = 0; i < POSITION_BATCHES_MAX; i++)
        cookies[i] = begin(p, (int64_t)i);
    assert_false(position_begin(p, 999, &one_more));
    position_ack(p, cookies[0], true);
    assert_true(position_begin(p, 999, &one_more));
    position_cancel(p, one_more);
    for (size_t i = 1; i < POSITION_BATCHES_MAX; i++)
        position_ack(p, cookies[i], true);
    assert_true(position_is_idle(p));
    assert_int_equal(position_value(p), POSITION_BATCHES_MAX - 1);
    position_close(p);
    vfs_mem_free(fs);
}

static void any_order_of_acks(struct test *t)
{
    for (int round = 0; round < 200; round++) {
        struct vfs *fs = vfs_mem_new();
        struct position *p = open_it(t, fs);
        uint64_t cookies[32];
        bool is_done[32] = {false};
        for (int i = 0; i < 32; i++)
            cookies[i] = begin(p, i);
        for (int left = 32; left > 0; left--) {
            size_t pick = (size_t)rng_below(&t->rng, 32);
            while (is_done[pick])
                pick = (pick + 1) % 32;
            is_done[pick] = true;
            position_ack(p, cookies[pick], true);
            int64_t want = -1;
            while (want + 1 < 32 && is_done[want + 1])
                want++;
            assert_int_equal(position_value(p), want);
        }
        position_close(p);
        vfs_mem_free(fs);
    }
}

static void faults_never_move_it_ahead(struct test *t)
{
    FAULT_LOOP(f)
    {
        struct position *p = open_it(t, f.fs);
        position_reset(p, STR("u"), 5);
        assert_ok(position_save(p, &t->err), &t->err);
        position_ack(p, begin(p, 10), true);
        fault_arm(&f);
        int rc = position_save(p, &t->err);
        bool was_hit = fault_disarm(&f);
        assert_true(was_hit || rc == 0);
        struct position *again = open_it(t, f.fs);
        int64_t value = position_value(again);
        assert_true(value == 10 || (rc < 0 && value == 5));
        position_close(again);
        position_close(p);
    }
}

static void damaged_file(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct position *p = NULL;
    assert_ok(vfs_write_file(fs, STR("p.json"), STR("{\"identity\":1}"), &t->err), &t->err);
    assert_err(position_open(fs, STR("p.json"), &p, &t->err), &t->err, ERR_CORRUPT);
    assert_err_has(&t->err, "p.json");
    vfs_mem_free(fs);
}

TEST_MAIN(TEST(moves_in_order), TEST(a_failure_goes_back), TEST(has_a_limit),
          TEST(any_order_of_acks), TEST(faults_never_move_it_ahead), TEST(damaged_file))
