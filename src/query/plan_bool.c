/* SPDX-License-Identifier: Apache-2.0 */
/* plan_bool.c: plans made of plans. What can be folded is folded here, once per index, so that the
 * sets per segment are small: a required clause that matches nothing ends it, an excluded one that
 * matches nothing goes away. */
#include "base/buf.h"
#include "query/filter_plan.h"
#include "query/plan_int.h"

struct bool_plan {
    struct plan base;
    struct plan_bool clauses;
};

static struct docset **open_all(struct plan **plans, size_t count, struct plan_run *run,
                                bool needs_scores)
{
    struct docset **sets = ARENA_ARRAY(run->mem, struct docset *, count + 1);
    struct plan_run sub = *run;
    sub.needs_scores = needs_scores && run->needs_scores;
    for (size_t i = 0; i < count; i++)
        sets[i] = plan_open(plans[i], &sub);
    return sets;
}

static struct docset *bool_open(const struct plan *plan, struct plan_run *run)
{
    const struct plan_bool *own = &((const struct bool_plan *)plan)->clauses;
    struct bool_clauses clauses = {.must_count = own->must_count,
                                   .filter_count = own->filter_count,
                                   .should_count = own->should_count,
                                   .must_not_count = own->must_not_count,
                                   .should_min = own->should_min};
    clauses.must = open_all(own->must, own->must_count, run, true);
    clauses.filter = open_all(own->filter, own->filter_count, run, false);
    clauses.should = open_all(own->should, own->should_count, run, true);
    clauses.must_not = open_all(own->must_not, own->must_not_count, run, false);
    return docset_bool(&clauses, run->doc_count, run->needs_scores, run->mem);
}

static int64_t bool_count(const struct plan *plan, const struct searcher_part *part)
{
    const struct plan_bool *own = &((const struct bool_plan *)plan)->clauses;
    if (own->must_not_count || own->must_count + own->filter_count != 1 || own->should_min)
        return -1;
    return plan_count(own->must_count ? own->must[0] : own->filter[0], part);
}

/* Without scores must and filter are the same. */
static bool bool_key(const struct plan *plan, struct buf *key, struct arena *mem)
{
    const struct plan_bool *own = &((const struct bool_plan *)plan)->clauses;
    size_t required = own->must_count + own->filter_count;
    struct plan **all = ARENA_ARRAY(mem, struct plan *, required + 1);
    for (size_t i = 0; i < required; i++)
        all[i] = i < own->must_count ? own->must[i] : own->filter[i - own->must_count];
    filter_key_begin(key, 'b', NULL);
    buf_add_varint(key, own->should_min);
    return filter_key_plans(key, all, required, mem) &&
           filter_key_plans(key, own->should, own->should_min ? own->should_count : 0, mem) &&
           filter_key_plans(key, own->must_not, own->must_not_count, mem);
}

static const struct plan_ops bool_ops = {.name = "bool",
                                         .open = bool_open,
                                         .count = bool_count,
                                         .key = bool_key,
                                         .keep_uses = KEEP_USES_COMPOUND};

static size_t keep_plans(struct plan ***plans, size_t count, struct arena *mem)
{
    struct plan **kept = ARENA_ARRAY(mem, struct plan *, count + 1);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if ((*plans)[i])
            kept[n++] = (*plans)[i];
    }
    *plans = kept;
    return n;
}

struct plan *plan_bool(struct planner *planner, const struct plan_bool *clauses, float boost)
{
    for (size_t i = 0; i < clauses->must_count; i++) {
        if (!clauses->must[i])
            return NULL;
    }
    for (size_t i = 0; i < clauses->filter_count; i++) {
        if (!clauses->filter[i])
            return NULL;
    }
    struct plan_bool own = *clauses;
    own.should_count = keep_plans(&own.should, own.should_count, planner->mem);
    own.must_not_count = keep_plans(&own.must_not, own.must_not_count, planner->mem);
    if (own.should_min > own.should_count)
        return NULL;
    for (size_t i = 0; i < own.must_not_count; i++) {
        if (plan_is_all(own.must_not[i]))
            return NULL;
    }
    size_t required = own.must_count + own.filter_count;
    if (required == 1 && own.must_count == 1 && own.should_count == 0 && own.must_not_count == 0)
        return own.must[0];
    if (required == 0 && own.should_count == 1 && own.should_min == 1 && own.must_not_count == 0)
        return own.should[0];
    struct bool_plan *plan = plan__new(planner, &bool_ops, sizeof(*plan), boost);
    plan->clauses = own;
    return &plan->base;
}

struct list_plan {
    struct plan base;
    struct plan **plans;
    size_t count;
    float tie_breaker;
};

static struct docset *dis_max_open(const struct plan *plan, struct plan_run *run)
{
    const struct list_plan *own = (const struct list_plan *)plan;
    struct docset **sets = open_all(own->plans, own->count, run, true);
    return docset_dis_max(sets, own->count, own->tie_breaker, run->mem);
}

static bool dis_max_key(const struct plan *plan, struct buf *key, struct arena *mem)
{
    const struct list_plan *own = (const struct list_plan *)plan;
    filter_key_begin(key, 'm', NULL);
    return filter_key_plans(key, own->plans, own->count, mem);
}

static const struct plan_ops dis_max_ops = {
    .name = "dis_max", .open = dis_max_open, .key = dis_max_key, .keep_uses = KEEP_USES_COMPOUND};

struct plan *plan_dis_max(struct planner *planner, struct plan **plans, size_t count,
                          float tie_breaker, float boost)
{
    count = keep_plans(&plans, count, planner->mem);
    if (count <= 1)
        return count ? plans[0] : NULL;
    struct list_plan *own = plan__new(planner, &dis_max_ops, sizeof(*own), boost);
    own->plans = plans;
    own->count = count;
    own->tie_breaker = tie_breaker;
    return &own->base;
}

struct plan *plan_either(struct planner *planner, struct plan *a, struct plan *b, float boost)
{
    if (!a || !b)
        return a ? a : b;
    struct plan **plans = ARENA_ARRAY(planner->mem, struct plan *, 2);
    plans[0] = a;
    plans[1] = b;
    return plan_dis_max(planner, plans, 2, 0, boost);
}

struct constant_plan {
    struct plan base;
    struct plan *inner;
};

static struct docset *constant_open(const struct plan *plan, struct plan_run *run)
{
    const struct constant_plan *own = (const struct constant_plan *)plan;
    struct plan_run sub = *run;
    sub.needs_scores = false;
    struct docset *set = plan_open(own->inner, &sub);
    return run->needs_scores ? docset_constant(set, plan->boost, run->mem) : set;
}

static int64_t constant_count(const struct plan *plan, const struct searcher_part *part)
{
    return plan_count(((const struct constant_plan *)plan)->inner, part);
}

static bool constant_key(const struct plan *plan, struct buf *key, struct arena *mem)
{
    const struct plan *inner = ((const struct constant_plan *)plan)->inner;
    return inner->ops->key && inner->ops->key(inner, key, mem);
}

static const struct plan_ops constant_ops = {
    .name = "constant", .open = constant_open, .count = constant_count, .key = constant_key};

struct plan *plan_constant(struct planner *planner, struct plan *inner, float boost)
{
    if (!inner || !planner->needs_scores)
        return inner;
    struct constant_plan *own = plan__new(planner, &constant_ops, sizeof(*own), boost);
    own->inner = inner;
    return &own->base;
}
