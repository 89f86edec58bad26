/* SPDX-License-Identifier: Apache-2.0 */
/* oracle_rules_test.h: the queries of oracle_test.c: as JSON, and as a question to one document. */
#ifndef NARU_QUERY_ORACLE_RULES_TEST_H
#define NARU_QUERY_ORACLE_RULES_TEST_H

/* ---- Rules: as JSON and as a question to one document ---- */

static struct rule *random_rule(struct test *t, unsigned depth)
{
    struct rng *rng = &t->rng;
    struct rule *rule = ARENA_NEW(t->mem, struct rule);
    rule->kind = (enum rule_kind)rng_below(rng, depth < DEPTH_MAX ? RULE_KIND_COUNT : RULE_BOOL);
    if (depth == 0 && rng_below(rng, 2))
        rule->kind = RULE_BOOL;
    rule->low = rng_between(rng, -22, 22);
    rule->high = rule->low + rng_between(rng, 0, 20);
    rule->bits = (uint32_t)rng_below(rng, 64);
    rule->a = (uint8_t)rng_below(rng, 6);
    rule->b = (uint8_t)rng_below(rng, 6);
    rule->includes_low = rng_below(rng, 2);
    rule->includes_high = rng_below(rng, 2);
    if (rule->kind != RULE_BOOL)
        return rule;
    bool_draw(&rule->bool_of, rng);
    for (uint32_t i = 0; i < rule->bool_of.count; i++)
        rule->clauses[i] = random_rule(t, depth + 1);
    return rule;
}

static void print_range(struct buf *out, const char *field, const char *low, const char *high,
                        const struct rule *rule)
{
    buf_printf(out, "{\"range\":{\"%s\":{\"%s\":%s,\"%s\":%s}}}", field,
               rule->includes_low ? "gte" : "gt", low, rule->includes_high ? "lte" : "lt", high);
}

static void print_rule(const struct rule *rule, struct buf *out);

static void print_clause(const void *owner, uint32_t i, struct buf *out)
{
    print_rule(((const struct rule *)owner)->clauses[i], out);
}

static void print_rule(const struct rule *rule, struct buf *out)
{
    static const char *const fields[] = {"n", "f", "d", "k", "t", "nope"};
    char low[40], high[40];
    switch (rule->kind) {
    case RULE_ALL:
        buf_add_lit(out, "{\"match_all\":{}}");
        break;
    case RULE_K:
        buf_printf(out, "{\"term\":{\"k\":\"%c\"}}", 'a' + rule->a);
        break;
    case RULE_KS:
        buf_add_lit(out, "{\"terms\":{\"k\":[\"zz\"");
        for (uint32_t b = 0; b < 6; b++) {
            if (rule->bits >> b & 1)
                buf_printf(out, ",\"%c\"", 'a' + b);
        }
        buf_add_lit(out, "]}}");
        break;
    case RULE_N:
        buf_printf(out, "{\"term\":{\"n\":%lld}}", (long long)rule->low);
        break;
    case RULE_N_RANGE:
    case RULE_F_RANGE:
        (void)snprintf(low, sizeof(low), "%g",
                       rule->kind == RULE_F_RANGE ? (double)rule->low / 2 : (double)rule->low);
        (void)snprintf(high, sizeof(high), "%g",
                       rule->kind == RULE_F_RANGE ? (double)rule->high / 2 : (double)rule->high);
        print_range(out, rule->kind == RULE_F_RANGE ? "f" : "n", low, high, rule);
        break;
    case RULE_D_RANGE:
        (void)snprintf(low, sizeof(low), "%lld",
                       (long long)(D_BASE_MS + (rule->low + 22) * 2 * HOUR_MS));
        (void)snprintf(high, sizeof(high), "%lld",
                       (long long)(D_BASE_MS + (rule->high + 22) * 2 * HOUR_MS));
        print_range(out, "d", low, high, rule);
        break;
    case RULE_K_RANGE:
        (void)snprintf(low, sizeof(low), "\"%c\"", 'a' + MIN_OF(rule->a, rule->b));
        (void)snprintf(high, sizeof(high), "\"%c\"", 'a' + MAX_OF(rule->a, rule->b));
        print_range(out, "k", low, high, rule);
        break;
    case RULE_EXISTS:
        buf_printf(out, "{\"exists\":{\"field\":\"%s\"}}", fields[rule->a]);
        break;
    case RULE_WORD:
        buf_printf(out, "{\"match\":{\"t\":\"%s\"}}", vocabulary[rule->a]);
        break;
    case RULE_PHRASE:
        buf_printf(out, "{\"match_phrase\":{\"t\":\"%s %s\"}}", vocabulary[rule->a],
                   vocabulary[rule->b]);
        break;
    case RULE_PREFIX:
        buf_printf(out, "{\"prefix\":{\"t\":\"%.1s\"}}", vocabulary[rule->a]);
        break;
    case RULE_IDS:
        buf_printf(out, "{\"ids\":{\"values\":[\"%d\",\"%d\",\"%lld\"]}}", rule->a, rule->b,
                   (long long)(rule->low + 22));
        break;
    case RULE_BOOL:
    case RULE_KIND_COUNT:
        bool_print(&rule->bool_of, print_clause, rule, out);
        break;
    }
}

