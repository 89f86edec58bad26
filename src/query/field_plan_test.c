/* SPDX-License-Identifier: Apache-2.0 */
/* field_plan_test.c: terms and ranges of addresses against their bytes, and of booleans. */
#include "query/search_support_test.h"

#include "index/ip.h"

#define ADDRESSES 80

static struct str address(struct test *t)
{
    static const char *const some[] = {"::",
                                       "::1",
                                       "0.0.0.0",
                                       "255.255.255.255",
                                       "::ffff:ffff",
                                       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                       "fe80::1",
                                       "10.0.0.0",
                                       "9.255.255.255",
                                       "10.255.255.255",
                                       "11.0.0.0"};
    if (rng_below(&t->rng, 4) == 0)
        return str_from(some[rng_below(&t->rng, ARRAY_COUNT(some))]);
    if (rng_below(&t->rng, 3) == 0)
        return arena_printf(t->mem, "fe80::%x:%x", (unsigned)rng_below(&t->rng, 3),
                            (unsigned)rng_below(&t->rng, 65536));
    return arena_printf(t->mem, "10.%u.%u.%u", (unsigned)rng_below(&t->rng, 2),
                        (unsigned)rng_below(&t->rng, 4), (unsigned)rng_below(&t->rng, 256));
}

static void check(struct bed *bed, const char *query, const char *want)
{
    struct str body =
        arena_printf(bed->t->mem, "{\"query\":%s,\"sort\":[\"_doc\"],\"size\":1000}", query);
    struct str got = found(bed, "i", body.p);
    if (!str_eq(got, str_from(want)))
        fail_msg("%s finds " STR_FMT ", not %s", query, STR_ARG(got), want);
}

struct world {
    struct bed bed;
    uint8_t bytes[ADDRESSES][IP_BYTES];
};

static void fill(struct world *w, struct test *t)
{
    bed_init(&w->bed, t);
    create(&w->bed, "i", "{\"mappings\":{\"properties\":{\"ip\":{\"type\":\"ip\"}}}}");
    for (size_t i = 0; i < ADDRESSES; i++) {
        struct str text = address(t);
        assert_true(ip_parse(text, w->bytes[i]));
        put(&w->bed, "i", arena_printf(t->mem, "%zu", i).p,
            arena_printf(t->mem, "{\"ip\":\"" STR_FMT "\"}", STR_ARG(text)).p);
        if (i == ADDRESSES / 2)
            refresh(&w->bed, "i");
    }
    refresh(&w->bed, "i");
}

static bool is_in_block(const uint8_t *bytes, const uint8_t *base, unsigned bits)
{
    for (unsigned bit = 0; bit < bits; bit++) {
        unsigned mask = 0x80u >> (bit & 7);
        if ((bytes[bit / 8] & mask) != (base[bit / 8] & mask))
            return false;
    }
    return true;
}

/* Documents with addresses in [from, to], either end excluded or open. */
static void check_range(struct world *w, struct str from, bool is_gt, struct str to, bool is_lt)
{
    struct test *t = w->bed.t;
    uint8_t low[IP_BYTES], high[IP_BYTES];
    struct buf want, query;
    buf_init(&want, 0);
    buf_init(&query, 0);
    assert_true((!from.p || ip_parse(from, low)) && (!to.p || ip_parse(to, high)));
    for (size_t i = 0; i < ADDRESSES; i++) {
        int above = from.p ? memcmp(w->bytes[i], low, IP_BYTES) : 1;
        int below = to.p ? memcmp(high, w->bytes[i], IP_BYTES) : 1;
        if (above >= is_gt && below >= is_lt)
            buf_printf(&want, "%s%zu", want.n ? " " : "", i);
    }
    buf_add_lit(&query, "{\"range\":{\"ip\":{\"boost\":1");
    if (from.p)
        buf_printf(&query, ",\"%s\":\"" STR_FMT "\"", is_gt ? "gt" : "gte", STR_ARG(from));
    if (to.p)
        buf_printf(&query, ",\"%s\":\"" STR_FMT "\"", is_lt ? "lt" : "lte", STR_ARG(to));
    buf_add_lit(&query, "}}}");
    check(&w->bed, arena_cstr(t->mem, buf_str(&query)), arena_cstr(t->mem, buf_str(&want)));
    buf_deinit(&want);
    buf_deinit(&query);
}

