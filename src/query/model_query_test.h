/* SPDX-License-Identifier: Apache-2.0 */
/* model_query_test.h: the queries of model_test.c: each is drawn, prints itself, and answers for
 * one document. */
#ifndef NARU_QUERY_MODEL_QUERY_TEST_H
#define NARU_QUERY_MODEL_QUERY_TEST_H

#include <math.h>

#include "query/bool_model_test.h"
#include "query/model_units_test.h"
#include "query/model_world_test.h"

/* ---- Queries: each prints itself and answers for one document ---- */

struct ask {
    int kind;
    enum field_name field;
    int64_t low, high;
    bool has_low, has_high;
    uint8_t a, b, c; /* words */
    uint32_t min;
    bool is_and;
    struct bool_model clauses; /* also of those that are no bool */
    struct ask *sub[CLAUSES_MAX];
};

enum {
    ASK_ALL,
    ASK_NONE,
    ASK_TERM,
    ASK_TERMS,
    ASK_RANGE,
    ASK_EXISTS,
    ASK_IDS,
    ASK_MATCH,
    ASK_MATCH_VALUE,
    ASK_PHRASE,
    ASK_PHRASE_PREFIX,
    ASK_BOOL_PREFIX,
    ASK_MULTI_MATCH,
    ASK_PREFIX,
    ASK_WILDCARD,
    ASK_REGEXP,
    ASK_QUERY_STRING,
    ASK_MIXED,
    ASK_BOX,
    ASK_AROUND,
    ASK_BOOL,
    ASK_CONSTANT,
    ASK_DIS_MAX,
    ASK_KINDS
};

static struct ask *ask_draw(struct world *w, unsigned depth)
{
    struct ask *ask = ARENA_NEW(w->t->mem, struct ask);
    ask->kind = (int)rng_below(w->rng, depth < DEPTH_MAX ? ASK_KINDS : ASK_BOOL);
    ask->field = (enum field_name)rng_below(w->rng, F_COUNT);
    ask->low = key_draw(w, ask->field);
    ask->high = key_draw(w, ask->field);
    if (ask->low > ask->high) {
        int64_t low = ask->low;
        ask->low = ask->high;
        ask->high = low;
    }
    ask->has_low = rng_below(w->rng, 2);
    ask->has_high = rng_below(w->rng, 2);
    ask->a = (uint8_t)rng_below(w->rng, 6);
    ask->b = (uint8_t)rng_below(w->rng, 6);
    ask->c = (uint8_t)rng_below(w->rng, 6);
    ask->is_and = rng_below(w->rng, 2);
    ask->min = 1 + (uint32_t)rng_below(w->rng, 3);
    if (ask->kind < ASK_BOOL)
        return ask;
    bool_draw(&ask->clauses, w->rng);
    if (ask->kind == ASK_CONSTANT)
        ask->clauses.count = 1;
    else if (ask->kind == ASK_DIS_MAX)
        ask->clauses.count = MAX_OF(ask->clauses.count, 1u);
    for (uint32_t i = 0; i < ask->clauses.count; i++)
        ask->sub[i] = ask_draw(w, depth + 1);
    return ask;
}

static void print_ask(const struct world *w, const struct ask *ask, struct buf *out);

struct print_owner {
    const struct world *w;
    const struct ask *ask;
};

static void print_clause(const void *owner, uint32_t i, struct buf *out)
{
    const struct print_owner *own = owner;
    print_ask(own->w, own->ask->sub[i], out);
}

