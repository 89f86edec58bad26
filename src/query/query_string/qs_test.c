/* SPDX-License-Identifier: Apache-2.0 */
/* Lucene's syntax: what a text means, printed back in a plain form, and what is refused. */
#include "support/test.h"

#include "base/buf.h"
#include "query/query_string/qs.h"

static void print(const struct qs_node *node, struct buf *out)
{
    static const char *const kinds[] = {"bool",  "words", "phrase", "prefix", "wildcard",
                                        "regex", "range", "exists", "all"};
    static const char *const occurs[] = {"", "+", "-"};
    if (!node) {
        buf_add_lit(out, "nothing");
        return;
    }
    if (node->kind == QS_BOOL) {
        buf_add_char(out, '(');
        for (size_t i = 0; i < node->count; i++) {
            buf_printf(out, "%s%s", i ? " " : "", occurs[node->occurs[i]]);
            print(node->clauses[i], out);
        }
        buf_add_char(out, ')');
    } else {
        buf_printf(out, "%s[", kinds[node->kind]);
        if (node->field.p)
            buf_printf(out, STR_FMT ":", STR_ARG(node->field));
        buf_add_str(out, node->text);
        if (node->kind == QS_RANGE)
            buf_printf(out, "%c" STR_FMT "," STR_FMT "%c", node->includes_from ? '[' : '{',
                       STR_ARG(node->has_from ? node->from : STR("*")),
                       STR_ARG(node->has_to ? node->to : STR("*")), node->includes_to ? ']' : '}');
        buf_add_char(out, ']');
        if (node->has_slop)
            buf_printf(out, "~%u", node->slop);
    }
    if (node->boost < 1 || node->boost > 1)
        buf_printf(out, "^%g", node->boost);
}

static void means(struct test *t, const char *text, bool is_and, const char *want)
{
    struct qs_node *node = NULL;
    struct buf out;
    buf_init(&out, 0);
    assert_ok(qs_parse(str_from(text), is_and, t->mem, &node, &t->err), &t->err);
    print(node, &out);
    assert_str_eq(buf_str(&out), want);
    buf_deinit(&out);
}

static void parses(struct test *t)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "nothing"},
        {"a", "words[a]"},
        {"a b c", "words[a b c]"},
        {"f:a b", "(words[f:a] words[b])"},
        {"f:(a b)", "words[f:a b]"},
        {"a OR b", "(words[a] words[b])"},
        {"a AND b", "(+words[a] +words[b])"},
        {"a OR b AND c", "(words[a] +words[b] +words[c])"},
        {"a && b || c", "(+words[a] +words[b] words[c])"},
        {"a NOT b", "(words[a] -words[b])"},
        {"+a -b !c", "(+words[a] -words[b] -words[c])"},
        {"a-b", "words[a-b]"},
        {"\"a b\"~3", "phrase[a b]~3"},
        {"\"a \\\"b\"", "phrase[a \"b]"},
        {"a^2", "words[a]^2"},
        {"(a b)^2.5", "words[a b]^2.5"},
        {"ab*", "prefix[ab]"},
        {"a*b?", "wildcard[a*b?]"},
        {"*", "all[]"},
        {"*:*", "all[*:*]"},
        {"f:*", "exists[f:f]"},
        {"_exists_:f", "exists[f]"},
        {"/a.b/", "regex[a.b]"},
        {"f:/a\\/b/", "regex[f:a\\/b]"},
        {"[1 TO 5}", "range[[1,5}]"},
        {"f:{* TO \"x y\"]", "range[f:{*,x y]]"},
        {"f:>10", "range[f:{10,*}]"},
        {"f:<=10", "range[f:[*,10]]"},
        {"f:(>=10 AND <20)", "(+range[f:[10,*]] +range[f:{*,20}])"},
        {"first\\ name:x", "words[first name:x]"},
        {"book.\\*:x", "words[book.*:x]"},
        {"a\xE3\x80\x80"
         "b",
         "words[a b]"},
        {"a\\:b", "words[a:b]"},
        {"http\\:\\/\\/x", "words[http://x]"},
        /* Behind an operator stands one word; Lucene joins others only. */
        {"+a b", "(+words[a] words[b])"},
        {"-a b c", "(-words[a] words[b c])"},
        {"a AND b c d", "(+words[a] +words[b] words[c d])"},
        {"f:a OR b c", "(words[f:a] words[b] words[c])"},
        {"NOT (a b) c d", "(-words[a b] words[c d])"},
        {"+f:a b", "(+words[f:a] words[b])"},
        {"a b +c d", "(words[a b] +words[c] words[d])"},
        /* An operator before white space is a word, && and || within words are part of them. */
        {"a - b", "(words[a] words[-] words[b])"},
        {"! a", "(words[!] words[a])"},
        {"a + b c", "(words[a] words[+] words[b c])"},
        {"f:- a", "(words[f:-] words[a])"},
        {"a - AND b", "(words[a] +words[-] +words[b])"},
        {"a&&b", "words[a&&b]"},
        {"a&& b", "words[a&& b]"},
        {"a &b", "words[a &b]"},
        {"a||", "words[a||]"},
        {"a!b", "(words[a] -words[b])"},
        {"a+b-c", "words[a+b-c]"},
        {"\\u0041b \\u00e9", "words[Ab \xC3\xA9]"},
        {"\"\\u0022\"", "phrase[\"]"},
        {"*ab\\*", "wildcard[*ab\\*]"},
        {"a\\**", "prefix[a*]"},
        {"\"a b\"~ c", "(phrase[a b] words[c])"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        means(t, rows[i].text, false, rows[i].want);
    means(t, "a b f:c", true, "(+words[a b] +words[f:c])");
    means(t, "a OR f:b", true, "(words[a] words[f:b])");
}

static void refuses(struct test *t)
{
    static const struct {
        const char *text;
        int64_t off;
        const char *part;
    } rows[] = {
        {"(a", 2, "expected )"},
        {"a)", 1, "unexpected text"},
        {"\"a", 0, "a quote without its end"},
        {"[1 TO", 0, "expected [low TO high]"},
        {"f:", 2, "expected a term"},
        {"AND a", 0, "nothing stands before"},
        {"a AND", 5, "expected a term"},
        {"/ab", 0, "closing slash"},
        {"a^x", 2, "number after ^"},
        {"a]", 1, "not opened"},
        {"a\\", 0, "backslash"},
        {"a -", 3, "expected a term"},
        {"a\\u00", 0, "four hexadecimal digits"},
        {"a ()", 3, "expected a term"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct qs_node *node;
        assert_err(qs_parse(str_from(rows[i].text), false, t->mem, &node, &t->err), &t->err,
                   ERR_PARSE);
        assert_err_has(&t->err, rows[i].part);
        assert_int_equal(t->err.off, rows[i].off);
    }
    struct qs_node *node;
    assert_err(qs_parse(STR("quick~2"), false, t->mem, &node, &t->err), &t->err, ERR_UNSUPPORTED);
}

/* A NUL byte is a byte of its word; once it made a word that never ended. */
static void takes_nul_bytes(struct test *t)
{
    struct qs_node *node;
    assert_ok(qs_parse(STR("a \0b c\0"), false, t->mem, &node, &t->err), &t->err);
    assert_int_equal(node->kind, QS_WORDS);
    assert_true(str_eq(node->text, STR("a \0b c\0")));
}

TEST_MAIN(TEST(parses), TEST(refuses), TEST(takes_nul_bytes))
