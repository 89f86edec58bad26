/* SPDX-License-Identifier: Apache-2.0 */
/* doc_place_test.c: the current document of an id is found wherever it is, and can be made dead
 * there. One thread, so no lock is taken. */
#include "index/doc_place.h"
#include "support/store.h"

#include "base/bits.h"

/* Looked up once: at a refresh's cut it is locked, and the engine's lock comes before. */
static struct lane *lane;

static void begin(struct store *s, struct test *t)
{
    store_begin(s, t);
    lane = &store_index(s, "i")->lanes[0];
}

static struct doc_place find(const char *id)
{
    struct doc_place place;
    doc_place_find(lane, str_from(id), &place);
    return place;
}

/* Writes the document so often; its source says how often. */
static void put(struct store *s, const char *id, int versions)
{
    for (int i = 1; i <= versions; i++)
        (void)store_put(s, "i", str_from(id),
                        arena_printf(s->t->mem, "{\"n\":%d,\"of\":\"%s\"}", i, id));
}

static void is_empty(struct store *s, const struct doc_place *place)
{
    struct str source, routing;
    assert_ok(doc_place_source(place, s->t->mem, &source, &routing, NULL), NULL);
    assert_true(!source.p && !routing.p);
    assert_true(!place->is_found && !place->builder && !place->slot);
}

enum where { BUILDER, SEALING, MEMORY, A_FILE };

static void is_found(struct store *s, const char *id, enum where where, int version)
{
    struct test *t = s->t;
    struct doc_place place = find(id);
    struct str source, routing;
    assert_ok(doc_place_source(&place, t->mem, &source, &routing, &t->err), &t->err);
    assert_strs_eq(source, arena_printf(t->mem, "{\"n\":%d,\"of\":\"%s\"}", version, id));
    assert_true(place.is_found && place.is_known);
    assert_int_equal(place.version, version);
    assert_ptr_equal(place.builder, where == BUILDER   ? lane->builder
                                    : where == SEALING ? lane->sealing
                                                       : NULL);
    assert_int_equal(place.slot != NULL, where >= MEMORY);
    assert_true(!place.slot || (place.slot->number != 0) == (where == A_FILE));
    doc_place_deinit(&place);
}

static void is_nowhere(struct store *s, const char *id)
{
    struct doc_place place = find(id);
    assert_false(place.is_known);
    is_empty(s, &place);
    doc_place_deinit(&place);
}

static void kill_it(struct store *s, const char *id)
{
    struct doc_place place = find(id);
    doc_place_kill(lane, str_from(id), &place);
    doc_place_deinit(&place);
    is_nowhere(s, id);
}

/* At the cut of a refresh, when builders are being sealed. */
static void at_cut(struct index *index, void *arg)
{
    struct store *s = arg;
    assert_non_null(index->lanes[0].sealing);
    is_found(s, "3", SEALING, 4);
    is_found(s, "1", A_FILE, 2);
    is_found(s, "2", MEMORY, 3);
    is_nowhere(s, "4");
    kill_it(s, "sealed dead");
}

static void finds_and_kills_everywhere(struct test *t)
{
    struct store s;
    begin(&s, t);
    put(&s, "1", 2);
    put(&s, "dead file", 1);
    assert_ok(engine_flush(s.engine, STR("i"), &t->err), &t->err);
    put(&s, "2", 3);
    put(&s, "dead memory", 1);
    assert_ok(engine_refresh(s.engine, STR("i"), &t->err), &t->err);
    put(&s, "3", 4);
    put(&s, "dead builder", 1);
    put(&s, "sealed dead", 1);
    is_found(&s, "3", BUILDER, 4);
    is_found(&s, "2", MEMORY, 3);
    is_found(&s, "1", A_FILE, 2);
    kill_it(&s, "dead builder");
    kill_it(&s, "dead memory");
    kill_it(&s, "dead file");
    kill_it(&s, "never there");
    struct index *index = store_index(&s, "i");
    for (size_t i = 0; i < 2; i++) {
        const struct slot *slot = index->set->slots[i];
        assert_int_equal(slot->live_count, 1);
        assert_int_equal(bitset_count(slot->live, BITSET_WORDS(slot->segment->doc_count)), 1);
        assert_true(slot->is_unpublished && slot->is_dirty);
    }
    mutex_lock(&index->seal_mu);
    assert_ok(index__seal(index, at_cut, &s, &t->err), &t->err);
    mutex_unlock(&index->seal_mu);
    is_found(&s, "3", MEMORY, 4);
    is_nowhere(&s, "sealed dead");
    store_deinit(&s);
}

