/* SPDX-License-Identifier: Apache-2.0 */
/* patterns.c: lists of regular expressions. Filebeat's are Go's (RE2); what both dialects share is
 * what people write, and PCRE2 takes the rest of RE2's syntax. The step limit of text/regex stands
 * for RE2's linear time. */
#include "ship/ship_int.h"

#include "text/regex.h"

#define PATTERNS_MAX 1000u

struct ship__patterns {
    struct regex **items;
    size_t count;
};

int ship__patterns_new(struct ship *ship, const struct value *list,
                       struct ship__patterns **ret_patterns, struct err *err)
{
    if (list->kind != VALUE_LIST || list->list->count == 0)
        return 0;
    if (list->list->count > PATTERNS_MAX)
        return ship__fail(ship, list, err, ERR_TOO_LARGE, "more than %u patterns", PATTERNS_MAX);
    struct ship__patterns *patterns = MEM_NEW(struct ship__patterns);
    patterns->items = MEM_ARRAY(struct regex *, list->list->count);
    *ret_patterns = patterns; /* half built: the owner frees it */
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *v = &list->list->items[i];
        struct err why;
        if (v->kind == VALUE_NULL || v->kind == VALUE_LIST || v->kind == VALUE_MAP)
            return ship__fail(ship, v, err, ERR_CONFIG, "a pattern must be a text");
        struct str text = value_to_str(ship->mem, v);
        if (regex_compile(text, 0, &patterns->items[patterns->count], &why) < 0)
            return ship__fail(ship, v, err, ERR_CONFIG, "the pattern \"%.*s\": %s", STR_ARG(text),
                              why.text);
        patterns->count++;
    }
    return 0;
}

void ship__patterns_free(struct ship__patterns *patterns)
{
    if (!patterns)
        return;
    for (size_t i = 0; i < patterns->count; i++)
        regex_free(patterns->items[i]);
    mem_free(patterns->items);
    mem_free(patterns);
}

bool ship__patterns_match(struct ship__patterns *patterns, struct str text)
{
    for (size_t i = 0; patterns && i < patterns->count; i++) {
        if (regex_find(patterns->items[i], text, 0, NULL) > 0)
            return true;
    }
    return false;
}

void ship__own_regex(struct ship *ship, struct regex *re)
{
    void *items = ship->regexes;
    mem_grow(&items, &ship->regex_capacity, ship->regex_count + 1, sizeof(struct regex *));
    ship->regexes = items;
    ship->regexes[ship->regex_count++] = re;
}
