/* SPDX-License-Identifier: Apache-2.0 */
/* kql.c: Kibana's query language to Elasticsearch's. Grammar (after Kibana's kuery.peg):
 *
 *     query  := or?
 *     or     := and ('or' and)*                 keywords in any case, between spaces
 *     and    := not ('and' not)*
 *     not    := 'not' sub | sub
 *     sub    := '(' or ')' | field ':' '{' or '}' | expression
 *     expression := field (':' list | range-operator literal) | literal
 *     list   := '(' list with or, and, not ')' | literal
 *     literal:= "quoted" | unquoted words with inner spaces
 *
 * A text in Lucene's syntax gets an error that says how KQL writes the same. */
#include "base/buf.h"
#include "base/str.h"
#include "query/search.h"

#define KQL_DEPTH_MAX 64u

struct kql {
    struct str text;
    size_t at;
    struct arena *mem;
    struct err *err;
    uint32_t depth;
};

struct literal {
    struct str text; /* unescaped; wildcards kept as * */
    struct str
        wild; /* as query_string wants it: everything but * escaped; p == NULL: no wildcard */
    bool is_quoted, is_star;
    size_t begin;
};

static int syntax(struct kql *k, size_t at, const char *what)
{
    struct str near = str_sub(k->text, at, 20);
    (void)err_set(k->err, ERR_PARSE, "%s but \"" STR_FMT "\" found at position %zu", what,
                  STR_ARG(near.n ? near : STR("end of input")), at);
    return err_at_off(k->err, (int64_t)at);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct kql *k)
{
    while (k->at < k->text.n && is_space(k->text.p[k->at]))
        k->at++;
}

/* A keyword at `at`: the word and white space or a bracket behind it. */
static size_t keyword_at(const struct kql *k, size_t at, const char *word)
{
    size_t n = strlen(word);
    if (at + n >= k->text.n || !str_eq_nocase(str_sub(k->text, at, n), str_from(word)))
        return 0;
    char c = k->text.p[at + n];
    return is_space(c) || c == '(' ? n : 0;
}

/* The keyword stands between spaces here. */
static bool take_keyword(struct kql *k, const char *word)
{
    size_t at = k->at;
    while (at < k->text.n && is_space(k->text.p[at]))
        at++;
    bool is_parted = at > k->at ||
                     (k->at > 0 && (is_space(k->text.p[k->at - 1]) || k->text.p[k->at - 1] == ')'));
    size_t n = keyword_at(k, at, word);
    if (n == 0 || !is_parted)
        return false;
    k->at = at + n;
    skip_space(k);
    return true;
}

/* ---- JSON ---- */

static struct value map_of(struct kql *k, const char *key, struct value v)
{
    struct value map = value_map(k->mem, 1);
    value_map_set(k->mem, &map, str_from(key), v);
    return map;
}

static struct value should_of(struct kql *k, struct value clauses)
{
    struct value inner = value_map(k->mem, 2);
    value_map_set(k->mem, &inner, STR("should"), clauses);
    value_map_set(k->mem, &inner, STR("minimum_should_match"), value_int(1));
    return map_of(k, "bool", inner);
}

static struct value should_one(struct kql *k, struct value clause)
{
    struct value list = value_list(k->mem, 1);
    value_list_add(k->mem, &list, clause);
    return should_of(k, list);
}

static struct value must_not_of(struct kql *k, struct value clause)
{
    return map_of(k, "bool", map_of(k, "must_not", clause));
}

/* null, true, false and numbers whose text says exactly what they are; anything else is a text. */
static struct value typed(struct kql *k, const struct literal *literal)
{
    int64_t i;
    double f;
    if (literal->is_quoted)
        return value_str(literal->text);
    if (str_is(literal->text, "true") || str_is(literal->text, "false"))
        return value_bool(str_is(literal->text, "true"));
    if (str_is(literal->text, "null"))
        return value_null();
    if (str_to_i64(literal->text, &i)) {
        struct value v = value_int(i);
        return str_eq(value_to_str(k->mem, &v), literal->text) ? v : value_str(literal->text);
    }
    if (str_to_f64(literal->text, &f)) {
        struct value v = value_float(f);
        return str_eq(value_to_str(k->mem, &v), literal->text) ? v : value_str(literal->text);
    }
    return value_str(literal->text);
}