/* Between looking and killing a merge moves the document: it is dead all the same. */
static void kills_what_a_merge_moved(struct test *t)
{
    struct store s;
    begin(&s, t);
    for (int i = 0; i < 3; i++) {
        put(&s, i == 1 ? "moved" : i ? "b" : "a", 1);
        assert_ok(engine_flush(s.engine, STR("i"), &t->err), &t->err);
    }
    struct doc_place place = find("moved");
    struct slot *old = place.slot;
    assert_ok(engine_force_merge(s.engine, STR("i"), 1, &t->err), &t->err);
    assert_true(old->is_retired);
    doc_place_kill(lane, STR("moved"), &place);
    assert_ptr_not_equal(place.slot, old);
    doc_place_deinit(&place);
    is_nowhere(&s, "moved");
    is_found(&s, "a", A_FILE, 1);
    is_found(&s, "b", A_FILE, 1);
    store_deinit(&s);
}

static void tombs_remember_the_last_delete(struct test *t)
{
    struct store s;
    begin(&s, t);
    lane__tomb_put(lane, STR("x"), 3, 10);
    lane__tomb_put(lane, STR("x"), 4, 12);
    struct doc_place place = find("x");
    is_empty(&s, &place);
    assert_true(place.is_known);
    assert_int_equal(place.version, 4);
    assert_int_equal(place.seq_no, 12);
    lane__tomb_drop(lane, STR("y"));
    lane__tomb_drop(lane, STR("x"));
    is_nowhere(&s, "x");
    lane__tomb_drop(lane, STR("x"));
    store_deinit(&s);
}

#define IDS 12u

/* The engine's writes against a table: what is found of every id after each of them. */
static void random_writes_are_found(struct test *t)
{
    struct {
        int64_t version, seq_no; /* 0: never written */
        struct str source;       /* p == NULL: deleted */
    } model[IDS] = {0};
    struct store s;
    begin(&s, t);
    for (uint32_t round = 0; round < 600; round++) {
        uint32_t k = (uint32_t)rng_below(&t->rng, IDS);
        bool is_delete = rng_below(&t->rng, 4) == 0;
        struct str id = arena_printf(t->mem, "%u", k);
        struct str source = is_delete ? STR_NONE : arena_printf(t->mem, "{\"round\":%u}", round);
        struct doc_result r = store_write(&s, is_delete ? DOC_DELETE : DOC_INDEX, "i", id, source);
        model[k].version++;
        model[k].seq_no = r.seq_no;
        model[k].source = source;
        int rc = 0;
        switch (rng_below(&t->rng, 12)) {
        case 0:
        case 1:
            rc = engine_refresh(s.engine, STR("i"), &t->err);
            break;
        case 2:
            rc = engine_flush(s.engine, STR("i"), &t->err);
            break;
        case 3:
            rc = engine_force_merge(s.engine, STR("i"), 1, &t->err);
            break;
        default:
            break;
        }
        assert_ok(rc, &t->err);
        for (uint32_t i = 0; i < IDS; i++) {
            struct doc_place place = find(arena_printf(t->mem, "%u", i).p);
            struct str found, routing;
            assert_ok(doc_place_source(&place, t->mem, &found, &routing, &t->err), &t->err);
            assert_int_equal(place.is_known, model[i].version > 0);
            assert_int_equal(place.is_found, model[i].source.p != NULL);
            assert_strs_eq(found, model[i].source);
            assert_int_equal(place.version, model[i].version);
            assert_int_equal(place.seq_no, model[i].seq_no);
            doc_place_deinit(&place);
        }
    }
    store_deinit(&s);
}

TEST_MAIN(TEST(finds_and_kills_everywhere), TEST(kills_what_a_merge_moved),
          TEST(tombs_remember_the_last_delete), TEST(random_writes_are_found))
