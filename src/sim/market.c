/* SPDX-License-Identifier: Apache-2.0 */
/* market.c: see market.h. A stock is a random walk of its best bid on the exchange's tick table:
 * each trade takes the offer or hits the bid, sometimes the level moves a tick, drawn back softly
 * towards the previous close so that a day stays inside its price limits. Trades thin out towards
 * noon as on a real exchange. All arithmetic is on integers, so that every machine computes the
 * same day. */
#include "sim/market.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/str.h"

#define TRADES_PER_SECOND_MAX                                                                      \
    4096u /* of one stock: twice the mean, with the U shape's factor, rounded up */

struct stock {
    char code[MARKET_CODE_BYTES];
    size_t code_len;
    struct rng rng;
    int64_t second; /* of the session, the one whose trades are handed out */
    uint32_t left;  /* trades of this second still to come */
    uint32_t planned;
    int64_t next_ns;         /* time of the next trade; INT64_MAX: the day is over */
    struct market_trade now; /* running state: accumulated figures of the last trade */
};

struct market {
    struct market_config config;
    int64_t midnight_ns, open_ns, close_ns;
    struct stock *stocks[MARKET_STOCKS_MAX];
    size_t stock_count;
};

int64_t market_tick(int64_t price)
{
    static const struct {
        int64_t below, tick;
    } table[] = {{2000, 1}, {5000, 5}, {20000, 10}, {50000, 50}, {200000, 100}, {500000, 500}};
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (price < table[i].below)
            return table[i].tick;
    return 1000;
}

static int64_t tick_floor(int64_t price)
{
    return price - price % market_tick(price);
}

/* One tick down uses the tick of the price below: 50,000 goes to 49,950. */
static int64_t tick_down(int64_t price)
{
    return tick_floor(price - market_tick(price - 1));
}

static int64_t tick_up(int64_t price)
{
    return price + market_tick(price);
}

int32_t market_date_at(int64_t time_ns)
{
    int64_t local = time_ns + MARKET_KST_OFFSET_NS;
    int64_t days = local / MARKET_DAY_NS;
    return (int32_t)(days - (local % MARKET_DAY_NS < 0));
}

int64_t market_midnight_ns(int32_t date_days)
{
    return date_days * MARKET_DAY_NS - MARKET_KST_OFFSET_NS;
}

struct market *market_new(const struct market_config *config)
{
    struct market *market = MEM_NEW(struct market);
    market->config = *config;
    if (!(config->trades_per_second > 0))
        market->config.trades_per_second = MARKET_RATE_DEFAULT;
    if (market->config.trades_per_second > MARKET_RATE_MAX)
        market->config.trades_per_second = MARKET_RATE_MAX;
    bool is_default = config->open_ns == 0 && config->close_ns == 0;
    market->midnight_ns = market_midnight_ns(config->date_days);
    market->open_ns = market->midnight_ns + (is_default ? MARKET_OPEN_NS_DEFAULT : config->open_ns);
    market->close_ns =
        market->midnight_ns + (is_default ? MARKET_CLOSE_NS_DEFAULT : config->close_ns);
    return market;
}

void market_free(struct market *market)
{
    if (!market)
        return;
    for (size_t i = 0; i < market->stock_count; i++)
        mem_free(market->stocks[i]);
    mem_free(market);
}

size_t market_stock_count(const struct market *market)
{
    return market->stock_count;
}

struct str market_stock_code(const struct market *market, size_t stock_index)
{
    ASSERT(stock_index < market->stock_count);
    return market->stocks[stock_index]->now.code;
}

/* How many trades the second gets: uniform around a mean that is highest at both ends of the
 * session. */
static uint32_t second_trades(const struct market *market, struct stock *stock)
{
    int64_t length = (market->close_ns - market->open_ns) / NS_PER_S;
    int64_t x = 2000 * stock->second / MAX_OF(length, INT64_C(1)) - 1000; /* -1000 … 1000 */
    int64_t rate = (int64_t)(market->config.trades_per_second * 1e6);
    int64_t mean = rate / 1000 * (700 + 900 * x * x / 1000000); /* in millionths of a trade */
    int64_t n = (int64_t)rng_below(&stock->rng, 2 * (uint64_t)mean + 1);
    uint32_t whole = (uint32_t)(n / 1000000);
    whole += (int64_t)rng_below(&stock->rng, 1000000) < n % 1000000 ? 1u : 0u;
    return MIN_OF(whole, TRADES_PER_SECOND_MAX);
}