static struct value field_list(struct kql *k, struct str field)
{
    struct value list = value_list(k->mem, 1);
    value_list_add(k->mem, &list, value_str(field));
    return list;
}

/* A literal without a field: all default fields. */
static struct value bare_query(struct kql *k, const struct literal *literal)
{
    if (literal->is_star)
        return map_of(k, "match_all", value_map(k->mem, 0));
    if (literal->wild.p && !literal->is_quoted)
        return map_of(k, "query_string", map_of(k, "query", value_str(literal->wild)));
    struct value inner = value_map(k->mem, 3);
    value_map_set(k->mem, &inner, STR("type"),
                  value_str(literal->is_quoted ? STR("phrase") : STR("best_fields")));
    value_map_set(k->mem, &inner, STR("query"), value_str(literal->text));
    value_map_set(k->mem, &inner, STR("lenient"), value_bool(true));
    return map_of(k, "multi_match", inner);
}

static struct value is_query(struct kql *k, const struct literal *field,
                             const struct literal *literal)
{
    if (field->is_star && literal->is_star)
        return map_of(k, "match_all", value_map(k->mem, 0));
    if (field->is_star)
        return bare_query(k, literal);
    if (literal->is_star)
        return should_one(k, map_of(k, "exists", map_of(k, "field", value_str(field->text))));
    struct value inner = value_map(k->mem, 4);
    if (literal->wild.p && !literal->is_quoted) {
        value_map_set(k->mem, &inner, STR("fields"), field_list(k, field->text));
        value_map_set(k->mem, &inner, STR("query"), value_str(literal->wild));
        return should_one(k, map_of(k, "query_string", inner));
    }
    if (field->wild.p && !field->is_quoted) { /* a pattern of field names */
        value_map_set(k->mem, &inner, STR("type"),
                      value_str(literal->is_quoted ? STR("phrase") : STR("best_fields")));
        value_map_set(k->mem, &inner, STR("fields"), field_list(k, field->text));
        value_map_set(k->mem, &inner, STR("query"), value_str(literal->text));
        value_map_set(k->mem, &inner, STR("lenient"), value_bool(true));
        return map_of(k, "multi_match", inner);
    }
    struct value v = typed(k, literal);
    if (v.kind == VALUE_NULL)
        v = value_str(literal->text);
    value_map_set(k->mem, &inner, field->text, v);
    return should_one(k, map_of(k, literal->is_quoted ? "match_phrase" : "match", inner));
}

/* ---- Literals ---- */

static int escape_char(char c)
{
    return c == 't' ? '\t' : c == 'r' ? '\r' : c == 'n' ? '\n' : -1;
}

static int parse_quoted(struct kql *k, struct literal *literal)
{
    char *out = arena_alloc(k->mem, k->text.n - k->at + 1);
    size_t n = 0, opened = k->at++;
    while (k->at < k->text.n && k->text.p[k->at] != '"') {
        char c = k->text.p[k->at++];
        if (c == '\\' && k->at < k->text.n) {
            char next = k->text.p[k->at++];
            int special = escape_char(next);
            if (special < 0 && next != '\\' && next != '"')
                out[n++] = '\\';
            c = special < 0 ? next : (char)special;
        }
        out[n++] = c;
    }
    if (k->at >= k->text.n)
        return syntax(k, opened, "Expected a closing quote");
    k->at++;
    *literal = (struct literal){.text = {out, n}, .is_quoted = true, .begin = opened};
    return 0;
}

static bool is_special(char c)
{
    return strchr("\\():<>\"{}", c) != NULL;
}

/* An escaped keyword ("\or") stands for the word. */
static size_t escaped_keyword(const struct kql *k)
{
    static const char *const words[] = {"or", "and", "not"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (str_eq_nocase(str_sub(k->text, k->at + 1, strlen(words[i])), str_from(words[i])))
            return strlen(words[i]);
    }
    return 0;
}

static bool keyword_begins(const struct kql *k, size_t at)
{
    return keyword_at(k, at, "or") || keyword_at(k, at, "and") || keyword_at(k, at, "not");
}

/* Inner spaces belong to it when another word follows that is no keyword. */
static bool space_goes_on(const struct kql *k)
{
    size_t at = k->at;
    while (at < k->text.n && is_space(k->text.p[at]))
        at++;
    if (at >= k->text.n || (is_special(k->text.p[at]) && k->text.p[at] != '\\'))
        return false;
    return !keyword_begins(k, at);
}

