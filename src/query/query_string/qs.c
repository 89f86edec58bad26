/* SPDX-License-Identifier: Apache-2.0 */
/* qs.c: lexer and recursive descent after Lucene's QueryParser.jj:
 *
 *     Query  := Modifier? Clause (Conjunction? Modifier? Clause)*
 *     Clause := (Field ':')? (Term | '(' Query ')' ('^' number)?)
 *
 * AND and OR are no real operators: AND makes both neighbours required, OR (with default AND) makes
 * them optional. Bare words in a row are one text, so that the analyzer sees them together. */
#include "query/query_string/qs.h"

#include "base/buf.h"
#include "base/str.h"
#include "text/utf8.h"

enum token {
    T_END,
    T_AND,
    T_OR,
    T_NOT,
    T_PLUS,
    T_MINUS,
    T_OPEN,
    T_CLOSE,
    T_COLON,
    T_STAR,
    T_CARAT,
    T_TILDE,
    T_QUOTED,
    T_TERM,
    T_BARE, /* an operator as a word */
    T_PREFIX,
    T_WILD,
    T_REGEX,
    T_RANGE_OPEN,
    T_BAD,
};

struct lexer {
    struct str text;
    size_t at; /* behind the current token */
    enum token token;
    size_t begin;    /* of the current token */
    struct str raw;  /* of terms, quoted (inside), regex (inside) */
    const char *bad; /* of T_BAD: what is wrong */
};

struct parser {
    struct lexer lex;
    struct arena *mem;
    bool is_and;
    uint32_t depth;
    bool is_one_word; /* behind `field:` or an operator stands one word only */
    struct err *err;
};

static bool is_space(struct str text, size_t at, size_t *ret_n)
{
    char c = text.p[at];
    *ret_n = 1;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        return true;
    if (at + 2 < text.n && memcmp(text.p + at, "\xE3\x80\x80", 3) == 0) { /* U+3000 */
        *ret_n = 3;
        return true;
    }
    return false;
}

/* Characters that end a word. + and - stand for themselves inside of it. */
static bool ends_word(struct str text, size_t at)
{
    size_t n;
    /* strchr finds the end of its string too: a word that ends at its first byte never ends. */
    return is_space(text, at, &n) ||
           (text.p[at] != '\0' && strchr("():^[]\"{}~!/", text.p[at]) != NULL);
}

/* The character of four hexadecimal digits at `at`; -1: there are none. */
static int32_t hex_code(struct str text, size_t at)
{
    int32_t code = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = i < text.n ? text.p[i] : ' ', lower = (char)(c | 0x20);
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && !(lower >= 'a' && lower <= 'f'))
            return -1;
        code = code * 16 + (is_digit ? c - '0' : lower - 'a' + 10);
    }
    return code;
}

static enum token lex_word(struct lexer *lex)
{
    struct str text = lex->text;
    size_t at = lex->begin, stars = 0, wilds = 0, star_end = 0;
    while (at < text.n && !ends_word(text, at)) {
        if (text.p[at] == '\\') {
            if (at + 1 >= text.n) {
                lex->bad = "a backslash at the end";
                return T_BAD;
            }
            if (text.p[at + 1] == 'u' && hex_code(text, at + 2) < 0) {
                lex->bad = "\\u without four hexadecimal digits";
                return T_BAD;
            }
            at += 2;
            continue;
        }
        wilds += text.p[at] == '?';
        if (text.p[at++] == '*') {
            stars++;
            star_end = at;
        }
    }
    lex->raw = str_sub(text, lex->begin, at - lex->begin);
    lex->at = at;
    if (lex->raw.n == 1 && stars == 1)
        return T_STAR;
    if (stars == 1 && wilds == 0 && star_end == at)
        return T_PREFIX;
    if (stars + wilds > 0)
        return T_WILD;
    if (str_is(lex->raw, "AND") || str_is(lex->raw, "&&"))
        return T_AND;
    if (str_is(lex->raw, "OR") || str_is(lex->raw, "||"))
        return T_OR;
    return str_is(lex->raw, "NOT") ? T_NOT : T_TERM;
}

