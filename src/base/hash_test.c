/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/hash_int.h"

static void crc32c_has_its_known_values(struct test *t)
{
    (void)t;
    uint8_t b[32];
    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283); /* the check value of the catalogue */
    memset(b, 0, 32);
    assert_int_equal(crc32c(0, b, 32), 0x8A9136AA); /* RFC 3720, B.4 */
    memset(b, 0xFF, 32);
    assert_int_equal(crc32c(0, b, 32), 0x62A8AB43);
    for (uint8_t i = 0; i < 32; i++)
        b[i] = i;
    assert_int_equal(crc32c(0, b, 32), 0x46DD794E);
    assert_int_equal(crc32c(0, NULL, 0), 0);
}

/* Bit by bit, straight from the definition: the judge over the fast ones. */
static uint32_t crc32c_by_bits(uint32_t c, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        c ^= b[i];
        for (int k = 0; k < 8; k++)
            c = c & 1 ? (c >> 1) ^ UINT32_C(0x82F63B78) : c >> 1;
    }
    return c;
}

static void the_twins_of_crc32c_agree(struct test *t)
{
    uint8_t b[300];
    for (unsigned i = 0; i < 3000; i++) {
        for (size_t k = 0; k < sizeof(b); k++)
            b[k] = (uint8_t)rng_u64(&t->rng);
        size_t off = rng_below(&t->rng, 16), n = rng_below(&t->rng, sizeof(b) - 16);
        uint32_t start = (uint32_t)rng_u64(&t->rng);
        uint32_t expected = crc32c_by_bits(start, b + off, n);
        assert_int_equal(hash__crc32c_portable(start, b + off, n), expected);
#if defined(__x86_64__)
        if (__builtin_cpu_supports("sse4.2"))
            assert_int_equal(hash__crc32c_sse42(start, b + off, n), expected);
#endif
        size_t cut = rng_below(&t->rng, n + 1); /* in two pieces as in one */
        assert_int_equal(crc32c(crc32c(start, b + off, cut), b + off + cut, n - cut),
                         crc32c(start, b + off, n));
    }
}

static void hashes_are_stable(struct test *t)
{
    (void)t;
    /* Written into files: these values must never change. */
    assert_true(hash_bytes("", 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash_str(STR("naru")) == hash_bytes("naru", 4));
    struct hash128 empty = hash128_bytes("", 0);
    assert_true(empty.low == UINT64_C(0x6001c324468d497f) &&
                empty.high == UINT64_C(0x99aa06d3014798d8));
    assert_true(hash_u64(0) == 0 && hash_u64(1) != hash_u64(2));
}

/* The table against a plain array of what should be in it, over many random steps. */
static void the_table_keeps_its_content(struct test *t)
{
    enum { KEYS = 300 };
    static void *expected[KEYS];
    memset(expected, 0, sizeof(expected));
    char names[KEYS][16];
    struct strmap map;
    strmap_init(&map);
    size_t count = 0;
    for (size_t i = 0; i < KEYS; i++)
        (void)snprintf(names[i], sizeof(names[i]), "%.*s%zu", (int)(i % 5), "xxxxx", i);
    for (unsigned step = 0; step < 20000; step++) {
        size_t i = rng_below(&t->rng, KEYS);
        struct str key = str_from(names[i]);
        assert_ptr_equal(strmap_get(&map, key), expected[i]);
        assert_int_equal(strmap_has(&map, key), expected[i] != NULL);
        void *value = rng_below(&t->rng, 5) < 2 ? NULL : &names[rng_below(&t->rng, KEYS)];
        void *old = value ? strmap_put(&map, key, value) : strmap_remove(&map, key);
        assert_ptr_equal(old, expected[i]);
        count = count + (value != NULL) - (expected[i] != NULL);
        expected[i] = value;
        assert_int_equal(map.count, count);
        assert_true(map.capacity <= 1024); /* removed ones do not make it grow for ever */
    }
    size_t at = 0, seen = 0;
    struct str key;
    void *value;
    while (strmap_next(&map, &at, &key, &value)) {
        assert_ptr_equal(strmap_get(&map, key), value);
        seen++;
    }
    assert_int_equal(seen, count);
    strmap_deinit(&map);
    strmap_deinit(&map);
    strmap_deinit(NULL);
}

static void a_key_may_be_empty_or_have_nuls(struct test *t)
{
    (void)t;
    struct strmap map;
    strmap_init(&map);
    int a, b, c;
    assert_null(strmap_get(&map, STR("")));
    assert_null(strmap_put(&map, STR_NONE, &a));
    assert_null(strmap_put(&map, (struct str){"x\0y", 3}, &b));
    assert_null(strmap_put(&map, STR("x"), &c));
    assert_ptr_equal(strmap_get(&map, STR("")), &a);
    assert_ptr_equal(strmap_get(&map, (struct str){"x\0y", 3}), &b);
    assert_null(strmap_put(&map, STR("null"), NULL));
    assert_true(strmap_has(&map, STR("null"))); /* there, with the value NULL */
    strmap_deinit(&map);
}

TEST_MAIN(TEST(crc32c_has_its_known_values), TEST(the_twins_of_crc32c_agree),
          TEST(hashes_are_stable), TEST(the_table_keeps_its_content),
          TEST(a_key_may_be_empty_or_have_nuls))
