/* SPDX-License-Identifier: Apache-2.0 */
/* index_delete.c: DELETE /{index}. */
#include "base/str.h"
#include "index/engine.h"
#include "server/search_call.h"

struct index_delete_params {
    struct index_options indices;
    struct str timeout, master_timeout;
};
static const struct opt index_delete_opts[] = {
    INDEX_OPTIONS(struct index_delete_params),
    OPT_STR(struct index_delete_params, timeout, .help = "accepted"),
    OPT_STR(struct index_delete_params, master_timeout, .help = "accepted"), OPT_END};

/* A plain name that is an alias would take the index behind it along. */
static int refuse_aliases(struct rest_call *call, struct str expression, struct err *err)
{
    struct str part, *names;
    size_t count;
    while (str_split_next(&expression, ',', &part)) {
        bool is_plain = part.n > 0 && str_find_char(part, '*') < 0 && !str_is(part, "_all") &&
                        !str_starts_with(part, STR("-"));
        if (!is_plain || engine_index_exists(call->context->engine, part))
            continue;
        TRY(engine_resolve(call->context->engine, part, true, call->mem, &names, &count, err));
        if (count > 0)
            return err_set(err, ERR_INVALID,
                           "The provided expression [" STR_FMT "] matches an alias, specify the "
                           "corresponding concrete indices instead.",
                           STR_ARG(part));
    }
    return 0;
}

static int index_delete_run(struct rest_call *call, struct err *err)
{
    const struct index_delete_params *params = call->params;
    struct str *names;
    size_t count;
    struct str expression = rest_part(call, "index");
    TRY(refuse_aliases(call, expression, err));
    TRY(engine_resolve_names(call->context->engine, expression, params->indices.ignore_unavailable,
                             call->mem, &names, &count, err));
    if (count == 0 && !params->indices.allow_no_indices)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]",
                       STR_ARG(expression));
    for (size_t i = 0; i < count; i++)
        TRY(engine_index_delete(call->context->engine, names[i], err));
    json_object_begin(&call->w);
    json_key_lit(&call->w, "acknowledged");
    json_bool(&call->w, true);
    json_object_end(&call->w);
    return 0;
}

static const char *const index_delete_routes[] = {"DELETE /{index}", NULL};
const struct endpoint endpoint_index_delete = {.name = "indices.delete",
                                               .summary = "Removes indices.",
                                               .routes = index_delete_routes,
                                               .params = index_delete_opts,
                                               .size = sizeof(struct index_delete_params),
                                               .privilege = "manage",
                                               .run = index_delete_run};