/* Up to the closing character, with backslashes. */
static enum token lex_enclosed(struct lexer *lex, char close, enum token token, const char *bad)
{
    size_t at = lex->begin + 1;
    while (at < lex->text.n && lex->text.p[at] != close)
        at += lex->text.p[at] == '\\' ? 2 : 1;
    if (at >= lex->text.n) {
        lex->bad = bad;
        return T_BAD;
    }
    lex->raw = str_sub(lex->text, lex->begin + 1, at - lex->begin - 1);
    lex->at = at + 1;
    return token;
}

static enum token lex_one(struct lexer *lex)
{
    struct str text = lex->text;
    size_t n;
    while (lex->at < text.n && is_space(text, lex->at, &n))
        lex->at += n;
    lex->begin = lex->at;
    if (lex->at >= text.n)
        return T_END;
    char c = text.p[lex->at];
    bool is_before_space = lex->at + 1 < text.n && is_space(text, lex->at + 1, &n);
    if (is_before_space && (c == '+' || c == '-' || c == '!')) {
        lex->raw = str_sub(text, lex->at++, 1);
        return T_BARE;
    }
    if (c == '"')
        return lex_enclosed(lex, '"', T_QUOTED, "a quote without its end");
    if (c == '/')
        return lex_enclosed(lex, '/', T_REGEX, "an expression without its closing slash");
    static const struct {
        char c;
        enum token token;
    } singles[] = {{'+', T_PLUS},       {'-', T_MINUS},     {'!', T_NOT},   {'(', T_OPEN},
                   {')', T_CLOSE},      {':', T_COLON},     {'^', T_CARAT}, {'~', T_TILDE},
                   {'[', T_RANGE_OPEN}, {'{', T_RANGE_OPEN}};
    for (size_t i = 0; i < ARRAY_COUNT(singles); i++) {
        if (singles[i].c == c) {
            lex->at++;
            return singles[i].token;
        }
    }
    if (c == ']' || c == '}') {
        lex->bad = "a bracket that was not opened";
        return T_BAD;
    }
    return lex_word(lex);
}

static void next(struct parser *p)
{
    p->lex.token = lex_one(&p->lex);
}

static enum token peek(const struct parser *p)
{
    struct lexer ahead = p->lex;
    return lex_one(&ahead);
}

static int syntax(struct parser *p, const char *what)
{
    struct lexer *lex = &p->lex;
    struct str near =
        str_sub(lex->text, lex->begin, lex->at > lex->begin ? lex->at - lex->begin : 1);
    if (lex->token == T_BAD)
        what = lex->bad;
    (void)err_set(p->err, ERR_PARSE,
                  "Failed to parse query [" STR_FMT "]: %s at \"" STR_FMT "\", column %zu",
                  STR_ARG(lex->text), what, STR_ARG(lex->token == T_END ? STR("<EOF>") : near),
                  lex->begin + 1);
    return err_at_off(p->err, (int64_t)lex->begin);
}

/* \u0041 is a character by its number, \ before anything else takes that as it is. Half a character
 * beyond 16 bits is none. */
static struct str unescape(struct str raw, struct arena *mem)
{
    if (str_find_char(raw, '\\') < 0)
        return raw;
    char *text = arena_alloc(mem, raw.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        bool is_escaped = raw.p[i] == '\\' && i + 1 < raw.n;
        i += is_escaped;
        int32_t code = is_escaped && raw.p[i] == 'u' ? hex_code(raw, i + 1) : -1;
        if (code < 0) {
            text[n++] = raw.p[i];
            continue;
        }
        n += utf8_put(text + n, code >= 0xD800 && code < 0xE000 ? 0xFFFD : (uint32_t)code);
        i += 4;
    }
    return (struct str){text, n};
}

static struct qs_node *node_new(struct parser *p, enum qs_kind kind, struct str field)
{
    struct qs_node *node = ARENA_NEW(p->mem, struct qs_node);
    node->kind = kind;
    node->field = field;
    node->boost = 1;
    return node;
}