/* Sets next_ns: trades of a second are spread evenly over it, each a little off its place. */
static void stock_plan(const struct market *market, struct stock *stock)
{
    while (stock->left == 0) {
        stock->second++;
        if (market->open_ns + stock->second * NS_PER_S >= market->close_ns) {
            stock->next_ns = INT64_MAX;
            return;
        }
        stock->planned = stock->left = second_trades(market, stock);
    }
    int64_t slot = NS_PER_S / stock->planned;
    int64_t at = (int64_t)(stock->planned - stock->left) * slot +
                 (int64_t)rng_below(&stock->rng, (uint64_t)slot);
    stock->next_ns = market->open_ns + stock->second * NS_PER_S + at;
}

static int64_t first_price(struct str code, uint64_t hash)
{
    if (str_is(code, "005930"))
        return 53800;
    if (str_is(code, "000660"))
        return 178400;
    if (str_is(code, "035420"))
        return 198500;
    return 3000 + (int64_t)(hash % 240000);
}

static uint32_t date_digits(int32_t days)
{
    struct civil civil = civil_from_ns((int64_t)days * MARKET_DAY_NS);
    return (uint32_t)civil.year * 10000u + civil.month * 100u + civil.day;
}

static void stock_start(const struct market *market, struct stock *stock, size_t index)
{
    struct str code = {stock->code, stock->code_len};
    uint64_t of_code = hash_str(code);
    rng_init(&stock->rng, market->config.seed ^
                              hash_u64(of_code ^ hash_u64((uint64_t)market->config.date_days)));
    struct market_trade *now = &stock->now;
    int64_t base = first_price(code, of_code);
    now->stock_index = index;
    now->code = code;
    now->date = date_digits(market->config.date_days);
    now->prev_close = tick_floor(base + base * rng_between(&stock->rng, -300, 300) / 10000);
    now->limit_up = tick_floor(now->prev_close * 13 / 10);
    now->limit_down = tick_floor(now->prev_close * 7 / 10);
    now->bid =
        tick_floor(now->prev_close + now->prev_close * rng_between(&stock->rng, -80, 80) / 10000);
    now->vi_price = now->bid;
    now->listed_shares =
        str_is(code, "005930") ? 5969782550 : 50000000 + (int64_t)(of_code % 900000000);
    now->prev_day_volume = rng_between(&stock->rng, 9000000, 21000000);
    now->ask_total = rng_between(&stock->rng, 800000, 2500000);
    now->bid_total = rng_between(&stock->rng, 800000, 2500000);
    stock->second = -1;
    stock_plan(market, stock);
}

size_t market_add(struct market *market, struct str code)
{
    for (size_t i = 0; i < market->stock_count; i++)
        if (str_eq(code, (struct str){market->stocks[i]->code, market->stocks[i]->code_len}))
            return i;
    if (market->stock_count == MARKET_STOCKS_MAX || code.n == 0 || code.n >= MARKET_CODE_BYTES)
        return SIZE_MAX;
    struct stock *stock = MEM_NEW(struct stock);
    memcpy(stock->code, code.p, code.n);
    stock->code_len = code.n;
    stock_start(market, stock, market->stock_count);
    market->stocks[market->stock_count] = stock;
    return market->stock_count++;
}

int64_t market_peek_ns(const struct market *market, size_t *ret_stock_index)
{
    int64_t first = INT64_MAX;
    size_t index = SIZE_MAX;
    for (size_t i = 0; i < market->stock_count; i++) {
        if (market->stocks[i]->next_ns < first) {
            first = market->stocks[i]->next_ns;
            index = i;
        }
    }
    if (ret_stock_index)
        *ret_stock_index = index;
    return first;
}

/* Moves the best bid by a tick in one of about eight trades; the further from the previous close,
 * the likelier back. */
