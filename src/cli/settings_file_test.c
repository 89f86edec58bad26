/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "cli/settings_file.h"

struct settings {
    struct str config, data;
    int64_t port;
    struct value files;
};

static const struct flag flags[] = {
    {'c', "FILE", OPT_STR(struct settings, config, .help = "file")},
    {0, "DIR", OPT_STR(struct settings, data, .name = "path.data", .dflt = "data", .help = "data")},
    {0, "PORT",
     OPT_INT(struct settings, port, .name = "http.port", .dflt = "9200", .help = "port")},
    {'f', "FILE", OPT_LIST(struct settings, files, .name = "path.config", .help = "files")},
    FLAG_END};
static const struct command command = {
    .name = "test", .flags = flags, .size = sizeof(struct settings), .settings_flag = "config"};

static int parse(struct test *t, const char *yaml, int argc, char **argv, struct settings *s)
{
    struct str path = test_path(t, "naru.yml");
    bool wants_help;
    struct str *args;
    size_t count;
    char *all[8] = {arena_cstr(t->mem, STR("-c")), arena_cstr(t->mem, path)};
    for (int i = 0; i < argc; i++)
        all[i + 2] = argv[i];
    assert_ok(vfs_write_file(vfs_posix(), path, str_from(yaml), &t->err), &t->err);
    memset(s, 0, sizeof(*s));
    return flags_parse(&command, argc + 2, all, t->mem, s, &wants_help, &args, &count, &t->err);
}

static void reads_dotted_and_nested_keys(struct test *t)
{
    struct settings s;
    assert_ok(parse(t, "http.port: 9201\npath:\n  data: there\n  config: [a.conf, b.conf]\n", 0,
                    NULL, &s),
              &t->err);
    assert_int_equal(s.port, 9201);
    assert_str_eq(s.data, "there");
    assert_int_equal(s.files.list->count, 2);
}

static void flags_win(struct test *t)
{
    struct settings s;
    char *argv[] = {arena_cstr(t->mem, STR("--http.port")), arena_cstr(t->mem, STR("9300"))};
    assert_ok(parse(t, "http.port: 9201\npath.data: there\n", 2, argv, &s), &t->err);
    assert_int_equal(s.port, 9300);
    assert_str_eq(s.data, "there");
}

static void names_what_is_wrong(struct test *t)
{
    struct settings s;
    assert_err(parse(t, "path.data: x\nhttp.prot: 1\n", 0, NULL, &s), &t->err, ERR_CONFIG);
    assert_err_has(&t->err, "http.port");
    assert_int_equal(t->err.line, 2);
    assert_err(parse(t, "http.port: many\n", 0, NULL, &s), &t->err, ERR_INVALID);
}

TEST_MAIN(TEST(reads_dotted_and_nested_keys), TEST(flags_win), TEST(names_what_is_wrong))