static void put_wild(struct buf *wild, char c)
{
    if (strchr("+-=&|!(){}[]^\"~?:\\/<> ", c))
        buf_add_char(wild, '\\');
    buf_add_char(wild, c);
}

static int parse_unquoted(struct kql *k, struct literal *literal)
{
    struct buf text, wild;
    size_t begin = k->at;
    bool has_star = false;
    buf_init(&text, k->text.n * 2 + 16);
    buf_init(&wild, k->text.n * 4 + 16);
    while (k->at < k->text.n) {
        char c = k->text.p[k->at];
        if (is_space(c)) {
            if (!space_goes_on(k))
                break;
        } else if (c == '\\' && k->at + 1 < k->text.n) {
            size_t word = escaped_keyword(k);
            char next = k->text.p[k->at + 1];
            int special = escape_char(next);
            k->at++;
            if (word) {
                buf_add_str(&text, str_sub(k->text, k->at, word));
                buf_add_str(&wild, str_sub(k->text, k->at, word));
                k->at += word;
                continue;
            }
            c = special < 0 ? next : (char)special;
            buf_add_char(&text, c);
            if (c == '*')
                buf_add_char(&wild, '\\');
            put_wild(&wild, c);
            k->at++;
            continue;
        } else if (is_special(c)) {
            break;
        }
        has_star = has_star || c == '*';
        buf_add_char(&text, c);
        put_wild(&wild, c);
        k->at++;
    }
    *literal = (struct literal){.text = arena_str(k->mem, buf_str(&text)), .begin = begin};
    if (has_star)
        literal->wild = arena_str(k->mem, buf_str(&wild));
    literal->is_star = str_is(literal->text, "*") && has_star;
    bool is_over = text.is_over || wild.is_over;
    buf_deinit(&text);
    buf_deinit(&wild);
    if (is_over)
        return syntax(k, begin, "Expected a shorter text");
    return literal->text.n ? 0 : syntax(k, begin, "Expected field name, value, \"(\", NOT");
}

static int parse_literal(struct kql *k, struct literal *literal)
{
    skip_space(k);
    if (k->at < k->text.n && k->text.p[k->at] == '"')
        return parse_quoted(k, literal);
    return parse_unquoted(k, literal);
}

/* ---- Expressions ---- */

static int parse_or(struct kql *k, const struct literal *field, struct value *ret_query);

static int parse_group(struct kql *k, const struct literal *field, char close,
                       struct value *ret_query)
{
    if (++k->depth > KQL_DEPTH_MAX)
        return syntax(k, k->at, "Expected fewer brackets in each other");
    k->at++;
    TRY(parse_or(k, field, ret_query));
    skip_space(k);
    if (k->at >= k->text.n || k->text.p[k->at] != close)
        return syntax(k, k->at,
                      close == ')' ? "Expected AND, OR, \")\"" : "Expected AND, OR, \"}\"");
    k->at++;
    k->depth--;
    return 0;
}

static int parse_range(struct kql *k, const struct literal *field, struct value *ret_query)
{
    bool is_less = k->text.p[k->at] == '<',
         is_equal = k->at + 1 < k->text.n && k->text.p[k->at + 1] == '=';
    struct literal literal;
    k->at += is_equal ? 2 : 1;
    TRY(parse_literal(k, &literal));
    struct value bound = map_of(k,
                                is_less    ? (is_equal ? "lte" : "lt")
                                : is_equal ? "gte"
                                           : "gt",
                                typed(k, &literal));
    struct value inner = value_map(k->mem, 1);
    value_map_set(k->mem, &inner, field->text, bound);
    *ret_query = should_one(k, map_of(k, "range", inner));
    return 0;
}

static int parse_nested(struct kql *k, const struct literal *field, struct value *ret_query)
{
    struct value query, inner = value_map(k->mem, 3);
    TRY(parse_group(k, NULL, '}', &query));
    value_map_set(k->mem, &inner, STR("path"), value_str(field->text));
    value_map_set(k->mem, &inner, STR("query"), query);
    value_map_set(k->mem, &inner, STR("score_mode"), value_str(STR("none")));
    *ret_query = map_of(k, "nested", inner);
    return 0;
}