static void stock_move(struct stock *stock)
{
    struct market_trade *now = &stock->now;
    uint64_t dice = rng_below(&stock->rng, 1000);
    if (dice >= 120)
        return;
    int64_t away = (now->bid - now->prev_close) * 1000 / now->prev_close; /* per mille */
    int64_t pull = away > 60 ? 60 : away < -60 ? -60 : away;
    int64_t up_of_120 = 60 - pull / 2;
    int64_t moved = (int64_t)dice < up_of_120 ? tick_up(now->bid) : tick_down(now->bid);
    if (moved >= now->limit_down && tick_up(moved) <= now->limit_up)
        now->bid = moved;
}

/* Many small trades, some blocks. */
static int64_t trade_volume(struct rng *rng)
{
    uint64_t dice = rng_below(rng, 100);
    if (dice < 62)
        return rng_between(rng, 1, 20);
    return dice < 92 ? rng_between(rng, 20, 150) : rng_between(rng, 150, 1500);
}

static uint32_t hour_digits(const struct market *market, int64_t time_ns)
{
    int64_t second = (time_ns - market->midnight_ns) / NS_PER_S;
    return (uint32_t)(second / 3600 * 10000 + second / 60 % 60 * 100 + second % 60);
}

/* The book's sizes wander a little with every trade. */
static void book_move(struct stock *stock)
{
    struct market_trade *now = &stock->now;
    now->ask_size = rng_between(&stock->rng, 500, 120000);
    now->bid_size = rng_between(&stock->rng, 500, 120000);
    now->ask_total += rng_between(&stock->rng, -3000, 3000);
    now->bid_total += rng_between(&stock->rng, -3000, 3000);
    now->ask_total = MAX_OF(now->ask_total, INT64_C(200000));
    now->bid_total = MAX_OF(now->bid_total, INT64_C(200000));
}

static void stock_trade(const struct market *market, struct stock *stock)
{
    struct market_trade *now = &stock->now;
    bool is_first = now->buy_count + now->sell_count == 0;
    now->number += is_first ? 0 : 1;
    now->time_ns = stock->next_ns;
    now->hour = hour_digits(market, stock->next_ns);
    stock_move(stock);
    now->ask = tick_up(now->bid);
    now->is_buy = rng_below(&stock->rng, 2) == 0;
    now->price = now->is_buy ? now->ask : now->bid;
    now->volume = trade_volume(&stock->rng);
    now->acc_volume += now->volume;
    now->acc_value += now->volume * now->price;
    *(now->is_buy ? &now->buy_count : &now->sell_count) += 1;
    *(now->is_buy ? &now->buy_volume : &now->sell_volume) += now->volume;
    if (is_first) {
        now->open = now->price;
        now->open_hour = now->hour;
    }
    if (is_first || now->price > now->high) {
        now->high = now->price;
        now->high_hour = now->hour;
    }
    if (is_first || now->price < now->low) {
        now->low = now->price;
        now->low_hour = now->hour;
    }
    book_move(stock);
    int64_t done = (now->time_ns - market->open_ns) / NS_PER_S + 1;
    int64_t all = (market->close_ns - market->open_ns) / NS_PER_S;
    now->prev_same_hour_volume = now->prev_day_volume / all * done + 1;
    stock->left--;
    stock_plan(market, stock);
}

void market_skip_until(struct market *market, size_t stock_index, int64_t time_ns)
{
    ASSERT(stock_index < market->stock_count);
    struct stock *stock = market->stocks[stock_index];
    while (stock->next_ns <= time_ns && stock->next_ns != INT64_MAX)
        stock_trade(market, stock);
}

void market_skip_count(struct market *market, size_t stock_index, uint64_t count)
{
    ASSERT(stock_index < market->stock_count);
    struct stock *stock = market->stocks[stock_index];
    while (stock->next_ns != INT64_MAX &&
           (uint64_t)(stock->now.buy_count + stock->now.sell_count) < count)
        stock_trade(market, stock);
}

bool market_next(struct market *market, struct market_trade *ret_trade)
{
    size_t index;
    if (market_peek_ns(market, &index) == INT64_MAX)
        return false;
    stock_trade(market, market->stocks[index]);
    *ret_trade = market->stocks[index]->now;
    return true;
}

/* a / b in hundredths, rounded half away from zero. */
static int64_t ratio_cents(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    __int128 twice = (__int128)a * 200;
    return (int64_t)((twice + (twice < 0 ? -b : b)) / (2 * (__int128)b));
}

static void add_num(struct buf *out, int64_t v)
{
    buf_add_i64(out, v);
    buf_add_char(out, '^');
}

