/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/bits.h"
#include "base/buf.h"
#include "codec/lumberjack.h"

/* Feeds `bytes` in pieces of `step` and writes what came out as text: "W3 J1:{} D2(a=b) A7 !code".
 */
static struct str taken(struct test *t, struct str bytes, size_t step,
                        const struct lumberjack_limits *limits)
{
    CLEANUP(lumberjack_reader_free_ptr)
    struct lumberjack_reader *reader = lumberjack_reader_new(limits);
    struct buf out;
    buf_init(&out, 0);
    size_t at = 0;
    for (;;) {
        struct lumberjack_frame frame;
        int rc = lumberjack_next(reader, &frame, &t->err);
        if (rc < 0) {
            buf_printf(&out, "!%s", err_name(t->err.code));
            break;
        }
        if (frame.kind == LUMBERJACK_MORE) {
            if (at == bytes.n)
                break;
            size_t n = MIN_OF(step, bytes.n - at);
            lumberjack_feed(reader, bytes.p + at, n);
            at += n;
            continue;
        }
        if (frame.kind == LUMBERJACK_WINDOW)
            buf_printf(&out, "W%u ", frame.seq);
        if (frame.kind == LUMBERJACK_ACK)
            buf_printf(&out, "A%u ", frame.seq);
        if (frame.kind == LUMBERJACK_JSON)
            buf_printf(&out, "J%u:%.*s ", frame.seq, STR_ARG(frame.payload));
        if (frame.kind == LUMBERJACK_DATA) {
            buf_printf(&out, "D%u(", frame.seq);
            struct str key, value;
            while (lumberjack_pair_next(&frame.payload, &key, &value))
                buf_printf(&out, "%.*s=%.*s,", STR_ARG(key), STR_ARG(value));
            buf_add_lit(&out, ") ");
        }
    }
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static void gives(struct test *t, struct str bytes, const char *want)
{
    for (size_t step = 1; step <= bytes.n; step = step < 8 ? step + 1 : step * 3)
        assert_str_eq(taken(t, bytes, step, NULL), want);
    assert_str_eq(taken(t, bytes, SIZE_MAX, NULL), want);
}
#define GIVES(t, lit, want) gives((t), STR(lit), (want))

static void plain_frames(struct test *t)
{
    GIVES(t, "2W\0\0\0\3", "W3 ");
    GIVES(t, "2A\0\0\1\0", "A256 ");
    GIVES(t,
          "1W\0\0\0\1"
          "2J\0\0\0\1\0\0\0\2{}",
          "W1 J1:{} ");
    GIVES(t, "2J\0\0\0\7\0\0\0\0", "J7: ");
    GIVES(t, "1D\0\0\0\2\0\0\0\2\0\0\0\1a\0\0\0\2bc\0\0\0\0\0\0\0\1x", "D2(a=bc,=x,) ");
    GIVES(t, "1D\0\0\0\2\0\0\0\0", "D2() ");
    GIVES(t, "2W\0\0\0", "");
}

static void malformed_frames(struct test *t)
{
    GIVES(t, "3W\0\0\0\3", "!PARSE");
    GIVES(t, "\x16\x03\x01", "!PARSE"); /* a TLS hello */
    assert_err_has(&t->err, "TLS");
    GIVES(t, "2X\0\0\0\3", "!PARSE");
    assert_err_has(&t->err, "frame type 0x58");
    GIVES(t,
          "2W\0\0\0\1"
          "2Z",
          "W1 !PARSE");
    assert_int_equal(t->err.off, 6);
    GIVES(t, "2W\x7f\0\0\0", "!TOO_LARGE");
    assert_err_has(&t->err, "the limit is 1048576");
    GIVES(t, "2J\0\0\0\1\xff\xff\xff\xff", "!TOO_LARGE");
    GIVES(t, "2C\xff\xff\xff\xff", "!TOO_LARGE");
    GIVES(t, "1D\0\0\0\1\xff\xff\xff\xff", "!TOO_LARGE");
    GIVES(t, "1D\0\0\0\1\0\0\0\1\xff\xff\xff\xff", "!TOO_LARGE");
    GIVES(t, "2C\0\0\0\4abcd", "!PARSE");
    GIVES(t, "2C\0\0\0\0", "!PARSE");
}

static struct str compressed(struct test *t, struct str frames)
{
    struct buf out;
    buf_init(&out, 0);
    struct lumberjack_deflater *deflater = lumberjack_deflater_new(3);
    lumberjack_write_compressed(&out, deflater, frames);
    lumberjack_deflater_free(deflater);
    struct str s = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static struct str concat(struct test *t, struct str a, struct str b)
{
    char *p = arena_alloc(t->mem, a.n + b.n + 1);
    memcpy(p, a.p, a.n);
    memcpy(p + a.n, b.p, b.n);
    return (struct str){p, a.n + b.n};
}

static void compressed_frames(struct test *t)
{
    struct str two = STR("2J\0\0\0\1\0\0\0\2{}2J\0\0\0\2\0\0\0\3{1}");
    struct str c = compressed(t, two);
    gives(t, c, "J1:{} J2:{1} ");
    gives(t, concat(t, c, STR("2W\0\0\0\1")), "J1:{} J2:{1} W1 ");
    gives(t, concat(t, concat(t, c, c), STR("2A\0\0\0\1")), "J1:{} J2:{1} J1:{} J2:{1} A1 ");
    gives(t,
          compressed(t, STR("2W\0\0\0\1"
                            "2J\0\0\0\1\0\0\0\2{}")),
          "W1 J1:{} ");
    gives(t, compressed(t, STR("")), "");
    gives(t, compressed(t, c), "!PARSE");
    assert_err_has(&t->err, "inside a compressed frame");
    gives(t, compressed(t, STR("2J\0\0\0\1\0\0\0\2{")), "!PARSE");
    assert_err_has(&t->err, "in the middle of a frame");
    char *longer = arena_alloc(t->mem, c.n + 3); /* bytes behind the zlib stream */
    memcpy(longer, c.p, c.n);
    memcpy(longer + c.n, "abc", 3);
    put_u32_be(longer + 2, (uint32_t)(c.n - 6 + 3));
    gives(t, (struct str){longer, c.n + 3}, "J1:{} J2:{1} !PARSE");
    put_u32_be(longer + 2, (uint32_t)(c.n - 6 - 2)); /* and one cut short */
    gives(t, (struct str){longer, c.n - 2}, "J1:{} J2:{1} !PARSE");
}

static void limits_are_named(struct test *t)
{
    struct lumberjack_limits limits = {.window_max = 4,
                                       .payload_bytes_max = 10,
                                       .compressed_bytes_max = 100,
                                       .inflated_bytes_max = 1000};
    assert_str_eq(taken(t, STR("2W\0\0\0\5"), 9, &limits), "!TOO_LARGE");
    assert_str_eq(taken(t, STR("2J\0\0\0\1\0\0\0\x0b"), 99, &limits), "!TOO_LARGE");
    assert_err_has(&t->err, "an event is 11, the limit is 10");
    assert_str_eq(taken(t, STR("2C\0\0\0\x65"), 99, &limits), "!TOO_LARGE");
    char *zeros = arena_zalloc(t->mem, 1 << 20); /* a bomb of empty events */
    for (size_t i = 0; i + 10 <= 1 << 20; i += 10)
        memcpy(zeros + i, "2J\0\0\0\0\0\0\0\0", 10);
    limits.compressed_bytes_max = 1 << 20;
    struct str bomb = compressed(t, (struct str){zeros, (1 << 20) / 10 * 10});
    (void)taken(t, bomb, 512, &limits);
    assert_int_equal(t->err.code, ERR_TOO_LARGE);
    assert_err_has(&t->err, "content");
}

/* Random windows, compressed or not, split anywhere, come out as they went in. */
static void round_trip(struct test *t)
{
    for (int round = 0; round < 60; round++) {
        struct buf out, frames, want;
        buf_init(&out, 0);
        buf_init(&frames, 0);
        buf_init(&want, 0);
        struct lumberjack_deflater *deflater = lumberjack_deflater_new(1 + round % 9);
        for (uint32_t w = 0; w < 1 + rng_below(&t->rng, 3); w++) {
            uint32_t count = (uint32_t)rng_below(&t->rng, 20);
            lumberjack_write_window(&out, 2, count);
            buf_printf(&want, "W%u ", count);
            buf_clear(&frames);
            for (uint32_t i = 1; i <= count; i++) {
                struct str json = arena_printf(
                    t->mem, "{\"n\":%llu}", (unsigned long long)rng_below(&t->rng, 1u << (i + 4)));
                lumberjack_write_json(&frames, i, json);
                buf_printf(&want, "J%u:%.*s ", i, STR_ARG(json));
            }
            if (rng_below(&t->rng, 3) == 0)
                buf_add_str(&out, buf_str(&frames));
            else
                lumberjack_write_compressed(&out, deflater, buf_str(&frames));
        }
        assert_strs_eq(taken(t, buf_str(&out), 1 + (size_t)rng_below(&t->rng, out.n), NULL),
                       buf_str(&want));
        lumberjack_deflater_free(deflater);
        buf_deinit(&out);
        buf_deinit(&frames);
        buf_deinit(&want);
    }
}

static void numbering_anew(struct test *t)
{
    struct buf frames;
    buf_init(&frames, 0);
    for (uint32_t i = 1; i <= 5; i++)
        lumberjack_write_json(&frames, i, arena_printf(t->mem, "[%u]", i));
    size_t at = lumberjack_skip(buf_str(&frames), 3);
    assert_int_equal(lumberjack_renumber(frames.p + at, frames.n - at), 2);
    assert_str_eq(taken(t, str_from_off(buf_str(&frames), at), 7, NULL), "J1:[4] J2:[5] ");
    assert_int_equal(lumberjack_skip(buf_str(&frames), 5), frames.n);
    buf_deinit(&frames);
}

/* Damaged bytes give frames or an error, never more than came in, and never a crash. */
static void damaged_bytes(struct test *t)
{
    struct str good = concat(t, compressed(t, STR("2J\0\0\0\1\0\0\0\2{}2J\0\0\0\2\0\0\0\3{1}")),
                             STR("2W\0\0\0\1"
                                 "1D\0\0\0\2\0\0\0\1\0\0\0\1a\0\0\0\2bc"));
    char *bytes = arena_alloc(t->mem, good.n);
    struct lumberjack_limits limits = {.window_max = 1000,
                                       .payload_bytes_max = 4096,
                                       .compressed_bytes_max = 65536,
                                       .inflated_bytes_max = 1 << 20};
    for (int i = 0; i < 5000; i++) {
        memcpy(bytes, good.p, good.n);
        for (uint64_t k = rng_below(&t->rng, 4) + 1; k > 0; k--)
            bytes[rng_below(&t->rng, good.n)] = (char)rng_u64(&t->rng);
        (void)taken(t, (struct str){bytes, good.n}, 1 + (size_t)rng_below(&t->rng, good.n),
                    &limits);
    }
}

TEST_MAIN(TEST(plain_frames), TEST(malformed_frames), TEST(compressed_frames),
          TEST(limits_are_named), TEST(round_trip), TEST(numbering_anew), TEST(damaged_bytes))