static void check_block(struct world *w, struct str base, unsigned bits)
{
    struct test *t = w->bed.t;
    uint8_t bytes[IP_BYTES];
    struct buf want;
    buf_init(&want, 0);
    assert_true(ip_parse(base, bytes));
    bool is_v4 = str_find_char(base, ':') < 0;
    for (size_t i = 0; i < ADDRESSES; i++) {
        if (is_in_block(w->bytes[i], bytes, bits + (is_v4 ? 96 : 0)))
            buf_printf(&want, "%s%zu", want.n ? " " : "", i);
    }
    struct str term =
        arena_printf(t->mem, "{\"term\":{\"ip\":\"" STR_FMT "/%u\"}}", STR_ARG(base), bits);
    check(&w->bed, term.p, arena_cstr(t->mem, buf_str(&want)));
    struct str terms =
        arena_printf(t->mem, "{\"terms\":{\"ip\":[\"" STR_FMT "/%u\"]}}", STR_ARG(base), bits);
    check(&w->bed, terms.p, arena_cstr(t->mem, buf_str(&want)));
    buf_deinit(&want);
}

static void addresses_agree_with_their_bytes(struct test *t)
{
    for (int round = 0; round < 10; round++) {
        struct world *w = ARENA_NEW(t->mem, struct world);
        fill(w, t);
        for (int i = 0; i < 60; i++) {
            struct str base = address(t);
            bool is_v4 = str_find_char(base, ':') < 0;
            check_block(w, base, (unsigned)rng_below(&t->rng, is_v4 ? 33 : 129));
            check_range(w, rng_below(&t->rng, 5) ? address(t) : STR_NONE, rng_below(&t->rng, 2),
                        rng_below(&t->rng, 5) ? address(t) : STR_NONE, rng_below(&t->rng, 2));
        }
        bed_deinit(&w->bed);
    }
}

static void addresses_are_checked(struct test *t)
{
    static const char *const bad[] = {
        "10.0.0", "10.0.0.256", "10.0.0.0/33",       "::/129",      "10.0.0.0/", "10.0.0.0/-1",
        "x",      "::1::",      "1:2:3:4:5:6:7:8:9", "10.0.0.0/8/8"};
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i", "{\"mappings\":{\"properties\":{\"ip\":{\"type\":\"ip\"}}}}");
    put(&bed, "i", "1", "{\"ip\":\"10.0.0.1\"}");
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct str body = arena_printf(t->mem, "{\"query\":{\"term\":{\"ip\":\"%s\"}}}", bad[i]);
        fails(&bed, body.p, ERR_INVALID, "is not an IP string literal");
    }
    bed_deinit(&bed);
}

static void booleans(struct test *t)
{
    static const char *const rows[][2] = {
        {"{\"term\":{\"b\":true}}", "1"},
        {"{\"term\":{\"b\":\"false\"}}", "0"},
        {"{\"terms\":{\"b\":[true,\"false\"]}}", "0 1"},
        {"{\"range\":{\"b\":{\"gte\":false}}}", "0 1"},
        {"{\"range\":{\"b\":{\"gt\":false}}}", "1"},
        {"{\"range\":{\"b\":{\"gt\":true}}}", ""},
        {"{\"range\":{\"b\":{\"lt\":\"true\"}}}", "0"},
        {"{\"range\":{\"b\":{\"lt\":false}}}", ""},
        {"{\"match\":{\"b\":\"true\"}}", "1"},
        {"{\"query_string\":{\"query\":\"b:true OR b:false\"}}", "0 1"},
    };
    static const char *const bad[] = {"1", "\"True\"", "\"yes\"", "0", "1.0"};
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i", "{\"mappings\":{\"properties\":{\"b\":{\"type\":\"boolean\"}}}}");
    put(&bed, "i", "0", "{\"b\":false}");
    put(&bed, "i", "1", "{\"b\":true}");
    put(&bed, "i", "none", "{}");
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        check(&bed, rows[i][0], rows[i][1]);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct str body = arena_printf(t->mem, "{\"query\":{\"term\":{\"b\":%s}}}", bad[i]);
        fails(&bed, body.p, ERR_INVALID, "expected [true] or [false]");
    }
    bed_deinit(&bed);
}

TEST_MAIN(TEST(addresses_agree_with_their_bytes), TEST(addresses_are_checked), TEST(booleans))