static void add_cents(struct buf *out, int64_t cents)
{
    uint64_t v = cents < 0 ? (uint64_t)-cents : (uint64_t)cents;
    if (cents < 0)
        buf_add_char(out, '-');
    buf_add_u64(out, v / 100);
    buf_add_char(out, '.');
    buf_add_char(out, (char)('0' + v / 10 % 10));
    buf_add_char(out, (char)('0' + v % 10));
    buf_add_char(out, '^');
}

static void add_hour(struct buf *out, uint32_t hour)
{
    char text[7] = {0};
    for (size_t i = 6; i-- > 0; hour /= 10)
        text[i] = (char)('0' + hour % 10);
    text[6] = '^';
    buf_add(out, text, 7);
}

/* A sign and the difference that it belongs to: 2 up, 3 flat, 5 down. */
static void add_versus(struct buf *out, int64_t price, int64_t against)
{
    add_num(out, price > against ? 2 : price < against ? 5 : 3);
    add_num(out, price - against);
}

static int day_sign(const struct market_trade *t)
{
    if (t->price == t->prev_close)
        return 3;
    if (t->price > t->prev_close)
        return t->price >= t->limit_up ? 1 : 2;
    return t->price <= t->limit_down ? 4 : 5;
}

static void write_prices(const struct market_trade *t, struct buf *out)
{
    add_num(out, t->price);
    add_num(out, day_sign(t));
    add_num(out, t->price - t->prev_close);
    add_cents(out, ratio_cents((t->price - t->prev_close) * 100, t->prev_close));
    add_cents(out, ratio_cents(t->acc_value, t->acc_volume));
    add_num(out, t->open);
    add_num(out, t->high);
    add_num(out, t->low);
    add_num(out, t->ask);
    add_num(out, t->bid);
}

static void write_volumes(const struct market_trade *t, struct buf *out)
{
    add_num(out, t->volume);
    add_num(out, t->acc_volume);
    add_num(out, t->acc_value);
    add_num(out, t->sell_count);
    add_num(out, t->buy_count);
    add_num(out, t->buy_count - t->sell_count);
    add_cents(out, ratio_cents(t->buy_volume * 100, t->sell_volume));
    add_num(out, t->sell_volume);
    add_num(out, t->buy_volume);
    add_num(out, t->is_buy ? 1 : 5);
    add_cents(out, ratio_cents(t->buy_volume, t->acc_volume));
    add_cents(out, ratio_cents(t->acc_volume * 100, t->prev_day_volume));
}

void market_trade_write(const struct market_trade *t, struct buf *out)
{
    buf_add_str(out, t->code);
    buf_add_char(out, '^');
    add_hour(out, t->hour);
    write_prices(t, out);
    write_volumes(t, out);
    add_hour(out, t->open_hour);
    add_versus(out, t->price, t->open);
    add_hour(out, t->high_hour);
    add_versus(out, t->price, t->high);
    add_hour(out, t->low_hour);
    add_versus(out, t->price, t->low);
    add_num(out, t->date);
    buf_add_lit(out, "20^N^"); /* NEW_MKOP_CLS_CODE: in session; TRHT_YN: not halted */
    add_num(out, t->ask_size);
    add_num(out, t->bid_size);
    add_num(out, t->ask_total);
    add_num(out, t->bid_total);
    add_cents(out, ratio_cents(t->acc_volume * 100, t->listed_shares));
    add_num(out, t->prev_same_hour_volume);
    add_cents(out, ratio_cents(t->acc_volume * 100, t->prev_same_hour_volume));
    buf_add_lit(out, "0^^"); /* HOUR_CLS_CODE: session; MRKT_TRTM_CLS_CODE is often empty */
    buf_add_i64(out, t->vi_price);
}

void market_trade_write_csv(const struct market_trade *t, struct buf *out)
{
    char hour[7] = {0};
    uint32_t rest = t->hour;
    for (size_t i = 6; i-- > 0; rest /= 10)
        hour[i] = (char)('0' + rest % 10);
    buf_add_str(out, t->code);
    buf_printf(out, ",%s,%lld,%lld,%lld,%lld,%lld\n", hour, (long long)t->price,
               (long long)t->volume, (long long)t->acc_volume, (long long)t->high,
               (long long)t->low);
}
