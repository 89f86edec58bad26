/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c: the frame of the configuration grammar: sections, plugins, branches, blanks and
 * comments, and what an error says. The language is that of lscl_grammar.treetop of Logstash 7.11,
 * which is a parsing expression grammar: the order of choices matters (a branch is tried before a
 * plugin), and keywords need no blank behind them (`if[a]==1{`). */
#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/opt.h"
#include "base/str.h"
#include "expr/condition.h"
#include "pipeline/config/parser_int.h"

bool parser__is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

bool parser__skip(struct parser *in)
{
    const char *start = in->p;
    while (in->p < in->end) {
        char c = *in->p;
        if (c == '#') {
            const char *line_end = memchr(in->p, '\n', (size_t)(in->end - in->p));
            in->p = line_end ? line_end + 1 : in->end;
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            in->p++;
        } else {
            break;
        }
    }
    return in->p > start;
}

bool parser__at(const struct parser *in, char c)
{
    return in->p < in->end && *in->p == c;
}

bool parser__at_text(const struct parser *in, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(in->end - in->p) >= n && memcmp(in->p, text, n) == 0;
}

bool parser__at_word(const struct parser *in, const char *word)
{
    size_t n = strlen(word);
    return parser__at_text(in, word) && (in->p + n == in->end || !parser__is_name_char(in->p[n]));
}

size_t parser__off(const struct parser *in)
{
    return (size_t)(in->p - in->source->text.p);
}

uint32_t parser__pos(const struct parser *in)
{
    return (uint32_t)parser__off(in) + 1;
}

static const char backslash_hint[] = "a string cannot end in a backslash, since \\\" goes on with "
                                     "it: write / in paths, [\\\\] in patterns";

int parser__fail_at(struct parser *in, const char *at, const char *format, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t off = (size_t)(at - in->source->text.p);
    if (in->suspect && at > in->suspect) {
        /* The text around is upside down from there on: say so first, and there. */
        err_set(in->err, ERR_CONFIG, "%s (what follows does not fit: %s)", backslash_hint, text);
        off = (size_t)(in->suspect - in->source->text.p);
    } else {
        err_set(in->err, ERR_CONFIG, "%s", text);
    }
    source_err_at(in->source, off, in->err);
    return -ERR_CONFIG;
}

void parser__warn(struct parser *in, const char *at, const char *text)
{
    if (in->options->warn)
        in->options->warn(in->options->warn_owner, in->source, (size_t)(at - in->source->text.p),
                          text);
}

int parser__nest(struct parser *in)
{
    if (++in->depth > CONFIG_DEPTH_MAX)
        return parser__fail_at(in, in->p, "nested deeper than %u levels", CONFIG_DEPTH_MAX);
    return 0;
}

/* What stands at the cursor, for a message: a word, a character, the end. */
static struct str what_is_there(const struct parser *in)
{
    const char *p = in->p;
    while (p < in->end && parser__is_name_char(*p) && p - in->p < 40)
        p++;
    if (p == in->p && p < in->end) {
        p++;
        while (p < in->end && ((unsigned char)*p & 0xC0) == 0x80)
            p++;
    }
    return (struct str){in->p, (size_t)(p - in->p)};
}