static void print_values(const struct world *w, const struct ask *ask, struct buf *out)
{
    const char *name = field_names[ask->field];
    asks_query(ask->kind == ASK_TERM    ? "term"
               : ask->kind == ASK_TERMS ? "terms"
               : ask->kind == ASK_RANGE ? "range"
                                        : "match");
    if (ask->kind == ASK_TERM || ask->kind == ASK_MATCH_VALUE) {
        buf_printf(out, "{\"%s\":{\"%s\":", ask->kind == ASK_TERM ? "term" : "match", name);
        print_key(w, ask->field, ask->low, out);
        buf_add_lit(out, "}}");
    } else if (ask->kind == ASK_TERMS) {
        buf_printf(out, "{\"terms\":{\"%s\":[", name);
        print_key(w, ask->field, ask->low, out);
        buf_add_lit(out, ",");
        print_key(w, ask->field, ask->high, out);
        buf_add_lit(out, "]}}");
    } else {
        buf_printf(out, "{\"range\":{\"%s\":{\"%s\":", name, ask->has_low ? "gte" : "gt");
        print_key(w, ask->field, ask->low, out);
        buf_printf(out, ",\"%s\":", ask->has_high ? "lte" : "lt");
        print_key(w, ask->field, ask->high, out);
        buf_add_lit(out, "}}}");
    }
}

static void print_text(const struct ask *ask, struct buf *out)
{
    const char *a = words[ask->a], *b = words[ask->b], *c = words[ask->c];
    const char *op = ask->is_and ? "and" : "or";
    switch (ask->kind) {
    case ASK_MATCH:
        asks_query("match");
        if (ask->is_and)
            buf_printf(out, "{\"match\":{\"t\":{\"query\":\"%s %s\",\"operator\":\"and\"}}}", a, b);
        else
            buf_printf(out,
                       "{\"match\":{\"t\":{\"query\":\"%s %s %s\",\"minimum_should_match\":%u}}}",
                       a, b, c, ask->min);
        break;
    case ASK_PHRASE:
        asks_query("match_phrase");
        buf_printf(out, "{\"match_phrase\":{\"t\":\"%s %s\"}}", a, b);
        break;
    case ASK_PHRASE_PREFIX:
        asks_query("match_phrase_prefix");
        buf_printf(out, "{\"match_phrase_prefix\":{\"t\":\"%s %.1s\"}}", a, b);
        break;
    case ASK_BOOL_PREFIX:
        asks_query("match_bool_prefix");
        buf_printf(out,
                   "{\"match_bool_prefix\":{\"t\":{\"query\":\"%s %.1s\",\"operator\":\"%s\"}}}", a,
                   b, op);
        break;
    case ASK_MULTI_MATCH:
        asks_query("multi_match");
        buf_printf(out, "{\"multi_match\":{\"query\":\"%s\",\"fields\":[\"t\",\"k\"]}}",
                   ask->is_and ? a : "ab");
        break;
    case ASK_PREFIX:
        asks_query("prefix");
        buf_printf(out, "{\"prefix\":{\"t\":\"%.1s\"}}", a);
        break;
    case ASK_WILDCARD:
        asks_query("wildcard");
        buf_printf(out, "{\"wildcard\":{\"t\":\"%.1s*%s\"}}", a, ask->is_and ? "c" : "?");
        break;
    case ASK_REGEXP:
        asks_query("regexp");
        buf_printf(out, "{\"regexp\":{\"t\":\"%.1s[bd].?\"}}", a);
        break;
    default:
        asks_query("query_string");
        buf_printf(out, "{\"query_string\":{\"query\":\"t:%s %s NOT t:%s\"}}", a,
                   ask->is_and ? "AND" : "AND t:(ab OR b OR cd) AND", c);
        break;
    }
}

/* Half a cell more than the cells from column a to column b and row c on: over the date line or
 * not. */
static void print_box(const struct ask *ask, struct buf *out)
{
    int64_t west = MIN_OF(ask->a, ask->b) % GRID, east = MAX_OF(ask->a, ask->b) % GRID;
    double left = grid_lon(MIN_OF(west, east)) - 1.5, right = grid_lon(MAX_OF(west, east)) + 1.5;
    buf_printf(
        out, "{\"geo_bounding_box\":{\"loc\":{\"top\":90,\"left\":%g,\"bottom\":%g,\"right\":%g}}}",
        left < -180 ? left + 360 : left, grid_lat(ask->c % GRID * GRID) - 1.5,
        right > 180 ? right - 360 : right);
}

static int64_t center_of(const struct ask *ask)
{
    return (ask->a * 6 + ask->c) % (GRID * GRID);
}

