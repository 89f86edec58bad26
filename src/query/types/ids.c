/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* ids.c: documents by their ids. */
#include "query/query.h"

struct ids_query {
    struct query base;
    struct value values;
    struct value type;
    struct str *ids;
    size_t count;
};

static const struct opt ids_opts[] = {
    OPT_LIST(struct ids_query, values, .help = "The ids."),
    OPT_VALUE(struct ids_query, type, .flags = OPT_DEPRECATED,
              .help = "Accepted and without effect."),
    OPT_END,
};

static int ids_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                     struct query **ret_query, struct err *err)
{
    struct ids_query *own = query_new(dsl, type, sizeof(*own));
    TRY(dsl_fill(dsl, type, body, own, err));
    own->count = own->values.kind == VALUE_LIST ? own->values.list->count : 0;
    own->ids = ARENA_ARRAY(dsl->mem, struct str, own->count + 1);
    for (size_t i = 0; i < own->count; i++) {
        const struct value *v = &own->values.list->items[i];
        if (v->kind != VALUE_STR && v->kind != VALUE_INT)
            return dsl_error(v, err, ERR_PARSE,
                             "Illegal value for id, expecting a string or number, got: %s",
                             value_kind_name(v));
        own->ids[i] = value_to_str(dsl->mem, v);
    }
    *ret_query = &own->base;
    return 0;
}

static struct plan *ids_plan(const struct query *query, struct planner *planner, float boost)
{
    const struct ids_query *own = (const struct ids_query *)query;
    return plan_ids(planner, own->ids, own->count, boost);
}

const struct query_type query_type_ids = {
    .name = "ids",
    .summary = "Documents by their ids.",
    .since = "0.1",
    .opts = ids_opts,
    .parse = ids_parse,
    .plan = ids_plan,
};
