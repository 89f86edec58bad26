/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: its rows are in search_test.c and oracle_test.c, where documents are */
/* exists.c: documents that have a value in a field; of an object: in any field below it. */
#include "base/str.h"
#include "query/query.h"

struct exists_query {
    struct query base;
    struct str field;
};

static const struct opt exists_opts[] = {
    OPT_STR(struct exists_query, field, .help = "Field, object or pattern with *."),
    OPT_END,
};

static int exists_parse(struct dsl *dsl, const struct query_type *type, const struct value *body,
                        struct query **ret_query, struct err *err)
{
    struct exists_query *own = query_new(dsl, type, sizeof(*own));
    TRY(dsl_fill(dsl, type, body, own, err));
    if (!own->field.p || own->field.n == 0)
        return dsl_error(body, err, ERR_PARSE, "[exists] must be provided with a [field]");
    *ret_query = &own->base;
    return 0;
}

static bool is_below(struct str path, struct str object)
{
    return path.n > object.n && str_starts_with(path, object) && path.p[object.n] == '.';
}

struct plan *plan_field_exists(struct planner *planner, struct str path, float boost)
{
    if (str_is(path, "_id") || str_is(path, "_index") || str_is(path, "_seq_no") ||
        str_is(path, "_source") || str_is(path, "*"))
        return plan_all(planner, boost);
    bool is_pattern = str_find_char(path, '*') >= 0;
    const struct field *exact = is_pattern ? NULL : mapping_field(planner->mapping, path);
    size_t count, n = 0;
    const struct field *const *fields = mapping_fields(planner->mapping, &count);
    struct plan **plans = ARENA_ARRAY(planner->mem, struct plan *, count + 1);
    for (const struct field *f = exact; f; f = f->next_variant)
        plans[n++] = plan_exists(planner, f, boost);
    for (size_t i = 0; i < count && !exact; i++) {
        if (is_pattern ? str_glob(path, fields[i]->path) : is_below(fields[i]->path, path))
            plans[n++] = plan_exists(planner, fields[i], boost);
    }
    struct plan_bool clauses = {.should = plans, .should_count = n, .should_min = 1};
    return n ? plan_constant(planner, plan_bool(planner, &clauses, boost), boost) : NULL;
}

static struct plan *exists_plan(const struct query *query, struct planner *planner, float boost)
{
    return plan_field_exists(planner, ((const struct exists_query *)query)->field, boost);
}

const struct query_type query_type_exists = {
    .name = "exists",
    .summary = "Documents that have a field.",
    .since = "0.1",
    .opts = exists_opts,
    .parse = exists_parse,
    .plan = exists_plan,
};
