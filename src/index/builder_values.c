/* SPDX-License-Identifier: Apache-2.0 */
/* One scalar into the fields of a name: conversions and limits per type, in Elasticsearch's words
 * when a value does not fit. */
#include <math.h>

#include "base/hash.h"
#include "base/str.h"
#include "index/builder_int.h"
#include "index/date_parse.h"
#include "index/format.h"
#include "index/half.h"
#include "index/ip.h"

#define PREVIEW_BYTES_MAX 100u

void builder__value_push(struct field_build *f, uint32_t doc, int64_t v)
{
    if (UNLIKELY(f->count == f->value_capacity)) {
        void *p = f->docs;
        mem_grow(&p, &f->doc_capacity, f->count + 1, sizeof(uint32_t));
        f->docs = p;
        p = f->values;
        mem_grow(&p, &f->value_capacity, f->count + 1, sizeof(int64_t));
        f->values = p;
        ASSERT(f->doc_capacity == f->value_capacity);
    }
    f->docs[f->count] = doc;
    f->values[f->count++] = v;
}

static void double_push(struct field_build *f, uint32_t doc, double d)
{
    int64_t bits;
    if (d == 0)
        d = 0; /* -0 and 0 are one value to searches */
    memcpy(&bits, &d, sizeof(bits));
    builder__value_push(f, doc, bits);
}

/* ---- Text and keywords ---- */

static void token_push(struct field_build *f, uint32_t token)
{
    if (UNLIKELY(f->token_count == f->token_capacity)) {
        void *p = f->tokens;
        mem_grow(&p, &f->token_capacity, f->token_count + 1, sizeof(uint32_t));
        f->tokens = p;
    }
    f->tokens[f->token_count++] = token;
}

/* Cuts a value into tokens at the end of the field's; returns how many, gaps included. */
static uint32_t tokens_add(struct ingest *in, struct field_build *f, struct str text)
{
    struct analysis *a = in->builder->analysis;
    bool is_new;
    uint32_t at = 0;
    analysis_init(a, f->analyzer, text);
    while (analysis_next(a)) {
        for (; at < a->token_position; at++)
            token_push(f, TOKEN_GAP);
        token_push(f, term_table_add(&f->terms, str_sub(a->token, 0, TERM_BYTES_MAX), &is_new));
        at++;
    }
    return at;
}

#define TOKENS_UNKNOWN UINT32_MAX /* as `first`: of a value that was not cut yet */

/* The tokens of value number `value`, new ones when it is met for the first time. */
static struct memo_tokens memo_tokens(struct ingest *in, struct field_build *f, uint32_t value,
                                      struct str text)
{
    struct text_memo *memo = &f->memo;
    if (value >= memo->token_count) {
        void *p = memo->tokens;
        mem_grow(&p, &memo->token_capacity, (size_t)value + 1, sizeof(struct memo_tokens));
        memo->tokens = p;
        while (memo->token_count <= value)
            memo->tokens[memo->token_count++].first = TOKENS_UNKNOWN;
    }
    struct memo_tokens *tokens = &memo->tokens[value];
    if (tokens->first == TOKENS_UNKNOWN) {
        uint32_t first = (uint32_t)f->token_count;
        *tokens = (struct memo_tokens){first, tokens_add(in, f, text)};
    }
    return *tokens;
}

/* The keyword beside a text field that takes the same bytes as its term, NULL: none does. */
static const struct field_def *keyword_beside(const struct field_def *def, struct str text)
{
    for (const struct field_def *m = def->multi; m; m = m->multi_next) {
        bool has_values = m->pub.is_indexed || m->pub.has_doc_values;
        bool is_cut = m->pub.ignore_above && text.n > m->pub.ignore_above;
        if (m->pub.type == FIELD_KEYWORD && has_values && m->normalizer.n == 0 && !is_cut)
            return m;
    }
    return NULL;
}

/* Looks the value up as the keyword's term; keyword_take will not have to. */
static struct memo_tokens keyword_tokens(struct ingest *in, struct field_build *f,
                                         const struct field_def *keyword, struct str text)
{
    struct field_build *k = builder__field(in->builder, keyword, in->doc);
    struct text_memo *memo = &f->memo;
    bool is_new;
    if (UNLIKELY(memo->keyword_serial != k->serial)) {
        memo->keyword_serial = k->serial; /* its terms are numbered anew */
        memo->token_count = 0;
        memo->is_off = true; /* the table of its own */
    }
    in->looked_up = keyword;
    in->looked_up_text = text;
    in->looked_up_term = term_table_add(&k->terms, text, &is_new);
    return memo_tokens(in, f, in->looked_up_term, text);
}

