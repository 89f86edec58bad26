/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration grammar: each edge row of the language gives the tree that Logstash gives, or a
 * place and the right form. Trees are compared as text: name{settings as JSON}, if{…}, else{…}. */
#include "support/pipeline.h"

#include "pipeline/config/config.h"

static void nodes_write(struct buf *out, const struct config_node *nodes)
{
    for (const struct config_node *node = nodes; node; node = node->next) {
        if (node->plugin) {
            buf_printf(out, STR_FMT, STR_ARG(node->plugin->name));
            value_to_json(&node->plugin->settings, out);
        }
        for (const struct config_arm *arm = node->arms; arm; arm = arm->next) {
            buf_add_str(out, arm->condition ? STR("if(") : STR("else("));
            nodes_write(out, arm->nodes);
            buf_add_char(out, ')');
        }
        if (node->next)
            buf_add_char(out, ' ');
    }
}

static struct str env(void *owner, struct str name)
{
    (void)owner;
    if (str_is(name, "HOST"))
        return STR("db.local");
    if (str_is(name, "EMPTY"))
        return STR("");
    return STR_NONE;
}

static unsigned warnings;
static void count_warning(void *owner, const struct source *source, size_t off, const char *text)
{
    (void)owner;
    (void)source;
    (void)off;
    (void)text;
    warnings++;
}

static int parse(struct test *t, const char *text, bool escapes, struct str *ret_tree)
{
    struct source *source = ARENA_NEW(t->mem, struct source);
    *source = (struct source){STR("x.conf"), str_from(text)};
    struct config config = {0};
    struct config_options options = {
        .support_escapes = escapes, .env_get = env, .warn = count_warning};
    warnings = 0;
    int rc = config_parse(&config, source, &options, t->mem, &t->err);
    struct buf out;
    buf_init(&out, 0);
    static const char *const names[] = {"input", "filter", "output"};
    for (size_t i = 0; i < CONFIG_SECTION_COUNT && rc == 0; i++) {
        if (!config.first[i])
            continue;
        buf_printf(&out, "%s%s:", out.n ? " " : "", names[i]);
        nodes_write(&out, config.first[i]);
    }
    *ret_tree = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    config_free(&config);
    return rc;
}

#define parses(t, text, tree) parses_((t), (text), false, (tree), 0, __LINE__)
static void parses_(struct test *t, const char *text, bool escapes, const char *want,
                    unsigned want_warnings, int line)
{
    struct str tree;
    if (parse(t, text, escapes, &tree) < 0) {
        print_error("%s\n%u:%u: %s\n", text, t->err.line, t->err.column, t->err.text);
        _fail(__FILE__, line);
    }
    test__str_eq(tree, str_from(want), __FILE__, line);
    if (warnings != want_warnings) {
        print_error("%s\n%u warnings, not %u\n", text, warnings, want_warnings);
        _fail(__FILE__, line);
    }
}

#define fails(t, text, place, part) fails_((t), (text), (place), (part), __LINE__)
static void fails_(struct test *t, const char *text, const char *place, const char *part, int line)
{
    struct str tree;
    char got[32];
    if (parse(t, text, false, &tree) >= 0) {
        print_error("%s\nwas accepted as %.*s\n", text, STR_ARG(tree));
        _fail(__FILE__, line);
    }
    (void)snprintf(got, sizeof(got), "%u:%u", t->err.line, t->err.column);
    if (strcmp(got, place) != 0 || !strstr(t->err.text, part) || t->err.code != ERR_CONFIG) {
        print_error("%s\ngot  %s: %s\nwant %s: …%s…\n", text, got, t->err.text, place, part);
        _fail(__FILE__, line);
    }
}