static int parse_query(struct parser *p, struct str field, struct qs_node **ret_node);

/* ^2.5 and ~3 behind a clause, in either order. */
static int parse_suffixes(struct parser *p, struct qs_node *node, bool allows_slop)
{
    for (;;) {
        if (p->lex.token == T_CARAT) {
            next(p);
            if (p->lex.token != T_TERM || !str_to_f64(p->lex.raw, &node->boost) || node->boost < 0)
                return syntax(p, "expected a number after ^");
            next(p);
        } else if (p->lex.token == T_TILDE && allows_slop) {
            bool has_number = p->lex.at < p->lex.text.n && p->lex.text.p[p->lex.at] >= '0' &&
                              p->lex.text.p[p->lex.at] <= '9';
            double slop = 0;
            next(p);
            if (node->kind != QS_PHRASE)
                return err_set(p->err, ERR_UNSUPPORTED,
                               "fuzzy terms (\"" STR_FMT
                               "~\") in query_string are not supported yet",
                               STR_ARG(node->text));
            if (!has_number) /* as if it were not there */
                continue;
            if (p->lex.token != T_TERM || !str_to_f64(p->lex.raw, &slop) || slop < 0 || slop > 1e9)
                return syntax(p, "expected a number after ~");
            node->has_slop = true;
            node->slop = (uint32_t)slop;
            next(p);
        } else {
            return 0;
        }
    }
}

/* One end of a range: quoted, or up to white space or the bracket. */
static bool range_end(struct lexer *lex, struct str *ret_text)
{
    size_t n;
    while (lex->at < lex->text.n && is_space(lex->text, lex->at, &n))
        lex->at += n;
    size_t begin = lex->at;
    if (begin < lex->text.n && lex->text.p[begin] == '"') {
        lex->begin = begin;
        bool is_ok = lex_enclosed(lex, '"', T_QUOTED, "") == T_QUOTED;
        *ret_text = lex->raw;
        return is_ok;
    }
    while (lex->at < lex->text.n && !is_space(lex->text, lex->at, &n) &&
           lex->text.p[lex->at] != ']' && lex->text.p[lex->at] != '}')
        lex->at += lex->text.p[lex->at] == '\\' && lex->at + 1 < lex->text.n ? 2 : 1;
    *ret_text = str_sub(lex->text, begin, lex->at - begin);
    return ret_text->n > 0;
}

static int parse_range(struct parser *p, struct str field, struct qs_node **ret_node)
{
    struct lexer *lex = &p->lex;
    struct qs_node *node = node_new(p, QS_RANGE, field);
    size_t opened = lex->begin;
    struct str word, from, to;
    node->includes_from = lex->text.p[lex->begin] == '[';
    bool is_ok =
        range_end(lex, &from) && range_end(lex, &word) && str_is(word, "TO") && range_end(lex, &to);
    size_t n;
    while (is_ok && lex->at < lex->text.n && is_space(lex->text, lex->at, &n))
        lex->at += n;
    if (!is_ok || lex->at >= lex->text.n ||
        (lex->text.p[lex->at] != ']' && lex->text.p[lex->at] != '}')) {
        lex->begin = opened;
        return syntax(p, "expected [low TO high]");
    }
    node->includes_to = lex->text.p[lex->at] == ']';
    lex->at++;
    node->has_from = !str_is(from, "*");
    node->has_to = !str_is(to, "*");
    node->from = unescape(from, p->mem);
    node->to = unescape(to, p->mem);
    next(p);
    *ret_node = node;
    return parse_suffixes(p, node, false);
}

/* field:>5, field:<=x: only behind a field. */
static bool one_sided(struct parser *p, struct str field, struct str raw, struct qs_node **ret_node)
{
    if (!field.p || raw.n < 2 || (raw.p[0] != '>' && raw.p[0] != '<'))
        return false;
    bool is_equal = raw.p[1] == '=' && raw.n > 2, is_from = raw.p[0] == '>';
    struct qs_node *node = node_new(p, QS_RANGE, field);
    struct str value = unescape(str_from_off(raw, is_equal ? 2 : 1), p->mem);
    node->has_from = is_from;
    node->has_to = !is_from;
    node->includes_from = node->includes_to = is_equal;
    node->from = node->to = value;
    *ret_node = node;
    return true;
}

