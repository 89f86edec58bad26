/* SPDX-License-Identifier: Apache-2.0 */
/* index_sort.c: the settings index.sort.field, .order, .mode and .missing: lists of one length,
 * checked against the mapping when the index is made; they never change afterwards. Texts as
 * Elasticsearch 7.10 gives them. */
#include "index/index_sort.h"

#include "base/buf.h"
#include "base/str.h"
#include "event/value.h"

static const char *const keys[] = {"index.sort.field", "index.sort.order", "index.sort.mode",
                                   "index.sort.missing"};
enum { KEY_FIELD, KEY_ORDER, KEY_MODE, KEY_MISSING };

struct texts {
    struct str *items;
    size_t count;
    bool is_there;
};

static void text_add(struct texts *t, struct str text, struct arena *mem)
{
    struct str *items = ARENA_ARRAY(mem, struct str, t->count + 1);
    for (size_t i = 0; i < t->count; i++)
        items[i] = t->items[i];
    items[t->count++] = str_trim(text);
    t->items = items;
}

/* A list, or one text with commas. */
static struct texts texts_of(const struct value *flat, const char *key, struct arena *mem)
{
    struct texts t = {0};
    const struct value *v = value_map_get(flat, str_from(key));
    if (!v || v->kind == VALUE_NULL)
        return t;
    t.is_there = true;
    if (v->kind == VALUE_LIST) {
        for (size_t i = 0; i < v->list->count; i++)
            text_add(&t, value_to_str(mem, &v->list->items[i]), mem);
        return t;
    }
    struct str rest = value_to_str(mem, v), part;
    while (str_split_next(&rest, ',', &part))
        text_add(&t, part, mem);
    return t;
}

static struct str joined(const struct texts *t, struct arena *mem)
{
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < t->count; i++) {
        if (i)
            buf_add_str(&out, STR(", "));
        buf_add_str(&out, t->items[i]);
    }
    struct str s = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static int item_check(size_t key, struct str text, struct err *err)
{
    if (key == KEY_ORDER && !str_is(text, "asc") && !str_is(text, "desc"))
        return err_set(err, ERR_INVALID, "Illegal sort order:" STR_FMT, STR_ARG(text));
    if (key == KEY_MODE && !str_is(text, "min") && !str_is(text, "max")) {
        char upper[32];
        size_t n = MIN_OF(text.n, sizeof(upper));
        for (size_t i = 0; i < n; i++)
            upper[i] =
                (char)(text.p[i] >= 'a' && text.p[i] <= 'z' ? text.p[i] - 'a' + 'A' : text.p[i]);
        return err_set(err, ERR_INVALID,
                       "Illegal index sort mode:[%.*s], must be one of [MAX, MIN]", (int)n, upper);
    }
    if (key == KEY_MISSING && !str_is(text, "_last") && !str_is(text, "_first"))
        return err_set(err, ERR_INVALID,
                       "Illegal missing value:[" STR_FMT "], must be one of [_last, _first]",
                       STR_ARG(text));
    return 0;
}

static int field_check(const struct mapping *mapping, struct str name, struct err *err)
{
    const struct field *field = mapping_field(mapping, name);
    if (!field)
        return err_set(err, ERR_INVALID, "unknown index sort field:[" STR_FMT "]", STR_ARG(name));
    if (!field->has_doc_values || field->type == FIELD_TEXT || field->type == FIELD_MATCH_ONLY_TEXT)
        return err_set(err, ERR_INVALID, "docvalues not found for index sort field:[" STR_FMT "]",
                       STR_ARG(name));
    return 0;
}

bool index_sort_is_setting(struct str key)
{
    return str_starts_with(key, STR("index.sort."));
}

int index_sort_check(const struct value *flat, const struct mapping *mapping, struct arena *mem,
                     struct err *err)
{
    struct texts t[ARRAY_COUNT(keys)];
    for (size_t i = 0; i < flat->map->count; i++) {
        bool is_known = !index_sort_is_setting(flat->map->keys[i]);
        for (size_t k = 0; k < ARRAY_COUNT(keys); k++)
            is_known |= str_eq(flat->map->keys[i], str_from(keys[k]));
        if (!is_known)
            return err_set(err, ERR_INVALID,
                           "unknown setting [" STR_FMT
                           "] please check that any required plugins are installed, or check the "
                           "breaking changes documentation for removed settings",
                           STR_ARG(flat->map->keys[i]));
    }
    for (size_t k = 0; k < ARRAY_COUNT(keys); k++) {
        t[k] = texts_of(flat, keys[k], mem);
        for (size_t i = 0; i < t[k].count; i++)
            TRY(item_check(k, t[k].items[i], err));
    }
    for (size_t k = KEY_ORDER; k < ARRAY_COUNT(keys); k++) {
        if (t[k].is_there && t[k].count != t[KEY_FIELD].count)
            return err_set(err, ERR_INVALID, "%s:[" STR_FMT "] %s:[" STR_FMT "], size mismatch",
                           keys[KEY_FIELD], STR_ARG(joined(&t[KEY_FIELD], mem)), keys[k],
                           STR_ARG(joined(&t[k], mem)));
    }
    size_t count;
    const struct field *const *fields = mapping_fields(mapping, &count);
    for (size_t i = 0; t[KEY_FIELD].count > 0 && i < count; i++) {
        if (fields[i]->type == FIELD_NESTED)
            return err_set(err, ERR_INVALID,
                           "cannot have nested fields when index sort is activated");
    }
    for (size_t i = 0; i < t[KEY_FIELD].count; i++)
        TRY(field_check(mapping, t[KEY_FIELD].items[i], err));
    return 0;
}

struct str index_sort_path(const struct value *flat, struct arena *mem)
{
    struct texts fields = texts_of(flat, keys[KEY_FIELD], mem);
    struct texts orders = texts_of(flat, keys[KEY_ORDER], mem);
    if (fields.count == 0)
        return STR("@timestamp"); /* logs are asked by time */
    bool is_desc = orders.count > 0 && str_eq_nocase(orders.items[0], STR("desc"));
    return is_desc ? STR("") : fields.items[0];
}

uint32_t index_sort_field(const struct mapping *mapping, struct str path)
{
    const struct field *field = path.n ? mapping_field(mapping, path) : NULL;
    if (!field || !field->has_doc_values)
        return INDEX_SORT_NONE;
    enum field_type type = field->type;
    bool is_number = type == FIELD_DATE || type == FIELD_DATE_NANOS || type == FIELD_LONG ||
                     type == FIELD_INTEGER || type == FIELD_SHORT || type == FIELD_BYTE;
    return is_number ? field->id : INDEX_SORT_NONE;
}
