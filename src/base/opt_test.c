/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/opt.h"

struct sample {
    struct str path;
    bool is_on;
    int64_t count, wait_ns;
};

static const struct opt opts[] = {
    OPT_STR(struct sample, path, .flags = OPT_REQUIRED, .help = "Where."),
    OPT_BOOL(struct sample, is_on, .name = "enabled", .dflt = "true"),
    OPT_INT(struct sample, count, .min = 1, .max = 9),
    OPT_DURATION(struct sample, wait_ns, .name = "timeout", .dflt = "30s"),
    OPT_END,
};

static void options_are_found_by_name(struct test *t)
{
    (void)t;
    const struct opt *opt = opt_find(opts, STR("enabled"));
    assert_non_null(opt);
    assert_int_equal(opt->kind, OPT_KIND_BOOL);
    assert_int_equal(opt->offset, offsetof(struct sample, is_on));
    assert_null(opt_find(opts, STR("is_on"))); /* the given name replaces the member's */
    assert_null(opt_find(opts, STR("")));
    assert_null(opt_find(NULL, STR("x")));
    assert_int_equal(opt_find(opts, STR("timeout"))->offset, offsetof(struct sample, wait_ns));
}

static void kinds_have_names(struct test *t)
{
    (void)t;
    for (int kind = OPT_KIND_END; kind <= OPT_KIND_CODEC; kind++)
        assert_true(strlen(opt_kind_name((enum opt_kind)kind)) > 0);
    assert_string_equal(opt_kind_name(OPT_KIND_MAP), "hash");
}

static void a_mistyped_name_finds_its_neighbour(struct test *t)
{
    static const struct {
        const char *typed, *nearest;
    } cases[] = {
        {"pth", "path"},      {"timeuot", "timeout"}, {"enabld", "enabled"}, {"count", "count"},
        {"conut", "count"},   {"counter", "count"},   {"zzz", NULL},         {"", NULL},
        {"timeout_ns_", NULL}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *nearest = opt_nearest(opts, str_from(cases[i].typed));
        if (cases[i].nearest)
            assert_string_equal(nearest, cases[i].nearest);
        else
            assert_null(nearest);
    }
    static const char *const names[] = {"alpha", "alpine", "beta", NULL};
    assert_string_equal(name_nearest(names, STR("alpin")), "alpine");
    assert_string_equal(name_nearest(names, STR("bta")), "beta");
    char *endless = arena_zalloc(t->mem, 5000);
    memset(endless, 'a', 5000);
    assert_null(name_nearest(names, (struct str){endless, 5000}));
}

TEST_MAIN(TEST(options_are_found_by_name), TEST(kinds_have_names),
          TEST(a_mistyped_name_finds_its_neighbour))