static bool box_holds(const struct ask *ask, int64_t cell)
{
    int64_t west = MIN_OF(ask->a, ask->b) % GRID, east = MAX_OF(ask->a, ask->b) % GRID;
    return cell >= 0 && cell % GRID >= MIN_OF(west, east) && cell % GRID <= MAX_OF(west, east) &&
           cell / GRID >= ask->c % GRID;
}

/* By the law of cosines, not by the engine's formula. Cells are 333 km apart, so no distance that
 * is asked for is near one of theirs. */
static bool around_holds(const struct ask *ask, int64_t cell)
{
    double radians = M_PI / 180;
    if (cell < 0)
        return false;
    double a = grid_lat(center_of(ask)) * radians, b = grid_lat(cell) * radians,
           way = (grid_lon(center_of(ask)) - grid_lon(cell)) * radians;
    double cosine = sin(a) * sin(b) + cos(a) * cos(b) * cos(way);
    return 6371.0087714 * acos(fmin(1, cosine)) <= ask->b * 200 + 10;
}

static void print_ask(const struct world *w, const struct ask *ask, struct buf *out)
{
    switch (ask->kind) {
    case ASK_ALL:
    case ASK_NONE:
        asks_query(ask->kind == ASK_ALL ? "match_all" : "match_none");
        buf_printf(out, "{\"match_%s\":{}}", ask->kind == ASK_ALL ? "all" : "none");
        break;
    case ASK_TERM:
    case ASK_TERMS:
    case ASK_RANGE:
    case ASK_MATCH_VALUE:
        print_values(w, ask, out);
        break;
    case ASK_EXISTS:
        asks_query("exists");
        buf_printf(out, "{\"exists\":{\"field\":\"%s\"}}",
                   ask->is_and ? "t" : field_names[ask->field]);
        break;
    case ASK_IDS:
        asks_query("ids");
        buf_printf(out, "{\"ids\":{\"values\":[\"%u\",\"%u\"]}}", ask->a, ask->b * 10u);
        break;
    case ASK_MIXED:
        buf_printf(out, "{\"match\":{\"v\":{\"query\":\"%s\",\"lenient\":true}}}",
                   mixed[ask->a].asked);
        break;
    case ASK_BOX:
        asks_query("geo_bounding_box");
        print_box(ask, out);
        break;
    case ASK_AROUND:
        asks_query("geo_distance");
        buf_printf(out, "{\"geo_distance\":{\"distance\":\"%ukm\",\"loc\":[%g,%g]}}",
                   ask->b * 200u + 10, grid_lon(center_of(ask)), grid_lat(center_of(ask)));
        break;
    case ASK_BOOL:
        asks_query("bool");
        bool_print(&ask->clauses, print_clause, &(struct print_owner){w, ask}, out);
        break;
    case ASK_CONSTANT:
        asks_query("constant_score");
        buf_add_lit(out, "{\"constant_score\":{\"filter\":");
        print_ask(w, ask->sub[0], out);
        buf_add_lit(out, "}}");
        break;
    case ASK_DIS_MAX:
        asks_query("dis_max");
        buf_add_lit(out, "{\"dis_max\":{\"tie_breaker\":0.5,\"queries\":[");
        for (uint32_t i = 0; i < ask->clauses.count; i++) {
            buf_add_str(out, str_from(i ? "," : ""));
            print_ask(w, ask->sub[i], out);
        }
        buf_add_lit(out, "]}}");
        break;
    default:
        print_text(ask, out);
        break;
    }
}

static bool has_word(const struct doc *doc, uint8_t word)
{
    for (uint32_t i = 0; i < doc->word_count; i++) {
        if (doc->words[i] == word)
            return true;
    }
    return false;
}

static bool has_initial(const struct doc *doc, char initial)
{
    for (uint32_t i = 0; i < doc->word_count; i++) {
        if (words[doc->words[i]][0] == initial)
            return true;
    }
    return false;
}

