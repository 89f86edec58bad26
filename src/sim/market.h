/* SPDX-License-Identifier: Apache-2.0 */
/* market.h: a stock exchange's day made from a seed: every trade with all 46 fields of the H0STCNT0
 * record. Pure: the same seed, date, stock and density give the same trades on every machine, so a
 * test computes expected counts, prices and volumes without asking the feed. A stock's trades
 * depend on its own code only, not on which other stocks are there; random access is replay (about
 * 100 ns a trade). */
#ifndef NARU_SIM_MARKET_H
#define NARU_SIM_MARKET_H

#include "base/base.h"

#define MARKET_STOCKS_MAX       64u
#define MARKET_CODE_BYTES       12u
#define MARKET_RATE_DEFAULT     10.0 /* trades a second and stock: about 234,000 a day */
#define MARKET_RATE_MAX         1000.0
#define MARKET_FIELD_COUNT      46u
#define MARKET_KST_OFFSET_NS    (9 * 3600 * NS_PER_S) /* Korea has no summer time */
#define MARKET_DAY_NS           (24 * 3600 * NS_PER_S)
#define MARKET_OPEN_NS_DEFAULT  (9 * 3600 * NS_PER_S)
#define MARKET_CLOSE_NS_DEFAULT ((15 * 3600 + 30 * 60) * NS_PER_S)

struct market_config {
    uint64_t seed;
    int32_t date_days;         /* business date in Korea, days since 1970-01-01 */
    double trades_per_second;  /* mean, of each stock; 0: default */
    int64_t open_ns, close_ns; /* of the Korean day; both 0: 09:00 and 15:30 */
};

/* One trade. Prices are whole won; `_cents` are hundredths. `is_buy`: the buyer took the offer. */
struct market_trade {
    size_t stock_index; /* as market_add counted */
    struct str code;    /* borrowed from the market */
    uint64_t number;    /* 0, 1, 2 … of this stock and day */
    int64_t time_ns;    /* UTC, with the part of the second */
    uint32_t hour;      /* HHMMSS in Korea */
    uint32_t date;      /* YYYYMMDD */
    int64_t price, prev_close, open, high, low, ask, bid;
    uint32_t open_hour, high_hour, low_hour;
    int64_t limit_up, limit_down;
    int64_t volume, acc_volume, acc_value;
    int64_t sell_count, buy_count, sell_volume, buy_volume;
    bool is_buy;
    int64_t ask_size, bid_size, ask_total, bid_total;
    int64_t prev_day_volume, prev_same_hour_volume, listed_shares;
    int64_t vi_price;
};

struct market;
struct market *market_new(const struct market_config *config); /* without stocks */
void market_free(struct market *market);
DEFINE_CLEANUP(market_free, struct market)

/* Adds a stock from its first trade of the day on; its index, or SIZE_MAX when there are too many
 * or the code is empty or too long. A code that is there already gives its index. */
size_t market_add(struct market *market, struct str code);
size_t market_stock_count(const struct market *market);
struct str market_stock_code(const struct market *market, size_t stock_index); /* borrowed */

/* Leaves out the trades of one stock up to and with this time, or the first `count` of them in all.
 */
void market_skip_until(struct market *market, size_t stock_index, int64_t time_ns);
void market_skip_count(struct market *market, size_t stock_index, uint64_t count);

/* The next trade of all stocks by time (equal times: by index). False when the day is over. */
bool market_next(struct market *market, struct market_trade *ret_trade);
/* The time of the next trade; INT64_MAX when the day is over. *ret_stock_index MAY be NULL. */
int64_t market_peek_ns(const struct market *market, size_t *ret_stock_index);

/* The 46 fields joined by `^`, as in a data frame. */
void market_trade_write(const struct market_trade *trade, struct buf *out);
/* The user's seven columns: code,HHMMSS,price,volume,accumulated volume,high,low and a newline. */
void market_trade_write_csv(const struct market_trade *trade, struct buf *out);

/* KRX tick size of a price (since January 2023). */
int64_t market_tick(int64_t price);
/* The date in Korea at a moment, and the moment of its midnight. */
int32_t market_date_at(int64_t time_ns);
int64_t market_midnight_ns(int32_t date_days);

#endif