static void sections_and_plugins(struct test *t)
{
    parses(t, "", "");
    parses(t, "# only a comment", "");
    parses(t, "input{stdin{}}", "input:stdin{}");
    parses(t, "filter { a1 {} b-2 {} \"c d\" {} } output {} filter { e {} }",
           "filter:a1{} b-2{} c d{} e{}");
    parses(t, "output { o { } } input { i { } }", "input:i{} output:o{}");
    parses(t, "\xEF\xBB\xBFinput { i {} }", "input:i{}");
    parses(t, "filter { m { a => 12 b => -1.5 c => word d => \"x\" e => 'y' } }",
           "filter:m{\"a\":12,\"b\":-1.5,\"c\":\"word\",\"d\":\"x\",\"e\":\"y\"}");
    parses(t, "filter { m { a => 5. big => 123456789012345678901234567890 } }",
           "filter:m{\"a\":5.0,\"big\":123456789012345678901234567890}");
    parses(t, "filter { m { \"q k\" => [ 1, \"b\", [ ], { } ] } }",
           "filter:m{\"q k\":[1,\"b\",[],{}]}");
    parses(t, "filter { m { h => { a1 => 1 \"b\" => { 3 => x1 } } } }",
           "filter:m{\"h\":{\"a1\":1,\"b\":{\"3\":\"x1\"}}}");
    parses(t, "input { i { codec => json } }", "input:i{\"codec\":\"json\"}");
    parses(t, "input { i { codec => json { charset => \"CP949\" } x => 1 } }",
           "input:i{\"codec\":{\"json\":{\"charset\":\"CP949\"}},\"x\":1}");
    parses(t, "input { i { codec => \"json\" # c\n { } } }", "input:i{\"codec\":{\"json\":{}}}");
    parses(t, "filter { m { t => [xy] } }", "filter:m{\"t\":[\"xy\"]}");
    parses(t, "filter { m { code => '\n  a \"b\"\n' } }",
           "filter:m{\"code\":\"\\n  a \\\"b\\\"\\n\"}");
}

static void comments(struct test *t)
{
    parses(t, "input { i { } } # at the end", "input:i{}");
    parses(t, "# a\r\ninput # b\r\n { # c\n i # d\n { # e\n a # f\n => # g\n 1 # h\n } # i\n } # j",
           "input:i{\"a\":1}");
    parses(t, "filter { m { h => { a1 => 1 # one\n # two\n b1 => 2 } } }",
           "filter:m{\"h\":{\"a1\":1,\"b1\":2}}");
    parses(t, "filter { m { h => { \"a\" => \"1\"\"b\" => \"2\" } } }",
           "filter:m{\"h\":{\"a\":\"1\",\"b\":\"2\"}}");
    parses(t, "filter { m { l => [ 1, # one\n 2 ] } }", "filter:m{\"l\":[1,2]}");
    parses_(t, "filter { m { a => 1# x\n b => 2 } }", false, "filter:m{\"a\":1,\"b\":2}", 1,
            __LINE__);
    parses(t, "filter { m { a => \"# no comment\" } }", "filter:m{\"a\":\"# no comment\"}");
}

static void strings(struct test *t)
{
    parses(t, "filter { m { a => \"x\\n\\\"y\\\"\" } }",
           "filter:m{\"a\":\"x\\\\n\\\\\\\"y\\\\\\\"\"}");
    parses_(t, "filter { m { a => \"x\\n\\\"y\\\"\\t\\q\\\\z\" b => 'it\\'s' } }", true,
            "filter:m{\"a\":\"x\\n\\\"y\\\"\\t\\\\q\\\\z\",\"b\":\"it's\"}", 0, __LINE__);
    parses(t, "filter { m { a => 'it\\'s' } }", "filter:m{\"a\":\"it\\\\'s\"}");
    parses(t, "filter { m { a => \"C:\\\\dir\\\\x.jar\" } }",
           "filter:m{\"a\":\"C:\\\\\\\\dir\\\\\\\\x.jar\"}");
    fails(t, "filter { m { a => \"C:\\\\\" } }", "1:23", "a string cannot end in a backslash");
    fails(t, "filter {\n m { a => \"C:\\\" }\n n { b => \"x\" }\n}", "2:14",
          "a string cannot end in a backslash");
    fails(t, "filter { m { a => \"x } }", "1:19", "not closed");
    fails(t, "filter { m { a => \xE2\x80\x9Cx\xE2\x80\x9D } }", "1:19", "typographic quote");
    fails(t, "filter { m { a\xC2\xA0=> 1 } }", "1:15", "=>");
    fails(t, "filter { m { a => \"\xFF\" } }", "1:20", "not UTF-8");
}