/* The mistakes that people make, by what stands at the cursor. NULL: none of them. */
static const char *known_mistake(const struct parser *in)
{
    static const struct {
        const char *text, *hint;
    } mistakes[] = {
        {",", "settings and hash entries are separated by blanks, and an array ends without a "
              "comma: remove the comma"},
        {"\xE2\x80\x9C", "this is a typographic quote: write \""},
        {"\xE2\x80\x9D", "this is a typographic quote: write \""},
        {"\xE2\x80\x98", "this is a typographic quote: write '"},
        {"\xE2\x80\x99", "this is a typographic quote: write '"},
        {"\xC2\xA0", "this is a no-break space: write an ordinary blank"},
        {"\xE3\x80\x80", "this is an ideographic space: write an ordinary blank"},
        {"\xE2\x80\x8B", "this is a zero-width space: remove it"},
        {"\xEF\xBB\xBF", "this is a byte order mark: remove it"},
        {"${", "a variable stands inside quotes: \"${NAME}\""},
        {"//", "comments begin with #"},
        {"/*", "comments begin with #"},
        {";", "nothing ends with a semicolon here: remove it"},
        {":", "a setting is written name => value"},
        {"=", "a setting is written name => value"},
        {"&&", "write and"},
        {"||", "write or"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(mistakes); i++) {
        if (parser__at_text(in, mistakes[i].text))
            return mistakes[i].hint;
    }
    return NULL;
}

int parser__unexpected(struct parser *in, const char *what)
{
    if (in->p >= in->end)
        return parser__fail_at(in, in->p, "expected %s, but the text ends here", what);
    const char *hint = known_mistake(in);
    struct str there = what_is_there(in);
    if (hint)
        return parser__fail_at(in, in->p, "expected %s, not \"" STR_FMT "\": %s", what,
                               STR_ARG(there), hint);
    return parser__fail_at(in, in->p, "expected %s, not \"" STR_FMT "\"", what, STR_ARG(there));
}

/* ---- plugins and branches ---- */

static const char *const section_names[] = {"input", "filter", "output", NULL};

static int plugin_name_check(struct parser *in, const char *at, struct str name)
{
    for (size_t i = 0; section_names[i]; i++) {
        if (str_eq(name, str_from(section_names[i])))
            return parser__fail_at(
                in, at, "a section \"%s\" cannot stand inside a section: is a } missing before it?",
                section_names[i]);
    }
    if (str_is(name, "elsif") || str_is(name, "elif"))
        return parser__fail_at(in, at, "\"" STR_FMT "\" is not known: write else if",
                               STR_ARG(name));
    if (str_is(name, "else"))
        return parser__fail_at(in, at, "else without an if before it");
    return 0;
}

static int parse_plugin(struct parser *in, struct config_node *node)
{
    struct config_plugin *plugin = ARENA_NEW(in->mem, struct config_plugin);
    const char *at = in->p;
    plugin->source = in->source;
    plugin->pos = parser__pos(in);
    TRY(parser__name(in, "a plugin's name, if, or }", &plugin->name));
    TRY(plugin_name_check(in, at, plugin->name));
    parser__skip(in);
    if (!parser__at(in, '{'))
        return parser__unexpected(in, "{ behind the plugin's name");
    TRY(parser__settings(in, &plugin->settings));
    node->plugin = plugin;
    return 0;
}

static int parse_nodes(struct parser *in, struct config_node **first, struct config_node **last);

/* { nodes } */
static int parse_block(struct parser *in, struct config_arm *arm)
{
    parser__skip(in);
    if (!parser__at(in, '{'))
        return parser__unexpected(in, "{");
    in->p++;
    TRY(parser__nest(in));
    struct config_node *last = NULL;
    TRY(parse_nodes(in, &arm->nodes, &last));
    in->depth--;
    return 0;
}

static struct config_arm *arm_new(struct parser *in)
{
    struct config_arm *arm = ARENA_NEW(in->mem, struct config_arm);
    arm->source = in->source;
    arm->pos = parser__pos(in);
    return arm;
}

static int parse_if(struct parser *in, struct config_arm **ret_arm)
{
    struct config_arm *arm = *ret_arm = arm_new(in);
    in->p += 2;
    parser__skip(in);
    TRY(parser__condition(in, &arm->condition));
    return parse_block(in, arm);
}

/* if cond { } (else if cond { })* (else { })? */
static int parse_branch(struct parser *in, struct config_node *node)
{
    struct config_arm **tail = &node->arms;
    TRY(parse_if(in, tail));
    for (;;) {
        tail = &(*tail)->next;
        const char *back = in->p;
        parser__skip(in);
        if (!parser__at_text(in, "else")) {
            in->p = back;
            return 0;
        }
        const char *word = in->p;
        struct config_arm *arm = arm_new(in);
        in->p += 4;
        parser__skip(in);
        if (parser__at_text(in, "if")) {
            TRY(parse_if(in, tail));
        } else if (parser__at(in, '{')) {
            *tail = arm;
            return parse_block(in, arm);
        } else {
            in->p = word;
            return parser__fail_at(in, word, "expected else { … } or else if CONDITION { … }");
        }
    }
}

/* `if` begins a branch unless it is the beginning of a longer name. */
static bool at_branch(const struct parser *in)
{
    return parser__at_text(in, "if") && !(in->p + 2 < in->end && parser__is_name_char(in->p[2]));
}

static int parse_nodes(struct parser *in, struct config_node **first, struct config_node **last)
{
    for (;;) {
        parser__skip(in);
        if (parser__at(in, '}')) {
            in->p++;
            return 0;
        }
        struct config_node *node = ARENA_NEW(in->mem, struct config_node);
        if (*last) /* in the tree at once: config_free finds the conditions of a half tree too */
            (*last)->next = node;
        else
            *first = node;
        *last = node;
        if (at_branch(in))
            TRY(parse_branch(in, node));
        else
            TRY(parse_plugin(in, node));
    }
}

static int section_unknown(struct parser *in)
{
    struct str word = what_is_there(in);
    const char *nearest = name_nearest(section_names, word);
    if (parser__at(in, '}'))
        return parser__fail_at(in, in->p, "one } too many: everything before is closed already");
    if (nearest)
        return parser__fail_at(
            in, in->p, "expected input, filter or output, not \"" STR_FMT "\": did you mean %s?",
            STR_ARG(word), nearest);
    return parser__unexpected(in, "input, filter or output");
}

static int parse_section(struct parser *in, struct config *config)
{
    for (size_t i = 0; i < CONFIG_SECTION_COUNT; i++) {
        if (!parser__at_word(in, section_names[i]))
            continue;
        in->p += strlen(section_names[i]);
        parser__skip(in);
        if (!parser__at(in, '{'))
            return parser__unexpected(in, "{ behind the section's name");
        in->p++;
        return parse_nodes(in, &config->first[i], &config->last[i]);
    }
    return section_unknown(in);
}

/* Position of the first byte that is not UTF-8, or the length. */
static size_t utf8_valid_bytes(struct str s)
{
    size_t i = 0;
    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = c < 0x80                ? 1
                   : c >= 0xC2 && c < 0xE0 ? 2
                   : c >= 0xE0 && c < 0xF0 ? 3
                   : c >= 0xF0 && c < 0xF5 ? 4
                                           : 0;
        if (n == 0 || i + n > s.n)
            return i;
        for (size_t k = 1; k < n; k++) {
            if (((unsigned char)s.p[i + k] & 0xC0) != 0x80)
                return i;
        }
        i += n;
    }
    return s.n;
}