static bool pattern_holds(const struct ask *ask, const char *word)
{
    size_t n = strlen(word);
    if (word[0] != words[ask->a][0])
        return false;
    if (ask->kind == ASK_REGEXP)
        return n >= 2 && n <= 3 && (word[1] == 'b' || word[1] == 'd');
    return ask->is_and ? n >= 2 && word[n - 1] == 'c' : n >= 2;
}

static bool text_holds(const struct ask *ask, const struct doc *doc)
{
    bool has_a = has_word(doc, ask->a), has_b = has_word(doc, ask->b),
         has_c = has_word(doc, ask->c);
    switch (ask->kind) {
    case ASK_MATCH:
        return ask->is_and ? has_a && has_b : (uint32_t)has_a + has_b + has_c >= ask->min;
    case ASK_PHRASE:
    case ASK_PHRASE_PREFIX:
        for (uint32_t i = 0; i + 1 < doc->word_count; i++) {
            uint8_t next = doc->words[i + 1];
            if (doc->words[i] == ask->a &&
                (ask->kind == ASK_PHRASE ? next == ask->b : words[next][0] == words[ask->b][0]))
                return true;
        }
        return false;
    case ASK_BOOL_PREFIX:
        return ask->is_and ? has_a && has_initial(doc, words[ask->b][0])
                           : has_a || has_initial(doc, words[ask->b][0]);
    case ASK_MULTI_MATCH: {
        const char *word = ask->is_and ? words[ask->a] : "ab";
        for (int64_t key = 0; key < 6; key++) {
            if (strcmp(letters[key], word) == 0 && has_key(doc, F_K, key, key))
                return true;
        }
        return has_word(doc, ask->is_and ? ask->a : 0);
    }
    case ASK_PREFIX:
        return has_initial(doc, words[ask->a][0]);
    case ASK_WILDCARD:
    case ASK_REGEXP:
        for (uint32_t i = 0; i < doc->word_count; i++) {
            if (pattern_holds(ask, words[doc->words[i]]))
                return true;
        }
        return false;
    default:
        return has_a && !has_c &&
               (ask->is_and || has_word(doc, 0) || has_word(doc, 2) || has_word(doc, 3));
    }
}

static bool holds(const struct ask *ask, const struct doc *doc, uint32_t id);

static bool bool_holds(const struct ask *ask, const struct doc *doc, uint32_t id)
{
    uint32_t should = 0;
    for (uint32_t i = 0; i < ask->clauses.count; i++) {
        if (!bool_takes(&ask->clauses, i, holds(ask->sub[i], doc, id), &should))
            return false;
    }
    return should >= bool_should_min(&ask->clauses);
}

static bool holds(const struct ask *ask, const struct doc *doc, uint32_t id)
{
    switch (ask->kind) {
    case ASK_ALL:
        return true;
    case ASK_NONE:
        return false;
    case ASK_TERM:
    case ASK_MATCH_VALUE:
        return has_key(doc, ask->field, ask->low, ask->low);
    case ASK_TERMS:
        return has_key(doc, ask->field, ask->low, ask->low) ||
               has_key(doc, ask->field, ask->high, ask->high);
    case ASK_RANGE:
        return has_key(doc, ask->field, ask->low + !ask->has_low, ask->high - !ask->has_high);
    case ASK_EXISTS:
        return ask->is_and ? doc->word_count > 0 : doc->counts[ask->field] > 0;
    case ASK_IDS:
        return id == ask->a || id == ask->b * 10u;
    case ASK_MIXED:
        return doc->mixed >> ask->a & 1;
    case ASK_BOX:
        return box_holds(ask, doc->place) || box_holds(ask, doc->place_2);
    case ASK_AROUND:
        return around_holds(ask, doc->place) || around_holds(ask, doc->place_2);
    case ASK_BOOL:
        return bool_holds(ask, doc, id);
    case ASK_CONSTANT:
        return holds(ask->sub[0], doc, id);
    case ASK_DIS_MAX:
        for (uint32_t i = 0; i < ask->clauses.count; i++) {
            if (holds(ask->sub[i], doc, id))
                return true;
        }
        return false;
    default:
        return text_holds(ask, doc);
    }
}

#endif