static void values(struct test *t)
{
    parses_(t, "filter { m { a => 010 } }", false, "filter:m{\"a\":8}", 1, __LINE__);
    fails(t, "filter { m { a => 08 } }", "1:19", "octal");
    fails(t, "filter { m { a => x } }", "1:19", "one character");
    fails(t, "filter { m { h => { a => 1 } } }", "1:21", "one character");
    fails(t, "filter { m { a => foo-bar } }", "1:19", "needs quotes");
    fails(t, "filter { m { a => +5 } }", "1:19", "number");
    fails(t, "filter { m { a => .5 } }", "1:19", "number");
    fails(t, "filter { m { a => 1e5 } }", "1:19", "exponent");
    fails(t, "filter { m { a => ${PORT} } }", "1:19", "inside quotes");
    fails(t, "filter { m { a => [x1][y1] } }", "1:23", "\"[a][b]\"");
    fails(t, "filter { m { a => [ 1, ] } }", "1:22", "remove the comma");
    fails(t, "filter { m { a => [ 1 2 ] } }", "1:23", "comma or ]");
    fails(t, "filter { m { a => 1, b => 2 } }", "1:20", "remove the comma");
    fails(t, "filter { m { h => { \"a\" => 1, \"b\" => 2 } } }", "1:29", "remove the comma");
    fails(t, "filter { m { a => 1b => 2 } }", "1:20", "blank is missing");
    fails(t, "filter { m { a = 1 } }", "1:16", "=>");
    fails(t, "filter { m { a: 1 } }", "1:15", "=>");
    fails(t, "filter { m { h => { \"a\" => 1 \"a\" => 2 } } }", "1:30", "twice");
    fails(t, "filter { m { a => /x/ } }", "1:19", "quotes");
    fails(t, "filter { m { a => } }", "1:19", "expected a value");
}

static void settings_twice(struct test *t)
{
    parses(t, "filter { m { a => 1 a => 1 } }", "filter:m{\"a\":1}");
    parses(t, "filter { m { a => 1 a => 2 } }", "filter:m{\"a\":[1,2]}");
    parses(t, "filter { m { a => [1] a => 2 } }", "filter:m{\"a\":[1,2]}");
    parses(t, "filter { m { a => 1 a => [2, 3] } }", "filter:m{\"a\":[1,2,3]}");
    parses(t, "filter { m { h => { \"a\" => 1 } h => { \"a\" => 2 \"b\" => 3 } } }",
           "filter:m{\"h\":{\"a\":2,\"b\":3}}");
    fails(t, "input { i { codec => json codec => plain } }", "1:27", "twice");
}

static void variables(struct test *t)
{
    parses(t, "filter { m { a => \"http://${HOST}:${PORT:9200}/${EMPTY}\" } }",
           "filter:m{\"a\":\"http://db.local:9200/\"}");
    parses(t, "filter { m { a => [\"${HOST}\"] h => { \"${HOST}\" => \"${X:}\" } } }",
           "filter:m{\"a\":[\"db.local\"],\"h\":{\"db.local\":\"\"}}");
    parses(t, "filter { m { a => \"$HOST ${ HOST} ${1X} #{x} ${HOST\" } }",
           "filter:m{\"a\":\"$HOST ${ HOST} ${1X} #{x} ${HOST\"}");
    parses(t, "filter { m { a => \"${X:a:b}\" } }", "filter:m{\"a\":\"a:b\"}");
    fails(t, "filter { m {\n a => \"x${NOT_SET}\" } }", "2:9", "\"NOT_SET\" is not set");
}

static void frame_errors(struct test *t)
{
    fails(t, "inptu { i {} }", "1:1", "did you mean input");
    fails(t, "filter { m { }", "1:15", "ends here");
    fails(t, "filter { m { } } }", "1:18", "one } too many");
    fails(t, "filter { m { } output { o { } }", "1:16", "is a } missing before it");
    fails(t, "filter { filter { m { } } }", "1:10", "cannot stand inside");
    fails(t, "filter { m }", "1:12", "{ behind");
    fails(t, "filter [", "1:8", "{ behind");
    fails(t, "filter { // x\n }", "1:10", "comments begin with #");
    fails(t, "filter { else { } }", "1:10", "else without an if");
}