static bool ends_words(enum token token)
{
    return token == T_COLON || token == T_STAR || token == T_TILDE || token == T_CARAT ||
           token == T_AND || token == T_OR;
}

/* Bare words in a row are one clause, up to one that something belongs to. */
static int parse_words(struct parser *p, struct str field, struct qs_node **ret_node)
{
    if (one_sided(p, field, p->lex.raw, ret_node)) {
        p->is_one_word = false;
        next(p);
        return parse_suffixes(p, *ret_node, false);
    }
    struct qs_node *node = node_new(p, QS_WORDS, field);
    struct buf text; /* grows by doubling: a list of words may be long */
    buf_init(&text, 0);
    buf_add_str(&text, unescape(p->lex.raw, p->mem));
    bool is_single = p->is_one_word || ends_words(peek(p));
    p->is_one_word = false;
    next(p);
    while (!is_single && p->lex.token == T_TERM && !ends_words(peek(p)) &&
           !(field.p && (p->lex.raw.p[0] == '<' || p->lex.raw.p[0] == '>'))) {
        buf_add_char(&text, ' ');
        buf_add_str(&text, unescape(p->lex.raw, p->mem));
        next(p);
    }
    node->text = arena_str(p->mem, buf_str(&text));
    buf_deinit(&text);
    *ret_node = node;
    return parse_suffixes(p, node, true);
}

static int parse_term(struct parser *p, struct str field, struct qs_node **ret_node)
{
    struct qs_node *node;
    switch (p->lex.token) {
    case T_BARE:
        p->is_one_word = true;
        return parse_words(p, field, ret_node);
    case T_TERM:
        return parse_words(p, field, ret_node);
    case T_QUOTED:
        node = node_new(p, QS_PHRASE, field);
        node->text = unescape(p->lex.raw, p->mem);
        break;
    case T_STAR:
        node = node_new(p, field.p && !str_is(field, "*") ? QS_EXISTS : QS_ALL, field);
        node->text = field;
        break;
    case T_PREFIX:
        node = node_new(p, QS_PREFIX, field);
        node->text = unescape(str_sub(p->lex.raw, 0, p->lex.raw.n - 1), p->mem);
        break;
    case T_WILD:
        node = node_new(p, QS_WILDCARD, field);
        node->text = p->lex.raw;
        break;
    case T_REGEX:
        node = node_new(p, QS_REGEX, field);
        node->text = p->lex.raw;
        break;
    case T_RANGE_OPEN:
        return parse_range(p, field, ret_node);
    case T_END:
    case T_AND:
    case T_OR:
    case T_NOT:
    case T_PLUS:
    case T_MINUS:
    case T_OPEN:
    case T_CLOSE:
    case T_COLON:
    case T_CARAT:
    case T_TILDE:
    case T_BAD:
        return syntax(p, "expected a term");
    }
    next(p);
    *ret_node = node;
    return parse_suffixes(p, node, true);
}