/* Inside `field:( … )` every literal is a value of that field. */
static int parse_expression(struct kql *k, const struct literal *field, struct value *ret_query)
{
    skip_space(k);
    if (k->at < k->text.n && k->text.p[k->at] == '(')
        return parse_group(k, field, ')', ret_query);
    struct literal literal;
    TRY(parse_literal(k, &literal));
    if (field) {
        *ret_query = is_query(k, field, &literal);
        return 0;
    }
    size_t behind = k->at;
    skip_space(k);
    if (k->at < k->text.n && (k->text.p[k->at] == '<' || k->text.p[k->at] == '>'))
        return parse_range(k, &literal, ret_query);
    if (k->at >= k->text.n || k->text.p[k->at] != ':') {
        k->at = behind;
        *ret_query = bare_query(k, &literal);
        return 0;
    }
    k->at++;
    skip_space(k);
    if (k->at < k->text.n && k->text.p[k->at] == '{')
        return parse_nested(k, &literal, ret_query);
    if (k->at >= k->text.n)
        return syntax(k, k->at, "Expected \"(\", \"{\", value, whitespace");
    if (k->text.p[k->at] == '(')
        return parse_group(k, &literal, ')', ret_query);
    struct literal value;
    TRY(parse_literal(k, &value));
    *ret_query = is_query(k, &literal, &value);
    return 0;
}

static int parse_not(struct kql *k, const struct literal *field, struct value *ret_query)
{
    skip_space(k);
    size_t n = keyword_at(k, k->at, "not");
    if (!n)
        return parse_expression(k, field, ret_query);
    struct value inner;
    k->at += n;
    TRY(parse_expression(k, field, &inner));
    *ret_query = must_not_of(k, inner);
    return 0;
}

static int parse_chain(struct kql *k, const struct literal *field, bool is_and,
                       struct value *ret_query)
{
    struct value list = value_list(k->mem, 2), query;
    TRY(is_and ? parse_not(k, field, &query) : parse_chain(k, field, true, &query));
    value_list_add(k->mem, &list, query);
    while (take_keyword(k, is_and ? "and" : "or")) {
        TRY(is_and ? parse_not(k, field, &query) : parse_chain(k, field, true, &query));
        value_list_add(k->mem, &list, query);
    }
    if (list.list->count == 1)
        *ret_query = list.list->items[0];
    else if (is_and)
        *ret_query = map_of(k, "bool", map_of(k, "filter", list));
    else
        *ret_query = should_of(k, list);
    return 0;
}

static int parse_or(struct kql *k, const struct literal *field, struct value *ret_query)
{
    return parse_chain(k, field, false, ret_query);
}

/* What looks like Lucene's syntax: how KQL says it. */
static void add_hint(struct kql *k)
{
    static const struct {
        const char *lucene, *hint;
    } hints[] = {
        {"&&", "write \"and\" instead of \"&&\""},
        {"||", "write \"or\" instead of \"||\""},
        {" TO ", "write \"field >= low and field <= high\" instead of \"field:[low TO high]\""},
        {"_exists_:", "write \"field:*\" instead of \"_exists_:field\""},
        {"!", "write \"not\" instead of \"!\""},
        {"~", "fuzzy search is not part of KQL: switch to Lucene"},
        {"^", "boosts are not part of KQL: switch to Lucene"},
        {"?", "KQL has no \"?\": use \"*\", or switch to Lucene"},
        {":/", "regular expressions are not part of KQL: switch to Lucene"},
    };
    if (!k->err)
        return;
    for (size_t i = 0; i < ARRAY_COUNT(hints); i++) {
        if (str_find(k->text, str_from(hints[i].lucene)) < 0)
            continue;
        size_t n = strlen(k->err->text), more = strlen(hints[i].hint);
        if (n + more + 3 < sizeof(k->err->text)) {
            memcpy(k->err->text + n, "; ", 2);
            memcpy(k->err->text + n + 2, hints[i].hint, more + 1);
        }
        return;
    }
}

int kql_to_dsl(struct str text, struct arena *mem, struct value *ret_query, struct err *err)
{
    struct kql k = {.text = text, .mem = mem, .err = err};
    skip_space(&k);
    if (k.at >= text.n) {
        *ret_query = map_of(&k, "match_all", value_map(mem, 0));
        return 0;
    }
    struct value query;
    int rc = parse_or(&k, NULL, &query);
    skip_space(&k);
    if (rc == 0 && k.at < text.n)
        rc = syntax(&k, k.at, "Expected AND, OR, end of input");
    if (rc < 0) {
        add_hint(&k);
        return rc;
    }
    *ret_query = query;
    return 0;
}
