/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/rng.h"
#include "codec/compress.h"

static struct str sample(struct arena *mem, size_t n, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed);
    char *p = arena_alloc(mem, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + (char)rng_below(&rng, 6));
    return (struct str){p, n};
}

static void round_trip(struct str in, enum deflate_format format)
{
    struct buf packed, out;
    struct err err;
    buf_init(&packed, 0);
    buf_init(&out, 0);
    assert_ok(deflate_bytes(in, format, 3, &packed, &err), &err);
    assert_ok(inflate_bytes(buf_str(&packed), format, in.n, &out, &err), &err);
    assert_int_equal(out.n, in.n);
    if (in.n)
        assert_memory_equal(out.p, in.p, in.n);
    if (in.n > 0) {
        buf_clear(&out);
        assert_int_equal(inflate_bytes(buf_str(&packed), format, in.n - 1, &out, &err),
                         -ERR_TOO_LARGE);
        buf_clear(&out);
        struct str cut = {packed.p, packed.n / 2};
        assert_int_equal(inflate_bytes(cut, format, in.n, &out, &err), -ERR_INVALID);
    }
    buf_deinit(&packed);
    buf_deinit(&out);
}

static void every_format_round_trips(void **state)
{
    (void)state;
    struct arena *mem = arena_new(0);
    static const size_t sizes[] = {0, 1, 100, 65536, 65537, 300000};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        round_trip(sample(mem, sizes[i], i), DEFLATE_ZLIB);
        round_trip(sample(mem, sizes[i], i), DEFLATE_GZIP);
        round_trip(sample(mem, sizes[i], i), DEFLATE_RAW);
    }
    arena_free(mem);
}

static void gzip_members_follow_each_other(void **state)
{
    (void)state;
    struct buf packed, out;
    struct err err;
    buf_init(&packed, 0);
    buf_init(&out, 0);
    assert_ok(deflate_bytes(STR("one "), DEFLATE_GZIP, 6, &packed, &err), &err);
    assert_ok(deflate_bytes(STR("two"), DEFLATE_GZIP, 6, &packed, &err), &err);
    assert_ok(inflate_bytes(buf_str(&packed), DEFLATE_GZIP, 7, &out, &err), &err);
    assert_int_equal(out.n, 7);
    assert_memory_equal(out.p, "one two", 7);
    buf_deinit(&packed);
    buf_deinit(&out);
}

static void zstd_round_trips_with_a_limit(void **state)
{
    (void)state;
    struct arena *mem = arena_new(0);
    struct str in = sample(mem, 100000, 9);
    struct buf packed, out;
    struct err err;
    buf_init(&packed, 0);
    buf_init(&out, 0);
    assert_ok(zstd_compress(in, 1, &packed, &err), &err);
    assert_ok(zstd_decompress(buf_str(&packed), in.n, &out, &err), &err);
    assert_int_equal(out.n, in.n);
    assert_memory_equal(out.p, in.p, in.n);
    assert_int_equal(zstd_decompress(buf_str(&packed), in.n - 1, &out, &err), -ERR_TOO_LARGE);
    assert_int_equal(zstd_decompress(STR("no zstd"), 100, &out, &err), -ERR_INVALID);
    buf_deinit(&packed);
    buf_deinit(&out);
    arena_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_round_trips),
        cmocka_unit_test(gzip_members_follow_each_other),
        cmocka_unit_test(zstd_round_trips_with_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