static void nodes_free(struct config_node *nodes)
{
    for (struct config_node *node = nodes; node; node = node->next) {
        for (struct config_arm *arm = node->arms; arm; arm = arm->next) {
            condition_free(arm->condition);
            arm->condition = NULL;
            nodes_free(arm->nodes);
        }
    }
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < CONFIG_SECTION_COUNT; i++)
        nodes_free(config->first[i]);
}

int config_parse(struct config *config, const struct source *source,
                 const struct config_options *options, struct arena *mem, struct err *err)
{
    struct err scratch;
    struct parser in = {
        .source = source,
        .options = options,
        .mem = mem,
        .err = err ? err : &scratch,
        .p = source->text.p,
        .end = str_end(source->text),
    };
    size_t valid = utf8_valid_bytes(source->text);
    if (source->text.n > SOURCE_BYTES_MAX)
        return err_set(err, ERR_CONFIG, "\"" STR_FMT "\" is larger than %llu bytes",
                       STR_ARG(source->name), (unsigned long long)SOURCE_BYTES_MAX);
    if (valid < source->text.n)
        return parser__fail_at(&in, source->text.p + valid,
                               "the file is not UTF-8 here: save it as UTF-8");
    if (parser__at_text(&in, "\xEF\xBB\xBF"))
        in.p += 3;
    for (;;) {
        parser__skip(&in);
        if (in.p >= in.end)
            return 0;
        TRY(parse_section(&in, config));
    }
}