static void branches(struct test *t)
{
    parses(t, "filter { if [a] { m {} } }", "filter:if(m{})");
    parses(t, "filter { if [a] {} else if [b] { m {} } elseif [c]{} else { n {} } o {} }",
           "filter:if()if(m{})if()else(n{}) o{}");
    parses(t, "filter{if[a]==1and[b]==2{drop{}}}", "filter:if(drop{})");
    parses(t, "filter { iffy {} }", "filter:iffy{}");
    parses(t,
           "filter { if (![a] and !([b] > 1)) or \"x\" in [tags] and [n] not in [1, 2] { m {} } }",
           "filter:if(m{})");
    parses(t, "filter { if [a] not\n in [\"x\", \"y\"] or [b] notin [c] { } }", "filter:if()");
    parses(t, "filter { if [a] =~ /a\\/b/ or [a] !~ \"x+\" { } }", "filter:if()");
    parses(t, "filter { if [a] xor [b] nand [c] { } }", "filter:if()");
    parses_(t, "filter { if [a] in [\"x\"] { } }", false, "filter:if()", 1, __LINE__);
    parses(t, "filter { if [a] in [x] { } }", "filter:if()");
    parses(t, "filter { if [a][b] == \"${HOST}\" { } }", "filter:if()");
}

static void condition_errors(struct test *t)
{
    fails(t, "filter { if [a] { } elsif [b] { } }", "1:21", "else if");
    fails(t, "filter { if [a] && [b] { } }", "1:17", "write and");
    fails(t, "filter { if [a] || [b] { } }", "1:17", "write or");
    fails(t, "filter { if [a] AND [b] { } }", "1:17", "write and");
    fails(t, "filter { if not [a] { } }", "1:13", "!([a])");
    fails(t, "filter { if !\"x\" in [t] { } }", "1:13", "!(\"x\" in [tags])");
    fails(t, "filter { if !![a] { } }", "1:13", "cancel");
    fails(t, "filter { if ![a] == 1 { } }", "1:13", "!(");
    fails(t, "filter { if [a] == true { } }", "1:20", "\"true\"");
    fails(t, "filter { if [a] == foo { } }", "1:20", "needs quotes");
    fails(t, "filter { if a == 1 { } }", "1:13", "[a]");
    fails(t, "filter { if [a] =~ /x/i { } }", "1:23", "(?i)x");
    fails(t, "filter { if [a] == [b] == [c] { } }", "1:24", "two sides");
    fails(t, "filter { if [a] =~ [b] { } }", "1:17", "pattern");
    fails(t, "filter { if [a] = 1 { } }", "1:17", "==");
    fails(t, "filter { if ([a] { } }", "1:18", ")");
    fails(t, "filter { if [a]) { } }", "1:16", "one ) too many");
    fails(t, "filter { if { } }", "1:13", "a value or a field");
    fails(t, "filter { if %{a} == 1 { } }", "1:13", "[name]");
    fails(t, "filter { if f([a]) { } }", "1:13", "no functions");
    fails(t, "filter { if [a] { } else m { } }", "1:21", "else { … }");
}

static void deep_nesting_is_refused(struct test *t)
{
    struct buf text;
    buf_init(&text, 0);
    buf_add_lit(&text, "filter { m { a => ");
    for (int i = 0; i < 10000; i++)
        buf_add_char(&text, '[');
    struct str tree;
    assert_err(parse(t, buf_cstr(&text), false, &tree), &t->err, ERR_CONFIG);
    assert_err_has(&t->err, "nested deeper");
    buf_clear(&text);
    buf_add_lit(&text, "filter { ");
    for (int i = 0; i < 10000; i++)
        buf_add_lit(&text, "if [a] { ");
    assert_err(parse(t, buf_cstr(&text), false, &tree), &t->err, ERR_CONFIG);
    buf_clear(&text);
    buf_add_lit(&text, "filter { if ");
    for (int i = 0; i < 10000; i++)
        buf_add_char(&text, '(');
    assert_err(parse(t, buf_cstr(&text), false, &tree), &t->err, ERR_CONFIG);
    buf_deinit(&text);
}

