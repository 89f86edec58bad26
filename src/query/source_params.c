/* SPDX-License-Identifier: Apache-2.0 */
/* source_params.c: URL parameters about _source, as the tree that the search body would have. */
#include "base/str.h"
#include "query/search_int.h"
#include "query/source_filter.h"

static struct value name_list(struct str text, struct arena *mem)
{
    struct value list = value_list(mem, 4);
    struct str part;
    while (str_split_next(&text, ',', &part)) {
        if (part.n > 0)
            value_list_add(mem, &list, value_str(part));
    }
    return list;
}

int source_filter_params(struct str json, struct str source, struct str includes,
                         struct str excludes, struct arena *mem, struct str *ret_json,
                         struct err *err)
{
    *ret_json = STR_NONE;
    if (str_is(source, "false"))
        return 0;
    bool names_fields = source.n > 0 && !str_is(source, "true");
    if (!json.p || (!names_fields && includes.n == 0 && excludes.n == 0)) {
        *ret_json = json;
        return 0;
    }
    struct value body = value_map(mem, 2);
    if (names_fields || includes.n > 0)
        value_map_set(mem, &body, STR("includes"),
                      name_list(includes.n > 0 ? includes : source, mem));
    if (excludes.n > 0)
        value_map_set(mem, &body, STR("excludes"), name_list(excludes, mem));
    struct source_spec spec;
    TRY(source_spec_parse(&body, mem, &spec, err));
    return source_filter(json, &spec, mem, ret_json, err);
}