static bool between(double v, double low, double high, const struct rule *rule)
{
    return (rule->includes_low ? v >= low : v > low) &&
           (rule->includes_high ? v <= high : v < high);
}

static bool matches(const struct rule *rule, const struct model_doc *doc, size_t index);

static bool bool_matches(const struct rule *rule, const struct model_doc *doc, size_t index)
{
    uint32_t should = 0;
    for (uint32_t i = 0; i < rule->bool_of.count; i++) {
        if (!bool_takes(&rule->bool_of, i, matches(rule->clauses[i], doc, index), &should))
            return false;
    }
    return should >= bool_should_min(&rule->bool_of);
}

static bool k_in_range(const struct rule *rule, const struct model_doc *doc)
{
    for (uint32_t b = 0; b < 6; b++) {
        if ((doc->k >> b & 1) &&
            between(b, MIN_OF(rule->a, rule->b), MAX_OF(rule->a, rule->b), rule))
            return true;
    }
    return false;
}

static bool text_matches(const struct rule *rule, const struct model_doc *doc)
{
    for (size_t w = 0; w < doc->word_count; w++) {
        bool is_first = doc->words[w] == rule->a;
        if (rule->kind == RULE_WORD && is_first)
            return true;
        if (rule->kind == RULE_PHRASE && is_first && w + 1 < doc->word_count &&
            doc->words[w + 1] == rule->b)
            return true;
        if (rule->kind == RULE_PREFIX && vocabulary[doc->words[w]][0] == vocabulary[rule->a][0])
            return true;
    }
    return false;
}

static bool matches(const struct rule *rule, const struct model_doc *doc, size_t index)
{
    switch (rule->kind) {
    case RULE_ALL:
        return true;
    case RULE_K:
        return doc->k >> rule->a & 1;
    case RULE_KS:
        return (doc->k & rule->bits) != 0;
    case RULE_N:
        return doc->has_n && doc->n == rule->low;
    case RULE_N_RANGE:
        return doc->has_n && between((double)doc->n, (double)rule->low, (double)rule->high, rule);
    case RULE_F_RANGE:
        return doc->has_f && between(doc->f, (double)rule->low / 2, (double)rule->high / 2, rule);
    case RULE_D_RANGE:
        return doc->has_d &&
               between((double)(doc->d_ms - D_BASE_MS), (double)((rule->low + 22) * 2 * HOUR_MS),
                       (double)((rule->high + 22) * 2 * HOUR_MS), rule);
    case RULE_K_RANGE:
        return k_in_range(rule, doc);
    case RULE_EXISTS: {
        bool has[] = {doc->has_n, doc->has_f, doc->has_d, doc->k != 0, doc->has_t, false};
        return has[rule->a];
    }
    case RULE_WORD:
    case RULE_PHRASE:
    case RULE_PREFIX:
        return text_matches(rule, doc);
    case RULE_IDS:
        return index == rule->a || index == rule->b || (int64_t)index == rule->low + 22;
    case RULE_BOOL:
    case RULE_KIND_COUNT:
        break;
    }
    return bool_matches(rule, doc, index);
}

#endif
