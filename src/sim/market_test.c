/* SPDX-License-Identifier: Apache-2.0 */
/* market_test.c: the day is the same from the same seed, its figures agree with each other, a stock
 * does not depend on its neighbours, and replay finds any place. */
#include "support/test.h"

#include "base/buf.h"
#include "sim/market.h"

#define DATE 20479 /* 2026-01-26 */

static struct market *day(uint64_t seed, double rate)
{
    return market_new(
        &(struct market_config){.seed = seed, .date_days = DATE, .trades_per_second = rate});
}

static void tick_table(struct test *t)
{
    (void)t;
    static const int64_t rows[][2] = {{1, 1},         {1999, 1},     {2000, 5},     {4995, 5},
                                      {5000, 10},     {19990, 10},   {20000, 50},   {49950, 50},
                                      {50000, 100},   {199900, 100}, {200000, 500}, {499500, 500},
                                      {500000, 1000}, {900000, 1000}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(market_tick(rows[i][0]), rows[i][1]);
}

static void a_default_day_has_enough_trades(struct test *t)
{
    CLEANUP(market_free_ptr) struct market *market = day(t->seed, 0);
    assert_int_equal(market_add(market, STR("005930")), 0);
    struct market_trade trade;
    uint64_t count = 0;
    uint32_t first = 0;
    while (market_next(market, &trade)) {
        first = first ? first : trade.hour;
        count++;
    }
    assert_true(count >= 200000);
    assert_true(count <= 270000);
    assert_true(first >= 90000 && first < 90010);
    assert_true(trade.hour > 152950 && trade.hour < 153000);
    assert_int_equal(trade.number, count - 1);
    assert_int_equal(trade.date, 20260126);
}

/* Every trade follows from the one before it, and all derived figures agree. */
static void figures_agree(struct test *t)
{
    CLEANUP(market_free_ptr) struct market *market = day(t->seed, 3);
    (void)market_add(market, STR("005930"));
    struct market_trade last = {0}, now;
    while (market_next(market, &now)) {
        assert_true(now.time_ns > last.time_ns);
        assert_true(now.volume > 0);
        assert_int_equal(now.acc_volume, last.acc_volume + now.volume);
        assert_int_equal(now.acc_value, last.acc_value + now.volume * now.price);
        assert_int_equal(now.acc_volume, now.buy_volume + now.sell_volume);
        assert_int_equal(now.buy_count + now.sell_count, now.number + 1);
        assert_true(now.low <= now.price && now.price <= now.high);
        assert_true(now.low <= now.open && now.open <= now.high);
        assert_int_equal(now.price % market_tick(now.price), 0);
        assert_true(now.limit_down <= now.price && now.price <= now.limit_up);
        assert_int_equal(now.price, now.is_buy ? now.ask : now.bid);
        assert_true(now.ask > now.bid);
        if (last.number || last.volume) {
            assert_int_equal(now.open, last.open);
            assert_true(now.high >= last.high && now.low <= last.low);
            assert_true(now.hour >= last.hour);
        }
        last = now;
    }
}

static void same_seed_same_day(struct test *t)
{
    CLEANUP(market_free_ptr)
    struct market *a = day(t->seed, 2), *b = day(t->seed, 2), *c = day(t->seed + 1, 2);
    (void)market_add(a, STR("005930"));
    (void)market_add(b, STR("005930"));
    (void)market_add(c, STR("005930"));
    struct market_trade x, y, z;
    struct buf one, two, three;
    buf_init(&one, 0);
    buf_init(&two, 0);
    buf_init(&three, 0);
    for (int i = 0; i < 2000; i++) {
        assert_true(market_next(a, &x) && market_next(b, &y) && market_next(c, &z));
        market_trade_write(&x, &one);
        market_trade_write(&y, &two);
        market_trade_write(&z, &three);
    }
    assert_true(str_eq(buf_str(&one), buf_str(&two)));
    assert_false(str_eq(buf_str(&one), buf_str(&three)));
    buf_deinit(&one);
    buf_deinit(&two);
    buf_deinit(&three);
}

static void neighbours_do_not_matter(struct test *t)
{
    CLEANUP(market_free_ptr) struct market *alone = day(t->seed, 2), *many = day(t->seed, 2);
    (void)market_add(alone, STR("000660"));
    (void)market_add(many, STR("005930"));
    assert_int_equal(market_add(many, STR("000660")), 1);
    assert_int_equal(market_add(many, STR("005930")), 0);
    struct market_trade x, y;
    int64_t before = 0;
    for (int i = 0; i < 5000; i++) {
        assert_true(market_next(many, &y));
        assert_true(y.time_ns >= before);
        before = y.time_ns;
        if (y.stock_index == 0)
            continue;
        assert_true(market_next(alone, &x));
        assert_int_equal(x.time_ns, y.time_ns);
        assert_int_equal(x.price, y.price);
        assert_int_equal(x.acc_volume, y.acc_volume);
    }
}

static void replay_finds_any_place(struct test *t)
{
    CLEANUP(market_free_ptr)
    struct market *whole = day(t->seed, 2), *by_time = day(t->seed, 2), *by_count = day(t->seed, 2);
    (void)market_add(whole, STR("005930"));
    (void)market_add(by_time, STR("005930"));
    (void)market_add(by_count, STR("005930"));
    uint64_t skip = rng_below(&t->rng, 30000);
    struct market_trade last = {0}, x, y, z;
    for (uint64_t i = 0; i < skip; i++)
        assert_true(market_next(whole, &last));
    market_skip_count(by_count, 0, skip);
    if (skip)
        market_skip_until(by_time, 0, last.time_ns);
    assert_true(market_next(whole, &x) && market_next(by_time, &y) && market_next(by_count, &z));
    assert_int_equal(x.number, skip);
    assert_int_equal(x.acc_volume, y.acc_volume);
    assert_int_equal(x.acc_volume, z.acc_volume);
}

static void record_has_46_fields(struct test *t)
{
    CLEANUP(market_free_ptr) struct market *market = day(t->seed, 2);
    (void)market_add(market, STR("005930"));
    struct market_trade trade;
    for (int i = 0; i < 500; i++) {
        assert_true(market_next(market, &trade));
        struct buf out;
        buf_init(&out, 0);
        market_trade_write(&trade, &out);
        struct str rest = buf_str(&out), field[MARKET_FIELD_COUNT + 1] = {0};
        size_t n = 0;
        while (n <= MARKET_FIELD_COUNT && str_split_next(&rest, '^', &field[n]))
            n++;
        assert_int_equal(n, MARKET_FIELD_COUNT);
        assert_str_eq(field[0], "005930");
        assert_int_equal(field[1].n, 6);
        int64_t change = 0, price = 0, acc = 0;
        assert_true(str_to_i64(field[2], &price) && price == trade.price);
        assert_true(str_to_i64(field[4], &change) && change == trade.price - trade.prev_close);
        assert_true(str_to_i64(field[13], &acc) && acc == trade.acc_volume);
        assert_str_eq(field[3], change > 0 ? "2" : change < 0 ? "5" : "3");
        assert_str_eq(field[33], "20260126");
        assert_str_eq(field[44], "");
        buf_deinit(&out);
    }
}

static void csv_line(struct test *t)
{
    (void)t;
    struct market_trade trade = {.code = STR("005930"),
                                 .hour = 90001,
                                 .price = 53800,
                                 .volume = 34,
                                 .acc_volume = 11449544,
                                 .high = 53900,
                                 .low = 53100};
    struct buf out;
    buf_init(&out, 0);
    market_trade_write_csv(&trade, &out);
    assert_str_eq(buf_str(&out), "005930,090001,53800,34,11449544,53900,53100\n");
    buf_deinit(&out);
}

static void dates_are_korean(struct test *t)
{
    (void)t;
    assert_int_equal(market_date_at(market_midnight_ns(DATE)), DATE);
    assert_int_equal(market_date_at(market_midnight_ns(DATE) - 1), DATE - 1);
    assert_int_equal(market_midnight_ns(0), -9 * 3600 * NS_PER_S);
    assert_int_equal(market_date_at(0), 0);
    assert_int_equal(market_date_at(-9 * 3600 * NS_PER_S - 1), -1);
}

TEST_MAIN(TEST(tick_table), TEST(a_default_day_has_enough_trades), TEST(figures_agree),
          TEST(same_seed_same_day), TEST(neighbours_do_not_matter), TEST(replay_finds_any_place),
          TEST(record_has_46_fields), TEST(csv_line), TEST(dates_are_korean))