/* The tokens of a value: those of the same value before, or new ones. */
static struct memo_tokens value_tokens(struct ingest *in, struct field_build *f,
                                       const struct field_def *def, struct str text)
{
    struct text_memo *memo = &f->memo;
    const struct field_def *keyword = keyword_beside(def, text);
    bool is_new;
    if (keyword && text.n <= TERM_BYTES_MAX)
        return keyword_tokens(in, f, keyword, text);
    if (memo->is_off || text.n > MEMO_VALUE_BYTES_MAX) {
        uint32_t first = (uint32_t)f->token_count;
        return (struct memo_tokens){first, tokens_add(in, f, text)};
    }
    if (memo->lookups == MEMO_TRIAL_VALUES && memo->hits < MEMO_TRIAL_VALUES / 2)
        memo->is_off = true;
    uint32_t value = term_table_add(&memo->values, text, &is_new);
    memo->lookups++;
    memo->hits += !is_new;
    return memo_tokens(in, f, value, text);
}

/* Position behind the last token of the run before, when that is of the same document. */
static uint32_t run_position(const struct field_build *f, uint32_t doc, uint32_t gap)
{
    if (f->run_count == 0 || f->runs[f->run_count - 1].doc != doc)
        return 0;
    const struct text_run *last = &f->runs[f->run_count - 1];
    return last->first_position + last->token_count + gap;
}

static int text_take(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    if (!def->pub.is_indexed)
        return 0;
    struct field_build *f = builder__field(in->builder, def, in->doc);
    uint32_t position = run_position(f, in->doc, def->position_gap);
    struct memo_tokens tokens = value_tokens(in, f, def, v->text);
    if (UNLIKELY(f->run_count == f->run_capacity)) {
        void *p = f->runs;
        mem_grow(&p, &f->run_capacity, f->run_count + 1, sizeof(struct text_run));
        f->runs = p;
    }
    f->runs[f->run_count++] = (struct text_run){in->doc, tokens.first, tokens.count, position};
    return f->token_count < UINT32_MAX - 1
               ? 0
               : err_set(in->err, ERR_MEM_LIMIT,
                         "a field has more than 4 billion tokens in one segment");
}

