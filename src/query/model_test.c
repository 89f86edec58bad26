/* SPDX-License-Identifier: Apache-2.0 */
/* The model: every query type and every aggregation of the tables, over random documents of random
 * mappings in several indices that are updated, deleted from, refreshed, merged and opened again,
 * against a naive walk over the same documents. Each document is written twice: into "all" and into
 * one of three parts, so that one index and three together must answer alike.
 *
 * A row of query_types.tbl, buckets.tbl or aggs.tbl that no oracle here (or in the test named
 * beside it) asks for fails. NARU_CASES sets how many questions are asked (2,000), NARU_SEED begins
 * with another world; a failure prints the seed of its world, which repeats it. */
#include "query/model_checks_test.h"

#include <stdlib.h>

#include "query/model_aggs_test.h"

#define ASKED  40u /* questions between two changes */
#define ROUNDS 5u  /* changes of a world */
#define CASES  2000u

static void ask_one(struct world *w)
{
    struct ask *ask = ask_draw(w, 0);
    struct found_set set = {.count = 0};
    for (uint32_t i = 0; i < w->doc_count; i++) {
        if (w->docs[i].is_live && holds(ask, &w->docs[i], i))
            set.ids[set.count++] = i;
    }
    switch (rng_below(w->rng, 6)) {
    case 0:
        check_totals(w, ask, &set);
        check_halves(w, ask, &set);
        break;
    case 1:
        check_scored(w, ask, &set);
        break;
    case 2:
        check_languages(w);
        check_sorted(w, ask, &set);
        break;
    default:
        check_agg(w, ask, &set);
        check_sorted(w, ask, &set);
        break;
    }
}

/* What a change of segments must not change. */
static void check_rearranged(struct world *w)
{
    struct str bodies[4], before[4];
    static const char *const rests[] = {
        "\"size\":100,\"sort\":\"i\"",
        "\"size\":0,\"aggs\":{\"k\":{\"terms\":{\"field\":\"k\",\"size\":99},\"aggs\":{\"f\":{"
        "\"stats\":{\"field\":\"f\"}}}}}",
        "\"size\":0,\"aggs\":{\"h\":{\"histogram\":{\"field\":\"n\",\"interval\":4}}}",
        "\"size\":100"};
    const char *indices = one_or_three(w);
    size_t count = w->has_deletes ? 3 : 4; /* dead documents count in scores until a merge */
    for (size_t i = 0; i < count; i++) {
        bodies[i] = print_body(w, ask_draw(w, 0), rests[i]);
        struct value tree = reply(&w->bed, indices, bodies[i].p);
        before[i] = json_of(&w->bed, i == 0 || i == 3 ? at_path(&tree, "hits/hits")
                                                      : at_path(&tree, "aggregations"));
    }
    switch (rng_below(w->rng, 3)) {
    case 0:
        for (size_t i = 0; i < 4; i++)
            assert_ok(engine_force_merge(w->bed.engine,
                                         str_from((const char *[]){"all", "p0", "p1", "p2"}[i]),
                                         1 + rng_below(w->rng, 2), &w->t->err),
                      &w->t->err);
        break;
    case 1:
        clock_fake_advance(&w->bed.clock, 2 * NS_PER_S);
        assert_ok(engine_tick(w->bed.engine, &w->t->err), &w->t->err);
        break;
    default:
        open_again(w);
        break;
    }
    for (size_t i = 0; i < count; i++) {
        struct value tree = reply(&w->bed, indices, bodies[i].p);
        struct str now = json_of(&w->bed, i == 0 || i == 3 ? at_path(&tree, "hits/hits")
                                                           : at_path(&tree, "aggregations"));
        if (!str_eq(now, before[i]))
            fail_msg("NARU_SEED=%llu: " STR_FMT "\nwas " STR_FMT "\nis  " STR_FMT,
                     (unsigned long long)w->seed, STR_ARG(bodies[i]), STR_ARG(before[i]),
                     STR_ARG(now));
    }
}

static uint64_t from_environment(const char *name, uint64_t dflt)
{
    uint64_t v;
    const char *text = getenv(name);
    return text && str_to_u64(str_from(text), &v) ? v : dflt;
}

static void searches_agree_with_the_model(struct test *t)
{
    uint64_t cases = from_environment("NARU_CASES", CASES), done = 0, asked = 0;
    uint64_t seed = from_environment("NARU_SEED", 1);
    struct world *w = MEM_NEW(struct world);
    struct arena *mem = t->mem;
    print_message("worlds from NARU_SEED=%llu\n", (unsigned long long)seed);
    for (; done < cases; seed++, done += asked) {
        t->mem = arena_new(0);
        world_init(w, t, seed);
        asked = 0;
        for (unsigned round = 0; round < ROUNDS; round++) {
            change(w);
            for (unsigned i = 0; i < ASKED; i++, asked++)
                ask_one(w);
            check_rearranged(w);
        }
        bed_deinit(&w->bed);
        arena_free(t->mem);
    }
    t->mem = mem;
    mem_free(w);
    all_units_were_met(query_units, ARRAY_COUNT(query_units), met_queries);
    all_units_were_met(agg_units, ARRAY_COUNT(agg_units), met_aggs);
    print_message("%llu questions agree with the model\n", (unsigned long long)done);
}

TEST_MAIN(TEST(searches_agree_with_the_model))
