/* SPDX-License-Identifier: Apache-2.0 */
/* builder_geo.c: the value of a geo_point field: unlike other fields' it may be an object or an
 * array, so it is taken as a whole, and is one place or several. */
#include "base/str.h"
#include "index/builder_int.h"
#include "index/geo_point.h"

static int point_take(struct ingest *in, const struct field_def *def, const struct value *v)
{
    struct geo_point point;
    struct err why;
    const char *bad = NULL;
    int rc = geo_point_parse(v, def->coerce, &point, &why);
    if (rc == 0)
        bad = geo_point_bad(&point);
    if (rc == 0 && !bad) {
        if (def->pub.is_indexed || def->pub.has_doc_values)
            builder__value_push(builder__field(in->builder, def, in->doc), in->doc,
                                geo_encode(&point));
        return 0;
    }
    if (def->ignore_malformed)
        return 0;
    if (bad)
        return err_set(in->err, ERR_MAPPER_PARSING,
                       "failed to parse field [" STR_FMT "] of type [geo_point]: illegal %s value "
                       "[%g] for " STR_FMT,
                       STR_ARG(def->pub.path), bad,
                       str_is(str_from(bad), "latitude") ? point.lat : point.lon,
                       STR_ARG(def->pub.path));
    return err_set(in->err, ERR_MAPPER_PARSING,
                   "failed to parse field [" STR_FMT "] of type [geo_point]: %s",
                   STR_ARG(def->pub.path), why.text);
}

static int null_take(struct ingest *in, const struct field_def *def)
{
    struct value v = value_str(def->pub.null_value);
    return def->has_null_value ? point_take(in, def, &v) : 0;
}

/* [lon, lat] is one, anything else in an array is one each. */
static int points_take(struct ingest *in, const struct field_def *def, const struct value *v)
{
    if (v->kind == VALUE_NULL)
        return null_take(in, def);
    bool is_one = v->kind != VALUE_LIST ||
                  (v->list->count > 0 &&
                   (v->list->items[0].kind == VALUE_INT || v->list->items[0].kind == VALUE_FLOAT));
    if (is_one)
        return point_take(in, def, v);
    for (size_t i = 0; i < v->list->count; i++) {
        const struct value *item = &v->list->items[i];
        TRY(item->kind == VALUE_NULL ? null_take(in, def) : point_take(in, def, item));
    }
    return 0;
}

int ingest_geo(struct ingest *in, const struct field_def *def, enum json_token token)
{
    struct str raw;
    struct value v;
    size_t from = in->json.token_off;
    if (!json_skip_raw(&in->json, token, &raw))
        return err_set(in->err, ERR_MAPPER_PARSING, "failed to parse: %s", in->json.err.text);
    if (value_from_json(raw, in->builder->scratch, &v, in->err) < 0)
        return err_wrap(in->err, "failed to parse");
    TRY(points_take(in, def, &v));
    source_note_raw(in, from);
    return 0;
}