static size_t utf8_count(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static int keyword_take(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    struct str text = v->text;
    if (def->pub.ignore_above && text.n > def->pub.ignore_above &&
        utf8_count(text) > def->pub.ignore_above)
        return 0;
    if (text.n > TERM_BYTES_MAX)
        return err_set(
            in->err, ERR_INVALID,
            "Document contains at least one immense term in field=\"" STR_FMT
            "\" (whose UTF8 encoding is longer than the max length %u), all of which were skipped.",
            STR_ARG(def->pub.path), TERM_BYTES_MAX);
    if (str_is(def->normalizer, "lowercase")) {
        size_t n = text_lower(text, NULL, 0);
        char *lower = arena_alloc(in->builder->scratch, n + 1);
        text = (struct str){lower, text_lower(text, lower, n)};
    }
    struct field_build *f = builder__field(in->builder, def, in->doc);
    bool is_new, is_known = in->looked_up == def && in->looked_up_text.p == text.p &&
                            in->looked_up_text.n == text.n;
    builder__value_push(f, in->doc,
                        is_known ? in->looked_up_term : term_table_add(&f->terms, text, &is_new));
    f->pushed = text;
    return 0;
}

static int ip_take(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    uint8_t bytes[IP_BYTES];
    if (v->token != JSON_STRING || !ip_parse(v->text, bytes))
        return 1;
    struct field_build *f = builder__field(in->builder, def, in->doc);
    struct str key = {(const char *)bytes, sizeof(bytes)};
    bool is_new;
    memcpy(f->pushed_address, bytes, sizeof(bytes));
    builder__value_push(f, in->doc, term_table_add(&f->terms, key, &is_new));
    return 0;
}

/* ---- Numbers ---- */

/* 0: *ret_d is the value, 1: not a number, 2: empty text, which coercion reads as no value. */
static int number_f64(const struct field_def *def, const struct scalar *v, double *ret_d)
{
    switch (v->token) { /* NOLINT: the rest is no scalar */
    case JSON_INT:
        *ret_d = (double)v->i;
        return 0;
    case JSON_FLOAT:
    case JSON_BIG_INT:
        *ret_d = v->f;
        return 0;
    case JSON_STRING:
        if (!def->coerce)
            return 1;
        if (v->text.n == 0)
            return 2;
        return str_to_f64(str_trim(v->text), ret_d) ? 0 : 1;
    case JSON_END:
    case JSON_OBJECT_BEGIN:
    case JSON_OBJECT_END:
    case JSON_ARRAY_BEGIN:
    case JSON_ARRAY_END:
    case JSON_KEY:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
    case JSON_ERROR:
        break;
    }
    return 1;
}

static int long_take(struct ingest *in, const struct field_def *def, const struct scalar *v,
                     int64_t min, int64_t max)
{
    int64_t i = v->i;
    if (v->token != JSON_INT &&
        !(v->token == JSON_STRING && def->coerce && str_to_i64(v->text, &i))) {
        double d;
        int rc = number_f64(def, v, &d);
        if (rc == 2)
            return 0;
        /* 9.2e18: the largest doubles that surely fit. A fraction is cut off when coercion is on.
         */
        if (rc == 1 || !(fabs(d) < 9.2e18) || (!def->coerce && trunc(d) != d))
            return 1;
        i = (int64_t)trunc(d);
    }
    if (i < min || i > max)
        return 1;
    builder__value_push(builder__field(in->builder, def, in->doc), in->doc, i);
    return 0;
}

static int unsigned_take(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    uint64_t u;
    if (v->token == JSON_STRING && v->text.n == 0 && def->coerce)
        return 0;
    if (v->token == JSON_TRUE || v->token == JSON_FALSE || !str_to_u64(v->text, &u)) {
        double d;
        if (number_f64(def, v, &d) != 0 || !(d >= 0 && d < 1.8e19) || trunc(d) != d)
            return 1;
        u = (uint64_t)d;
    }
    /* Biased by 2^63, so that the signed order is the unsigned one. */
    builder__value_push(builder__field(in->builder, def, in->doc), in->doc,
                        (int64_t)(u ^ (UINT64_C(1) << 63)));
    return 0;
}

static int double_take(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    double d;
    int rc = number_f64(def, v, &d);
    if (rc)
        return rc == 1;
    enum field_type type = def->pub.type;
    if (type == FIELD_FLOAT)
        d = (double)(float)d;
    else if (type == FIELD_HALF_FLOAT)
        d = half_round(d);
    else if (type == FIELD_SCALED_FLOAT)
        d = round(d * def->pub.scaling_factor) / def->pub.scaling_factor;
    if (!isfinite(d) || (type == FIELD_HALF_FLOAT && fabs(d) > 65504))
        return 1;
    double_push(builder__field(in->builder, def, in->doc), in->doc, d);
    return 0;
}

static int boolean_take(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    bool b = v->token == JSON_TRUE || (v->token == JSON_STRING && str_is(v->text, "true"));
    bool is_false = v->token == JSON_FALSE ||
                    (v->token == JSON_STRING && (v->text.n == 0 || str_is(v->text, "false")));
    if (!b && !is_false)
        return 1;
    builder__value_push(builder__field(in->builder, def, in->doc), in->doc, b);
    return 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int date_take(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    int64_t ns;
    if (v->token == JSON_TRUE || v->token == JSON_FALSE ||
        !date_format_parse(def->date, v->text, &ns))
        return 1;
    builder__value_push(builder__field(in->builder, def, in->doc), in->doc,
                        def->pub.type == FIELD_DATE ? floor_div(ns, NS_PER_MS) : ns);
    return 0;
}

int field_take(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    if (!def->pub.is_indexed && !def->pub.has_doc_values)
        return 0;
    switch (def->pub.type) {
    case FIELD_TEXT:
    case FIELD_MATCH_ONLY_TEXT:
        return text_take(in, def, v);
    case FIELD_KEYWORD:
    case FIELD_CONSTANT_KEYWORD:
    case FIELD_WILDCARD:
        return keyword_take(in, def, v);
    case FIELD_LONG:
        return long_take(in, def, v, INT64_MIN, INT64_MAX);
    case FIELD_INTEGER:
        return long_take(in, def, v, INT32_MIN, INT32_MAX);
    case FIELD_SHORT:
        return long_take(in, def, v, INT16_MIN, INT16_MAX);
    case FIELD_BYTE:
        return long_take(in, def, v, INT8_MIN, INT8_MAX);
    case FIELD_UNSIGNED_LONG:
        return unsigned_take(in, def, v);
    case FIELD_DOUBLE:
    case FIELD_FLOAT:
    case FIELD_HALF_FLOAT:
    case FIELD_SCALED_FLOAT:
        return double_take(in, def, v);
    case FIELD_BOOLEAN:
        return boolean_take(in, def, v);
    case FIELD_DATE:
    case FIELD_DATE_NANOS:
        return date_take(in, def, v);
    case FIELD_IP:
        return ip_take(in, def, v);
    case FIELD_BINARY:
        return v->token == JSON_STRING ? 0 : 1;
    case FIELD_ALIAS:
        return err_set(in->err, ERR_MAPPER_PARSING, "Cannot write to a field alias [" STR_FMT "].",
                       STR_ARG(def->pub.path));
    case FIELD_NONE:
    case FIELD_GEO_POINT:
    case FIELD_OBJECT:
    case FIELD_NESTED:
    case FIELD_FLATTENED:
    case FIELD_TYPE_COUNT:
        break;
    }
    return err_set(in->err, ERR_UNSUPPORTED,
                   "field type [%s] of field [" STR_FMT "] is not supported yet",
                   field_type_name(def->pub.type), STR_ARG(def->pub.path));
}

/* ---- A name's fields ---- */

static int misfit(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    return err_set(in->err, ERR_MAPPER_PARSING,
                   "failed to parse field [" STR_FMT "] of type [%s] in document with id '" STR_FMT
                   "'. Preview of field's value: '%.*s'",
                   STR_ARG(def->pub.path), field_type_name(def->pub.type), STR_ARG(in->id),
                   (int)MIN_OF(v->text.n, (size_t)PREVIEW_BYTES_MAX), v->text.p ? v->text.p : "");
}

static enum dynamic_kind kind_of(const struct scalar *v)
{
    return v->token == JSON_INT                              ? DYNAMIC_KIND_LONG
           : v->token == JSON_FLOAT                          ? DYNAMIC_KIND_DOUBLE
           : v->token == JSON_BIG_INT                        ? DYNAMIC_KIND_BIG
           : v->token == JSON_TRUE || v->token == JSON_FALSE ? DYNAMIC_KIND_BOOLEAN
                                                             : DYNAMIC_KIND_STRING;
}

static int multi_take(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    for (const struct field_def *m = def->multi; m; m = m->multi_next) {
        int rc = field_take(in, m, v);
        TRY(rc);
        if (rc == 1 && m->is_declared && !m->ignore_malformed)
            return misfit(in, m, v);
    }
    return 0;
}

static int copy_to(struct ingest *in, const struct field_def *def, const struct scalar *v)
{
    for (size_t i = 0; i < def->copy_to_count; i++) {
        const struct field *target = mapping_field(in->mapping, def->copy_to[i]);
        if (!target) {
            struct mapping_node *node;
            struct str path = def->copy_to[i];
            uint32_t parent = 0;
            for (ptrdiff_t dot; (dot = str_find_char(path, '.')) > 0;
                 path = str_from_off(path, (size_t)dot + 1)) {
                TRY(mapping_add_object(ingest_draft(in), parent, str_sub(path, 0, (size_t)dot),
                                       &node, in->err));
                parent = node->id;
            }
            TRY(mapping_add_dynamic(ingest_draft(in), parent, path, kind_of(v), v->text, &node,
                                    in->err));
            target = node->field ? &node->field->pub : NULL;
            if (!target)
                continue;
        }
        const struct field_def *to = field_def_of(target);
        int rc = field_take(in, to, v);
        TRY(rc);
        if (rc == 1 && to->is_declared && !to->ignore_malformed)
            return misfit(in, to, v);
        TRY(multi_take(in, to, v));
    }
    return 0;
}

int ingest_scalar(struct ingest *in, uint32_t node_id, const struct scalar *v)
{
    const struct field_def *first = in->mapping->nodes[node_id]->field;
    const struct field_def *def = first;
    int rc = 1;
    for (; def; def = def->variant_next) {
        rc = field_take(in, def, v);
        TRY(rc);
        if (rc == 0)
            break;
    }
    if (rc == 1 && first->ignore_malformed)
        return 0;
    if (rc == 1 && first->is_declared)
        return misfit(in, first, v);
    if (rc == 1) {
        /* Found dynamically and now of another kind: the name gets a second type, the document
         * stays. */
        struct field_def *variant;
        TRY(mapping_add_variant(ingest_draft(in), node_id, kind_of(v), &variant, in->err));
        rc = field_take(in, variant, v);
        TRY(rc);
        def = variant;
    }
    /* in->mapping may be another one now; `def` of the old one is still alive, ids are the same. */
    in->taken = def;
    TRY(multi_take(in, def, v));
    return def->copy_to_count ? copy_to(in, def, v) : 0;
}