static void carets(struct test *t)
{
    struct err err = {.code = ERR_CONFIG, .line = 2, .column = 11};
    assert_str_eq(err_caret(&err, STR("a\n가나 => x\nb"), t->mem),
                  "     2 | 가나 => x\n       |         ^");
    err.column = 100;
    assert_str_eq(err_caret(&err, STR("a\nbc\n"), t->mem), "     2 | bc\n       |   ^");
    err.line = 9;
    assert_true(err_caret(&err, STR("a\nb"), t->mem).n == 0);
}

static void files_of_a_path(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    static const char *const names[] = {"conf.d/b.conf", "conf.d/a.conf", "conf.d/c.conf~",
                                        "conf.d/d.txt"};
    assert_ok(vfs_make_dir(fs, STR("conf.d"), &t->err), &t->err);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        assert_ok(vfs_write_file(fs, str_from(names[i]), str_from(names[i]), &t->err), &t->err);
    struct source **sources = NULL;
    size_t count = 0, capacity = 0;
    assert_ok(config_read(fs, STR("conf.d"), t->mem, &sources, &count, &capacity, &t->err),
              &t->err);
    assert_int_equal(count, 3);
    assert_str_eq(sources[0]->name, "conf.d/a.conf");
    assert_str_eq(sources[2]->text, "conf.d/d.txt");
    assert_ok(config_read(fs, STR("conf.d/*.conf"), t->mem, &sources, &count, &capacity, &t->err),
              &t->err);
    assert_int_equal(count, 5);
    assert_err(config_read(fs, STR("conf.d/*.yml"), t->mem, &sources, &count, &capacity, &t->err),
               &t->err, ERR_NOT_FOUND);
    assert_err(config_read(fs, STR("none.conf"), t->mem, &sources, &count, &capacity, &t->err),
               &t->err, ERR_NOT_FOUND);
    mem_free(sources);
    vfs_mem_free(fs);
}

/* Random changes of a real configuration: a tree or an error with a place inside the text, never
 * anything else. */
static void broken_texts_are_survived(struct test *t)
{
    static const char sample[] =
        "input { beats { port => 5044 codec => json { charset => \"UTF-8\" } } } # c\n"
        "filter { if [a][b] == \"x\" and !([n] > 5) or \"t\" in [tags] { mutate { split => [ "
        "\"m\", \",\" ]\n"
        "add_field => { \"k\" => \"%{[m][0]}\" 'q' => ${X} } } } else if [z] =~ /^a\\/b$/ { drop "
        "{} } else { } }\n"
        "output { stdout { } }\n";
    static const char bits[] = "{}[]()\"'\\/#=>!~ ,\n$%ai0.-";
    for (int round = 0; round < 3000; round++) {
        struct arena *mem = t->mem, *own = arena_new(0);
        char *text = arena_alloc(own, sizeof(sample));
        memcpy(text, sample, sizeof(sample));
        size_t n = rng_below(&t->rng, sizeof(sample));
        for (int i = 0; i < 4; i++)
            text[rng_below(&t->rng, sizeof(sample) - 1)] =
                bits[rng_below(&t->rng, sizeof(bits) - 1)];
        text[n] = '\0';
        struct str tree;
        t->mem = own;
        if (parse(t, text, round % 2, &tree) < 0) {
            assert_int_equal(t->err.code, ERR_CONFIG);
            assert_in_range(t->err.line, 1, 10);
            assert_true(t->err.text[0] != '\0');
        }
        t->mem = mem;
        arena_free(own);
    }
}

TEST_MAIN(TEST(broken_texts_are_survived), TEST(sections_and_plugins), TEST(comments),
          TEST(strings), TEST(values), TEST(settings_twice), TEST(variables), TEST(frame_errors),
          TEST(branches), TEST(condition_errors), TEST(deep_nesting_is_refused), TEST(carets),
          TEST(files_of_a_path))