static int parse_clause(struct parser *p, struct str field, bool is_behind_operator,
                        struct qs_node **ret_node)
{
    bool can_be_field = p->lex.token == T_TERM || p->lex.token == T_STAR ||
                        p->lex.token == T_WILD || p->lex.token == T_PREFIX;
    bool is_named = can_be_field && peek(p) == T_COLON;
    if (is_named) {
        struct str name = p->lex.token == T_STAR ? STR("*") : unescape(p->lex.raw, p->mem);
        next(p);
        next(p);
        field = name;
        if (str_is(name, "_exists_")) {
            if (p->lex.token != T_TERM && p->lex.token != T_QUOTED && p->lex.token != T_PREFIX &&
                p->lex.token != T_WILD)
                return syntax(p, "expected a field name after _exists_:");
            *ret_node = node_new(p, QS_EXISTS, STR_NONE);
            (*ret_node)->text = unescape(p->lex.raw, p->mem);
            next(p);
            return parse_suffixes(p, *ret_node, false);
        }
    }
    p->is_one_word = (is_named || is_behind_operator) && p->lex.token == T_TERM;
    if (p->lex.token != T_OPEN)
        return parse_term(p, field, ret_node);
    if (++p->depth > QS_DEPTH_MAX)
        return syntax(p, "groups nested too deep");
    next(p);
    if (p->lex.token == T_CLOSE)
        return syntax(p, "expected a term");
    TRY(parse_query(p, field, ret_node));
    p->depth--;
    if (p->lex.token != T_CLOSE)
        return syntax(p, "expected )");
    next(p);
    if (!*ret_node)
        return 0;
    struct qs_node boosted = {.kind = QS_BOOL, .boost = 1};
    TRY(parse_suffixes(p, &boosted, false));
    (*ret_node)->boost *= boosted.boost;
    return 0;
}

static int add_clause(struct parser *p, struct qs_node *all, struct qs_node *clause,
                      enum token conjunction, enum token modifier)
{
    enum qs_occur *last = all->count ? &all->occurs[all->count - 1] : NULL;
    if (last && conjunction == T_AND && *last != QS_MUST_NOT)
        *last = QS_MUST;
    if (last && p->is_and && conjunction == T_OR && *last != QS_MUST_NOT)
        *last = QS_SHOULD;
    if (!clause)
        return 0;
    if (all->count == QS_CLAUSES_MAX)
        return syntax(p, "too many clauses: maxClauseCount is set to 1024");
    enum qs_occur occur = QS_SHOULD;
    if (modifier == T_NOT || modifier == T_MINUS)
        occur = QS_MUST_NOT;
    else if (modifier == T_PLUS || conjunction == T_AND || (p->is_and && conjunction != T_OR))
        occur = QS_MUST;
    if ((all->count & (all->count - 1)) == 0) { /* powers of two: grow */
        size_t capacity = all->count ? all->count * 2 : 1;
        all->clauses = arena_realloc(p->mem, all->clauses, all->count * sizeof(*all->clauses),
                                     capacity * sizeof(*all->clauses));
        all->occurs = arena_realloc(p->mem, all->occurs, all->count * sizeof(*all->occurs),
                                    capacity * sizeof(*all->occurs));
    }
    all->clauses[all->count] = clause;
    all->occurs[all->count++] = occur;
    return 0;
}

static int parse_query(struct parser *p, struct str field, struct qs_node **ret_node)
{
    struct qs_node *all = node_new(p, QS_BOOL, field);
    while (p->lex.token != T_END && p->lex.token != T_CLOSE) {
        enum token conjunction = T_END, modifier = T_END;
        if (p->lex.token == T_AND || p->lex.token == T_OR) {
            if (all->count == 0)
                return syntax(p, "nothing stands before the operator");
            conjunction = p->lex.token;
            next(p);
        }
        if (p->lex.token == T_PLUS || p->lex.token == T_MINUS || p->lex.token == T_NOT) {
            modifier = p->lex.token;
            next(p);
        }
        struct qs_node *clause = NULL;
        bool is_behind_operator = conjunction != T_END || modifier != T_END;
        TRY(parse_clause(p, field, is_behind_operator, &clause));
        TRY(add_clause(p, all, clause, conjunction, modifier));
    }
    *ret_node = all->count ? all : NULL;
    if (all->count == 1 && all->occurs[0] != QS_MUST_NOT)
        *ret_node = all->clauses[0];
    return 0;
}

int qs_parse(struct str text, bool is_and, struct arena *mem, struct qs_node **ret_node,
             struct err *err)
{
    struct parser p = {.lex = {.text = text}, .mem = mem, .is_and = is_and, .err = err};
    next(&p);
    TRY(parse_query(&p, STR_NONE, ret_node));
    return p.lex.token == T_END ? 0 : syntax(&p, "unexpected text");
}
